//! Changes beside the collections in the embedded store, each in one transaction with its key.

use async_trait::async_trait;

use super::super::sql::side;
use super::{SqliteStore, StoreError};
use crate::store::{KeyWrite, SideChange, SideStore};

#[async_trait]
impl SideStore for SqliteStore {
    async fn write_side(&self, change: SideChange, key: Option<KeyWrite>) -> Result<(), StoreError> {
        self.writer.commit(side::write(&change, key.as_ref())).await
    }
}
