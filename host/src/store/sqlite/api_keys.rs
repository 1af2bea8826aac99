//! API keys in the embedded store.

use async_trait::async_trait;
use tillbox_core::Timestamp;

use super::super::sql::api_keys;
use super::super::{ApiKeyId, ApiKeys, KeptApiKey, Listed, Page, StoreError};
use super::{SqliteStore, read};

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn add_api_key(&self, key: KeptApiKey) -> Result<(), StoreError> {
        self.writer.commit(vec![api_keys::add(&key)]).await
    }

    async fn replace_api_key(&self, id: ApiKeyId, ends_at: Timestamp, by: KeptApiKey) -> Result<(), StoreError> {
        self.writer.commit(api_keys::replace(&id, ends_at, &by)).await
    }

    async fn revoke_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        self.writer.commit(vec![api_keys::revoke(&id, at)]).await
    }

    async fn use_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        self.writer.commit(vec![api_keys::use_key(&id, at)]).await
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<KeptApiKey>, StoreError> {
        self.glance(move |connection| {
            let found = read::rows(connection, "api_key", api_keys::BY_ID, vec![id.as_str().into()])?;
            found.first().map(api_keys::read).transpose()
        })
        .await
    }

    async fn api_keys(&self, page: Page) -> Result<Listed<KeptApiKey>, StoreError> {
        self.found(api_keys::list(page), api_keys::read).await
    }
}
