//! The writer thread. It owns the only connection that writes, takes every change that waits, and makes them durable with one
//! commit.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::sql::Step;
use super::{Change, StoreError, unavailable, write};

/// Changes that share one commit at most: enough to spread an fsync over every client of a busy server, few enough that the
/// first of them does not wait long for the last.
const BATCH_MAX: usize = 256;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What one savepoint holds.
enum Work {
    Change(Box<Change>),
    Step(Step),
}

enum Job {
    Commit(Work, Reply<()>),
    /// Runs between batches, on the writer's connection.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// The writer's handle. Dropping it lets the thread finish what waits and end.
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
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
        let thread = builder.spawn(move || run(connection, &waiting));
        let thread = thread.map_err(|error| StoreError::Unavailable(format!("no writer thread: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.write(Work::Change(Box::new(change))).await
    }

    pub(super) async fn step(&self, step: Step) -> Result<(), StoreError> {
        self.write(Work::Step(step)).await
    }

    async fn write(&self, work: Work) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Commit(work, reply))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
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

    async fn alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Alone(Box::new(move |connection| {
            let _ = reply.send(job(connection));
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

fn run(mut connection: Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Commit(work, reply) => batch.push((work, reply)),
                Job::Alone(job) => {
                    commit_batch(&mut connection, std::mem::take(&mut batch));
                    job(&mut connection);
                }
            }
            next = if batch.len() < BATCH_MAX { waiting.try_recv().ok() } else { None };
        }
        commit_batch(&mut connection, batch);
    }
}

/// One transaction for all, a savepoint each: a refused change takes nobody with it, and nobody is told of success before the
/// commit has come back.
fn commit_batch(connection: &mut Connection, batch: Vec<(Work, Reply<()>)>) {
    if batch.is_empty() {
        return;
    }
    let mut results = Vec::with_capacity(batch.len());
    let committed = (|| -> rusqlite::Result<()> {
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (work, _) in &batch {
            let savepoint = transaction.savepoint()?;
            let written = match work {
                Work::Change(change) => write::change(&savepoint, change),
                Work::Step(step) => write::step(&savepoint, step.clone()),
            };
            // A savepoint that is dropped without a commit rolls back alone.
            if written.is_ok() {
                savepoint.commit()?;
            } else {
                drop(savepoint);
            }
            results.push(written);
        }
        transaction.commit()
    })();
    match committed {
        Ok(()) => {
            for ((_, reply), result) in batch.into_iter().zip(results) {
                let _ = reply.send(result);
            }
        }
        Err(error) => {
            tracing::error!(%error, changes = batch.len(), "a batch of changes was not committed");
            for (_, reply) in batch {
                let _ = reply.send(Err(StoreError::Unavailable(error.to_string())));
            }
        }
    }
}
