//! What one durable write costs here without anything of ours: a bare loop of inserts, each with a commit and its fsync.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Failure;
use super::report::per_second;

/// Bytes of the row that is written: about what the smallest change of a flow writes.
const ROW_BYTES: usize = 512;

/// What the loop came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bare {
    pub(super) commits_per_second: u64,
}

impl Bare {
    /// Writes for this long into a file of its own in the directory, with the settings that the store has.
    pub(super) async fn run(directory: &Path, time: Duration) -> Result<Self, Failure> {
        let path = directory.join("tillbox-bench-bare.db");
        let work = tokio::task::spawn_blocking(move || {
            let commits = commits(&path, time);
            for name in ["tillbox-bench-bare.db", "tillbox-bench-bare.db-wal", "tillbox-bench-bare.db-shm"] {
                drop(std::fs::remove_file(path.with_file_name(name)));
            }
            commits
        });
        let failed = |error: &dyn std::error::Error| Failure::because("the bare loop of inserts broke", error);
        let (commits, took) = work.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        Ok(Self { commits_per_second: per_second(commits, took) })
    }
}

fn commits(path: &Path, time: Duration) -> rusqlite::Result<(u64, Duration)> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch("create table line (id integer primary key, text text not null) strict")?;
    let mut insert = connection.prepare("insert into line (text) values ($1)")?;
    let row = "x".repeat(ROW_BYTES);
    let start = Instant::now();
    let mut commits = 0;
    while start.elapsed() < time {
        insert.execute([&row])?;
        commits += 1;
    }
    Ok((commits, start.elapsed()))
}
