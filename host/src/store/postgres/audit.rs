//! The audit in PostgreSQL.

use async_trait::async_trait;

use super::super::sql::{Step, audit};
use super::super::{AuditDurability, AuditEnd, AuditEntry, AuditFilter, Audits, Listed, Page, StoreError};
use super::pipeline::{Pipeline, prepared};
use super::write::{self, BEGIN, timed};
use super::{Connections, PostgresStore};

/// The server answers before the row is on its disk. Its log is one sequence: whatever commits after this, on whichever
/// connection, and waits for the disk, has this on the disk too.
const LATER: &str = "set local synchronous_commit = off";

#[async_trait]
impl Audits for PostgresStore {
    async fn begin_audit(&self, entry: AuditEntry, durability: AuditDurability) -> Result<(), StoreError> {
        let step = audit::begin(&entry);
        match durability {
            AuditDurability::WithTheNext => with_the_next(&self.connections, &step).await,
            AuditDurability::Now => write::alone(&self.connections, &[step]).await,
        }
    }

    async fn end_audits(&self, ends: Vec<(String, AuditEnd)>) -> Result<(), StoreError> {
        let steps: Vec<Step> = ends.iter().map(audit::end).collect();
        write::alone(&self.connections, &steps).await
    }

    async fn audits(&self, filter: AuditFilter, page: Page) -> Result<Listed<AuditEntry>, StoreError> {
        self.found(audit::find(&filter, page), audit::read).await
    }
}

async fn with_the_next(connections: &Connections, step: &Step) -> Result<(), StoreError> {
    let client = connections.get().await?;
    let written = async {
        let statements = prepared(&client, &[step.sql]).await?;
        let mut pipeline = Pipeline::new(&client);
        pipeline.plain(BEGIN);
        pipeline.plain(LATER);
        pipeline.execute(&statements[0], &step.values);
        pipeline.plain("commit");
        pipeline.run().await.map(|_| ())
    };
    let answered = timed(connections.waits.answer_ms, written).await;
    if answered.is_err() {
        Connections::close(client);
    }
    answered.map_err(StoreError::from)
}
