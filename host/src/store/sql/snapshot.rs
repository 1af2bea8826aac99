//! A collection as one text: the rows it is written in, by table and column. For answers that have to be given again as they
//! were, whatever became of the collection since.
//!
//! The columns are read off the statements that write and read the tables, so that a new one cannot be forgotten here. A
//! column that an older text does not have is null.

use serde_json::{Map, Value as Json, json};
use tillbox_core::operation::Input;
use tillbox_core::state::Collection;

use super::columns::Place;
use super::decode::{COLLECTION, OPERATIONS, PAYMENTS, SESSIONS};
use super::{Row, Step, Value, decode, encode};
use crate::store::{Change, StoreError};

/// The collection as a text. What comes back from it is what the store would have given back, save what a payer typed in:
/// an answer outlives the reason to keep that.
#[must_use]
pub fn to_text(collection: &Collection) -> String {
    let mut after = collection.clone();
    for operation in &mut after.operations {
        operation.input = std::mem::replace(&mut operation.input, Input::Gone).without_seal();
    }
    let steps = encode::change(&Change::new(None, after, &[]));
    let mut tables: Map<String, Json> = Map::new();
    for step in &steps {
        let (table, row) = row_of(step);
        match tables.entry(table).or_insert_with(|| json!([])) {
            Json::Array(rows) => rows.push(row),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {}
        }
    }
    Json::Object(tables).to_string()
}

/// The collection of a text.
///
/// # Errors
/// [`StoreError::Corrupt`] when no version of this program wrote it.
pub fn from_text(text: &str) -> Result<Collection, StoreError> {
    let corrupt = |what: String| Place { table: "idempotency", id: "answer" }.corrupt(what);
    let tables: Map<String, Json> = serde_json::from_str(text).map_err(|error| corrupt(error.to_string()))?;
    let rows = |table: &'static str, select: &str| -> Vec<Row> {
        let rows = tables.get(table).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        rows.iter()
            .map(|row| Row { table, values: columns_read(select).map(|column| value(row.get(column))).collect() })
            .collect()
    };
    let collection = rows("collection", COLLECTION);
    let collection = collection.first().ok_or_else(|| corrupt("it holds no collection".to_owned()))?;
    let (sessions, payments) = (rows("session", SESSIONS), rows("payment", PAYMENTS));
    Ok(decode::stored(collection, &sessions, &payments, &rows("operation", OPERATIONS))?.collection)
}

/// Table and columns of an inserting statement, with its values.
fn row_of(step: &Step) -> (String, Json) {
    let inserted = step.sql.strip_prefix("insert into ").and_then(|rest| rest.split_once(" ("));
    let (table, rest) = inserted.expect("a new collection is inserted, row by row");
    let (columns, rest) = rest.split_once(')').expect("columns end");
    let (_, rest) = rest.split_once("values (").expect("values follow");
    let (places, _) = rest.split_once(')').expect("values end");
    let fields = columns.split(", ").zip(places.split(", ")).map(|(column, place)| {
        let value = match place.strip_prefix('$').and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => json_of(&step.values[number - 1]),
            None => place.parse::<i64>().map_or(Json::Null, Json::from),
        };
        (column.to_owned(), value)
    });
    (table.to_owned(), Json::Object(fields.filter(|(_, value)| !value.is_null()).collect()))
}

fn columns_read(select: &str) -> impl Iterator<Item = &str> {
    let columns = select.strip_prefix("select ").and_then(|rest| rest.split_once(" from "));
    columns.expect("a query of ours").0.split(", ")
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(value) => (*value).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => bytes.as_slice().into(),
    }
}

/// A collection has no column of bytes, so a list is what nobody wrote; it is refused where it is read.
fn value(found: Option<&Json>) -> Value {
    match found {
        Some(Json::Number(number)) => number.as_i64().map_or(Value::Null, Value::Int),
        Some(Json::String(text)) => Value::Text(text.clone()),
        Some(Json::Array(_)) => Value::Bytes(Vec::new()),
        Some(Json::Null | Json::Bool(_) | Json::Object(_)) | None => Value::Null,
    }
}
