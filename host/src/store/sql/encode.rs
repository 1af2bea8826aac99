//! A change as statements: only what differs from before, only on top of the version it was decided on.

use tillbox_core::Timestamp;
use tillbox_core::operation::{Input, Operation};
use tillbox_core::state::{Collection, Payment, Session};

use super::columns::{ProductColumns, decline_to_text, headers_to_text, next_action_to_text};
use super::{Step, Value, access, exchanges, idempotency};
use crate::store::{CartClaim, Change, DeliveryState, KeptDelivery, MergedClaim, OutboxEvent, Stored};

const INSERT_COLLECTION: &str = "insert into collection (id, version, currency, exponent, amount_minor, cart_id, metadata, \
     status, completed_at, canceled_at, created_at, updated_at, order_id) \
     values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const UPDATE_COLLECTION: &str = "update collection set version = version + 1, amount_minor = $1, metadata = $2, status = $3, \
     completed_at = $4, canceled_at = $5, deleted_at = $6, updated_at = $7 where id = $8 and version = $9";

const UPSERT_SESSION: &str = "insert into session (id, collection_id, position, provider_id, amount_minor, status, data, \
     client_data, provider_reference, next_action, decline, context, metadata, authorized_at, deleted_at, created_at, \
     updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
     on conflict (id) do update set amount_minor = excluded.amount_minor, status = excluded.status, data = excluded.data, \
     client_data = excluded.client_data, provider_reference = excluded.provider_reference, \
     next_action = excluded.next_action, decline = excluded.decline, context = excluded.context, \
     metadata = excluded.metadata, authorized_at = excluded.authorized_at, deleted_at = excluded.deleted_at, \
     updated_at = excluded.updated_at";

const UPSERT_PAYMENT: &str = "insert into payment (id, collection_id, position, session_id, provider_id, amount_minor, data, \
     provider_reference, disputed_minor, metadata, captured_at, canceled_at, created_at, updated_at) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
     on conflict (id) do update set data = excluded.data, provider_reference = excluded.provider_reference, \
     disputed_minor = excluded.disputed_minor, metadata = excluded.metadata, captured_at = excluded.captured_at, \
     canceled_at = excluded.canceled_at, updated_at = excluded.updated_at";

const UPSERT_OPERATION: &str = "insert into operation (id, collection_id, position, session_id, payment_id, provider_id, kind, \
     product_payment_id, product_capture_id, product_refund_id, product_operation_id, amount_minor, state, origin, attempts, \
     lease_token, provider_reference, decline, reason, detail, note, refund_reason_id, created_by, metadata, checks, \
     next_action_at, created_at, updated_at, refund_reason_code, is_repeatable, sealed_input, \
     refund_reason_label, component_digest) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
     $24, $25, $26, $27, $28, $29, $30, $31, $32, $33) \
     on conflict (id) do update set state = excluded.state, attempts = excluded.attempts, \
     lease_token = excluded.lease_token, provider_reference = excluded.provider_reference, decline = excluded.decline, \
     reason = excluded.reason, detail = excluded.detail, metadata = excluded.metadata, checks = excluded.checks, \
     next_action_at = excluded.next_action_at, claimed_until = null, updated_at = excluded.updated_at, \
     is_repeatable = excluded.is_repeatable, sealed_input = excluded.sealed_input";

/// Public to the stores, since an event's id is unique in the database and so tells whether its change was committed.
pub(in crate::store) const INSERT_EVENT: &str =
    "insert into outbox (id, collection_id, kind, data, created_at, trace) values ($1, $2, $3, $4, $5, $6)";

const INSERT_CLAIM: &str = "insert into evidence (provider_id, event_id, collection_id, delivery_id, created_at) \
     values ($1, $2, $3, $4, $5) on conflict do nothing";

/// The id is ours: a second attempt finds its own first.
const INSERT_DELIVERY: &str = "insert into delivery (id, provider_id, headers, query, body, state, attempts, next_action_at, \
     received_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing";

const CLAIM_CART: &str =
    "insert into cart_collection (cart_id, collection_id) values ($1, $2) on conflict (cart_id) do nothing";

const MOVE_CART: &str = "update cart_collection set collection_id = $1 where cart_id = $2 and collection_id = $3";

const CLOSE_DELIVERY: &str = "update delivery set state = $1, detail = $2, next_action_at = null, claimed_until = null, \
     updated_at = $3 where id = $4";

const POSTPONE_DELIVERY: &str = "update delivery set attempts = attempts + 1, next_action_at = $1, claimed_until = null \
     where id = $2 and state = 'open'";

