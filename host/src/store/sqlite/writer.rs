//! The writer thread. It owns the only connection that writes, takes every change that waits, and makes them durable with one
//! commit.
//!
//! After the disk failed it writes nothing more. What a failed fsync was about may be lost by the time a second one says that
//! all is well, so only a look at the disk and a new start can help; the process stays up to say so and to be read from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::sql::Step;
use super::{StoreError, unavailable, write};
use crate::metrics::CommitMetrics;

/// Changes that share one commit at most: enough to spread an fsync over every client of a busy server, few enough that the
/// first of them does not wait long for the last.
const BATCH_MAX: usize = 256;

/// Statements that wait for somebody else's commit at most; past that they get one of their own.
const OWED_MAX: usize = 4_096;

/// How much was made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commits {
    /// Changes.
    pub changes: u64,
    /// Commits, an fsync each, that they shared.
    pub batches: u64,
}

#[derive(Debug, Default)]
struct Counters {
    changes: AtomicU64,
    batches: AtomicU64,
    metrics: CommitMetrics,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Gets the writer's connection, or hears why there is none any more. It tells how the disk failed, if it did.
type Alone = Box<dyn FnOnce(Result<&mut Connection, StoreError>) -> Option<String> + Send>;

/// The statements of one change: all of them or none.
type Work = Vec<Step>;

enum Job {
    Commit(Work, Reply<()>),
    /// Written with the next commit, whichever that is: nobody waits for it.
    WithTheNext(Step),
    /// Runs between batches.
    Alone(Alone),
}

/// The writer's handle. Dropping it lets the thread finish what waits and end.
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, waiting) = channel();
        let builder = std::thread::Builder::new().name("tillbox-writer".to_owned());
        let counters = Arc::<Counters>::default();
        let desk = Desk { connection, failed: None, owed: Vec::new(), counters: Arc::clone(&counters) };
        let thread = builder.spawn(move || run(desk, &waiting));
        let thread = thread.map_err(|error| StoreError::Unavailable(format!("no writer thread: {error}")))?;
        Ok(Self { jobs: Some(jobs), counters, thread: Some(thread) })
    }

    pub(super) fn commits(&self) -> Commits {
        let Counters { changes, batches, .. } = &*self.counters;
        Commits { changes: changes.load(Ordering::Relaxed), batches: batches.load(Ordering::Relaxed) }
    }

    /// How changes become durable.
    pub(super) fn metrics(&self) -> CommitMetrics {
        self.counters.metrics.clone()
    }

    /// Makes the statements durable, together or not at all.
    pub(super) async fn commit(&self, work: Vec<Step>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Commit(work, reply))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Has the statement written with the next commit, whoever asks for that: none that is asked for from now on goes before it.
    /// It must be one that is never refused.
    pub(super) fn with_the_next(&self, step: Step) -> Result<(), StoreError> {
        self.send(Job::WithTheNext(step))
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.alone(move |connection| job(connection)).await
    }

    pub(super) async fn host_key(&self) -> Result<[u8; 32], StoreError> {
        self.alone(write::host_key).await
    }

    /// Takes the write lock and lets it go again: what a full disk, a read-only file or a lost lock would refuse, this does.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.alone(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
            write::touch(&transaction)?;
            transaction.commit().map_err(unavailable)
        })
        .await
    }

    pub(super) async fn alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Alone(Box::new(move |connection| {
            let answer = connection.and_then(job);
            let failed = answer.as_ref().err().and_then(disk_failure);
            let _ = reply.send(answer);
            failed
        })))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().expect("the sender lives as long as the writer");
        jobs.send(job).map_err(|_| stopped())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

/// What failed, when it was the disk.
fn disk_failure(error: &StoreError) -> Option<String> {
    match error {
        StoreError::Disk(what) => Some(what.clone()),
        StoreError::Conflict | StoreError::Unavailable(_) | StoreError::Corrupt { .. } | StoreError::Foreign(_) => None,
    }
}

fn run(mut desk: Desk, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Commit(work, reply) => batch.push((work, reply)),
                Job::WithTheNext(step) => desk.owed.push(step),
                Job::Alone(job) => {
                    desk.commit(std::mem::take(&mut batch));
                    desk.alone(job);
                }
            }
            next = if batch.len() < BATCH_MAX { waiting.try_recv().ok() } else { None };
        }
        desk.commit(batch);
    }
    desk.pay();
}

/// The connection that writes, and how the disk failed, if it did.
struct Desk {
    connection: Connection,
    failed: Option<String>,
    /// What goes with the next commit.
    owed: Vec<Step>,
    counters: Arc<Counters>,
}

impl Desk {
    fn alone(&mut self, job: Alone) {
        let failed = match &self.failed {
            Some(what) => job(Err(StoreError::Disk(what.clone()))),
            None => job(Ok(&mut self.connection)),
        };
        self.failed = self.failed.take().or(failed);
    }

    /// Writes what is owed when nobody is left to share a commit with.
    fn pay(&mut self) {
        if self.owed.is_empty() || self.failed.is_some() {
            return;
        }
        if let Err(error) = write_batch(&mut self.connection, &self.owed, &[]) {
            tracing::error!(%error, "what was owed at the end was not written");
        }
    }

