//! Sending several statements without waiting for each other's answers, and values in PostgreSQL's own types.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use bytes::BytesMut;
use deadpool_postgres::{ClientWrapper, Object};
use tokio_postgres::Statement;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::super::sql::{Row, Value};
use super::StoreError;
use super::fault::Trouble;

/// A statement with its values, and the table it is about, for errors.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) table: &'static str,
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    /// Whether the connection keeps it prepared: for texts of which there are few.
    pub(super) is_kept: bool,
}

/// What a statement came to.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    Touched(u64),
    Rows(Vec<tokio_postgres::Row>),
}

type Reply<'a> = Pin<Box<dyn Future<Output = Result<Answer, tokio_postgres::Error>> + Send + 'a>>;

/// Requests that leave together, in the order in which they were added, and are answered in that order.
///
/// All of them are on their way once the first poll returns, `rollback` or `commit` included: a caller who loses interest
/// leaves no transaction open behind.
pub(super) struct Pipeline<'a> {
    client: &'a Object,
    replies: Vec<Reply<'a>>,
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(client: &'a Object) -> Self {
        Self { client, replies: Vec::new() }
    }

    /// Adds text without values: `begin`, `commit`.
    pub(super) fn plain(&mut self, sql: &'a str) {
        let client = self.client;
        self.replies.push(Box::pin(async move { client.batch_execute(sql).await.map(|()| Answer::Done) }));
    }

    /// Adds a statement that answers how many rows it touched.
    pub(super) fn execute(&mut self, statement: &'a Statement, values: &'a [Value]) {
        let client = self.client;
        self.replies.push(Box::pin(async move { client.execute_raw(statement, values).await.map(Answer::Touched) }));
    }

    /// Adds a statement that answers rows.
    pub(super) fn query(&mut self, statement: &'a Statement, values: &'a [Value]) {
        let client = self.client;
        self.replies
            .push(Box::pin(async move { client.query(statement, &parameters(values)).await.map(Answer::Rows) }));
    }

    /// The answers, in order, or the first trouble: what follows it in a transaction fails for its sake.
    pub(super) async fn run(self) -> Result<Vec<Answer>, Trouble> {
        let answers = together(self.replies).await;
        answers.into_iter().collect::<Result<_, _>>().map_err(|error| Trouble::of(&error))
    }
}

/// Polls all in order until all are done. The order of the first polls is the order on the wire.
async fn together<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(move |context| {
        let mut waiting = false;
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(outputs.iter_mut().filter_map(Option::take).collect()) }
    })
    .await
}

/// The statements prepared on this connection, each once in its life.
pub(super) async fn prepared(client: &ClientWrapper, statements: &[&str]) -> Result<Vec<Statement>, Trouble> {
    let mut found = Vec::with_capacity(statements.len());
    for sql in statements {
        found.push(client.prepare_cached(sql).await.map_err(|error| Trouble::of(&error))?);
    }
    Ok(found)
}

/// The statements of queries; those that are not kept are forgotten with their answer.
pub(super) async fn prepared_for(client: &ClientWrapper, queries: &[Query]) -> Result<Vec<Statement>, Trouble> {
    let mut found = Vec::with_capacity(queries.len());
    for Query { sql, is_kept, .. } in queries {
        let prepared = if *is_kept { client.prepare_cached(sql).await } else { client.prepare(sql).await };
        found.push(prepared.map_err(|error| Trouble::of(&error))?);
    }
    Ok(found)
}

pub(super) fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// A row as the shared decoders take it.
pub(in crate::store) fn row(table: &'static str, found: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let value = |(index, column): (usize, &tokio_postgres::Column)| {
        let read = match *column.type_() {
            Type::INT8 => found.try_get::<_, Option<i64>>(index).map(Value::from),
            Type::TEXT => found.try_get::<_, Option<String>>(index).map(Value::from),
            Type::BYTEA => {
                found.try_get::<_, Option<Vec<u8>>>(index).map(|bytes| bytes.map_or(Value::Null, Value::Bytes))
            }
            ref other => {
                let what = format!("column {} is of type {other}, which no column of ours is", column.name());
                return Err(StoreError::Corrupt { table, id: "(all)".to_owned(), what });
            }
        };
        read.map_err(|error| StoreError::Unavailable(format!("table {table}: {error}")))
    };
    let values = found.columns().iter().enumerate().map(value).collect::<Result<_, _>>()?;
    Ok(Row { table, values })
}

/// No value of ours goes to a column of another type; the check is for our own mistakes in a migration.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(value), &Type::INT8) => value.to_sql(ty, out),
            (Self::Text(text), &Type::TEXT) => text.to_sql(ty, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            (Self::Int(_) | Self::Text(_) | Self::Bytes(_), _) => Err(format!("a value does not fit type {ty}").into()),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}
