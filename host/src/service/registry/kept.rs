//! Versions as they are kept with the key of the request that asked for them, and given again.

use serde_json::{Value, json};
use tillbox_core::id::ProviderId;
use tillbox_core::{ComponentDigest, Timestamp};

use super::super::idempotency::Plain;
use super::{PermissionChange, PermissionKind, Permissions, ProviderVersion};
use crate::store::VersionState;

fn texts(kept: &Value) -> Option<Vec<String>> {
    kept.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

fn owned(kept: &Value) -> Option<String> {
    kept.as_str().map(str::to_owned)
}

fn time(kept: &Value) -> Option<Timestamp> {
    kept.as_i64().map(Timestamp)
}

impl Plain for Permissions {
    fn to_kept(&self) -> Value {
        json!({
            "interfaces": self.interfaces, "hosts": self.hosts, "secrets": self.secrets, "settings": self.settings,
            "memory_bytes": self.memory_bytes, "calls_max": self.calls_max,
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            interfaces: texts(&kept["interfaces"])?,
            hosts: texts(&kept["hosts"])?,
            secrets: texts(&kept["secrets"])?,
            settings: texts(&kept["settings"])?,
            memory_bytes: kept["memory_bytes"].as_u64()?,
            calls_max: u32::try_from(kept["calls_max"].as_u64()?).ok()?,
        })
    }
}

impl Plain for PermissionChange {
    fn to_kept(&self) -> Value {
        json!({ "kind": self.kind.as_str(), "widens": self.widens, "words": self.words })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            kind: PermissionKind::parse(kept["kind"].as_str()?)?,
            widens: kept["widens"].as_bool()?,
            words: owned(&kept["words"])?,
        })
    }
}

impl Plain for ProviderVersion {
    fn to_kept(&self) -> Value {
        json!({
            "provider": self.provider.as_str(), "number": self.number, "digest": self.digest.to_string(),
            "identifier": self.identifier, "version": self.version, "minimum_version": self.minimum_version,
            "state": self.state.as_str(), "permissions": self.permissions.to_kept(), "changes": self.changes.to_kept(),
            "proposed_by": self.proposed_by, "approved_by": self.approved_by, "created_at": self.created_at.0,
            "approved_at": self.approved_at.map(|at| at.0), "served_from": self.served_from.map(|at| at.0),
            "served_until": self.served_until.map(|at| at.0), "trouble": self.trouble,
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            provider: ProviderId::parse(kept["provider"].as_str()?).ok()?,
            number: u32::try_from(kept["number"].as_u64()?).ok()?,
            digest: ComponentDigest::parse(kept["digest"].as_str()?)?,
            identifier: owned(&kept["identifier"])?,
            version: owned(&kept["version"])?,
            minimum_version: owned(&kept["minimum_version"]),
            state: VersionState::parse(kept["state"].as_str()?)?,
            permissions: Permissions::from_kept(&kept["permissions"])?,
            changes: Vec::from_kept(&kept["changes"])?,
            proposed_by: owned(&kept["proposed_by"])?,
            approved_by: owned(&kept["approved_by"]),
            created_at: time(&kept["created_at"])?,
            approved_at: time(&kept["approved_at"]),
            served_from: time(&kept["served_from"]),
            served_until: time(&kept["served_until"]),
            trouble: owned(&kept["trouble"]),
        })
    }
}
