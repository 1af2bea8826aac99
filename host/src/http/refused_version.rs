//! Why a version of a provider is not installed or moved, as its operator is told.
//!
//! It decides nothing: what was sent is at fault, or the state forbids it.

use axum::http::StatusCode;

use super::problem::Problem;
use crate::service::VersionRefusal;

impl Problem {
    /// A version of a provider that is not installed or moved.
    pub(super) fn of_version(refusal: &VersionRefusal, message: String) -> Self {
        let (status, kind) = match refusal {
            VersionRefusal::NoRuntime | VersionRefusal::NotInstalled { .. } => (StatusCode::BAD_REQUEST, "not_allowed"),
            refusal if refusal.is_input() => (StatusCode::UNPROCESSABLE_ENTITY, "version_refused"),
            VersionRefusal::Installed { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "duplicate_error"),
            VersionRefusal::Component(_)
            | VersionRefusal::Grants(_)
            | VersionRefusal::Digest { .. }
            | VersionRefusal::UnknownComponent { .. }
            | VersionRefusal::Identifier { .. }
            | VersionRefusal::Downgrade { .. }
            | VersionRefusal::Unloadable { .. }
            | VersionRefusal::NothingProposed { .. }
            | VersionRefusal::NothingEarlier { .. }
            | VersionRefusal::State { .. }
            | VersionRefusal::InUse { .. } => (StatusCode::BAD_REQUEST, "not_allowed"),
        };
        Self::new(status, kind, refusal.code(), message)
    }
}
