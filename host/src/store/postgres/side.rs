//! Changes beside the collections in PostgreSQL, each in one transaction with its key.

use async_trait::async_trait;

use super::super::sql::side;
use super::{PostgresStore, StoreError};
use crate::store::{KeyWrite, SideChange, SideStore};

#[async_trait]
impl SideStore for PostgresStore {
    async fn write_side(&self, change: SideChange, key: Option<KeyWrite>) -> Result<(), StoreError> {
        if matches!(change, SideChange::AddSubscriber(_)) {
            // What was written before has its number first, so that the new subscriber does not hear of it.
            while self.number_events().await? {}
        }
        self.written(side::write(&change, key.as_ref())).await
    }
}
