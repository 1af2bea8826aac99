//! Connections to the server: how many, with which promises set, and how long to wait for one.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::fault::{no_connection, text};
use super::{StoreError, Waits, tls};

/// Connections of one host at most. Commits spend their time in the server's fsync, which connections share, so a few dozen
/// would bring little; and several hosts fit into PostgreSQL's usual hundred.
const CONNECTIONS_MAX: usize = 16;

/// What every connection promises before it is used. An answer is only given for what is on disk, so a server or a role
/// that is set to commit later is overruled; `remote_apply` promises more and stays. Writing has to be asked for by each
/// transaction: should its `begin` fail, the statements that were sent behind it fail too instead of running one by one.
fn session(waits: Waits) -> String {
    let Waits { statement_ms, lock_ms, idle_ms, .. } = waits;
    format!(
        "select set_config('synchronous_commit', 'on', false) \
           where current_setting('synchronous_commit') not in ('on', 'remote_apply'); \
         set default_transaction_read_only = on; \
         set statement_timeout = {statement_ms}; \
         set lock_timeout = {lock_ms}; \
         set idle_in_transaction_session_timeout = {idle_ms}"
    )
}

/// Connections that are ready, and the way to more.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    pub(super) name: String,
    pub(super) waits: Waits,
}

impl Connections {
    pub(super) fn new(address: Address, tls: MakeRustlsConnect, waits: Waits) -> Result<Self, StoreError> {
        // Fast: a connection that is known to be closed is replaced, others are used without a question first. One that
        // turns out dead is the business of whoever uses it.
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config, tls, manager);
        let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(&session(waits)).await.map_err(HookError::Backend) })
        });
        let queue = Some(Duration::from_millis(waits.queue_ms));
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .runtime(Runtime::Tokio1)
            .wait_timeout(queue)
            .create_timeout(queue)
            .recycle_timeout(queue)
            .post_create(prepare)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { pool, name: address.name, waits })
    }

    pub(super) async fn get(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| no_connection(&self.name, error))
    }

    /// How many there are, and who waits.
    pub(super) fn figures(&self) -> crate::store::Connections {
        let status = self.pool.status();
        crate::store::Connections {
            most: status.max_size as u64,
            open: status.size as u64,
            idle: status.available as u64,
            waiting: status.waiting as u64,
        }
    }

    /// Closes a connection that is not trusted any more, instead of letting it back to the others.
    pub(super) fn close(connection: Object) {
        drop(Object::take(connection));
    }
}

/// A connection beside the pool, with no promises set: for migrations and for moving a whole database.
pub(super) async fn single(address: &Address) -> Result<Client, StoreError> {
    let failed = |error: tokio_postgres::Error| {
        StoreError::Unavailable(format!("PostgreSQL at {}: {}", address.name, text(&error)))
    };
    let (client, connection) = address.config.connect(tls::connector(&address.trust)?).await.map_err(failed)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = text(&error), "a connection to PostgreSQL ended");
        }
    });
    Ok(client)
}
