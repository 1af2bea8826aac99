//! Making a change durable, and finding out whether it is when the server fell silent.
//!
//! The statements leave together behind `begin`; `commit` leaves alone, after all of them were answered. So before it
//! nothing is kept whatever happens, and only the answer to `commit` itself can be missed.

use std::time::{Duration, Instant};

use deadpool_postgres::Object;

use super::super::sql::{Row, Step, Value, encode, facts};
use super::connections::Connections;
use super::fault::Trouble;
use super::pipeline::{Answer, Pipeline, prepared, row};
use super::read::{one, query};
use super::{Change, StoreError};

/// How often a change is tried whose connection was lost, as long as it is certain that it was not kept.
const ATTEMPTS: u32 = 2;

/// Milliseconds between two attempts to reach a server after it fell silent.
const READ_BACK_PAUSE_MS: u64 = 100;

/// Writing has to be asked for: connections begin read only.
pub(super) const BEGIN: &str = "begin isolation level read committed, read write";

/// What became of a change whose `commit` was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    NotCommitted,
    NotKnown,
}

/// Changes of collections, all or none: what became of one of them became of all.
pub(super) async fn commit_all(connections: &Connections, changes: &[Change]) -> Result<(), StoreError> {
    let steps: Vec<Step> = changes.iter().flat_map(encode::change).collect();
    write(connections, &steps, changes.first()).await
}

/// Other statements, all or none. When the answer to `commit` is lost nobody can say what became of them.
pub(super) async fn steps(connections: &Connections, steps: &[Step]) -> Result<(), StoreError> {
    write(connections, steps, None).await
}

async fn write(connections: &Connections, steps: &[Step], change: Option<&Change>) -> Result<(), StoreError> {
    if steps.is_empty() {
        return Ok(());
    }
    let limit = connections.waits.answer_ms;
    let mut lost = String::new();
    for _ in 0..ATTEMPTS {
        let client = connections.get().await?;
        match timed(limit, stage(&client, steps)).await {
            Ok(()) => {}
            Err(Trouble::Conflict) => {
                undo(client, limit).await;
                return Err(StoreError::Conflict);
            }
            Err(Trouble::Refused(text)) => {
                undo(client, limit).await;
                return Err(StoreError::Unavailable(text));
            }
            Err(Trouble::Lost(text)) => {
                Connections::close(client);
                lost = text;
                continue;
            }
        }
        let text = match timed(limit, plain(&client, "commit")).await {
            Ok(()) => return Ok(()),
            Err(Trouble::Lost(text)) => text,
            // The server says so itself: the transaction was rolled back.
            Err(refused) => return Err(refused.into()),
        };
        Connections::close(client);
        let fate = match change {
            Some(change) => fate(connections, change).await,
            None => Fate::NotKnown,
        };
        match fate {
            Fate::Committed => return Ok(()),
            Fate::NotCommitted => lost = text,
            Fate::NotKnown => return Err(not_known(&text)),
        }
    }
    Err(StoreError::Unavailable(format!("the connection to the database was lost ({lost}); nothing was written")))
}

fn not_known(text: &str) -> StoreError {
    StoreError::Unavailable(format!(
        "the connection to the database was lost while a change was committed ({text}); it is not known whether the change \
         was written"
    ))
}

/// Everything of the change but `commit`.
pub(super) async fn stage(client: &Object, steps: &[Step]) -> Result<(), Trouble> {
    let texts: Vec<&str> = steps.iter().map(|step| step.sql).collect();
    let statements = prepared(client, &texts).await?;
    let mut pipeline = Pipeline::new(client);
    pipeline.plain(BEGIN);
    for (step, statement) in steps.iter().zip(&statements) {
        pipeline.execute(statement, &step.values);
    }
    let answers = pipeline.run().await?;
    let touched = answers.iter().filter_map(|answer| match answer {
        Answer::Touched(rows) => Some(*rows),
        Answer::Done | Answer::Rows(_) => None,
    });
    let outrun = steps.iter().zip(touched).any(|(step, rows)| step.guarded && rows != 1);
    if outrun { Err(Trouble::Conflict) } else { Ok(()) }
}

/// Asks on another connection what became of the change, until there is an answer or patience ends.
async fn fate(connections: &Connections, change: &Change) -> Fate {
    let patience = Duration::from_millis(connections.waits.read_back_ms);
    let since = Instant::now();
    loop {
        match ask_fate(connections, change).await {
            Ok(fate) => {
                tracing::warn!(
                    collection = change.after.id.as_str(),
                    ?fate,
                    "a commit was not answered and was read back"
                );
                return fate;
            }
            Err(error) if since.elapsed() >= patience => {
                tracing::error!(collection = change.after.id.as_str(), %error, "a commit was not answered");
                return Fate::NotKnown;
            }
            Err(error) => tracing::warn!(%error, "reading a commit back is tried again"),
        }
        tokio::time::sleep(Duration::from_millis(READ_BACK_PAUSE_MS)).await;
    }
}

