//! Versions of providers and their components in PostgreSQL.

use async_trait::async_trait;
use tillbox_core::ComponentDigest;
use tillbox_core::id::ProviderId;

use super::super::sql::versions;
use super::super::{KeptVersion, StoreError, Versions};
use super::{PostgresStore, read};

#[async_trait]
impl Versions for PostgresStore {
    async fn keep_component(&self, digest: ComponentDigest, bytes: Vec<u8>) -> Result<(), StoreError> {
        for steps in versions::keep(digest, &bytes) {
            self.written(steps).await?;
        }
        Ok(())
    }

    async fn component(&self, digest: ComponentDigest) -> Result<Vec<u8>, StoreError> {
        let values = vec![digest.to_string().into()];
        let found = read::one(&self.connections, read::query("component", versions::PARTS, values)).await?;
        versions::whole(&found)
    }

    async fn provider_versions(&self) -> Result<Vec<KeptVersion>, StoreError> {
        let asked = read::query("provider_version", versions::ALL, Vec::new());
        read::one(&self.connections, asked).await?.iter().map(versions::read).collect()
    }

    async fn open_by_component(&self, provider: ProviderId) -> Result<Vec<(ComponentDigest, u64)>, StoreError> {
        let asked = read::query("operation", versions::OPEN, vec![provider.as_str().into()]);
        read::one(&self.connections, asked).await?.iter().map(versions::open).collect()
    }
}
