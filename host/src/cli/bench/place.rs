//! The databases that are measured: a SQLite file of ours, and a PostgreSQL database that is made for this and dropped.
//! It refuses a file that holds anything.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::Failure;
use super::resources::in_memory;
use crate::store::Store;
use crate::store::postgres::{PostgresStore, Scratch};
use crate::store::sqlite::{Commits, SqliteStore};

/// A database that is measured.
pub(super) struct Place {
    kind: Kind,
    directory: PathBuf,
    /// One sentence: where it is, and what it promises.
    pub(super) described: String,
}

enum Kind {
    Sqlite { store: Arc<SqliteStore>, temporary: Option<TempDir> },
    Postgres { store: Arc<PostgresStore>, scratch: Scratch },
}

/// What the database counted up to now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    /// Changes and the commits that made them durable; absent where the database does not tell.
    pub(super) commits: Option<Commits>,
    /// Bytes of its own log; absent where the operating system's count for this process is the right one.
    pub(super) log_bytes: Option<u64>,
}

impl Place {
    /// A file, or a temporary one.
    pub(super) async fn sqlite(file: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(file) = file else {
            let made = tempfile::Builder::new().prefix("tillbox-bench-").tempdir();
            let no_place = |error| Failure::because("no temporary directory", &error);
            return Self::sqlite_in(made.map_err(|error| no_place(error).next("name a file with --database PATH"))?)
                .await;
        };
        Self::sqlite_at(file, None).await
    }

    async fn sqlite_at(file: PathBuf, temporary: Option<TempDir>) -> Result<Self, Failure> {
        refuse_unless_new(&file)?;
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
        let opened = file.clone();
        let store = tokio::task::spawn_blocking(move || SqliteStore::open(&opened)).await;
        let store = store.map_err(|error| Failure::of(&error))?.map_err(crate::Error::from)?;
        if in_memory(&directory) {
            tracing::warn!(
                directory = %directory.display(),
                "the database lies in memory, where an fsync costs nothing: name a file on a disk with --database PATH"
            );
        }
        let what = if temporary.is_some() { "removed at the end" } else { "left there at the end" };
        let described = format!("SQLite in {}, {what}; WAL, synchronous=FULL", file.display());
        Ok(Self { kind: Kind::Sqlite { store: Arc::new(store), temporary }, directory, described })
    }

    /// A temporary file on the same disk as another one.
    pub(super) async fn sqlite_beside(other: &Self) -> Result<Self, Failure> {
        let made = tempfile::Builder::new().prefix("tillbox-bench-full-").tempdir_in(&other.directory);
        Self::sqlite_in(made.map_err(|error| Failure::because("no temporary directory", &error))?).await
    }

    async fn sqlite_in(directory: TempDir) -> Result<Self, Failure> {
        Self::sqlite_at(directory.path().join("bench.db"), Some(directory)).await
    }

    /// A database of its own on this server.
    pub(super) async fn postgres(url: &str) -> Result<Self, Failure> {
        let scratch = Scratch::create(url).await.map_err(crate::Error::from)?;
        let store = PostgresStore::open(scratch.url()).await.map_err(crate::Error::from)?;
        let promise = store.durability().await.map_err(crate::Error::from)?;
        let described =
            format!("PostgreSQL, database {} made for this and dropped at the end; {promise}", scratch.name());
        Ok(Self { kind: Kind::Postgres { store: Arc::new(store), scratch }, directory: PathBuf::new(), described })
    }

    pub(super) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Sqlite { .. } => "sqlite",
            Kind::Postgres { .. } => "postgres",
        }
    }

    /// Where bytes per flow are counted.
    pub(super) fn bytes_source(&self) -> &'static str {
        match &self.kind {
            Kind::Sqlite { .. } => "write_bytes of this process",
            Kind::Postgres { .. } => "write-ahead log of the server",
        }
    }

    /// What one fsync is worth of.
    pub(super) fn commits_source(&self) -> &'static str {
        match &self.kind {
            Kind::Sqlite { .. } => "counted by the writer",
            Kind::Postgres { .. } => "every change asks for an fsync, and the server may join them",
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Sqlite { store, .. } => Arc::clone(store) as Arc<dyn Store>,
            Kind::Postgres { store, .. } => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    pub(super) async fn counted(&self) -> Result<Counted, Failure> {
        match &self.kind {
            Kind::Sqlite { store, .. } => Ok(Counted { commits: Some(store.commits()), log_bytes: None }),
            Kind::Postgres { scratch, .. } => {
                let log_bytes = scratch.log_bytes().await.map_err(crate::Error::from)?;
                Ok(Counted { commits: None, log_bytes: Some(log_bytes) })
            }
        }
    }

    /// Leaves nothing behind that was not asked for.
    pub(super) async fn clean_up(self) -> Result<(), Failure> {
        match self.kind {
            Kind::Sqlite { store, temporary } => {
                drop(store);
                let left = |error| Failure::because("the temporary directory was not removed", &error);
                temporary.map_or(Ok(()), |directory| directory.close().map_err(left))
            }
            Kind::Postgres { store, scratch } => {
                drop(store);
                Ok(scratch.remove().await.map_err(crate::Error::from)?)
            }
        }
    }
}

fn refuse_unless_new(file: &Path) -> Result<(), Failure> {
    match std::fs::metadata(file) {
        Ok(found) if found.len() > 0 || !found.is_file() => {
            Err(Failure::new(format!("{} exists, and is not used for a benchmark", file.display()))
                .next("name a file that does not exist with --database PATH, or none at all"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
