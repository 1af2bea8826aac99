//! Which collection a cart has, on a reading connection.

use async_trait::async_trait;
use tillbox_core::id::CollectionId;

use super::super::sql::decode;
use super::super::{Carts, StoreError};
use super::{SqliteStore, read};

#[async_trait]
impl Carts for SqliteStore {
    async fn cart_collection(&self, cart_id: String) -> Result<Option<CollectionId>, StoreError> {
        let values = vec![cart_id.into()];
        let found = self
            .read(move |connection| read::rows(connection, "cart_collection", decode::CART_COLLECTION, values))
            .await?;
        found.first().map(decode::collection_id).transpose()
    }
}
