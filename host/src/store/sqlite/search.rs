//! Lists on a reading connection.

use async_trait::async_trait;
use tillbox_core::id::{CaptureId, CollectionId, PaymentId, RefundId, SessionId};

use super::super::sql::{Dialect, Find, Row, decode, search};
use super::super::{
    CaptureFilter, CollectionFilter, Listed, PaymentFilter, RefundFilter, Search, SessionFilter, StoreError, Wanted,
};
use super::{SqliteStore, read};

impl SqliteStore {
    /// Both queries on one connection, in one snapshot.
    pub(super) async fn found<T: Send + 'static>(
        &self,
        find: Find,
        decode: impl Fn(&Row) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Listed<T>, StoreError> {
        self.read(move |connection| {
            let transaction = connection.unchecked_transaction().map_err(super::unavailable)?;
            let rows = read::rows(&transaction, find.table, &find.list, find.list_values)?;
            let count = read::rows(&transaction, find.table, &find.count, find.count_values)?;
            let count = count.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
            let items = rows.iter().map(decode).collect::<Result<_, _>>()?;
            Ok(Listed { items, count: u64::try_from(count).unwrap_or(0) })
        })
        .await
    }
}

#[async_trait]
impl Search for SqliteStore {
    async fn find_collections(&self, wanted: Wanted<CollectionFilter>) -> Result<Listed<CollectionId>, StoreError> {
        self.found(search::collections(&wanted, Dialect::Sqlite), decode::collection_id).await
    }

    async fn find_sessions(
        &self,
        wanted: Wanted<SessionFilter>,
    ) -> Result<Listed<(CollectionId, SessionId)>, StoreError> {
        self.found(search::sessions(&wanted, Dialect::Sqlite), |row| decode::part(row, SessionId::parse)).await
    }

    async fn find_payments(
        &self,
        wanted: Wanted<PaymentFilter>,
    ) -> Result<Listed<(CollectionId, PaymentId)>, StoreError> {
        self.found(search::payments(&wanted, Dialect::Sqlite), |row| decode::part(row, PaymentId::parse)).await
    }

    async fn find_captures(
        &self,
        wanted: Wanted<CaptureFilter>,
    ) -> Result<Listed<(CollectionId, CaptureId)>, StoreError> {
        self.found(search::captures(&wanted, Dialect::Sqlite), |row| decode::part(row, CaptureId::parse)).await
    }

    async fn find_refunds(&self, wanted: Wanted<RefundFilter>) -> Result<Listed<(CollectionId, RefundId)>, StoreError> {
        self.found(search::refunds(&wanted, Dialect::Sqlite), |row| decode::part(row, RefundId::parse)).await
    }
}
