//! Reading collections back, whole and checked.

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use tillbox_core::currency::Currency;
use tillbox_core::id::{CollectionId, EventId, OperationId, PaymentId, ProviderId, SessionId};
use tillbox_core::operation::{Operation, OperationKind, OperationState, Origin};
use tillbox_core::state::{Collection, Payment, Session};
use tillbox_core::status::{CollectionStatus, SessionStatus};
use tillbox_core::text::Json;
use tillbox_core::{Money, Timestamp};

use super::super::rows::{Place, ProductColumns, decline_from_text, next_action_from_text};
use super::{Key, Listed, OperationEntry, OutboxEvent, Page, StoreError, Stored, unavailable};

pub(super) fn load(connection: &Connection, key: &Key) -> Result<Option<Stored>, StoreError> {
    // One snapshot for all four tables.
    let transaction = connection.unchecked_transaction().map_err(unavailable)?;
    let id = match key {
        Key::Collection(id) => Some(id.to_string()),
        Key::Session(id) => owner(&transaction, "select collection_id from session where id = ?", id.as_str())?,
        Key::Payment(id) => owner(&transaction, "select collection_id from payment where id = ?", id.as_str())?,
        Key::Operation(id) => owner(&transaction, "select collection_id from operation where id = ?", id.as_str())?,
    };
    let Some(id) = id else {
        return Ok(None);
    };
    let Some((mut collection, version)) = collection(&transaction, &id)? else {
        return Ok(None);
    };
    let currency = collection.currency();
    collection.sessions = children(&transaction, SESSIONS, &id, |row| session(row, currency))?;
    collection.payments = children(&transaction, PAYMENTS, &id, |row| payment(row, currency))?;
    collection.operations = children(&transaction, OPERATIONS, &id, |row| operation(row, currency))?;
    Ok(Some(Stored { collection, version }))
}

// `rowid` keeps the order in which things were made; an id's time is only good to the millisecond.
const SESSIONS: &str =
    "select id, provider_id, amount_minor, status, data, client_data, provider_reference, next_action,
    decline, context, metadata, authorized_at, deleted_at, created_at, updated_at
    from session where collection_id = ? order by rowid";
const PAYMENTS: &str =
    "select id, session_id, provider_id, amount_minor, data, provider_reference, disputed_minor, metadata,
    captured_at, canceled_at, created_at, updated_at from payment where collection_id = ? order by rowid";
const OPERATIONS: &str = "select id, session_id, payment_id, provider_id, kind, product_payment_id, product_capture_id,
    product_refund_id, product_operation_id, amount_minor, state, origin, attempts, lease_token, provider_reference, decline,
    reason, detail, note, created_at, updated_at from operation where collection_id = ? order by rowid";

pub(super) fn list_collections(connection: &Connection, page: Page) -> Result<Listed<CollectionId>, StoreError> {
    let sql = "select id from collection order by rowid desc limit ? offset ?";
    let items = rows(connection, sql, [page.limit.min(Page::LIMIT_MAX), page.offset], |row| {
        let id: String = column(row, 0)?;
        Place { table: "collection", id: &id }.id(CollectionId::parse(&id))
    })?;
    Ok(Listed { items, count: count(connection, "select count(*) from collection")? })
}

pub(super) fn list_payments(
    connection: &Connection,
    page: Page,
) -> Result<Listed<(CollectionId, PaymentId)>, StoreError> {
    let sql = "select id, collection_id from payment order by rowid desc limit ? offset ?";
    let items = rows(connection, sql, [page.limit.min(Page::LIMIT_MAX), page.offset], |row| {
        let (id, collection): (String, String) = (column(row, 0)?, column(row, 1)?);
        let place = Place { table: "payment", id: &id };
        Ok((place.id(CollectionId::parse(&collection))?, place.id(PaymentId::parse(&id))?))
    })?;
    Ok(Listed { items, count: count(connection, "select count(*) from payment")? })
}

