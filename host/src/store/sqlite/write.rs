//! Writing a change: only what differs from before, only on top of the version it was decided on.

use rusqlite::{Connection, params};
use tillbox_core::operation::Operation;
use tillbox_core::state::{Collection, Payment, Session};

use super::super::rows::{ProductColumns, decline_to_text, next_action_to_text};
use super::{Change, OutboxEvent, StoreError, Stored, unavailable};

pub(super) fn change(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let before = change.before.as_ref();
    collection(connection, before, &change.after)?;
    let id = change.after.id.as_str();
    let earlier = before.map(|stored| &stored.collection);
    for (position, item) in change.after.sessions.iter().enumerate() {
        if earlier.and_then(|earlier| earlier.sessions.get(position)) != Some(item) {
            session(connection, id, item)?;
        }
    }
    for (position, item) in change.after.payments.iter().enumerate() {
        if earlier.and_then(|earlier| earlier.payments.get(position)) != Some(item) {
            payment(connection, id, item)?;
        }
    }
    for (position, item) in change.after.operations.iter().enumerate() {
        if earlier.and_then(|earlier| earlier.operations.get(position)) != Some(item) {
            operation(connection, id, item)?;
        }
    }
    change.events.iter().try_for_each(|item| event(connection, item))
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

fn collection(connection: &Connection, before: Option<&Stored>, after: &Collection) -> Result<(), StoreError> {
    let dates = (after.completed_at, after.canceled_at);
    let (completed_at, canceled_at) = (dates.0.map(|at| at.0), dates.1.map(|at| at.0));
    let metadata = after.metadata.as_ref().map(|json| json.as_str());
    let Some(before) = before else {
        let sql = "insert into collection (id, version, currency, exponent, amount_minor, cart_id, metadata, status,
                   completed_at, canceled_at, created_at, updated_at) values (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
        let currency = after.currency();
        statement
            .execute(params![
                after.id.as_str(),
                currency.code(),
                currency.exponent(),
                after.amount.minor_units(),
                after.cart_id,
                metadata,
                after.status.as_str(),
                completed_at,
                canceled_at,
                after.created_at.0,
                after.updated_at.0
            ])
            .map_err(unavailable)?;
        return Ok(());
    };
    let sql =
        "update collection set version = version + 1, amount_minor = ?, metadata = ?, status = ?, completed_at = ?,
               canceled_at = ?, updated_at = ? where id = ? and version = ?";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement
        .execute(params![
            after.amount.minor_units(),
            metadata,
            after.status.as_str(),
            completed_at,
            canceled_at,
            after.updated_at.0,
            after.id.as_str(),
            before.version
        ])
        .map_err(unavailable)?;
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

fn session(connection: &Connection, collection: &str, session: &Session) -> Result<(), StoreError> {
    let sql = "insert into session (id, collection_id, provider_id, amount_minor, status, data, client_data,
               provider_reference, next_action, decline, context, metadata, authorized_at, deleted_at, created_at, updated_at)
               values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               on conflict (id) do update set amount_minor = excluded.amount_minor, status = excluded.status,
               data = excluded.data, client_data = excluded.client_data, provider_reference = excluded.provider_reference,
               next_action = excluded.next_action, decline = excluded.decline, context = excluded.context,
               metadata = excluded.metadata, authorized_at = excluded.authorized_at, deleted_at = excluded.deleted_at,
               updated_at = excluded.updated_at";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    statement
        .execute(params![
            session.id.as_str(),
            collection,
            session.provider.as_str(),
            session.amount.minor_units(),
            session.status.as_str(),
            session.data.as_str(),
            session.client_data.as_ref().map(|json| json.as_str()),
            session.provider_reference,
            session.next_action.as_ref().map(next_action_to_text),
            session.decline.as_ref().map(decline_to_text),
            session.context.as_str(),
            session.metadata.as_ref().map(|json| json.as_str()),
            session.authorized_at.map(|at| at.0),
            session.deleted_at.map(|at| at.0),
            session.created_at.0,
            session.updated_at.0
        ])
        .map(|_| ())
        .map_err(unavailable)
}

fn payment(connection: &Connection, collection: &str, payment: &Payment) -> Result<(), StoreError> {
    let sql = "insert into payment (id, collection_id, session_id, provider_id, amount_minor, data, provider_reference,
               disputed_minor, metadata, captured_at, canceled_at, created_at, updated_at)
               values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               on conflict (id) do update set data = excluded.data, provider_reference = excluded.provider_reference,
               disputed_minor = excluded.disputed_minor, metadata = excluded.metadata, captured_at = excluded.captured_at,
               canceled_at = excluded.canceled_at, updated_at = excluded.updated_at";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    statement
        .execute(params![
            payment.id.as_str(),
            collection,
            payment.session.as_str(),
            payment.provider.as_str(),
            payment.amount.minor_units(),
            payment.data.as_str(),
            payment.provider_reference,
            payment.disputed.minor_units(),
            payment.metadata.as_ref().map(|json| json.as_str()),
            payment.captured_at.map(|at| at.0),
            payment.canceled_at.map(|at| at.0),
            payment.created_at.0,
            payment.updated_at.0
        ])
        .map(|_| ())
        .map_err(unavailable)
}

fn operation(connection: &Connection, collection: &str, operation: &Operation) -> Result<(), StoreError> {
    let sql = "insert into operation (id, collection_id, session_id, payment_id, provider_id, kind, product_payment_id,
               product_capture_id, product_refund_id, product_operation_id, amount_minor, state, origin, attempts, lease_token,
               provider_reference, decline, reason, detail, note, created_at, updated_at)
               values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               on conflict (id) do update set state = excluded.state, attempts = excluded.attempts,
               lease_token = excluded.lease_token, provider_reference = excluded.provider_reference,
               decline = excluded.decline, reason = excluded.reason, detail = excluded.detail,
               updated_at = excluded.updated_at";
    let product = ProductColumns::of(&operation.product);
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let lease_token = i64::try_from(operation.lease_token).unwrap_or(i64::MAX);
    statement
        .execute(params![
            operation.id.as_str(),
            collection,
            operation.session.as_str(),
            operation.payment.as_ref().map(|payment| payment.as_str()),
            operation.provider.as_str(),
            operation.kind.as_str(),
            product.payment,
            product.capture,
            product.refund,
            product.operation,
            operation.amount.map(|amount| amount.minor_units()),
            operation.state.as_str(),
            operation.origin.as_str(),
            operation.attempts,
            lease_token,
            operation.provider_reference,
            operation.decline.as_ref().map(decline_to_text),
            operation.reason,
            operation.detail,
            operation.note,
            operation.created_at.0,
            operation.updated_at.0
        ])
        .map(|_| ())
        .map_err(unavailable)
}

fn event(connection: &Connection, event: &OutboxEvent) -> Result<(), StoreError> {
    let sql = "insert into outbox (id, collection_id, kind, data, created_at) values (?, ?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    statement
        .execute(params![event.id.as_str(), event.collection.as_str(), event.kind, event.data.to_string(), event.at.0])
        .map(|_| ())
        .map_err(unavailable)
}
