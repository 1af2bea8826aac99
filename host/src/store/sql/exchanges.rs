//! Statements about exchanges. Each that a run makes holds the run's lease first: whoever lost it writes nothing.

use tillbox_core::Timestamp;
use tillbox_core::id::{OperationId, ProviderId};

use super::{Row, Step, Value};
use crate::store::{ExchangeEnd, ExchangeState, ExchangeWrite, KeptExchange, StoreError};

/// Waits for whoever changes the operation right now, and then counts only if the lease is still ours.
const HOLD: &str =
    "update operation set lease_token = lease_token where id = $1 and lease_token = $2 and state = 'running'";

const INSERT: &str = "insert into exchange (operation_id, lease_token, sequence, provider_id, component, state, method, host, path, \
     digest, provider_key, sent, status, error, sent_bytes, received_bytes, asked, answered, created_at, updated_at) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";

const NOTE: &str = "insert into exchange (operation_id, lease_token, sequence, provider_id, component, state, method, host, path, \
     digest, provider_key, sent, status, error, sent_bytes, received_bytes, asked, answered, created_at, updated_at) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
     on conflict (operation_id, lease_token, sequence) do update set state = excluded.state, sent = excluded.sent, \
     status = excluded.status, error = excluded.error, received_bytes = excluded.received_bytes, \
     answered = excluded.answered, updated_at = excluded.updated_at";

/// An answer counts for as long as nobody has asked again, however late it is.
const END: &str = "update exchange set state = $1, sent = $2, status = $3, error = $4, received_bytes = $5, answered = $6, \
     updated_at = $7 where operation_id = $8 and lease_token = $9 and sequence = $10 and state = 'about_to_send' \
     and exists (select 1 from operation where id = $11 and lease_token = $12)";

/// The operation's row is held by now, so nobody adds a row behind this look.
const NOBODY_WENT_ON: &str = "update operation set lease_token = lease_token where id = $1 and not exists \
     (select 1 from exchange where operation_id = $2 and lease_token = $3 and sequence > $4)";

const TAKE_OVER: &str =
    "update exchange set lease_token = $1 where operation_id = $2 and lease_token = $3 and sequence <= $4";

const FORGET: &str = "update exchange set answered = null where operation_id = $1 and answered is not null";

/// The columns in the order of [`read`].
pub(in crate::store) const OF_OPERATION: &str = "select operation_id, lease_token, sequence, provider_id, component, state, method, \
     host, path, digest, provider_key, sent, status, error, sent_bytes, received_bytes, asked, answered, created_at, updated_at \
     from exchange where operation_id = $1 order by lease_token, sequence";

fn number(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn insert(kept: &KeptExchange) -> Step {
    let end = kept.end.as_ref();
    let values = vec![
        kept.operation.as_str().into(),
        number(kept.lease_token),
        i64::from(kept.sequence).into(),
        kept.provider.as_str().into(),
        kept.component.clone().into(),
        kept.state().as_str().into(),
        kept.method.as_str().into(),
        kept.host.as_str().into(),
        kept.path.as_str().into(),
        kept.digest.as_str().into(),
        kept.provider_key.clone().into(),
        end.map(|end| end.sent.clone()).into(),
        end.and_then(|end| end.status).map(i64::from).into(),
        end.and_then(|end| end.error.clone()).into(),
        number(kept.sent_bytes),
        number(end.map_or(0, |end| end.received_bytes)),
        Value::Bytes(kept.asked.clone()),
        end.and_then(|end| end.answered.clone()).map_or(Value::Null, Value::Bytes),
        kept.created_at.0.into(),
        end.map_or(kept.created_at, |end| end.at).0.into(),
    ];
    Step { sql: INSERT, values, guarded: false }
}

/// One of a call that nobody else carries out.
pub(in crate::store) fn note(kept: &KeptExchange) -> Step {
    Step { sql: NOTE, ..insert(kept) }
}

/// What goes with a change of the operation's collection.
pub(in crate::store) fn with_change(write: &ExchangeWrite) -> Vec<Step> {
    match write {
        ExchangeWrite::Intend(kept) => vec![insert(kept)],
        ExchangeWrite::TakeOver { operation, from, to, through, known } => {
            let id: Value = operation.as_str().into();
            let alone = vec![id.clone(), id.clone(), number(*from), i64::from(*known).into()];
            let moved = vec![number(*to), id, number(*from), i64::from(*through).into()];
            vec![
                Step { sql: NOBODY_WENT_ON, values: alone, guarded: true },
                Step { sql: TAKE_OVER, values: moved, guarded: false },
            ]
        }
        ExchangeWrite::Forget(operation) => {
            vec![Step { sql: FORGET, values: vec![operation.as_str().into()], guarded: false }]
        }
    }
}

/// A further intent of a run.
pub(in crate::store) fn intend(kept: &KeptExchange) -> Vec<Step> {
    let hold = vec![kept.operation.as_str().into(), number(kept.lease_token)];
    vec![Step { sql: HOLD, values: hold, guarded: true }, insert(kept)]
}

pub(in crate::store) fn end(operation: &OperationId, lease_token: u64, sequence: u32, end: &ExchangeEnd) -> Step {
    let values = vec![
        end.state.as_str().into(),
        end.sent.as_str().into(),
        end.status.map(i64::from).into(),
        end.error.clone().into(),
        number(end.received_bytes),
        end.answered.clone().map_or(Value::Null, Value::Bytes),
        end.at.0.into(),
        operation.as_str().into(),
        number(lease_token),
        i64::from(sequence).into(),
        operation.as_str().into(),
        number(lease_token),
    ];
    Step { sql: END, values, guarded: true }
}

pub(in crate::store) fn read(row: &Row) -> Result<KeptExchange, StoreError> {
    let place = row.place();
    let natural = |column| row.int(column).and_then(|value| u64::try_from(value).map_err(|error| place.corrupt(error)));
    let owned = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
    let state = ExchangeState::parse(row.text(5)?).ok_or_else(|| place.corrupt("no such state"))?;
    let status = row.optional_int(12)?.map(u16::try_from).transpose().map_err(|error| place.corrupt(error))?;
    let answered = match row.values.get(17) {
        Some(Value::Bytes(bytes)) => Some(bytes.clone()),
        Some(Value::Null | Value::Int(_) | Value::Text(_)) | None => None,
    };
    let end = match (state, owned(11)?) {
        (ExchangeState::AboutToSend, _) => None,
        (_, None) => return Err(place.corrupt("it has ended, and what was sent is not there")),
        (_, Some(sent)) => Some(ExchangeEnd {
            state,
            sent,
            status,
            error: owned(13)?,
            received_bytes: natural(15)?,
            answered,
            at: Timestamp(row.int(19)?),
        }),
    };
    Ok(KeptExchange {
        operation: place.id(OperationId::parse(row.text(0)?))?,
        lease_token: natural(1)?,
        sequence: u32::try_from(row.int(2)?).map_err(|error| place.corrupt(error))?,
        provider: place.id(ProviderId::parse(row.text(3)?))?,
        component: owned(4)?,
        method: row.text(6)?.to_owned(),
        host: row.text(7)?.to_owned(),
        path: row.text(8)?.to_owned(),
        digest: row.text(9)?.to_owned(),
        provider_key: owned(10)?,
        sent_bytes: natural(14)?,
        asked: row.bytes(16)?.to_vec(),
        created_at: Timestamp(row.int(18)?),
        end,
    })
}
