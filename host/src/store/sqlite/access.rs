//! Who may act on a collection, in the embedded store.

use async_trait::async_trait;
use tillbox_core::id::CollectionId;

use super::super::sql::access;
use super::super::{Accesses, CollectionAccess, StoreError};
use super::{SqliteStore, read};

#[async_trait]
impl Accesses for SqliteStore {
    async fn collection_access(&self, id: CollectionId) -> Result<CollectionAccess, StoreError> {
        self.glance(move |connection| {
            let values = vec![id.as_str().into()];
            access::read(read::rows(connection, "collection_access", access::OF_COLLECTION, values)?.first())
        })
        .await
    }

    async fn next_secret(&self, id: CollectionId) -> Result<(), StoreError> {
        self.writer.commit(vec![access::next_secret(&id)]).await
    }
}
