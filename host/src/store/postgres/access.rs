//! Who may act on a collection, in PostgreSQL.

use async_trait::async_trait;
use tillbox_core::id::CollectionId;

use super::super::sql::access;
use super::super::{Accesses, CollectionAccess, StoreError};
use super::{PostgresStore, read};

#[async_trait]
impl Accesses for PostgresStore {
    async fn collection_access(&self, id: CollectionId) -> Result<CollectionAccess, StoreError> {
        let asked = read::query("collection_access", access::OF_COLLECTION, vec![id.as_str().into()]);
        access::read(read::one(&self.connections, asked).await?.first())
    }

    async fn next_secret(&self, id: CollectionId) -> Result<(), StoreError> {
        self.written(vec![access::next_secret(&id)]).await
    }
}
