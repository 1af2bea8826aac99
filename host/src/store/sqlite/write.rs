//! Running the shared statements on the writing connection.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::super::sql::{Step, Value, encode};
use super::{Change, StoreError, unavailable};

pub(super) fn change(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    encode::change(change).into_iter().try_for_each(|one| step(connection, one))
}

pub(super) fn step(connection: &Connection, step: Step) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(step.sql).map_err(unavailable)?;
    let touched = statement.execute(params_from_iter(step.values)).map_err(unavailable)?;
    if step.guarded && touched != 1 {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

/// Makes the host key at the first call.
pub(super) fn host_key(connection: &mut Connection) -> Result<[u8; 32], StoreError> {
    connection
        .execute("insert into meta (name, value) values ('host_key', randomblob(32)) on conflict do nothing", [])
        .map_err(unavailable)?;
    let key: Vec<u8> = connection
        .query_row("select value from meta where name = 'host_key'", [], |row| row.get(0))
        .map_err(unavailable)?;
    let wrong = |_| StoreError::Corrupt { table: "meta", id: "host_key".into(), what: "not 32 bytes".into() };
    key.try_into().map_err(wrong)
}

/// Writes something harmless, so that a database that cannot be written shows it.
pub(super) fn touch(connection: &Connection) -> Result<(), StoreError> {
    let sql = "insert into meta (name, value) values ('checked', x'01') on conflict (name) do update set value = value";
    connection.execute(sql, []).map(|_| ()).map_err(unavailable)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
