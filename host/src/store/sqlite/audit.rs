//! The audit in the embedded store.

use async_trait::async_trait;

use super::super::sql::audit;
use super::super::{AuditDurability, AuditEnd, AuditEntry, AuditFilter, Audits, Listed, Page, StoreError};
use super::SqliteStore;

#[async_trait]
impl Audits for SqliteStore {
    async fn begin_audit(&self, entry: AuditEntry, durability: AuditDurability) -> Result<(), StoreError> {
        let step = audit::begin(&entry);
        match durability {
            AuditDurability::WithTheNext => self.writer.with_the_next(step),
            AuditDurability::Now => self.writer.commit(vec![step]).await,
        }
    }

    async fn end_audits(&self, ends: Vec<(String, AuditEnd)>) -> Result<(), StoreError> {
        self.writer.commit(ends.iter().map(audit::end).collect()).await
    }

    async fn audits(&self, filter: AuditFilter, page: Page) -> Result<Listed<AuditEntry>, StoreError> {
        self.found(audit::find(&filter, page), audit::read).await
    }
}
