//! Figures of the embedded store.

use async_trait::async_trait;

use super::super::sql::figures;
use super::super::{Connections, Figures, Lag, OpenOperations, StoreError};
use super::{READERS_MAX, Readers, SqliteStore, read};
use crate::metrics::CommitMetrics;

#[async_trait]
impl Figures for SqliteStore {
    fn commit_metrics(&self) -> CommitMetrics {
        self.writer.metrics()
    }

    /// The writer's, and those that read.
    fn connections(&self) -> Connections {
        let Readers::File { idle, places, .. } = &self.readers else {
            return Connections { most: 1, open: 1, ..Connections::default() };
        };
        let idle = idle.lock().expect("no holder panics").len();
        let busy = READERS_MAX - places.available_permits().min(READERS_MAX);
        Connections { most: READERS_MAX as u64 + 1, open: (idle + busy) as u64 + 1, idle: idle as u64, waiting: 0 }
    }

    async fn open_operations(&self) -> Result<Vec<OpenOperations>, StoreError> {
        let asked = |connection: &_| read::rows(connection, "operation", figures::OPEN_OPERATIONS, Vec::new());
        self.read(asked).await?.iter().map(figures::open_operations).collect()
    }

    async fn lags(&self) -> Result<Vec<Lag>, StoreError> {
        let asked = |connection: &_| read::rows(connection, "subscriber", figures::LAGS, Vec::new());
        self.read(asked).await?.iter().map(figures::lag).collect()
    }

    async fn last_sequence(&self) -> Result<i64, StoreError> {
        let asked = |connection: &_| read::rows(connection, "outbox", figures::LAST_SEQUENCE, Vec::new());
        figures::last_sequence(&self.read(asked).await?)
    }
}
