//! Providers, as the service and its callers see them: installed or not, switched on or off, serving a region or not.
//!
//! Switching one off, or taking it away, only keeps new sessions from it; what it holds already goes on.

use std::sync::Arc;

use tillbox_core::Timestamp;
use tillbox_core::command::Abilities;
use tillbox_core::id::ProviderId;
use tillbox_runtime::request::Environment;
use tillbox_runtime::{Inspection, Provider, ProviderInfo};

use super::list::{bounded, few};
use super::measured::{Measured, ProviderHealth};
use super::{Error, Host};
use crate::store::{Condition, Listed, Operand, Page, SideChange, StoreError};

/// Bytes of a region's id: longer than any shop's.
pub const REGION_ID_BYTES_MAX: usize = 255;

/// A provider that is installed.
#[derive(Debug, Clone)]
pub struct InstalledProvider {
    /// Its id.
    pub id: ProviderId,
    /// What it says of itself.
    pub info: ProviderInfo,
}

/// A provider that is installed or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentProvider {
    /// Its id.
    pub id: ProviderId,
    /// Whether new sessions may use it: it is installed and switched on.
    pub is_enabled: bool,
    /// Whether it is installed in this host.
    pub is_installed: bool,
    /// When it was first installed.
    pub created_at: Timestamp,
    /// When it was last switched on or off.
    pub updated_at: Timestamp,
}

/// A provider with everything that is known of it.
#[derive(Debug, Clone)]
pub struct ProviderDetails {
    /// What the books have.
    pub provider: PaymentProvider,
    /// What it is told: whether real money moves.
    pub environment: Environment,
    /// Milliseconds a call of it may take.
    pub deadline_ms: u32,
    /// The number of the version that serves here; nothing where it was given to the host at its start.
    pub version: Option<u32>,
    /// What the check of its component found, and what it was granted; nothing for a native provider, or one that is not
    /// installed here.
    pub inspection: Option<Inspection>,
    /// How it has done since this host started; nothing when it is not installed here.
    pub health: Option<ProviderHealth>,
}

/// Which providers. Empty lists and absent values want any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderFilter {
    /// Any of these.
    pub ids: Vec<ProviderId>,
    /// Enabled, or not.
    pub is_enabled: Option<bool>,
    /// Serving this region: on its list, or any where it has none.
    pub region: Option<String>,
    /// And what else is wanted.
    pub condition: Condition<ProviderField>,
    /// The last id first.
    pub descending: bool,
}

/// What providers are filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderField {
    /// Its id.
    Id,
    /// Whether new sessions may use it. One that is not holds nothing.
    IsEnabled,
}

impl PaymentProvider {
    fn field(&self, field: ProviderField) -> Option<Operand> {
        match field {
            ProviderField::Id => Some(Operand::Text(self.id.to_string())),
            ProviderField::IsEnabled => self.is_enabled.then_some(Operand::Number(1)),
        }
    }
}

impl Host {
    /// Every installed provider, by id.
    #[must_use]
    pub fn providers(&self) -> Vec<InstalledProvider> {
        let installed = self.inner.registry.all().into_iter();
        installed.map(|(id, provider)| InstalledProvider { id, info: provider.info().clone() }).collect()
    }

    /// How an installed provider has done since this host started.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not installed here.
    pub fn provider_health(&self, id: &ProviderId) -> Result<ProviderHealth, Error> {
        self.inner.registry.serving(id).map(|provider| provider.health()).ok_or_else(|| not_found(id))
    }

    /// Providers that break in call after call and are not called for a while, by id.
    #[must_use]
    pub fn tripped_providers(&self) -> Vec<ProviderId> {
        let serving = self.inner.registry.all().into_iter();
        serving.filter(|(_, provider)| provider.refuses().is_some()).map(|(id, _)| id).collect()
    }

    /// Everything that is known of a provider that is installed or was.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was never installed, [`Error::Store`].
    pub async fn provider_details(&self, id: &ProviderId) -> Result<ProviderDetails, Error> {
        let provider = self.known_providers().await?.into_iter().find(|known| known.id == *id);
        let installed = self.inner.registry.serving(id);
        Ok(ProviderDetails {
            provider: provider.ok_or_else(|| not_found(id))?,
            environment: self.inner.environment,
            deadline_ms: self.inner.deadline_ms,
            version: installed.as_ref().and_then(|provider| provider.number()),
            inspection: installed.as_ref().and_then(|provider| provider.inspection()),
            health: installed.as_ref().map(|provider| provider.health()),
        })
    }

