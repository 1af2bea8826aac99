//! Which collection a cart has.

use async_trait::async_trait;
use tillbox_core::id::CollectionId;

use super::super::sql::decode;
use super::super::{Carts, StoreError};
use super::{PostgresStore, read};

#[async_trait]
impl Carts for PostgresStore {
    async fn cart_collection(&self, cart_id: String) -> Result<Option<CollectionId>, StoreError> {
        let query = read::query("cart_collection", decode::CART_COLLECTION, vec![cart_id.into()]);
        let found = read::one(&self.connections, query).await?;
        found.first().map(decode::collection_id).transpose()
    }
}
