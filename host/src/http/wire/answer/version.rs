//! Versions of providers, and components that were brought. No value of a setting and no secret is in them.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::ProviderId;

use crate::http::wire::parts::{IdOf, Name, Time, optional_time, time};
use crate::service::{KeptComponent, PermissionChange, PermissionKind, Permissions, ProviderVersion};
use crate::store::VersionState;

/// What a version may do. Nothing that is not here is given.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct PermissionsAnswer {
    interfaces: Vec<String>,
    /// Each in full: scheme, host, port, methods, paths.
    hosts: Vec<String>,
    /// Each in full: where its value comes from and where it may go.
    secrets: Vec<String>,
    /// Names.
    settings: Vec<String>,
    /// Of one call.
    memory_bytes: u64,
    /// At once.
    calls_max: u32,
}

impl From<&Permissions> for PermissionsAnswer {
    fn from(permissions: &Permissions) -> Self {
        Self {
            interfaces: permissions.interfaces.clone(),
            hosts: permissions.hosts.clone(),
            secrets: permissions.secrets.clone(),
            settings: permissions.settings.clone(),
            memory_bytes: permissions.memory_bytes,
            calls_max: permissions.calls_max,
        }
    }
}

/// One difference to what was approved.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct PermissionChangeAnswer {
    kind: Name<PermissionKind>,
    /// Whether it may do more than before.
    widens: bool,
    words: String,
}

impl From<&PermissionChange> for PermissionChangeAnswer {
    fn from(change: &PermissionChange) -> Self {
        Self { kind: change.kind.into(), widens: change.widens, words: change.words.clone() }
    }
}

/// A version of a provider.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ProviderVersionAnswer {
    provider_id: IdOf<ProviderId>,
    /// The number of the installation, from 1.
    number: u32,
    state: Name<VersionState>,
    /// SHA-256 of the component.
    component: String,
    identifier: String,
    /// As the component says.
    version: String,
    minimum_version: Option<String>,
    permissions: PermissionsAnswer,
    /// What of it differs from what serves, and so waits for an approval.
    changes: Vec<PermissionChangeAnswer>,
    proposed_by: String,
    approved_by: Option<String>,
    created_at: Time,
    approved_at: Option<Time>,
    served_from: Option<Time>,
    served_until: Option<Time>,
    /// Why this host cannot run it, where it should; what served before goes on.
    trouble: Option<String>,
}

impl From<&ProviderVersion> for ProviderVersionAnswer {
    fn from(version: &ProviderVersion) -> Self {
        Self {
            provider_id: (&version.provider).into(),
            number: version.number,
            state: version.state.into(),
            component: version.digest.to_string(),
            identifier: version.identifier.clone(),
            version: version.version.clone(),
            minimum_version: version.minimum_version.clone(),
            permissions: (&version.permissions).into(),
            changes: version.changes.iter().map(Into::into).collect(),
            proposed_by: version.proposed_by.clone(),
            approved_by: version.approved_by.clone(),
            created_at: time(version.created_at),
            approved_at: optional_time(version.approved_at),
            served_from: optional_time(version.served_from),
            served_until: optional_time(version.served_until),
            trouble: version.trouble.clone(),
        }
    }
}

/// A component that was brought and checked. Nothing serves by that.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ComponentAnswer {
    /// SHA-256 of its bytes, by which it is installed.
    component: String,
    size_bytes: u64,
    identifier: String,
    version: String,
    /// What it asks to be given.
    wants: PermissionsAnswer,
}

impl From<&KeptComponent> for ComponentAnswer {
    fn from(kept: &KeptComponent) -> Self {
        Self {
            component: kept.digest.to_string(),
            size_bytes: kept.size_bytes as u64,
            identifier: kept.identifier.clone(),
            version: kept.version.clone(),
            wants: (&kept.wants).into(),
        }
    }
}
