//! Rows as collections again, whole and checked.

use tillbox_core::currency::Currency;
use tillbox_core::id::{CollectionId, EventId, IdError, OperationId, PaymentId, ProviderId, RefundReasonId, SessionId};
use tillbox_core::operation::{GivenReason, Input, Operation, OperationKind, OperationState, Origin};
use tillbox_core::state::{Collection, Payment, Session};
use tillbox_core::status::{CollectionStatus, SessionStatus};
use tillbox_core::text::{Json, Sealed};
use tillbox_core::{ComponentDigest, Money, Timestamp};

use super::columns::{Place, ProductColumns, decline_from_text, headers_from_text, next_action_from_text};
use super::{Row, Value};
use crate::store::{KeptDelivery, Key, OperationEntry, OutboxEvent, Page, StoreError, Stored};
use crate::trace::Trace;

pub(in crate::store) const COLLECTION: &str = "select id, version, currency, exponent, amount_minor, cart_id, metadata, \
     status, completed_at, canceled_at, created_at, updated_at, deleted_at, order_id from collection where id = $1";
pub(in crate::store) const SESSIONS: &str = "select id, provider_id, amount_minor, status, data, client_data, \
     provider_reference, next_action, decline, context, metadata, authorized_at, deleted_at, created_at, updated_at \
     from session where collection_id = $1 order by position";
pub(in crate::store) const PAYMENTS: &str = "select id, session_id, provider_id, amount_minor, data, provider_reference, \
     disputed_minor, metadata, captured_at, canceled_at, created_at, updated_at \
     from payment where collection_id = $1 order by position";
pub(in crate::store) const OPERATIONS: &str = "select id, session_id, payment_id, provider_id, kind, product_payment_id, \
     product_capture_id, product_refund_id, product_operation_id, amount_minor, state, origin, attempts, lease_token, \
     provider_reference, decline, reason, detail, note, refund_reason_id, created_by, metadata, checks, next_action_at, \
     created_at, updated_at, refund_reason_code, is_repeatable, sealed_input, refund_reason_label, \
     component_digest \
     from operation where collection_id = $1 order by position";

/// The version alone: whether a collection that somebody remembers is still the latest.
pub(in crate::store) const VERSION: &str = "select id, version from collection where id = $1";

pub(in crate::store) const EVENTS_AFTER: &str = "select id, sequence, collection_id, kind, data, created_at, trace from outbox \
     where sequence > $1 order by sequence limit $2";

/// The columns of a delivery as it is read.
macro_rules! delivery_columns {
    () => {
        "id, provider_id, headers, query, body, received_at, attempts, coalesce(next_action_at, received_at)"
    };
}
pub(super) use delivery_columns;

pub(in crate::store) const OPEN_DELIVERIES: &str =
    concat!("select ", delivery_columns!(), " from delivery where state = 'open' and id > $1 order by id limit $2");
pub(in crate::store) const IS_MERGED: &str = "select event_id from evidence where provider_id = $1 and event_id = $2";
pub(in crate::store) const SESSION_BY_REFERENCE: &str = "select id from session \
     where provider_id = $1 and provider_reference = $2 union \
     select session_id from payment where provider_id = $1 and provider_reference = $2 limit 1";

pub(in crate::store) const CART_COLLECTION: &str = "select collection_id from cart_collection where cart_id = $1";

/// The values that `limit` and `offset` of a list want.
pub(in crate::store) fn bounds(page: Page) -> Vec<Value> {
    vec![i64::from(page.limit.min(Page::LIMIT_MAX)).into(), i64::from(page.offset).into()]
}

/// The query that finds the collection of a key, and the id to ask it for.
pub(in crate::store) fn owner(key: &Key) -> (Option<&'static str>, &str) {
    match key {
        Key::Collection(id) => (None, id.as_str()),
        Key::Session(id) => (Some("select collection_id from session where id = $1"), id.as_str()),
        Key::Payment(id) => (Some("select collection_id from payment where id = $1"), id.as_str()),
        Key::Operation(id) => (Some("select collection_id from operation where id = $1"), id.as_str()),
        Key::Capture(id) => (
            Some("select collection_id from operation where kind = 'capture' and product_capture_id = $1"),
            id.as_str(),
        ),
        Key::Refund(id) => {
            (Some("select collection_id from operation where kind = 'refund' and product_refund_id = $1"), id.as_str())
        }
    }
}

/// The queries that list and count operations in these states; no states means all. The names come from a closed list of
/// ours, so the text cannot be anything but names.
pub(in crate::store) fn operations_in(states: &[OperationState]) -> (String, String) {
    let states = if states.is_empty() { OperationState::ALL } else { states };
    let names: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
    let among = names.join(", ");
    let list = "select id, collection_id, provider_id, state from operation where state in";
    (
        format!("{list} ({among}) order by id desc limit $1 offset $2"),
        format!("select count(*) from operation where state in ({among})"),
    )
}

