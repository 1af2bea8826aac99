//! Events as the outside hears of them. They carry ids, amounts and statuses; never a provider's private state, and never
//! anything of the payer.

use serde_json::{Number, Value, json};
use tillbox_core::event::{Change, Event, SetAside};
use tillbox_core::id::{CollectionId, EventId};
use tillbox_core::operation::{Operation, OperationKind, OperationState};
use tillbox_core::state::Collection;
use tillbox_core::status::SessionStatus;
use tillbox_core::{Money, Timestamp};

use crate::clock::new_tail;
use crate::trace::Trace;

/// One event in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEvent {
    /// Its place in the order; 0 until it is stored.
    pub sequence: i64,
    /// Its id: the dedupe key for those who hear of it twice.
    pub id: EventId,
    /// The collection it is about.
    pub collection: CollectionId,
    /// `payment.captured` …
    pub kind: String,
    /// What it says.
    pub data: Value,
    /// When it happened.
    pub at: Timestamp,
    /// The trace of the request that caused it, where there was one.
    pub trace: Option<Trace>,
}

impl OutboxEvent {
    /// What the outside is told of a change. That a question is still open is not told anew at each look.
    #[must_use]
    pub fn of(after: &Collection, event: &Event) -> Option<Self> {
        let (kind, data) = describe(after, &event.change)?;
        Some(Self {
            sequence: 0,
            id: EventId::from_tail(&new_tail()),
            collection: after.id.clone(),
            kind,
            data,
            at: event.at,
            trace: Trace::current(),
        })
    }
}

fn describe(after: &Collection, change: &Change) -> Option<(String, Value)> {
    Some(match change {
        Change::OperationPostponed { .. } => return None,
        Change::CollectionCreated { amount, .. } => {
            named("payment_collection.created", with_amount(json!({}), *amount))
        }
        Change::CollectionUpdated { amount, .. } => {
            let amount = amount.unwrap_or(after.amount);
            named("payment_collection.updated", with_amount(json!({}), amount))
        }
        Change::CollectionCanceled => named("payment_collection.canceled", json!({})),
        Change::CollectionCompleted => named("payment_collection.completed", json!({})),
        Change::CollectionDeleted => named("payment_collection.deleted", json!({})),
        Change::CollectionRestored => named("payment_collection.restored", json!({})),
        Change::SessionNoted { session, .. } => named("payment_session.updated", json!({ "id": session.as_str() })),
        Change::PaymentNoted { payment, .. } => named("payment.updated", json!({ "id": payment.as_str() })),
        Change::OperationNoted { operation, .. } => named("operation.updated", json!({ "id": operation.as_str() })),
        Change::CollectionStatusChanged { status } => {
            named("payment_collection.status_changed", json!({ "status": status.as_str() }))
        }
        Change::SessionCreated(session) => named(
            "payment_session.created",
            with_amount(json!({ "id": session.id.as_str(), "provider_id": session.provider.as_str() }), session.amount),
        ),
        Change::SessionProgressed(progress) => named(
            session_event(progress.status),
            json!({ "id": progress.session.as_str(), "status": progress.status.as_str() }),
        ),
        Change::SessionDeleted { session } => named("payment_session.deleted", json!({ "id": session.as_str() })),
        Change::PaymentCreated(payment) => named(
            "payment.authorized",
            with_amount(
                json!({ "id": payment.id.as_str(), "payment_session_id": payment.session.as_str() }),
                payment.amount,
            ),
        ),
        Change::PaymentProgressed { payment, .. } => named("payment.updated", json!({ "id": payment.as_str() })),
        Change::PaymentCaptured { payment } => named("payment.captured_in_full", json!({ "id": payment.as_str() })),
        Change::PaymentCanceled { payment } => named("payment.canceled", json!({ "id": payment.as_str() })),
        Change::PaymentDisputed { payment, amount } => {
            named("payment.disputed", with_amount(json!({ "id": payment.as_str() }), *amount))
        }
        Change::OperationBegun(operation) => (operation_event(operation), operation_data(operation)),
        Change::OperationRetried { operation, attempts, .. } => {
            named("operation.retried", json!({ "id": operation.as_str(), "attempts": attempts }))
        }
        Change::OperationSettled(settlement) => match after.operation(&settlement.operation) {
            Some(operation) => (operation_event(operation), operation_data(operation)),
            None => named("operation.settled", json!({ "id": settlement.operation.as_str() })),
        },
        Change::ReplyMerged { operation, .. } => named("operation.reply_merged", json!({ "id": operation.as_str() })),
        Change::LateSuccess { operation } => named("operation.late_success", json!({ "id": operation.as_str() })),
        Change::EvidenceSetAside { session, event_id, why } => named(
            "evidence.set_aside",
            json!({ "payment_session_id": session.as_str(), "provider_event_id": event_id, "why": set_aside(*why) }),
        ),
    })
}

fn named(kind: &str, data: Value) -> (String, Value) {
    (kind.to_owned(), data)
}

/// Captures and refunds that are done are told by their own names; everything else as an operation's state.
fn operation_event(operation: &Operation) -> String {
    match (operation.kind, operation.state) {
        (OperationKind::Capture, OperationState::Succeeded) => "payment.captured".to_owned(),
        (OperationKind::Refund, OperationState::Succeeded) => "payment.refunded".to_owned(),
        (_, state) => format!("operation.{}", state.as_str()),
    }
}

fn operation_data(operation: &Operation) -> Value {
    let data = json!({
        "id": operation.id.as_str(),
        "kind": operation.kind.as_str(),
        "state": operation.state.as_str(),
        "payment_session_id": operation.session.as_str(),
        "payment_id": operation.payment.as_ref().map(|payment| payment.as_str()),
        "reason": operation.reason,
    });
    match operation.amount {
        Some(amount) => with_amount(data, amount),
        None => data,
    }
}

/// An amount in the three ways that readers want it: minor units to compute with, the exact decimal, and its currency.
fn with_amount(mut data: Value, amount: Money) -> Value {
    data["amount_minor"] = amount.minor_units().into();
    data["amount"] = amount.to_decimal().parse::<Number>().map_or(Value::Null, Value::Number);
    data["currency_code"] = amount.currency().code().to_ascii_lowercase().into();
    data
}

fn session_event(status: SessionStatus) -> &'static str {
    match status {
        SessionStatus::Pending => "payment_session.pending",
        SessionStatus::RequiresMore => "payment_session.requires_more",
        SessionStatus::PendingAuthorization => "payment_session.pending_authorization",
        SessionStatus::Authorized => "payment_session.authorized",
        SessionStatus::Captured => "payment_session.captured",
        SessionStatus::Error => "payment_session.error",
        SessionStatus::Canceled => "payment_session.canceled",
    }
}

fn set_aside(why: SetAside) -> &'static str {
    match why {
        SetAside::Known => "known",
        SetAside::Unmatched => "unmatched",
        SetAside::Currency => "currency",
    }
}
