//! Statements about the database itself: the key that provider keys are derived from, and a write that changes nothing.

use super::{Row, Value};
use crate::store::StoreError;

/// Makes the host key unless there is one; the value is 32 random bytes. Whoever comes second changes nothing.
pub(in crate::store) const MAKE_HOST_KEY: &str =
    "insert into meta (name, value) values ('host_key', $1) on conflict (name) do nothing";

/// The host key, behind its name.
pub(in crate::store) const HOST_KEY: &str = "select name, value from meta where name = 'host_key'";

/// Writes something harmless, so that a database that cannot be written shows it.
pub(in crate::store) const TOUCH: &str =
    "insert into meta (name, value) values ('checked', $1) on conflict (name) do update set value = excluded.value";

/// What [`TOUCH`] writes: something new each time. SQLite does not write what is there already, and a full disk would pass.
pub(in crate::store) fn touched() -> Result<Value, StoreError> {
    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    Ok(Value::Bytes(mark.to_vec()))
}

/// A fresh value for [`MAKE_HOST_KEY`].
pub(in crate::store) fn fresh_key() -> Result<Value, StoreError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    Ok(Value::Bytes(key.to_vec()))
}

/// The host key of its row.
pub(in crate::store) fn host_key(row: Option<&Row>) -> Result<[u8; 32], StoreError> {
    let found = match row.and_then(|row| row.values.get(1)) {
        Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().ok(),
        Some(Value::Null | Value::Int(_) | Value::Text(_)) | None => None,
    };
    found.ok_or_else(|| StoreError::Corrupt { table: "meta", id: "host_key".into(), what: "not 32 bytes".into() })
}
