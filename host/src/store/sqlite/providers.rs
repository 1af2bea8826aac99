//! Keeping providers and the regions they serve.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;

use super::super::sql::{Value, providers};
use super::super::{Admission, KeptProvider, Providers, StoreError};
use super::{SqliteStore, read};

#[async_trait]
impl Providers for SqliteStore {
    async fn register_providers(&self, ids: Vec<ProviderId>, at: Timestamp) -> Result<(), StoreError> {
        let known = self.kept_providers().await?;
        let new: Vec<ProviderId> = ids.into_iter().filter(|id| known.iter().all(|known| known.id != *id)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.writer.commit(providers::register(&new, at)).await
    }

    async fn kept_providers(&self) -> Result<Vec<KeptProvider>, StoreError> {
        let values = Vec::new();
        let found = self.read(move |connection| read::rows(connection, "provider", providers::ALL, values)).await?;
        found.iter().map(providers::read).collect()
    }

    async fn admission(&self, id: ProviderId, region: Option<String>) -> Result<Option<Admission>, StoreError> {
        let values: Vec<Value> = vec![region.into(), id.as_str().into()];
        let found =
            self.read(move |connection| read::rows(connection, "provider", providers::ADMISSION, values)).await?;
        found.first().map(providers::admission).transpose()
    }

    async fn region_providers(&self, region: String) -> Result<Vec<ProviderId>, StoreError> {
        let values = vec![region.into()];
        let found = self
            .read(move |connection| read::rows(connection, "region_payment_provider", providers::OF_REGION, values))
            .await?;
        found.iter().map(providers::id).collect()
    }
}
