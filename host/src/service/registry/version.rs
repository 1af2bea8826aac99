//! Versions of providers as callers of the service see them.

use tillbox_core::id::ProviderId;
use tillbox_core::{ComponentDigest, Timestamp};
use tillbox_runtime::Grants;

use super::permission::{PermissionChange, Permissions};
use crate::store::VersionState;

/// Where a component comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum ComponentSource {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It was brought before: by [`Host::keep_component`](crate::Host::keep_component), or with an earlier version.
    Kept(ComponentDigest),
}

/// Their number, not the bytes.
impl std::fmt::Debug for ComponentSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Kept(digest) => write!(f, "Kept({digest})"),
        }
    }
}

/// A version to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The component.
    pub component: ComponentSource,
    /// The digest it must have, where the operator was told one.
    pub digest: Option<ComponentDigest>,
    /// What it may do. Without it, what was approved before, and whatever else it wants; that then has to be approved.
    pub grants: Option<Grants>,
    /// The lowest version that upgrades may have from here on; without it, this version's own.
    pub minimum_version: Option<String>,
    /// Who asks for it, for the books.
    pub by: String,
    /// Whether whoever asks approves what it may do, too.
    pub approve: bool,
}

impl NewVersion {
    /// With nothing said but who asks.
    #[must_use]
    pub fn new(component: ComponentSource, by: impl Into<String>) -> Self {
        Self { component, digest: None, grants: None, minimum_version: None, by: by.into(), approve: false }
    }

    /// Approved by whoever asks.
    #[must_use]
    pub fn approved(self) -> Self {
        Self { approve: true, ..self }
    }
}

/// A version of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderVersion {
    /// Whose.
    pub provider: ProviderId,
    /// The number of the installation, from 1.
    pub number: u32,
    /// The component.
    pub digest: ComponentDigest,
    /// As the component says.
    pub identifier: String,
    /// As the component says.
    pub version: String,
    /// The lowest version that an upgrade may have from here, where the operator said one.
    pub minimum_version: Option<String>,
    /// How far it has come.
    pub state: VersionState,
    /// What it may do.
    pub permissions: Permissions,
    /// What of it differs from what serves now; empty once it was approved.
    pub changes: Vec<PermissionChange>,
    /// Who brought it.
    pub proposed_by: String,
    /// Who said that it may do this.
    pub approved_by: Option<String>,
    /// When it was brought.
    pub created_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// Since when it serves, or did when it last served.
    pub served_from: Option<Timestamp>,
    /// Until when it served.
    pub served_until: Option<Timestamp>,
    /// Why this host cannot run it, where it should; whatever it ran before goes on.
    pub trouble: Option<String>,
}

/// A component that was brought and checked, and not installed by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptComponent {
    /// What it is called by.
    pub digest: ComponentDigest,
    /// Its bytes.
    pub size_bytes: usize,
    /// Who it says it is.
    pub identifier: String,
    /// Its own version.
    pub version: String,
    /// What it wants to be given.
    pub wants: Permissions,
}
