//! Exchanges in the embedded store.

use async_trait::async_trait;
use tillbox_core::id::OperationId;

use super::super::sql::exchanges;
use super::read::rows;
use super::{SqliteStore, StoreError};
use crate::store::{ExchangeEnd, Exchanges, KeptExchange};

#[async_trait]
impl Exchanges for SqliteStore {
    async fn intend_exchange(&self, exchange: KeptExchange) -> Result<(), StoreError> {
        self.writer.commit(exchanges::intend(&exchange)).await
    }

    async fn end_exchange(
        &self,
        operation: OperationId,
        lease_token: u64,
        sequence: u32,
        end: ExchangeEnd,
    ) -> Result<(), StoreError> {
        self.writer.commit(vec![exchanges::end(&operation, lease_token, sequence, &end)]).await
    }

    async fn note_exchange(&self, exchange: KeptExchange) -> Result<(), StoreError> {
        self.writer.commit(vec![exchanges::note(&exchange)]).await
    }

    async fn exchanges(&self, operation: OperationId) -> Result<Vec<KeptExchange>, StoreError> {
        let values = vec![operation.as_str().into()];
        let found = self.read(move |connection| rows(connection, "exchange", exchanges::OF_OPERATION, values)).await?;
        found.iter().map(exchanges::read).collect()
    }
}
