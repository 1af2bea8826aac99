//! Figures of a PostgreSQL database.

use async_trait::async_trait;

use super::super::sql::figures;
use super::super::{Connections, Figures, Lag, OpenOperations, StoreError};
use super::PostgresStore;
use super::read::{one, query};
use crate::metrics::CommitMetrics;

#[async_trait]
impl Figures for PostgresStore {
    fn commit_metrics(&self) -> CommitMetrics {
        self.commits.clone()
    }

    fn connections(&self) -> Connections {
        self.connections.figures()
    }

    async fn open_operations(&self) -> Result<Vec<OpenOperations>, StoreError> {
        let found = one(&self.connections, query("operation", figures::OPEN_OPERATIONS, Vec::new())).await?;
        found.iter().map(figures::open_operations).collect()
    }

    async fn lags(&self) -> Result<Vec<Lag>, StoreError> {
        let found = one(&self.connections, query("subscriber", figures::LAGS, Vec::new())).await?;
        found.iter().map(figures::lag).collect()
    }

    async fn last_sequence(&self) -> Result<i64, StoreError> {
        figures::last_sequence(&one(&self.connections, query("outbox", figures::LAST_SEQUENCE, Vec::new())).await?)
    }
}