/// Asks by inserting the change's own event once more, and taking that back.
///
/// Only looking would not do: the server may still be at work on the old transaction and finish it after the look. An
/// insert of the same id waits until the old transaction has ended one way or the other.
async fn ask_fate(connections: &Connections, change: &Change) -> Result<Fate, StoreError> {
    let Some(event) = change.events.first() else {
        return ask_fate_by_version(connections, change).await;
    };
    let step = encode::event(event);
    let sql = format!("{} on conflict (id) do nothing", encode::INSERT_EVENT);
    let inserted = probe(connections, &sql, &step.values).await?;
    Ok(if inserted == 0 { Fate::Committed } else { Fate::NotCommitted })
}

/// A change that tells nobody anything leaves only its version, and the next change has the same.
async fn ask_fate_by_version(connections: &Connections, change: &Change) -> Result<Fate, StoreError> {
    let Some(before) = &change.before else {
        return Ok(Fate::NotKnown);
    };
    // Waits for the old transaction as the insert does: it holds the row.
    let sql = "update collection set version = version where id = $1 and version = $2";
    let untouched = probe(connections, sql, &[change.after.id.as_str().into(), before.version.into()]).await?;
    Ok(if untouched == 1 { Fate::NotCommitted } else { Fate::NotKnown })
}

/// The rows that a statement would touch; it is undone.
async fn probe(connections: &Connections, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
    let client = connections.get().await?;
    let asked = async {
        let statements = prepared(&client, &[sql]).await?;
        let mut pipeline = Pipeline::new(&client);
        pipeline.plain(BEGIN);
        pipeline.execute(&statements[0], values);
        pipeline.plain("rollback");
        Ok(pipeline.run().await?.iter().find_map(touched).unwrap_or(0))
    };
    let answered = timed(connections.waits.answer_ms, asked).await;
    if answered.is_err() {
        Connections::close(client);
    }
    answered.map_err(StoreError::from)
}

/// Makes the host key unless another host has, and reads the one that counts.
pub(super) async fn host_key(connections: &Connections) -> Result<[u8; 32], StoreError> {
    alone(connections, &[step(facts::MAKE_HOST_KEY, vec![facts::fresh_key()?])]).await?;
    facts::host_key(one(connections, query("meta", facts::HOST_KEY, Vec::new())).await?.first())
}

/// Commits something: what a full disk, a standby or a lost connection would refuse, this does.
pub(super) async fn check(connections: &Connections) -> Result<(), StoreError> {
    alone(connections, &[step(facts::TOUCH, vec![facts::touched()?])]).await
}

/// Runs statements in a transaction of their own that may as well run twice, and so needs no reading back.
pub(super) async fn alone(connections: &Connections, steps: &[Step]) -> Result<(), StoreError> {
    let texts: Vec<&str> = steps.iter().map(|step| step.sql).collect();
    let mut attempt = 1;
    loop {
        let client = connections.get().await?;
        let written = async {
            let prepared = prepared(&client, &texts).await?;
            let mut pipeline = Pipeline::new(&client);
            pipeline.plain(BEGIN);
            for (statement, step) in prepared.iter().zip(steps) {
                pipeline.execute(statement, &step.values);
            }
            pipeline.plain("commit");
            pipeline.run().await.map(|_| ())
        };
        let trouble = match timed(connections.waits.answer_ms, written).await {
            Ok(()) => return Ok(()),
            Err(trouble) => trouble,
        };
        Connections::close(client);
        if !matches!(trouble, Trouble::Lost(_)) || attempt == ATTEMPTS {
            return Err(trouble.into());
        }
        attempt += 1;
    }
}

/// Runs one statement that returns rows, in a transaction of its own.
pub(super) async fn returning(
    connections: &Connections,
    table: &'static str,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let client = connections.get().await?;
    let written = async {
        let statements = prepared(&client, &[sql]).await?;
        let mut pipeline = Pipeline::new(&client);
        pipeline.plain(BEGIN);
        pipeline.query(&statements[0], values);
        pipeline.plain("commit");
        pipeline.run().await
    };
    let answers = match timed(connections.waits.answer_ms, written).await {
        Ok(answers) => answers,
        Err(trouble) => {
            Connections::close(client);
            return Err(trouble.into());
        }
    };
    let found = answers.iter().filter_map(|answer| match answer {
        Answer::Rows(rows) => Some(rows),
        Answer::Done | Answer::Touched(_) => None,
    });
    found.flatten().map(|found| row(table, found)).collect()
}

/// A statement that is no part of a change.
pub(super) fn step(sql: &'static str, values: Vec<Value>) -> Step {
    Step { sql, values, guarded: false }
}

pub(super) fn touched(answer: &Answer) -> Option<u64> {
    match answer {
        Answer::Touched(rows) => Some(*rows),
        Answer::Done | Answer::Rows(_) => None,
    }
}

pub(super) async fn undo(client: Object, limit: u64) {
    if timed(limit, plain(&client, "rollback")).await.is_err() {
        Connections::close(client);
    }
}

pub(super) async fn plain(client: &Object, sql: &str) -> Result<(), Trouble> {
    client.batch_execute(sql).await.map_err(|error| Trouble::of(&error))
}

pub(super) async fn timed<T>(limit_ms: u64, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let answered = tokio::time::timeout(Duration::from_millis(limit_ms), work).await;
    answered.unwrap_or_else(|_| Err(Trouble::late(limit_ms)))
}