pub(super) fn list_operations(
    connection: &Connection,
    states: &[OperationState],
    page: Page,
) -> Result<Listed<OperationEntry>, StoreError> {
    // The names come from a closed list of ours, so the text cannot be anything but names.
    let names = |states: &[OperationState]| {
        states.iter().map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>().join(", ")
    };
    let which = if states.is_empty() { names(OperationState::ALL) } else { names(states) };
    let sql = format!(
        "select id, collection_id, provider_id, state from operation where state in ({which}) order by rowid desc limit ? offset ?"
    );
    let items = rows(connection, &sql, [page.limit.min(Page::LIMIT_MAX), page.offset], |row| {
        let (id, state): (String, String) = (column(row, 0)?, column(row, 3)?);
        let place = Place { table: "operation", id: &id };
        Ok(OperationEntry {
            id: place.id(OperationId::parse(&id))?,
            collection: place.id(CollectionId::parse(&column::<String>(row, 1)?))?,
            provider: place.id(ProviderId::parse(&column::<String>(row, 2)?))?,
            state: place.named(OperationState::parse(&state), "state", &state)?,
        })
    })?;
    Ok(Listed { items, count: count(connection, &format!("select count(*) from operation where state in ({which})"))? })
}

pub(super) fn events_after(connection: &Connection, after: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
    let sql = "select sequence, id, collection_id, kind, data, created_at from outbox where sequence > ?
               order by sequence limit ?";
    rows(connection, sql, [after, i64::from(limit)], |row| {
        let id: String = column(row, 1)?;
        let place = Place { table: "outbox", id: &id };
        let data: String = column(row, 4)?;
        Ok(OutboxEvent {
            sequence: column(row, 0)?,
            id: place.id(EventId::parse(&id))?,
            collection: place.id(CollectionId::parse(&column::<String>(row, 2)?))?,
            kind: column(row, 3)?,
            data: serde_json::from_str(&data).map_err(|error| place.corrupt(error))?,
            at: Timestamp(column(row, 5)?),
        })
    })
}

fn owner(connection: &Connection, sql: &str, id: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    statement.query_row([id], |row| row.get(0)).optional().map_err(unavailable)
}

fn collection(connection: &Connection, id: &str) -> Result<Option<(Collection, i64)>, StoreError> {
    let sql =
        "select id, version, currency, exponent, amount_minor, cart_id, metadata, status, completed_at, canceled_at,
               created_at, updated_at from collection where id = ?";
    let found = rows(connection, sql, [id], |row| {
        let (id, status): (String, String) = (column(row, 0)?, column(row, 7)?);
        let place = Place { table: "collection", id: &id };
        let code: String = column(row, 2)?;
        let currency = Currency::new(&code, column(row, 3)?).map_err(|error| place.corrupt(error))?;
        let collection = Collection {
            id: place.id(CollectionId::parse(&id))?,
            amount: money(place, column(row, 4)?, currency)?,
            cart_id: column(row, 5)?,
            metadata: json(column(row, 6)?),
            sessions: Vec::new(),
            payments: Vec::new(),
            operations: Vec::new(),
            status: place.named(CollectionStatus::parse(&status), "status", &status)?,
            completed_at: time(column(row, 8)?),
            canceled_at: time(column(row, 9)?),
            created_at: Timestamp(column(row, 10)?),
            updated_at: Timestamp(column(row, 11)?),
        };
        Ok((collection, column(row, 1)?))
    })?;
    Ok(found.into_iter().next())
}

fn children<T>(
    connection: &Connection,
    sql: &str,
    id: &str,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows(connection, sql, [id], read)
}

fn session(row: &Row<'_>, currency: Currency) -> Result<Session, StoreError> {
    let (id, status): (String, String) = (column(row, 0)?, column(row, 3)?);
    let place = Place { table: "session", id: &id };
    let next_action: Option<String> = column(row, 7)?;
    let decline: Option<String> = column(row, 8)?;
    Ok(Session {
        id: place.id(SessionId::parse(&id))?,
        provider: place.id(ProviderId::parse(&column::<String>(row, 1)?))?,
        amount: money(place, column(row, 2)?, currency)?,
        status: place.named(SessionStatus::parse(&status), "status", &status)?,
        data: Json::from_checked(&column::<String>(row, 4)?),
        client_data: json(column(row, 5)?),
        provider_reference: column(row, 6)?,
        next_action: next_action.map(|text| next_action_from_text(place, &text)).transpose()?,
        decline: decline.map(|text| decline_from_text(place, &text)).transpose()?,
        context: Json::from_checked(&column::<String>(row, 9)?),
        metadata: json(column(row, 10)?),
        authorized_at: time(column(row, 11)?),
        deleted_at: time(column(row, 12)?),
        created_at: Timestamp(column(row, 13)?),
        updated_at: Timestamp(column(row, 14)?),
    })
}

