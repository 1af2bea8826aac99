//! Running the shared statements on the writing connection.

use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, params_from_iter};

use super::super::sql::{Step, Value, facts};
use super::read::rows;
use super::{StoreError, unavailable};

/// Why a change was not written.
pub(super) enum Trouble {
    /// It does not fit what is there. Nobody else is concerned.
    Refused(StoreError),
    /// The database failed. Whatever shares the transaction is lost with it.
    Failed(StoreError),
}

pub(super) fn step(connection: &Connection, step: &Step) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(step.sql).map_err(trouble)?;
    let touched = statement.execute(params_from_iter(&step.values)).map_err(trouble)?;
    if step.guarded && touched != 1 {
        return Err(Trouble::Refused(StoreError::Conflict));
    }
    Ok(())
}

/// Makes the host key at the first call.
pub(super) fn host_key(connection: &mut Connection) -> Result<[u8; 32], StoreError> {
    connection.execute(facts::MAKE_HOST_KEY, [facts::fresh_key()?]).map_err(unavailable)?;
    facts::host_key(rows(connection, "meta", facts::HOST_KEY, Vec::new())?.first())
}

/// What a database that cannot be written refuses.
pub(super) fn touch(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(facts::TOUCH, [facts::touched()?]).map(|_| ()).map_err(unavailable)
}

/// An id or a place that somebody else took first is a race that was lost, as a version is. Another broken constraint is the
/// change's own trouble; everything else is the database's.
fn trouble(error: rusqlite::Error) -> Trouble {
    match error.sqlite_error() {
        Some(found) if matches!(found.extended_code, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE) => {
            Trouble::Refused(StoreError::Conflict)
        }
        Some(found) if found.code == ErrorCode::ConstraintViolation => {
            Trouble::Refused(StoreError::Unavailable(error.to_string()))
        }
        Some(_) => Trouble::Failed(unavailable(error)),
        // A value that does not fit its column never came to the database.
        None => Trouble::Refused(StoreError::Unavailable(error.to_string())),
    }
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
