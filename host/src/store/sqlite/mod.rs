//! The embedded store: one SQLite file, one writer thread, a few readers.
//!
//! Waiting changes share a transaction, a savepoint each, and so one fsync: group commit. A refused one rolls back alone.
//! `synchronous=FULL` with a write-ahead log: what was answered survives a power cut.

pub(super) mod read;
mod reasons;
mod search;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};
use tillbox_core::Timestamp;
use tillbox_core::id::{ProviderId, SessionId};
use tillbox_core::operation::OperationState;

use super::sql::encode;
use super::{
    Change, DeliveryState, KeptDelivery, Key, Listed, OperationEntry, OutboxEvent, Page, Store, StoreError, Stored,
};
use writer::Writer;

pub use writer::Commits;

/// Marks the file as ours ("Till" in ASCII), so that a stranger's database is refused and not migrated.
const APPLICATION_ID: i32 = 0x5469_6c6c;

/// Milliseconds to wait for another process that holds the file: a backup, an operator's shell.
const BUSY_TIMEOUT_MS: u64 = 5_000;

/// Idle reading connections that are kept: reads are microseconds, two cores need few.
const READERS_IDLE_MAX: usize = 8;

/// A SQLite file as the store.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

#[derive(Debug)]
enum Readers {
    /// A file: connections of their own, each reading a snapshot beside the writer.
    File { path: PathBuf, idle: Arc<Mutex<Vec<Connection>>> },
    /// A database in memory lives in one connection, the writer's.
    Writer,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the file is no database of ours or of a newer version, [`StoreError::Unavailable`] when it
    /// cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            writer: Writer::start(connect(path)?)?,
            readers: Readers::File { path: path.to_owned(), idle: Arc::default() },
        })
    }

    /// A database that lives as long as the store: for tests and demonstrations.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory().map_err(unavailable)?;
        prepare(&mut connection, "memory")?;
        Ok(Self { writer: Writer::start(connection)?, readers: Readers::Writer })
    }

    /// What was made durable since the store was opened, and with how many commits.
    #[must_use]
    pub fn commits(&self) -> Commits {
        self.writer.commits()
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (path, idle) = match &self.readers {
            Readers::Writer => return self.writer.read(job).await,
            Readers::File { path, idle } => (path.clone(), Arc::clone(idle)),
        };
        let work = move || {
            let pooled = idle.lock().expect("no holder panics").pop();
            let connection = match pooled {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let answer = job(&connection);
            let mut idle = idle.lock().expect("no holder panics");
            if idle.len() < READERS_IDLE_MAX {
                idle.push(connection);
            }
            answer
        };
        let joined = tokio::task::spawn_blocking(work).await;
        joined.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        self.read(move |connection| read::load(connection, &key)).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.writer.commit(change).await
    }

    async fn commit_all(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.writer.steps(changes.iter().flat_map(encode::change).collect()).await
    }

    async fn list_operations(
        &self,
        states: Vec<OperationState>,
        page: Page,
    ) -> Result<Listed<OperationEntry>, StoreError> {
        self.read(move |connection| read::list_operations(connection, &states, page)).await
    }

    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        self.read(move |connection| read::events_after(connection, sequence, limit)).await
    }

    async fn keep_delivery(&self, delivery: KeptDelivery) -> Result<(), StoreError> {
        self.writer.step(encode::delivery(&delivery)).await
    }

    async fn close_delivery(
        &self,
        id: String,
        state: DeliveryState,
        detail: Option<String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.step(encode::close_delivery(&id, state, detail, at)).await
    }

    async fn open_deliveries(&self, after: String, limit: u32) -> Result<Vec<KeptDelivery>, StoreError> {
        self.read(move |connection| read::open_deliveries(connection, after, limit)).await
    }

    async fn is_merged(&self, provider: ProviderId, event_id: String) -> Result<bool, StoreError> {
        self.read(move |connection| read::is_merged(connection, &provider, event_id)).await
    }

    async fn session_by_reference(
        &self,
        provider: ProviderId,
        reference: String,
    ) -> Result<Option<SessionId>, StoreError> {
        self.read(move |connection| read::session_by_reference(connection, &provider, reference)).await
    }

    async fn host_key(&self) -> Result<[u8; 32], StoreError> {
        self.writer.host_key().await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.writer.check().await
    }
}

/// A connection that writes, to a file that is ours and up to date.
pub(in crate::store) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let name = |error: rusqlite::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(name)?;
    let name = path.display().to_string();
    prepare(&mut connection, &name).map_err(|error| match error {
        StoreError::Unavailable(what) => StoreError::Unavailable(format!("{name}: {what}")),
        StoreError::Disk(what) => StoreError::Disk(format!("{name}: {what}")),
        StoreError::Conflict | StoreError::Corrupt { .. } | StoreError::Foreign(_) => error,
    })?;
    Ok(connection)
}

fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../migrations/sqlite/0001_first.sql")),
        M::up(include_str!("../migrations/sqlite/0002_reasons.sql")),
    ])
}

/// Refuses strangers, sets what durability needs, brings the tables up to date.
fn prepare(connection: &mut Connection, name: &str) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(unavailable)?;
    let foreign = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(format!(
            "{name} is not a SQLite database; name another file with --database, this one was not touched"
        )),
        _ => unavailable(error),
    };
    let tables: i64 =
        connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).map_err(foreign)?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(unavailable)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Foreign(format!(
            "{name} holds another program's tables; name another file with --database, this one was not touched"
        )));
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(unavailable)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(unavailable)?;
    tracing::debug!(database = name, journal_mode = mode, "database opened");
    connection.pragma_update(None, "synchronous", "full").map_err(unavailable)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(unavailable)?;
    migrations().to_latest(connection).map_err(|error| {
        StoreError::Foreign(format!(
            "{name} cannot be brought up to date: {error}; a newer Tillbox may have written it"
        ))
    })
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(unavailable)?;
    Ok(connection)
}

#[allow(clippy::needless_pass_by_value, reason = "an error mapper takes the error")]
pub(in crate::store) fn unavailable(error: rusqlite::Error) -> StoreError {
    let (what, next) = match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => {
            return StoreError::Disk(format!("reading or writing the database file failed ({error})"));
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            return StoreError::Disk(format!(
                "the database file is damaged ({error}); a backup can be put in its place"
            ));
        }
        Some(ErrorCode::DiskFull) => ("the disk is full", "make room, and the host goes on by itself"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("another program holds the database file", "end it, and the host goes on by itself")
        }
        Some(ErrorCode::ReadOnly) => {
            ("the database file cannot be written", "let the host's user write it and its folder")
        }
        Some(ErrorCode::CannotOpen) => ("the database file cannot be opened", "see that it and its folder are there"),
        _ => return StoreError::Unavailable(error.to_string()),
    };
    StoreError::Unavailable(format!("{what} ({error}); nothing was written: {next}"))
}
