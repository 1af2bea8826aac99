//! Running the shared queries on a reading connection.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use tillbox_core::id::{CollectionId, ProviderId, SessionId};
use tillbox_core::operation::OperationState;

use super::super::sql::{Row, Value, decode};
use super::{KeptDelivery, Key, Listed, OperationEntry, OutboxEvent, Page, StoreError, Stored, unavailable};

pub(super) fn load(connection: &Connection, key: &Key) -> Result<Option<Stored>, StoreError> {
    // One snapshot for all four tables.
    let transaction = connection.unchecked_transaction().map_err(unavailable)?;
    let id = match decode::owner(key) {
        (None, id) => Some(id.to_owned()),
        (Some(sql), id) => {
            let found = rows(&transaction, "owner", sql, vec![id.into()])?;
            found.first().map(|row| row.text(0).map(str::to_owned)).transpose()?
        }
    };
    let Some(id) = id else {
        return Ok(None);
    };
    let of = |table, sql| rows(&transaction, table, sql, vec![id.as_str().into()]);
    let Some(collection) = of("collection", decode::COLLECTION)?.pop() else {
        return Ok(None);
    };
    let sessions = of("session", decode::SESSIONS)?;
    let payments = of("payment", decode::PAYMENTS)?;
    let operations = of("operation", decode::OPERATIONS)?;
    decode::stored(&collection, &sessions, &payments, &operations).map(Some)
}

/// The latest version of a collection.
pub(super) fn version(connection: &Connection, id: &CollectionId) -> Result<Option<i64>, StoreError> {
    let found = rows(connection, "collection", decode::VERSION, vec![id.as_str().into()])?;
    found.first().map(|row| row.int(1)).transpose()
}

pub(super) fn list_operations(
    connection: &Connection,
    states: &[OperationState],
    page: Page,
) -> Result<Listed<OperationEntry>, StoreError> {
    let (list, total) = decode::operations_in(states);
    let found = rows(connection, "operation", &list, decode::bounds(page))?;
    let items = found.iter().map(decode::operation_entry).collect::<Result<_, _>>()?;
    Ok(Listed { items, count: count(connection, &total)? })
}

pub(super) fn events_after(connection: &Connection, after: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
    let values = vec![after.into(), i64::from(limit).into()];
    rows(connection, "outbox", decode::EVENTS_AFTER, values)?.iter().map(decode::event).collect()
}

pub(super) fn open_deliveries(
    connection: &Connection,
    after: String,
    limit: u32,
) -> Result<Vec<KeptDelivery>, StoreError> {
    let values = vec![after.into(), i64::from(limit).into()];
    rows(connection, "delivery", decode::OPEN_DELIVERIES, values)?.iter().map(decode::delivery).collect()
}

pub(super) fn is_merged(connection: &Connection, provider: &ProviderId, event_id: String) -> Result<bool, StoreError> {
    let values = vec![provider.as_str().into(), event_id.into()];
    Ok(!rows(connection, "evidence", decode::IS_MERGED, values)?.is_empty())
}

pub(super) fn session_by_reference(
    connection: &Connection,
    provider: &ProviderId,
    reference: String,
) -> Result<Option<SessionId>, StoreError> {
    let values = vec![provider.as_str().into(), reference.into()];
    let found = rows(connection, "session", decode::SESSION_BY_REFERENCE, values)?;
    found.first().map(decode::session_id).transpose()
}

pub(in crate::store) fn rows(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values)).map_err(unavailable)?;
    let mut items = Vec::new();
    while let Some(row) = found.next().map_err(unavailable)? {
        let values = (0..columns).map(|column| row.get_ref(column).map(value));
        items.push(Row { table, values: values.collect::<Result<_, _>>().map_err(unavailable)? });
    }
    Ok(items)
}

/// No column of ours holds a float; one that does is kept as text and refused where a number is wanted.
fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Text(value.to_string()),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

fn count(connection: &Connection, sql: &str) -> Result<u64, StoreError> {
    let count: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(unavailable)?;
    Ok(u64::try_from(count).unwrap_or(0))
}