    /// Nobody is told of success before the commit has come back. When it fails, it fails for all.
    fn commit(&mut self, batch: Vec<(Work, Reply<()>)>) {
        if batch.is_empty() && self.owed.len() < OWED_MAX {
            return;
        }
        let begun = Instant::now();
        let written = match &self.failed {
            Some(what) => Err(StoreError::Disk(what.clone())),
            None => write_batch(&mut self.connection, &self.owed, &batch),
        };
        match written {
            Ok(results) => {
                self.owed.clear();
                self.counters.batches.fetch_add(1, Ordering::Relaxed);
                self.counters.changes.fetch_add(batch.len() as u64, Ordering::Relaxed);
                #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
                self.counters.metrics.changes.observe(batch.len() as f64);
                self.counters.metrics.seconds.observe(begun.elapsed().as_secs_f64());
                for ((_, reply), result) in batch.into_iter().zip(results) {
                    let _ = reply.send(result);
                }
            }
            Err(error) => {
                tracing::error!(%error, changes = batch.len(), "a batch of changes was not committed");
                self.failed = self.failed.take().or(disk_failure(&error));
                // What is owed stays owed, as far as there is room for it.
                let too_many = self.owed.len().saturating_sub(OWED_MAX);
                self.owed.drain(..too_many);
                for (_, reply) in batch {
                    let _ = reply.send(Err(same(&error)));
                }
            }
        }
    }
}

/// The failure of a batch is that of every change in it.
fn same(error: &StoreError) -> StoreError {
    match disk_failure(error) {
        Some(what) => StoreError::Disk(what),
        None => StoreError::Unavailable(match error {
            StoreError::Unavailable(what) => what.clone(),
            StoreError::Disk(_) | StoreError::Conflict | StoreError::Corrupt { .. } | StoreError::Foreign(_) => {
                error.to_string()
            }
        }),
    }
}

/// One transaction for all. A refused change takes nobody with it: mostly it is refused at its first statement, which names
/// the version, and has written nothing. Only when one is refused later is everything undone and written again with a
/// savepoint for each change; savepoints copy every page they touch, which took a third of the writer's time.
fn write_batch(
    connection: &mut Connection,
    owed: &[Step],
    batch: &[(Work, Reply<()>)],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    match write_together(connection, owed, batch)? {
        Some(results) => Ok(results),
        None => write_apart(connection, owed, batch),
    }
}

/// What is owed goes first. One that is refused all the same is a fault of ours, and takes nobody with it.
fn write_owed(connection: &Connection, owed: &[Step]) -> Result<(), StoreError> {
    for step in owed {
        match write::step(connection, step) {
            Ok(()) => {}
            Err(write::Trouble::Refused(error)) => tracing::error!(%error, "a statement that is never refused was"),
            Err(write::Trouble::Failed(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Nothing when a change was refused after a part of it was written; then everything is undone.
fn write_together(
    connection: &mut Connection,
    owed: &[Step],
    batch: &[(Work, Reply<()>)],
) -> Result<Option<Vec<Result<(), StoreError>>>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
    write_owed(&transaction, owed)?;
    let mut results = Vec::with_capacity(batch.len());
    for (work, _) in batch {
        match write_one(&transaction, work) {
            Ok(()) => results.push(Ok(())),
            Err((0, write::Trouble::Refused(error))) => results.push(Err(error)),
            Err((_, write::Trouble::Refused(_))) => return Ok(None),
            Err((_, write::Trouble::Failed(error))) => return Err(error),
        }
    }
    transaction.commit().map_err(unavailable)?;
    Ok(Some(results))
}

/// A savepoint for each. What is refused is a change that does not fit; a full disk or a failing one is no change's own fault,
/// and SQLite may have rolled back everything by then, so that a further savepoint would begin a transaction of its own.
fn write_apart(
    connection: &mut Connection,
    owed: &[Step],
    batch: &[(Work, Reply<()>)],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
    write_owed(&transaction, owed)?;
    let mut results = Vec::with_capacity(batch.len());
    for (work, _) in batch {
        let savepoint = transaction.savepoint().map_err(unavailable)?;
        match write_one(&savepoint, work) {
            Ok(()) => {
                savepoint.commit().map_err(unavailable)?;
                results.push(Ok(()));
            }
            // A savepoint that is dropped without a commit rolls back alone.
            Err((_, write::Trouble::Refused(error))) => {
                drop(savepoint);
                results.push(Err(error));
            }
            Err((_, write::Trouble::Failed(error))) => return Err(error),
        }
    }
    transaction.commit().map_err(unavailable)?;
    Ok(results)
}

/// The statements in order; in an error, how many of them were written.
fn write_one(connection: &Connection, work: &Work) -> Result<(), (usize, write::Trouble)> {
    work.iter()
        .enumerate()
        .try_for_each(|(index, step)| write::step(connection, step).map_err(|trouble| (index, trouble)))
}
