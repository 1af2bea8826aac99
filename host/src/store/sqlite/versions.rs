//! Versions of providers and their components in the embedded store.

use async_trait::async_trait;
use tillbox_core::ComponentDigest;
use tillbox_core::id::ProviderId;

use super::super::sql::versions;
use super::super::{KeptVersion, StoreError, Versions};
use super::{SqliteStore, read};

#[async_trait]
impl Versions for SqliteStore {
    async fn keep_component(&self, digest: ComponentDigest, bytes: Vec<u8>) -> Result<(), StoreError> {
        for steps in versions::keep(digest, &bytes) {
            self.writer.commit(steps).await?;
        }
        Ok(())
    }

    async fn component(&self, digest: ComponentDigest) -> Result<Vec<u8>, StoreError> {
        let values = vec![digest.to_string().into()];
        let found = self.read(move |connection| read::rows(connection, "component", versions::PARTS, values)).await?;
        versions::whole(&found)
    }

    async fn provider_versions(&self) -> Result<Vec<KeptVersion>, StoreError> {
        let found =
            self.read(|connection| read::rows(connection, "provider_version", versions::ALL, Vec::new())).await?;
        found.iter().map(versions::read).collect()
    }

    async fn open_by_component(&self, provider: ProviderId) -> Result<Vec<(ComponentDigest, u64)>, StoreError> {
        let values = vec![provider.as_str().into()];
        let found = self.read(move |connection| read::rows(connection, "operation", versions::OPEN, values)).await?;
        found.iter().map(versions::open).collect()
    }
}
