//! Providers as the store keeps them: whether the merchant wants them used, and in which regions.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;

use super::{SideChange, SideStore, StoreError};

/// A provider that was installed at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptProvider {
    /// Its id.
    pub id: ProviderId,
    /// Whether the merchant wants it used.
    pub is_enabled: bool,
    /// When it was first installed.
    pub created_at: Timestamp,
    /// When it was last switched on or off.
    pub updated_at: Timestamp,
}

/// Whether a provider may be used, in a region or anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether the merchant wants it used at all.
    pub is_enabled: bool,
    /// Whether it serves the region: it is on the region's list, or the region has none.
    pub serves_region: bool,
}

/// Keeping providers.
#[async_trait]
pub trait Providers: SideStore {
    /// Writes down providers that are new here, enabled. Those that are known stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn register_providers(&self, ids: Vec<ProviderId>, at: Timestamp) -> Result<(), StoreError>;

    /// Switches a provider on or off; `false` when it was never installed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn switch_provider(&self, id: ProviderId, is_enabled: bool, at: Timestamp) -> Result<bool, StoreError> {
        match self.write_side(SideChange::SwitchProvider { id, is_enabled, at }, None).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Every provider that was ever installed, by id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn kept_providers(&self) -> Result<Vec<KeptProvider>, StoreError>;

    /// Whether a provider may be used; nothing when it was never installed. Without a region every one serves.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn admission(&self, id: ProviderId, region: Option<String>) -> Result<Option<Admission>, StoreError>;

    /// Sets the list of a region; an empty one takes the list away, and every provider serves.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], also when one of them was never installed.
    async fn set_region_providers(&self, region: String, providers: Vec<ProviderId>) -> Result<(), StoreError> {
        self.write_side(SideChange::SetRegion { region, providers }, None).await
    }

    /// The list of a region, by id; empty where it has none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn region_providers(&self, region: String) -> Result<Vec<ProviderId>, StoreError>;
}
