//! The store for several hosts: one PostgreSQL database, a pool of connections from each host.
//!
//! The same statements as in the embedded store. An answer is given once the server has the change on its disk
//! (`synchronous_commit` is set on every connection), and when the answer of the server is lost on its way, the store looks
//! what became of the change and says that.

mod access;
mod address;
mod api_keys;
mod audit;
mod carts;
mod claims;
mod connections;
mod dispatch;
mod exchanges;
mod fault;
mod figures;
mod holders;
mod idempotency;
mod order;
mod pipeline;
mod providers;
mod read;
mod reasons;
mod schema;
mod scratch;
mod search;
mod side;
mod tls;
mod versions;
mod write;

use std::time::Instant;

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{ProviderId, SessionId};
use tillbox_core::operation::OperationState;

use super::sql::{Step, encode};
use super::{
    Change, DeliveryState, KeptDelivery, Key, Listed, OperationEntry, OutboxEvent, Page, Store, StoreError, Stored,
};
use crate::metrics::CommitMetrics;
use address::Address;
use connections::Connections;

pub use scratch::Scratch;

pub(super) use order::number_all;
pub(super) use pipeline::row;
pub(super) use schema::{HISTORY, tables};

/// How long to wait for what, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For a connection of the pool, made where needed: past this a request had better be refused than queued.
    pub queue_ms: u64,
    /// For one statement, enforced by the server. Ours take well under a millisecond.
    pub statement_ms: u64,
    /// For a row that another transaction holds, enforced by the server. Transactions take milliseconds.
    pub lock_ms: u64,
    /// For the next statement of a transaction, enforced by the server: a host that died in the middle of one must not hold
    /// its rows for long.
    pub idle_ms: u64,
    /// For the answers to a transaction, enforced here: a server or network that fell silent. Longer than the server's own
    /// limits, so that these speak first.
    pub answer_ms: u64,
    /// For the fate of a change whose `commit` was not answered. Longer than `idle_ms` and `lock_ms` together: by then the
    /// server has ended the transaction, whatever became of the connection.
    pub read_back_ms: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            queue_ms: 5_000,
            statement_ms: 10_000,
            lock_ms: 5_000,
            idle_ms: 10_000,
            answer_ms: 15_000,
            read_back_ms: 20_000,
        }
    }
}

/// A PostgreSQL database as the store.
pub struct PostgresStore {
    connections: Connections,
    commits: CommitMetrics,
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database` and brings its tables up to date. Hosts that start at once
    /// wait for each other.
    ///
    /// `sslmode` and `sslrootcert` mean what they mean to libpq. Without `sslmode` a server on this machine may speak in the
    /// clear; any other has to prove its name (`verify-full`).
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the URL cannot be used, or leads to another program's tables or those of a newer
    /// version; [`StoreError::Unavailable`] when there is no connection. Neither text holds the password.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Waits::default()).await
    }

    /// As [`PostgresStore::open`], with a patience of your own.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub async fn open_with(url: &str, waits: Waits) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        schema::prepare(&address).await?;
        let tls = tls::connector(&address.trust)?;
        Ok(Self { connections: Connections::new(address, tls, waits)?, commits: CommitMetrics::default() })
    }

    /// What a connection of the pool says of durability, in the server's own words, to be printed beside figures.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn durability(&self) -> Result<String, StoreError> {
        let client = self.connections.get().await?;
        let sql = "select current_setting('synchronous_commit'), current_setting('fsync')";
        let row = client.query_one(sql, &[]).await.map_err(|error| unavailable(&error))?;
        let (commit, fsync): (String, String) = (row.get(0), row.get(1));
        Ok(format!("synchronous_commit={commit}, fsync={fsync}"))
    }
}

impl PostgresStore {
    /// Writes statements that are no change of a collection, all of them or none.
    async fn written(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        let connections = self.connections.clone();
        apart(async move { write::steps(&connections, &steps).await }).await
    }
}

/// Runs on its own: a caller who goes away must not leave half a transaction on a connection that others will use.
async fn apart(write: impl Future<Output = Result<(), StoreError>> + Send + 'static) -> Result<(), StoreError> {
    tokio::spawn(write).await.unwrap_or_else(|error| {
        Err(StoreError::Unavailable(format!("{error}; it is not known whether the change was written")))
    })
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("database", &self.connections.name).finish_non_exhaustive()
    }
}

/// A connection of its own to a database that is ours and up to date, and what to call it: for moving everything at once.
pub(super) async fn single(url: &str) -> Result<(tokio_postgres::Client, String), StoreError> {
    let address = Address::parse(url)?;
    schema::prepare(&address).await?;
    Ok((connections::single(&address).await?, address.name))
}

/// An error in words that hold no rows and no password.
pub(super) fn unavailable(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(fault::text(error))
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        read::load(&self.connections, &key).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.commit_all(vec![change]).await
    }

    async fn commit_all(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let (connections, commits) = (self.connections.clone(), self.commits.clone());
        apart(async move {
            let begun = Instant::now();
            write::commit_all(&connections, &changes).await?;
            #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
            commits.changes.observe(changes.len() as f64);
            commits.seconds.observe(begun.elapsed().as_secs_f64());
            Ok(())
        })
        .await
    }

    async fn list_operations(
        &self,
        states: Vec<OperationState>,
        page: Page,
    ) -> Result<Listed<OperationEntry>, StoreError> {
        read::list_operations(&self.connections, &states, page).await
    }

    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let (events, not_numbered) = read::events_after(&self.connections, sequence, limit).await?;
        if !not_numbered || u32::try_from(events.len()).is_ok_and(|found| found >= limit) {
            return Ok(events);
        }
        order::number(&self.connections).await?;
        Ok(read::events_after(&self.connections, sequence, limit).await?.0)
    }

    async fn keep_delivery(&self, delivery: KeptDelivery) -> Result<(), StoreError> {
        write::alone(&self.connections, &[encode::delivery(&delivery)]).await
    }

    async fn close_delivery(
        &self,
        id: String,
        state: DeliveryState,
        detail: Option<String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        write::alone(&self.connections, &[encode::close_delivery(&id, state, detail, at)]).await
    }

    async fn open_deliveries(&self, after: String, limit: u32) -> Result<Vec<KeptDelivery>, StoreError> {
        read::open_deliveries(&self.connections, after, limit).await
    }

    async fn is_merged(&self, provider: ProviderId, event_id: String) -> Result<bool, StoreError> {
        read::is_merged(&self.connections, &provider, event_id).await
    }

    async fn session_by_reference(
        &self,
        provider: ProviderId,
        reference: String,
    ) -> Result<Option<SessionId>, StoreError> {
        read::session_by_reference(&self.connections, &provider, reference).await
    }

    async fn host_key(&self) -> Result<[u8; 32], StoreError> {
        write::host_key(&self.connections).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        write::check(&self.connections).await
    }
}