    /// Providers that are installed or were, by id.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn payment_providers(
        &self,
        filter: &ProviderFilter,
        page: Page,
    ) -> Result<Listed<PaymentProvider>, Error> {
        few("id", &filter.ids)?;
        let served = match &filter.region {
            Some(region) => self.region_providers(region).await?,
            None => Vec::new(),
        };
        bounded(&filter.condition)?;
        let mut wanted: Vec<PaymentProvider> = self
            .known_providers()
            .await?
            .into_iter()
            .filter(|known| filter.ids.is_empty() || filter.ids.contains(&known.id))
            .filter(|known| filter.is_enabled.is_none_or(|wanted| wanted == known.is_enabled))
            .filter(|known| served.is_empty() || served.contains(&known.id))
            .filter(|known| filter.condition.is_met(&|field| known.field(field)))
            .collect();
        if filter.descending {
            wanted.reverse();
        }
        let count = wanted.len() as u64;
        let items = wanted.into_iter().skip(page.offset as usize).take(page.limit.min(Page::LIMIT_MAX) as usize);
        Ok(Listed { items: items.collect(), count })
    }

    async fn known_providers(&self) -> Result<Vec<PaymentProvider>, Error> {
        let kept = self.inner.store.kept_providers().await?;
        let known = kept.into_iter().map(|kept| {
            let is_installed = self.inner.registry.contains(&kept.id);
            PaymentProvider {
                is_enabled: kept.is_enabled && is_installed,
                is_installed,
                id: kept.id,
                created_at: kept.created_at,
                updated_at: kept.updated_at,
            }
        });
        Ok(known.collect())
    }

    /// Switches a provider on or off. Off, it takes no new sessions; those it has, and its payments, go on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was never installed, [`Error::Store`].
    pub async fn switch_provider(&self, id: &ProviderId, is_enabled: bool) -> Result<PaymentProvider, Error> {
        let told = if is_enabled { "true" } else { "false" };
        let guard = self.guard("switch_provider", id.as_str(), |print| print.text("is_enabled", Some(told)));
        let work = async {
            let found = self.known_providers().await?.into_iter().find(|known| known.id == *id);
            let found = found.ok_or_else(|| not_found(id))?;
            let at = self.now();
            let is_used = is_enabled && found.is_installed;
            let switched = PaymentProvider { is_enabled: is_used, updated_at: at, ..found };
            let change = SideChange::SwitchProvider { id: id.clone(), is_enabled, at };
            match self.write_side(change, &guard, &switched).await? {
                true => Ok(switched),
                false => Err(not_found(id)),
            }
        };
        self.once_plain(&guard, work).await
    }

    /// Sets which providers serve a region, and answers those that do from now on. An empty list takes the limit away: every
    /// provider serves.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`] when one was never installed, [`Error::Store`].
    pub async fn set_region_providers(
        &self,
        region: &str,
        providers: &[ProviderId],
    ) -> Result<Vec<PaymentProvider>, Error> {
        check_region(region)?;
        few("payment_providers", providers)?;
        let guard = self.guard("set_region_providers", region, |print| {
            let mut ids: Vec<&str> = providers.iter().map(ProviderId::as_str).collect();
            ids.sort_unstable();
            print.text("payment_providers", Some(&ids.join(" ")))
        });
        let work = async {
            let mut known = self.known_providers().await?;
            if let Some(unknown) = providers.iter().find(|id| known.iter().all(|known| known.id != **id)) {
                return Err(not_found(unknown));
            }
            known.retain(|known| providers.is_empty() || providers.contains(&known.id));
            let change = SideChange::SetRegion { region: region.to_owned(), providers: providers.to_vec() };
            match self.write_side(change, &guard, &known).await? {
                true => Ok(known),
                false => Err(StoreError::Conflict.into()),
            }
        };
        self.once_plain(&guard, work).await
    }

    /// Which providers serve a region, by id; an empty list means every one.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn region_providers(&self, region: &str) -> Result<Vec<ProviderId>, Error> {
        check_region(region)?;
        Ok(self.inner.store.region_providers(region.to_owned()).await?)
    }

    /// Refuses a provider that takes no new sessions, in a region or at all.
    pub(super) async fn admit(&self, id: &ProviderId, region: Option<String>) -> Result<(), Error> {
        region.as_deref().map(check_region).transpose()?;
        let admission = self.inner.store.admission(id.clone(), region.clone()).await?;
        let admission = admission.ok_or_else(|| not_found(id))?;
        match (admission.is_enabled, admission.serves_region) {
            (true, true) => Ok(()),
            (true, false) => Err(Error::NotEnabled { provider: id.clone(), region }),
            (false, _) => Err(Error::NotEnabled { provider: id.clone(), region: None }),
        }
    }

    /// Writes down which providers are installed.
    pub(super) async fn register(&self) -> Result<(), Error> {
        let ids = self.inner.registry.ids();
        Ok(self.inner.store.register_providers(ids, self.now()).await?)
    }

    pub(super) fn provider(&self, id: &ProviderId) -> Result<Arc<dyn Provider>, Error> {
        Ok(self.serving(id)?)
    }

    /// What new operations take.
    pub(super) fn serving(&self, id: &ProviderId) -> Result<Arc<Measured>, Error> {
        self.inner.registry.serving(id).ok_or_else(|| Error::UnknownProvider {
            id: id.to_string(),
            installed: self.inner.registry.ids().iter().map(ToString::to_string).collect(),
        })
    }
}

fn check_region(region: &str) -> Result<(), Error> {
    match region.len() {
        1..=REGION_ID_BYTES_MAX => Ok(()),
        bytes => Err(Error::invalid("region_id", format!("{bytes} bytes, 1 to {REGION_ID_BYTES_MAX} are allowed"))),
    }
}

fn not_found(id: &ProviderId) -> Error {
    Error::NotFound { entity: "PaymentProvider", id: id.to_string() }
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