fn payment(row: &Row<'_>, currency: Currency) -> Result<Payment, StoreError> {
    let id: String = column(row, 0)?;
    let place = Place { table: "payment", id: &id };
    Ok(Payment {
        id: place.id(PaymentId::parse(&id))?,
        session: place.id(SessionId::parse(&column::<String>(row, 1)?))?,
        provider: place.id(ProviderId::parse(&column::<String>(row, 2)?))?,
        amount: money(place, column(row, 3)?, currency)?,
        data: Json::from_checked(&column::<String>(row, 4)?),
        provider_reference: column(row, 5)?,
        disputed: money(place, column(row, 6)?, currency)?,
        metadata: json(column(row, 7)?),
        captured_at: time(column(row, 8)?),
        canceled_at: time(column(row, 9)?),
        created_at: Timestamp(column(row, 10)?),
        updated_at: Timestamp(column(row, 11)?),
    })
}

fn operation(row: &Row<'_>, currency: Currency) -> Result<Operation, StoreError> {
    let (id, kind): (String, String) = (column(row, 0)?, column(row, 4)?);
    let (state, origin): (String, String) = (column(row, 10)?, column(row, 11)?);
    let place = Place { table: "operation", id: &id };
    let payment: Option<String> = column(row, 2)?;
    let amount: Option<i64> = column(row, 9)?;
    let decline: Option<String> = column(row, 15)?;
    let product = ProductColumns {
        payment: column(row, 5)?,
        capture: column(row, 6)?,
        refund: column(row, 7)?,
        operation: column(row, 8)?,
    };
    Ok(Operation {
        id: place.id(OperationId::parse(&id))?,
        kind: place.named(OperationKind::parse(&kind), "kind", &kind)?,
        provider: place.id(ProviderId::parse(&column::<String>(row, 3)?))?,
        session: place.id(SessionId::parse(&column::<String>(row, 1)?))?,
        payment: payment.map(|id| place.id(PaymentId::parse(&id))).transpose()?,
        product: product.product(place)?,
        amount: amount.map(|amount| money(place, amount, currency)).transpose()?,
        state: place.named(OperationState::parse(&state), "state", &state)?,
        origin: place.named(Origin::parse(&origin), "origin", &origin)?,
        attempts: column(row, 12)?,
        lease_token: u64::try_from(column::<i64>(row, 13)?).map_err(|error| place.corrupt(error))?,
        provider_reference: column(row, 14)?,
        decline: decline.map(|text| decline_from_text(place, &text)).transpose()?,
        reason: column(row, 16)?,
        detail: column(row, 17)?,
        note: column(row, 18)?,
        created_at: Timestamp(column(row, 19)?),
        updated_at: Timestamp(column(row, 20)?),
    })
}

fn rows<P, T>(
    connection: &Connection,
    sql: &str,
    parameters: P,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError>
where
    P: IntoIterator,
    P::Item: rusqlite::ToSql,
{
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let mut found = statement.query(params_from_iter(parameters)).map_err(unavailable)?;
    let mut items = Vec::new();
    while let Some(row) = found.next().map_err(unavailable)? {
        items.push(read(row)?);
    }
    Ok(items)
}

fn count(connection: &Connection, sql: &str) -> Result<u64, StoreError> {
    let count: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(unavailable)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    row.get(index).map_err(|error| {
        let place = row.get::<_, String>(0).unwrap_or_default();
        match error {
            rusqlite::Error::InvalidColumnType(_, name, found) => {
                StoreError::Corrupt { table: "row", id: place, what: format!("{name} holds {found}") }
            }
            other => unavailable(other),
        }
    })
}

fn money(place: Place<'_>, minor_units: i64, currency: Currency) -> Result<Money, StoreError> {
    Money::new(minor_units, currency).map_err(|error| place.corrupt(error))
}

fn json(text: Option<String>) -> Option<Json> {
    text.map(|text| Json::from_checked(&text))
}

fn time(at: Option<i64>) -> Option<Timestamp> {
    at.map(Timestamp)
}
