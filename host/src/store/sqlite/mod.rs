//! The embedded store: one SQLite file, one writer thread, a few readers.
//!
//! Waiting changes share a transaction and so one fsync: group commit. A refused one takes nobody with it.
//! `synchronous=FULL` with a write-ahead log: what was answered survives a power cut.

mod access;
mod api_keys;
mod audit;
mod carts;
mod claims;
mod dispatch;
mod exchanges;
mod figures;
mod holders;
mod idempotency;
mod providers;
pub(super) mod read;
mod reasons;
mod recent;
mod search;
mod side;
mod versions;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};
use tillbox_core::Timestamp;
use tillbox_core::id::{ProviderId, SessionId};
use tillbox_core::operation::OperationState;

use super::sql::{Step, encode};
use super::{
    Change, DeliveryState, KeptDelivery, Key, Listed, OperationEntry, OutboxEvent, Page, Store, StoreError, Stored,
};
use recent::Recent;
use tokio::sync::Semaphore;
use writer::Writer;

pub use writer::Commits;

/// Marks the file as ours ("Till" in ASCII), so that a stranger's database is refused and not migrated.
const APPLICATION_ID: i32 = 0x5469_6c6c;

/// Milliseconds to wait for another process that holds the file: a backup, an operator's shell.
const BUSY_TIMEOUT_MS: u64 = 5_000;

/// Milliseconds between two attempts where SQLite does not wait by itself.
const BUSY_PAUSE_MS: u64 = 5;

/// Reading connections at most: reads are microseconds, two cores need few. A new one would read the whole schema first.
const READERS_MAX: usize = 8;

/// Statements that a connection keeps prepared: more than there are texts in `store/sql`, since preparing costs more than
/// running most of them.
const STATEMENTS_MAX: usize = 128;

/// Pages of the log before it is copied into the file, 16 MiB: the same pages are written again and again, the ends of every
/// table and index, and are copied once. Four times SQLite's own number.
const CHECKPOINT_PAGES: i64 = 4_096;

/// A SQLite file as the store.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

#[derive(Debug)]
enum Readers {
    /// A file: connections of their own, each reading a snapshot beside the writer.
    File { path: PathBuf, idle: Arc<Mutex<Vec<Connection>>>, places: Arc<Semaphore>, recent: Box<Recent> },
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
            readers: Readers::File {
                path: path.to_owned(),
                idle: Arc::default(),
                places: Arc::new(Semaphore::new(READERS_MAX)),
                recent: Box::default(),
            },
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
        let (path, idle, places) = match &self.readers {
            Readers::Writer => return self.writer.read(job).await,
            Readers::File { path, idle, places, .. } => (path.clone(), Arc::clone(idle), Arc::clone(places)),
        };
        let place = places.acquire_owned().await.expect("nobody closes it");
        let work = move || {
            let _place = place;
            let pooled = idle.lock().expect("no holder panics").pop();
            let connection = match pooled {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let answer = job(&connection);
            idle.lock().expect("no holder panics").push(connection);
            answer
        };
        let joined = tokio::task::spawn_blocking(work).await;
        joined.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    /// One row of a page that is nearly always in memory, asked right here where a connection is idle: another thread would
    /// cost several times what it takes.
    async fn glance<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Readers::File { idle, .. } = &self.readers {
            let pooled = idle.lock().expect("no holder panics").pop();
            if let Some(connection) = pooled {
                let answer = job(&connection);
                idle.lock().expect("no holder panics").push(connection);
                return answer;
            }
        }
        self.read(job).await
    }

    /// A collection that is remembered and still the latest. The question is one row of a page that was written or read a
    /// moment ago, so it is asked right here: another thread would cost several times what it takes. Whatever is not as usual
    /// is left to the long way.
    fn remembered(&self, key: &Key) -> Option<Stored> {
        let Readers::File { idle, recent, .. } = &self.readers else { return None };
        let held = recent.get(key)?;
        let connection = idle.lock().expect("no holder panics").pop()?;
        let version = read::version(&connection, &held.collection.id);
        idle.lock().expect("no holder panics").push(connection);
        (version.ok()? == Some(held.version)).then(|| Stored::clone(&held))
    }

