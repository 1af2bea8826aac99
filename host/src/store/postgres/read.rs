//! Running the shared queries: each answer from one snapshot, in one round trip once it is known what to ask.

use std::time::Duration;

use tillbox_core::id::{ProviderId, SessionId};
use tillbox_core::operation::OperationState;

use super::super::sql::{Find, Row, Value, decode};
use super::connections::Connections;
use super::fault::Trouble;
use super::pipeline::{Answer, Pipeline, Query, prepared_for, row};
use super::{KeptDelivery, Key, Listed, OperationEntry, OutboxEvent, Page, StoreError, Stored};

/// How often a query is asked: a connection that died unnoticed shows it only when it is used, and reading twice is harmless.
const ATTEMPTS: u32 = 2;

pub(super) async fn load(connections: &Connections, key: &Key) -> Result<Option<Stored>, StoreError> {
    let id = match decode::owner(key) {
        (None, id) => id.to_owned(),
        // Asked before the snapshot: what belongs to a collection never moves to another.
        (Some(sql), id) => match one(connections, query("owner", sql, vec![id.into()])).await?.first() {
            Some(found) => found.text(0)?.to_owned(),
            None => return Ok(None),
        },
    };
    let of = |table, sql| query(table, sql, vec![id.as_str().into()]);
    let queries = vec![
        of("collection", decode::COLLECTION),
        of("session", decode::SESSIONS),
        of("payment", decode::PAYMENTS),
        of("operation", decode::OPERATIONS),
    ];
    let [collection, sessions, payments, operations] = answers(snapshot(connections, queries).await?)?;
    match collection.first() {
        Some(collection) => decode::stored(collection, &sessions, &payments, &operations).map(Some),
        None => Ok(None),
    }
}

pub(super) async fn list_operations(
    connections: &Connections,
    states: &[OperationState],
    page: Page,
) -> Result<Listed<OperationEntry>, StoreError> {
    let (list, total) = decode::operations_in(states);
    let list = query("operation", &list, decode::bounds(page));
    listed(connections, list, &total, decode::operation_entry).await
}

/// Events, and whether some are committed that have no number yet.
pub(super) async fn events_after(
    connections: &Connections,
    after: i64,
    limit: u32,
) -> Result<(Vec<OutboxEvent>, bool), StoreError> {
    let queries = vec![
        query("outbox", decode::EVENTS_AFTER, vec![after.into(), i64::from(limit).into()]),
        query("outbox", "select id from outbox where sequence is null limit 1", Vec::new()),
    ];
    let [events, not_numbered] = answers(snapshot(connections, queries).await?)?;
    let events = events.iter().map(decode::event).collect::<Result<_, _>>()?;
    Ok((events, !not_numbered.is_empty()))
}

pub(super) async fn open_deliveries(
    connections: &Connections,
    after: String,
    limit: u32,
) -> Result<Vec<KeptDelivery>, StoreError> {
    let values = vec![after.into(), i64::from(limit).into()];
    one(connections, query("delivery", decode::OPEN_DELIVERIES, values)).await?.iter().map(decode::delivery).collect()
}

pub(super) async fn is_merged(
    connections: &Connections,
    provider: &ProviderId,
    event_id: String,
) -> Result<bool, StoreError> {
    let values = vec![provider.as_str().into(), event_id.into()];
    Ok(!one(connections, query("evidence", decode::IS_MERGED, values)).await?.is_empty())
}

pub(super) async fn session_by_reference(
    connections: &Connections,
    provider: &ProviderId,
    reference: String,
) -> Result<Option<SessionId>, StoreError> {
    let values = vec![provider.as_str().into(), reference.into()];
    let found = one(connections, query("session", decode::SESSION_BY_REFERENCE, values)).await?;
    found.first().map(decode::session_id).transpose()
}

/// The answer to a single query.
pub(super) async fn one(connections: &Connections, query: Query) -> Result<Vec<Row>, StoreError> {
    let [rows] = answers(snapshot(connections, vec![query]).await?)?;
    Ok(rows)
}

/// A part of a list and its count, from one snapshot.
pub(super) async fn found<T>(
    connections: &Connections,
    find: Find,
    decode: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Listed<T>, StoreError> {
    let list = Query { table: find.table, sql: find.list, values: find.list_values, is_kept: find.is_kept };
    let count = Query { table: find.table, sql: find.count, values: find.count_values, is_kept: find.is_kept };
    counted(connections, list, count, decode).await
}

async fn listed<T>(
    connections: &Connections,
    list: Query,
    count: &str,
    decode: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Listed<T>, StoreError> {
    let count = query(list.table, count, Vec::new());
    counted(connections, list, count, decode).await
}

async fn counted<T>(
    connections: &Connections,
    list: Query,
    count: Query,
    decode: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Listed<T>, StoreError> {
    let [items, count] = answers(snapshot(connections, vec![list, count]).await?)?;
    let items = items.iter().map(decode).collect::<Result<_, _>>()?;
    let count = match count.first().and_then(|row| row.values.first()) {
        Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(0),
        Some(Value::Null | Value::Text(_) | Value::Bytes(_)) | None => 0,
    };
    Ok(Listed { items, count })
}

pub(super) fn query(table: &'static str, sql: &str, values: Vec<Value>) -> Query {
    Query { table, sql: sql.to_owned(), values, is_kept: true }
}

/// The answers to queries that saw the same state of the database.
async fn snapshot(connections: &Connections, queries: Vec<Query>) -> Result<Vec<Vec<Row>>, StoreError> {
    let mut attempt = 1;
    loop {
        let client = connections.get().await?;
        let limit = connections.waits.answer_ms;
        let answered = tokio::time::timeout(Duration::from_millis(limit), ask(&client, &queries)).await;
        match answered.unwrap_or_else(|_| Err(Trouble::late(limit))) {
            Ok(found) => return rows(&queries, &found),
            Err(trouble) => {
                Connections::close(client);
                if !matches!(trouble, Trouble::Lost(_)) || attempt == ATTEMPTS {
                    return Err(trouble.into());
                }
                tracing::warn!(?trouble, "a query is asked again on another connection");
            }
        }
        attempt += 1;
    }
}

async fn ask(client: &deadpool_postgres::Object, queries: &[Query]) -> Result<Vec<Answer>, Trouble> {
    let statements = prepared_for(client, queries).await?;
    let mut pipeline = Pipeline::new(client);
    pipeline.plain("begin isolation level repeatable read, read only");
    for (query, statement) in queries.iter().zip(&statements) {
        pipeline.query(statement, &query.values);
    }
    pipeline.plain("commit");
    pipeline.run().await
}

fn rows(queries: &[Query], answers: &[Answer]) -> Result<Vec<Vec<Row>>, StoreError> {
    let found = answers.iter().filter_map(|answer| match answer {
        Answer::Rows(rows) => Some(rows),
        Answer::Done | Answer::Touched(_) => None,
    });
    let rows = |(query, found): (&Query, &Vec<tokio_postgres::Row>)| {
        found.iter().map(|found| row(query.table, found)).collect::<Result<Vec<_>, _>>()
    };
    queries.iter().zip(found).map(rows).collect()
}

fn answers<const N: usize>(rows: Vec<Vec<Row>>) -> Result<[Vec<Row>; N], StoreError> {
    rows.try_into().map_err(|_| StoreError::Unavailable("the database answered fewer queries than it was asked".into()))
}
