//! Figures as statements and rows.

use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;
use tillbox_core::operation::OperationState;

use super::Row;
use crate::store::{Lag, OpenOperations, StoreError, SubscriberId};

/// The list of states is that of the index.
pub(in crate::store) const OPEN_OPERATIONS: &str = "select provider_id, state, count(*), min(created_at) from operation \
     where state in ('running', 'pending', 'unknown', 'needs_review') group by provider_id, state order by 1, 2";

/// Numbers have no gaps worth speaking of, so the distance counts, and nothing has to be counted.
pub(in crate::store) const LAGS: &str = "select id, \
     (select coalesce(max(sequence), 0) from outbox) - cursor_sequence, \
     (select created_at from outbox where sequence > cursor_sequence order by sequence limit 1), \
     (select count(*) from dispatch where subscriber_id = subscriber.id and state = 'open'), \
     (select count(*) from dispatch where subscriber_id = subscriber.id and state = 'failed') \
     from subscriber order by id";

pub(in crate::store) const LAST_SEQUENCE: &str = "select coalesce(max(sequence), 0) from outbox";

pub(in crate::store) fn open_operations(row: &Row) -> Result<OpenOperations, StoreError> {
    let (place, state) = (row.place(), row.text(1)?);
    Ok(OpenOperations {
        provider: place.id(ProviderId::parse(row.text(0)?))?,
        state: place.named(OperationState::parse(state), "state", state)?,
        count: row.int(2)?.unsigned_abs(),
        oldest: Timestamp(row.int(3)?),
    })
}

pub(in crate::store) fn lag(row: &Row) -> Result<Lag, StoreError> {
    let id = row.text(0)?;
    Ok(Lag {
        subscriber: row.place().named(SubscriberId::parse(id), "id", id)?,
        events: u64::try_from(row.int(1)?).unwrap_or(0),
        oldest: row.optional_int(2)?.map(Timestamp),
        open: row.int(3)?.unsigned_abs(),
        failed: row.int(4)?.unsigned_abs(),
    })
}

pub(in crate::store) fn last_sequence(rows: &[Row]) -> Result<i64, StoreError> {
    rows.first().map_or(Ok(0), |row| row.int(0))
}