    fn remember(&self, stored: Stored) {
        match &self.readers {
            Readers::File { recent, .. } => recent.put(stored),
            Readers::Writer => {}
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        if let Some(stored) = self.remembered(&key) {
            return Ok(Some(stored));
        }
        let found = self.read(move |connection| read::load(connection, &key)).await?;
        if let Some(stored) = &found {
            self.remember(stored.clone());
        }
        Ok(found)
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        // Here, so that the writer has nothing left to do but write.
        let steps = encode::change(&change);
        let exact = steps.iter().all(Step::is_exact);
        self.writer.commit(steps).await?;
        if exact {
            let version = change.before.map_or(1, |before| before.version + 1);
            self.remember(Stored { collection: change.after, version });
        }
        Ok(())
    }

    async fn commit_all(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.writer.commit(changes.iter().flat_map(encode::change).collect()).await
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
        self.writer.commit(vec![encode::delivery(&delivery)]).await
    }

    async fn close_delivery(
        &self,
        id: String,
        state: DeliveryState,
        detail: Option<String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.commit(vec![encode::close_delivery(&id, state, detail, at)]).await
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

/// The steps that make a database what this program needs, oldest first.
const MIGRATIONS: [&str; 12] = [
    include_str!("../migrations/sqlite/0001_first.sql"),
    include_str!("../migrations/sqlite/0002_reasons.sql"),
    include_str!("../migrations/sqlite/0003_providers.sql"),
    include_str!("../migrations/sqlite/0004_events_out.sql"),
    include_str!("../migrations/sqlite/0005_idempotency.sql"),
    include_str!("../migrations/sqlite/0006_api_keys.sql"),
    include_str!("../migrations/sqlite/0007_trace.sql"),
    include_str!("../migrations/sqlite/0008_links.sql"),
    include_str!("../migrations/sqlite/0009_collection_access.sql"),
    include_str!("../migrations/sqlite/0010_audit.sql"),
    include_str!("../migrations/sqlite/0011_exchange.sql"),
    include_str!("../migrations/sqlite/0012_provider_versions.sql"),
];

/// How many there are: another host that starts at the same time can be in the way of each of them once.
const MIGRATION_STEPS: usize = MIGRATIONS.len();

fn migrations() -> Migrations<'static> {
    Migrations::new(MIGRATIONS.map(M::up).to_vec())
}

/// Refuses strangers, sets what durability needs, brings the tables up to date.
fn prepare(connection: &mut Connection, name: &str) -> Result<(), StoreError> {
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(unavailable)?;
    let foreign = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(format!(
            "{name} is not a SQLite database; name another file with --database, this one was not touched"
        )),
        _ => unavailable(error),
    };
    let tables: i64 = patiently(|| connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)))
        .map_err(foreign)?;
    let application: i32 =
        patiently(|| connection.pragma_query_value(None, "application_id", |row| row.get(0))).map_err(unavailable)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Foreign(format!(
            "{name} holds another program's tables; name another file with --database, this one was not touched"
        )));
    }
    patiently(|| connection.pragma_update(None, "application_id", APPLICATION_ID)).map_err(unavailable)?;
    let mode: String = patiently(|| connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)))
        .map_err(unavailable)?;
    tracing::debug!(database = name, journal_mode = mode, "database opened");
    connection.pragma_update(None, "synchronous", "full").map_err(unavailable)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(unavailable)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(unavailable)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    migrate(connection, name)
}

/// Hosts that start at once find out by failing that another one has made a step. Each failure is a step that was made, so
/// there are never more of them than steps.
fn migrate(connection: &mut Connection, name: &str) -> Result<(), StoreError> {
    let mut to_latest = || {
        patiently(|| match migrations().to_latest(connection) {
            Err(rusqlite_migration::Error::RusqliteError { err, .. }) if is_busy(&err) => Err(err),
            done => Ok(done),
        })
        .map_err(rusqlite_migration::Error::from)
        .flatten()
    };
    let mut migrated = to_latest();
    for _ in 0..MIGRATION_STEPS {
        if !matches!(migrated, Err(rusqlite_migration::Error::RusqliteError { .. })) {
            break;
        }
        migrated = to_latest();
    }
    migrated.map_err(|error| {
        StoreError::Foreign(format!(
            "{name} cannot be brought up to date: {error}; a newer Tillbox may have written it"
        ))
    })
}

/// Tries again while another connection is in the way, as long as SQLite itself would wait. It waits only where that cannot
/// end in a deadlock, and hosts that begin with one file at once meet where it can.
fn patiently<T>(mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let until = Instant::now() + Duration::from_millis(BUSY_TIMEOUT_MS);
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(BUSY_PAUSE_MS));
            }
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(unavailable)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
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
