//! The report of a check, as data: what `inspect` prints and an admin route answers.

use serde::Serialize;

use crate::info::{Capabilities, HostWanted, KeyMemory, Lookup, ProviderInfo, SecretWanted};

/// What is known of a component after its check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InspectReport {
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub digest_sha256: String,
    /// Bytes of the component.
    pub size_bytes: usize,
    /// The contract it speaks.
    pub contract_version: String,
    /// Who it says it is.
    pub identifier: String,
    /// For people.
    pub display_name: String,
    /// Its own version.
    pub version: String,
    /// Where operators read more.
    pub docs_url: Option<String>,
    /// Raw names of what it exports.
    pub exports: Vec<String>,
    /// Raw names of what it imports.
    pub imports: Vec<String>,
    /// Names the operator has to write in `interfaces = […]` for it to load.
    pub interfaces_wanted: Vec<String>,
    /// Hosts it wants.
    pub hosts_wanted: Vec<HostWanted>,
    /// Secrets it wants.
    pub secrets_wanted: Vec<SecretWanted>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// ISO 4217 codes it takes; empty means all.
    pub currencies: Vec<String>,
    /// How lost replies are recovered, one entry a declared kind.
    pub recovery: Vec<RecoveryReport>,
    /// The schema of its settings, as JSON text.
    pub settings_schema: String,
    /// What an operator should know before trusting it.
    pub warnings: Vec<String>,
    /// Milliseconds it took to compile, or to read from the cache.
    pub compile_ms: u64,
    /// Whether it came from the cache.
    pub from_cache: bool,
}

/// How one kind of operation is recovered, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecoveryReport {
    /// `capture`, `refund`, …
    pub operation: String,
    /// `none`, `forever`, or `86400 s`.
    pub keys: String,
    /// `none`, `strong`, or `within 60 s`.
    pub lookup: String,
}

/// The recovery declaration in words.
pub(crate) fn recovery(info: &ProviderInfo) -> Vec<RecoveryReport> {
    info.recovery
        .iter()
        .map(|(kind, recovery)| RecoveryReport {
            operation: kind.as_str().to_owned(),
            keys: match recovery.keys {
                KeyMemory::None => "none".to_owned(),
                KeyMemory::WindowSeconds(seconds) => format!("{seconds} s"),
                KeyMemory::Forever => "forever".to_owned(),
            },
            lookup: match recovery.lookup {
                Lookup::None => "none".to_owned(),
                Lookup::EventualSeconds(seconds) => format!("within {seconds} s"),
                Lookup::Strong => "strong".to_owned(),
            },
        })
        .collect()
}
