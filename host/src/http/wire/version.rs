//! Versions of providers: what an operator asks for. Grants are read as they are in a configuration, and a name that nobody
//! knows is refused: a typo must never widen access, nor look as if it had narrowed it.

use tillbox_core::ComponentDigest;
use tillbox_runtime::Grants;
use tillbox_runtime::limits::VERSION_BYTES_MAX;

use super::fields::{Fields, Input, Invalid};
use super::kind::{DIGEST, PROVIDER_TAIL, VERSION};
use crate::service::{ComponentSource, NewVersion, VERSIONS_MAX};

/// Hexadecimal digits of a digest.
const DIGEST_DIGITS: usize = 64;

/// Bytes of what stands behind a provider's identifier.
const TAIL_BYTES_MAX: usize = 64;

/// A version to be, without who asks for it.
#[derive(Debug)]
pub(in crate::http) struct UpgradeProvider {
    component: ComponentDigest,
    grants: Option<Grants>,
    minimum_version: Option<String>,
    approve: bool,
}

impl UpgradeProvider {
    pub(in crate::http) fn by(self, by: String) -> NewVersion {
        let Self { component, grants, minimum_version, approve } = self;
        NewVersion { grants, minimum_version, approve, ..NewVersion::new(ComponentSource::Kept(component), by) }
    }
}

/// POST /admin/payment-providers/{id}/upgrade
impl Input for UpgradeProvider {
    const EXAMPLE: &'static str = r#"{"component":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","grants":{"interfaces":["http"],"hosts":["api.gateway.example"]},"approve":true}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        let digits = fields.required_text_like("component", DIGEST, DIGEST_DIGITS..=DIGEST_DIGITS)?;
        let wrong = || Invalid::field("component", "must be a SHA-256 in 64 lower-case hexadecimal digits");
        let component = match ComponentDigest::parse(&digits) {
            Some(component) => component,
            // The document asks with nothing in hand.
            None if digits.is_empty() => ComponentDigest::from_bytes([0; 32]),
            None => return Err(wrong()),
        };
        let grants = fields.object("grants")?;
        let read = |text: &str| serde_json::from_str(text).map_err(|error| Invalid::field("grants", error.to_string()));
        Ok(Self {
            component,
            grants: grants.as_deref().map(read).transpose()?,
            minimum_version: fields.text_like("minimum_version", VERSION, 1..=VERSION_BYTES_MAX)?,
            approve: fields.truth("approve")?.unwrap_or(false),
        })
    }
}

/// POST /admin/payment-providers
#[derive(Debug)]
pub(in crate::http) struct InstallProvider {
    pub(in crate::http) id: String,
    pub(in crate::http) version: UpgradeProvider,
}

impl Input for InstallProvider {
    const EXAMPLE: &'static str =
        r#"{"id":"eu","component":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        let id = fields.required_text_like("id", PROVIDER_TAIL, 1..=TAIL_BYTES_MAX)?;
        Ok(Self { id, version: UpgradeProvider::read(fields)? })
    }
}

/// POST /admin/payment-providers/{id}/approve, and …/rollback: a version by its number.
#[derive(Debug)]
pub(in crate::http) struct NamedVersion {
    pub(in crate::http) version: Option<u32>,
}

impl Input for NamedVersion {
    const EXAMPLE: &'static str = r#"{"version":2}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { version: fields.count("version", 1..=VERSIONS_MAX)? })
    }
}
