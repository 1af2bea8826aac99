//! Lists, each with its count from one snapshot.

use async_trait::async_trait;
use tillbox_core::id::{CaptureId, CollectionId, PaymentId, RefundId, SessionId};

use super::super::sql::{Dialect, Find, Row, decode, search};
use super::super::{
    CaptureFilter, CollectionFilter, Listed, PaymentFilter, RefundFilter, Search, SessionFilter, StoreError, Wanted,
};
use super::{PostgresStore, read};

impl PostgresStore {
    pub(super) async fn found<T>(
        &self,
        find: Find,
        decode: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Listed<T>, StoreError> {
        read::found(&self.connections, find, decode).await
    }
}

#[async_trait]
impl Search for PostgresStore {
    async fn find_collections(&self, wanted: Wanted<CollectionFilter>) -> Result<Listed<CollectionId>, StoreError> {
        self.found(search::collections(&wanted, Dialect::Postgres), decode::collection_id).await
    }

    async fn find_sessions(
        &self,
        wanted: Wanted<SessionFilter>,
    ) -> Result<Listed<(CollectionId, SessionId)>, StoreError> {
        self.found(search::sessions(&wanted, Dialect::Postgres), |row| decode::part(row, SessionId::parse)).await
    }

    async fn find_payments(
        &self,
        wanted: Wanted<PaymentFilter>,
    ) -> Result<Listed<(CollectionId, PaymentId)>, StoreError> {
        self.found(search::payments(&wanted, Dialect::Postgres), |row| decode::part(row, PaymentId::parse)).await
    }

    async fn find_captures(
        &self,
        wanted: Wanted<CaptureFilter>,
    ) -> Result<Listed<(CollectionId, CaptureId)>, StoreError> {
        self.found(search::captures(&wanted, Dialect::Postgres), |row| decode::part(row, CaptureId::parse)).await
    }

    async fn find_refunds(&self, wanted: Wanted<RefundFilter>) -> Result<Listed<(CollectionId, RefundId)>, StoreError> {
        self.found(search::refunds(&wanted, Dialect::Postgres), |row| decode::part(row, RefundId::parse)).await
    }
}