/// The statements of a change, in the order that foreign keys want.
pub(in crate::store) fn change(change: &Change) -> Vec<Step> {
    let (id, after) = (change.after.id.as_str(), &change.after);
    let earlier = change.before.as_ref().map(|stored| &stored.collection);
    let mut steps = vec![collection(change.before.as_ref(), after)];
    for (position, item) in after.sessions.iter().enumerate() {
        if earlier.and_then(|earlier| earlier.sessions.get(position)) != Some(item) {
            steps.push(session(id, position, item));
        }
    }
    for (position, item) in after.payments.iter().enumerate() {
        if earlier.and_then(|earlier| earlier.payments.get(position)) != Some(item) {
            steps.push(payment(id, position, item));
        }
    }
    for (position, item) in after.operations.iter().enumerate() {
        if earlier.and_then(|earlier| earlier.operations.get(position)) != Some(item) {
            steps.push(operation(id, position, item));
        }
    }
    // Behind the operations: their rows are held by now.
    steps.extend(change.exchanges.iter().flat_map(exchanges::with_change));
    steps.extend(change.events.iter().map(event));
    steps.extend(change.claim.iter().map(|merged| claim(id, merged)));
    if let (Some(claim), Some(cart)) = (&change.cart, &after.cart_id) {
        steps.push(cart_claim(cart, id, claim));
    }
    if let Some(customer) = &change.customer {
        steps.push(access::made_for(id, customer));
    }
    if let Some(key) = &change.key {
        // Where a key is all that can be lost, it is looked at before anything is written; else behind the operation it names.
        let alone = change.before.is_none() && key.row.operation.is_none();
        steps.insert(if alone { 0 } else { steps.len() }, idempotency::write(key));
    }
    steps
}

pub(in crate::store) fn delivery(delivery: &KeptDelivery) -> Step {
    step(
        INSERT_DELIVERY,
        vec![
            delivery.id.clone().into(),
            delivery.provider.as_str().into(),
            headers_to_text(&delivery.headers).into(),
            delivery.query.clone().into(),
            Value::Bytes(delivery.body.clone()),
            DeliveryState::Open.as_str().into(),
            i64::from(delivery.attempts).into(),
            delivery.next_action_at.0.into(),
            delivery.received_at.0.into(),
            delivery.received_at.0.into(),
        ],
    )
}

pub(in crate::store) fn close_delivery(id: &str, state: DeliveryState, detail: Option<String>, at: Timestamp) -> Step {
    step(CLOSE_DELIVERY, vec![state.as_str().into(), detail.into(), at.0.into(), id.into()])
}

pub(in crate::store) fn postpone_delivery(id: &str, next: Timestamp) -> Step {
    step(POSTPONE_DELIVERY, vec![next.0.into(), id.into()])
}

/// Guarded where the collection has to be the cart's only one: whoever comes second makes none.
fn cart_claim(cart: &str, collection: &str, claim: &CartClaim) -> Step {
    let values = || vec![cart.into(), collection.into()];
    match claim {
        CartClaim::IfNone => step(CLAIM_CART, values()),
        CartClaim::InsteadOf(None) => Step { guarded: true, ..step(CLAIM_CART, values()) },
        CartClaim::InsteadOf(Some(before)) => {
            let values = vec![collection.into(), cart.into(), before.as_str().into()];
            Step { guarded: true, ..step(MOVE_CART, values) }
        }
    }
}

/// Guarded: a claim that is there already makes the change a conflict, and the next look finds it merged.
fn claim(collection: &str, claim: &MergedClaim) -> Step {
    let values = vec![
        claim.provider.as_str().into(),
        claim.event_id.clone().into(),
        collection.into(),
        claim.delivery.clone().into(),
        claim.at.0.into(),
    ];
    Step { guarded: true, ..step(INSERT_CLAIM, values) }
}

fn step(sql: &'static str, values: Vec<Value>) -> Step {
    Step { sql, values, guarded: false }
}

fn collection(before: Option<&Stored>, after: &Collection) -> Step {
    let metadata = Value::from(after.metadata.as_ref().map(|json| json.as_str()));
    let completed_at = Value::from(after.completed_at.map(|at| at.0));
    let canceled_at = Value::from(after.canceled_at.map(|at| at.0));
    let Some(before) = before else {
        let currency = after.currency();
        return step(
            INSERT_COLLECTION,
            vec![
                after.id.as_str().into(),
                currency.code().into(),
                i64::from(currency.exponent()).into(),
                after.amount.minor_units().into(),
                after.cart_id.clone().into(),
                metadata,
                after.status.as_str().into(),
                completed_at,
                canceled_at,
                after.created_at.0.into(),
                after.updated_at.0.into(),
                after.order_id.clone().into(),
            ],
        );
    };
    let values = vec![
        after.amount.minor_units().into(),
        metadata,
        after.status.as_str().into(),
        completed_at,
        canceled_at,
        after.deleted_at.map(|at| at.0).into(),
        after.updated_at.0.into(),
        after.id.as_str().into(),
        before.version.into(),
    ];
    Step { guarded: true, ..step(UPDATE_COLLECTION, values) }
}

