//! Installed providers, as the service and its callers see them.

use std::sync::Arc;

use tillbox_core::command::Abilities;
use tillbox_core::id::ProviderId;
use tillbox_runtime::{Provider, ProviderInfo};

use super::{Error, Host};

/// A provider that is installed.
#[derive(Debug, Clone)]
pub struct InstalledProvider {
    /// Its id.
    pub id: ProviderId,
    /// Whether new sessions may use it.
    pub is_enabled: bool,
    /// What it says of itself.
    pub info: ProviderInfo,
}

impl Host {
    /// Every installed provider, by id.
    #[must_use]
    pub fn providers(&self) -> Vec<InstalledProvider> {
        let installed = self.inner.providers.iter();
        installed
            .map(|(id, provider)| InstalledProvider { id: id.clone(), is_enabled: true, info: provider.info().clone() })
            .collect()
    }

    pub(super) fn provider(&self, id: &ProviderId) -> Result<Arc<dyn Provider>, Error> {
        self.inner.providers.get(id).cloned().ok_or_else(|| Error::UnknownProvider {
            id: id.to_string(),
            installed: self.inner.providers.keys().map(ToString::to_string).collect(),
        })
    }
}

/// What of a provider's declaration a decision depends on.
pub(super) fn abilities(info: &ProviderInfo) -> Abilities {
    let declared = info.capabilities;
    Abilities {
        partial_capture: declared.partial_capture,
        multiple_captures: declared.multiple_captures,
        partial_refund: declared.partial_refund,
        multiple_refunds: declared.multiple_refunds,
        update_amount: declared.update_amount,
        cancel_authorized: declared.cancel_authorized,
    }
}