/// A collection from the rows of its four tables.
pub(in crate::store) fn stored(
    collection_row: &Row,
    sessions: &[Row],
    payments: &[Row],
    operations: &[Row],
) -> Result<Stored, StoreError> {
    let (mut collection, version) = collection(collection_row)?;
    let currency = collection.currency();
    collection.sessions = sessions.iter().map(|row| session(row, currency)).collect::<Result<_, _>>()?;
    collection.payments = payments.iter().map(|row| payment(row, currency)).collect::<Result<_, _>>()?;
    collection.operations = operations.iter().map(|row| operation(row, currency)).collect::<Result<_, _>>()?;
    Ok(Stored { collection, version })
}

pub(in crate::store) fn collection_id(row: &Row) -> Result<CollectionId, StoreError> {
    row.place().id(CollectionId::parse(row.text(0)?))
}

/// Something of a collection and the collection, from a row of both ids.
pub(in crate::store) fn part<T>(
    row: &Row,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<(CollectionId, T), StoreError> {
    let place = row.place();
    Ok((place.id(CollectionId::parse(row.text(1)?))?, place.id(parse(row.text(0)?))?))
}

pub(in crate::store) fn operation_entry(row: &Row) -> Result<OperationEntry, StoreError> {
    let place = row.place();
    let state = row.text(3)?;
    Ok(OperationEntry {
        id: place.id(OperationId::parse(row.text(0)?))?,
        collection: place.id(CollectionId::parse(row.text(1)?))?,
        provider: place.id(ProviderId::parse(row.text(2)?))?,
        state: place.named(OperationState::parse(state), "state", state)?,
    })
}

pub(in crate::store) fn event(row: &Row) -> Result<OutboxEvent, StoreError> {
    let place = row.place();
    Ok(OutboxEvent {
        sequence: row.int(1)?,
        id: place.id(EventId::parse(row.text(0)?))?,
        collection: place.id(CollectionId::parse(row.text(2)?))?,
        kind: row.text(3)?.to_owned(),
        data: serde_json::from_str(row.text(4)?).map_err(|error| place.corrupt(error))?,
        at: Timestamp(row.int(5)?),
        // A trace that cannot be read is no reason to keep an event from anybody.
        trace: row.optional_text(6)?.and_then(Trace::parse),
    })
}

pub(in crate::store) fn delivery(row: &Row) -> Result<KeptDelivery, StoreError> {
    let place = row.place();
    Ok(KeptDelivery {
        id: row.text(0)?.to_owned(),
        provider: place.id(ProviderId::parse(row.text(1)?))?,
        headers: headers_from_text(place, row.text(2)?)?,
        query: row.text(3)?.to_owned(),
        body: row.bytes(4)?.to_vec(),
        received_at: Timestamp(row.int(5)?),
        attempts: u32::try_from(row.int(6)?).map_err(|error| place.corrupt(error))?,
        next_action_at: Timestamp(row.int(7)?),
    })
}

pub(in crate::store) fn session_id(row: &Row) -> Result<SessionId, StoreError> {
    row.place().id(SessionId::parse(row.text(0)?))
}

fn collection(row: &Row) -> Result<(Collection, i64), StoreError> {
    let place = row.place();
    let exponent = u8::try_from(row.int(3)?).map_err(|error| place.corrupt(error))?;
    let currency = Currency::new(row.text(2)?, exponent).map_err(|error| place.corrupt(error))?;
    let status = row.text(7)?;
    let collection = Collection {
        id: place.id(CollectionId::parse(row.text(0)?))?,
        amount: money(place, row.int(4)?, currency)?,
        cart_id: row.optional_text(5)?.map(str::to_owned),
        order_id: row.optional_text(13)?.map(str::to_owned),
        metadata: row.optional_text(6)?.map(Json::from_checked),
        sessions: Vec::new(),
        payments: Vec::new(),
        operations: Vec::new(),
        status: place.named(CollectionStatus::parse(status), "status", status)?,
        completed_at: row.optional_int(8)?.map(Timestamp),
        canceled_at: row.optional_int(9)?.map(Timestamp),
        created_at: Timestamp(row.int(10)?),
        updated_at: Timestamp(row.int(11)?),
        deleted_at: row.optional_int(12)?.map(Timestamp),
    };
    Ok((collection, row.int(1)?))
}

fn session(row: &Row, currency: Currency) -> Result<Session, StoreError> {
    let place = row.place();
    let status = row.text(3)?;
    Ok(Session {
        id: place.id(SessionId::parse(row.text(0)?))?,
        provider: place.id(ProviderId::parse(row.text(1)?))?,
        amount: money(place, row.int(2)?, currency)?,
        status: place.named(SessionStatus::parse(status), "status", status)?,
        data: Json::from_checked(row.text(4)?),
        client_data: row.optional_text(5)?.map(Json::from_checked),
        provider_reference: row.optional_text(6)?.map(str::to_owned),
        next_action: row.optional_text(7)?.map(|text| next_action_from_text(place, text)).transpose()?,
        decline: row.optional_text(8)?.map(|text| decline_from_text(place, text)).transpose()?,
        context: Json::from_checked(row.text(9)?),
        metadata: row.optional_text(10)?.map(Json::from_checked),
        authorized_at: row.optional_int(11)?.map(Timestamp),
        deleted_at: row.optional_int(12)?.map(Timestamp),
        created_at: Timestamp(row.int(13)?),
        updated_at: Timestamp(row.int(14)?),
    })
}

fn payment(row: &Row, currency: Currency) -> Result<Payment, StoreError> {
    let place = row.place();
    Ok(Payment {
        id: place.id(PaymentId::parse(row.text(0)?))?,
        session: place.id(SessionId::parse(row.text(1)?))?,
        provider: place.id(ProviderId::parse(row.text(2)?))?,
        amount: money(place, row.int(3)?, currency)?,
        data: Json::from_checked(row.text(4)?),
        provider_reference: row.optional_text(5)?.map(str::to_owned),
        disputed: money(place, row.int(6)?, currency)?,
        metadata: row.optional_text(7)?.map(Json::from_checked),
        captured_at: row.optional_int(8)?.map(Timestamp),
        canceled_at: row.optional_int(9)?.map(Timestamp),
        created_at: Timestamp(row.int(10)?),
        updated_at: Timestamp(row.int(11)?),
    })
}

fn operation(row: &Row, currency: Currency) -> Result<Operation, StoreError> {
    let place = row.place();
    let (kind, state, origin) = (row.text(4)?, row.text(10)?, row.text(11)?);
    let owned = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
    let product = ProductColumns { payment: owned(5)?, capture: owned(6)?, refund: owned(7)?, operation: owned(8)? };
    let payment = row.optional_text(2)?.map(|id| place.id(PaymentId::parse(id))).transpose()?;
    Ok(Operation {
        id: place.id(OperationId::parse(row.text(0)?))?,
        kind: place.named(OperationKind::parse(kind), "kind", kind)?,
        provider: place.id(ProviderId::parse(row.text(3)?))?,
        component: row.optional_text(30)?.map(|text| digest(place, "component_digest", text)).transpose()?,
        session: place.id(SessionId::parse(row.text(1)?))?,
        payment,
        product: product.product(place)?,
        amount: row.optional_int(9)?.map(|amount| money(place, amount, currency)).transpose()?,
        state: place.named(OperationState::parse(state), "state", state)?,
        origin: place.named(Origin::parse(origin), "origin", origin)?,
        attempts: u32::try_from(row.int(12)?).map_err(|error| place.corrupt(error))?,
        lease_token: u64::try_from(row.int(13)?).map_err(|error| place.corrupt(error))?,
        provider_reference: owned(14)?,
        decline: row.optional_text(15)?.map(|text| decline_from_text(place, text)).transpose()?,
        reason: owned(16)?,
        detail: owned(17)?,
        note: owned(18)?,
        refund_reason: given_reason(row)?,
        created_by: owned(20)?,
        metadata: row.optional_text(21)?.map(Json::from_checked),
        checks: u32::try_from(row.int(22)?).map_err(|error| place.corrupt(error))?,
        next_action_at: row.optional_int(23)?.map(Timestamp),
        created_at: Timestamp(row.int(24)?),
        updated_at: Timestamp(row.int(25)?),
        input: input(row)?,
    })
}

/// A component's digest, as it is written.
pub(in crate::store) fn digest(place: Place<'_>, column: &str, text: &str) -> Result<ComponentDigest, StoreError> {
    place.named(ComponentDigest::parse(text), column, text)
}

/// What the payer typed in, as far as it is kept.
fn input(row: &Row) -> Result<Input, StoreError> {
    match (row.int(27)?, row.optional_text(28)?) {
        (1, None) => Ok(Input::None),
        (1, Some(sealed)) => Ok(Input::Sealed(Sealed::from_sealed(sealed))),
        (0, None) => Ok(Input::Gone),
        (_, None | Some(_)) => Err(row.place().corrupt("a sealed input of what cannot be asked again")),
    }
}

/// Which reason and its code, both or neither.
fn given_reason(row: &Row) -> Result<Option<GivenReason>, StoreError> {
    let place = row.place();
    match (row.optional_text(19)?, row.optional_text(26)?) {
        (None, None) => Ok(None),
        (Some(id), Some(code)) => {
            let label = row.optional_text(29)?.map(str::to_owned);
            Ok(Some(GivenReason { id: place.id(RefundReasonId::parse(id))?, code: code.to_owned(), label }))
        }
        (Some(_), None) | (None, Some(_)) => Err(place.corrupt("a refund reason without its id or without its code")),
    }
}

fn money(place: Place<'_>, minor_units: i64, currency: Currency) -> Result<Money, StoreError> {
    Money::new(minor_units, currency).map_err(|error| place.corrupt(error))
}