fn session(collection: &str, position: usize, session: &Session) -> Step {
    step(
        UPSERT_SESSION,
        vec![
            session.id.as_str().into(),
            collection.into(),
            place(position),
            session.provider.as_str().into(),
            session.amount.minor_units().into(),
            session.status.as_str().into(),
            session.data.as_str().into(),
            session.client_data.as_ref().map(|json| json.as_str()).into(),
            session.provider_reference.clone().into(),
            session.next_action.as_ref().map(next_action_to_text).into(),
            session.decline.as_ref().map(decline_to_text).into(),
            session.context.as_str().into(),
            session.metadata.as_ref().map(|json| json.as_str()).into(),
            session.authorized_at.map(|at| at.0).into(),
            session.deleted_at.map(|at| at.0).into(),
            session.created_at.0.into(),
            session.updated_at.0.into(),
        ],
    )
}

fn payment(collection: &str, position: usize, payment: &Payment) -> Step {
    step(
        UPSERT_PAYMENT,
        vec![
            payment.id.as_str().into(),
            collection.into(),
            place(position),
            payment.session.as_str().into(),
            payment.provider.as_str().into(),
            payment.amount.minor_units().into(),
            payment.data.as_str().into(),
            payment.provider_reference.clone().into(),
            payment.disputed.minor_units().into(),
            payment.metadata.as_ref().map(|json| json.as_str()).into(),
            payment.captured_at.map(|at| at.0).into(),
            payment.canceled_at.map(|at| at.0).into(),
            payment.created_at.0.into(),
            payment.updated_at.0.into(),
        ],
    )
}

fn operation(collection: &str, position: usize, operation: &Operation) -> Step {
    let product = ProductColumns::of(&operation.product);
    step(
        UPSERT_OPERATION,
        vec![
            operation.id.as_str().into(),
            collection.into(),
            place(position),
            operation.session.as_str().into(),
            operation.payment.as_ref().map(|payment| payment.as_str()).into(),
            operation.provider.as_str().into(),
            operation.kind.as_str().into(),
            product.payment.into(),
            product.capture.into(),
            product.refund.into(),
            product.operation.into(),
            operation.amount.map(|amount| amount.minor_units()).into(),
            operation.state.as_str().into(),
            operation.origin.as_str().into(),
            i64::from(operation.attempts).into(),
            i64::try_from(operation.lease_token).unwrap_or(i64::MAX).into(),
            operation.provider_reference.clone().into(),
            operation.decline.as_ref().map(decline_to_text).into(),
            operation.reason.clone().into(),
            operation.detail.clone().into(),
            operation.note.clone().into(),
            operation.refund_reason.as_ref().map(|reason| reason.id.as_str()).into(),
            operation.created_by.clone().into(),
            operation.metadata.as_ref().map(|json| json.as_str()).into(),
            i64::from(operation.checks).into(),
            operation.next_action_at.map(|at| at.0).into(),
            operation.created_at.0.into(),
            operation.updated_at.0.into(),
            operation.refund_reason.as_ref().map(|reason| reason.code.clone()).into(),
            i64::from(operation.input != Input::Gone).into(),
            sealed(&operation.input).into(),
            operation.refund_reason.as_ref().and_then(|reason| reason.label.clone()).into(),
            operation.component.map(|digest| digest.to_string()).into(),
        ],
    )
}

fn sealed(input: &Input) -> Option<&str> {
    match input {
        Input::Sealed(sealed) => Some(sealed.as_str()),
        Input::None | Input::Gone => None,
    }
}

pub(in crate::store) fn event(event: &OutboxEvent) -> Step {
    step(
        INSERT_EVENT,
        vec![
            event.id.as_str().into(),
            event.collection.as_str().into(),
            event.kind.clone().into(),
            event.data.to_string().into(),
            event.at.0.into(),
            event.trace.map(|trace| trace.to_string()).into(),
        ],
    )
}

/// The place in the collection: an id's time is only good to the millisecond, and order matters.
fn place(position: usize) -> Value {
    Value::Int(i64::try_from(position).unwrap_or(i64::MAX))
}
