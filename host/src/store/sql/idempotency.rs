//! Statements about idempotency keys.

use tillbox_core::Timestamp;
use tillbox_core::id::OperationId;

use super::{Row, Step, Value};
use crate::store::{KeyRow, KeyWrite, StoreError};

/// What is kept of a key, behind the key.
pub(in crate::store) const KEY: &str = "select key, fingerprint, operation_id, holder, answer, expires_at \
     from idempotency where caller = $1 and key = $2";

/// An expired row is as good as none.
const TAKE: &str = "insert into idempotency (caller, key, fingerprint, operation_id, holder, answer, created_at, expires_at) \
     values ($1, $2, $3, $4, $5, $6, $7, $8) \
     on conflict (caller, key) do update set fingerprint = excluded.fingerprint, operation_id = excluded.operation_id, \
     holder = excluded.holder, answer = excluded.answer, created_at = excluded.created_at, expires_at = excluded.expires_at \
     where idempotency.expires_at <= excluded.created_at";

/// An answer that was given stays.
const TAKE_OVER: &str = "update idempotency set operation_id = $1, holder = $2, answer = $3 \
     where caller = $4 and key = $5 and holder = $6 and answer is null";

pub(in crate::store) const PURGE: &str = "delete from idempotency where (caller, key) in \
     (select caller, key from idempotency where expires_at <= $1 order by expires_at limit $2)";

/// Guarded: whoever finds the key in other hands has lost a race.
pub(in crate::store) fn write(write: &KeyWrite) -> Step {
    let row = &write.row;
    let operation = Value::from(row.operation.as_ref().map(|id| id.as_str()));
    let (holder, answer) = (row.holder.as_str().into(), Value::from(row.answer.clone()));
    let (caller, key) = (write.caller.as_str().into(), write.key.as_str().into());
    let (sql, values) = match &write.before {
        None => {
            let fingerprint = row.fingerprint.as_str().into();
            let (at, expires_at) = (write.at.0.into(), row.expires_at.0.into());
            (TAKE, vec![caller, key, fingerprint, operation, holder, answer, at, expires_at])
        }
        Some(before) => (TAKE_OVER, vec![operation, holder, answer, caller, key, before.as_str().into()]),
    };
    Step { sql, values, guarded: true }
}

pub(in crate::store) fn purge(now: Timestamp, limit: u32) -> Vec<Value> {
    vec![now.0.into(), i64::from(limit).into()]
}

pub(in crate::store) fn key(row: &Row) -> Result<KeyRow, StoreError> {
    let place = row.place();
    Ok(KeyRow {
        fingerprint: row.text(1)?.to_owned(),
        operation: row.optional_text(2)?.map(|id| place.id(OperationId::parse(id))).transpose()?,
        holder: row.text(3)?.to_owned(),
        answer: row.optional_text(4)?.map(str::to_owned),
        expires_at: Timestamp(row.int(5)?),
    })
}
