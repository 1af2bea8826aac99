//! Keeping reasons for refunds.

use async_trait::async_trait;
use tillbox_core::id::RefundReasonId;

use super::super::sql::{Dialect, reasons};
use super::super::{Listed, Reasons, RefundReason, RefundReasonFilter, StoreError, Wanted};
use super::{PostgresStore, read};

#[async_trait]
impl Reasons for PostgresStore {
    async fn seed_refund_reasons(&self, seeds: Vec<RefundReason>) -> Result<(), StoreError> {
        let seeded = read::one(&self.connections, read::query("meta", reasons::SEEDED, Vec::new())).await?;
        if !seeded.is_empty() {
            return Ok(());
        }
        match self.written(reasons::seed(&seeds)).await {
            // Another host was faster.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    async fn refund_reasons(&self, ids: Vec<RefundReasonId>) -> Result<Vec<RefundReason>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.found(reasons::by_ids(&ids), reasons::read).await?.items)
    }

    async fn find_refund_reasons(
        &self,
        wanted: Wanted<RefundReasonFilter>,
    ) -> Result<Listed<RefundReason>, StoreError> {
        self.found(reasons::find(&wanted, Dialect::Postgres), reasons::read).await
    }
}
