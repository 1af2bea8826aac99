//! Answers, one struct each. The `Store…` ones are for storefronts: they have no field that could hold a provider's private
//! state, the payer, or a provider's words.

use serde::Serialize;
use tillbox_core::id::CollectionId;
use tillbox_core::operation::{Operation, OperationKind, OperationState, Origin};
use tillbox_core::outcome::{Outcome, ProviderStatus, Snapshot};
use tillbox_core::state::{Collection, Session};
use tillbox_core::text::Json;

use super::parts::{
    DeclineAnswer, NextActionAnswer, Raw, StoreDeclineAnswer, currency_code, number, optional_time, raw, time,
};
use crate::service::{InstalledProvider, PaymentView};
use crate::store::{OperationEntry, OutboxEvent};

/// An error.
#[derive(Debug, Serialize)]
pub(in crate::http) struct ErrorAnswer {
    #[serde(rename = "type")]
    pub(in crate::http) kind: &'static str,
    pub(in crate::http) code: Box<str>,
    pub(in crate::http) message: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) field: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) operation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) request_may_have_been_sent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) culprit: Option<&'static str>,
}

/// Whether the server can do its work.
#[derive(Debug, Serialize)]
pub(in crate::http) struct HealthAnswer {
    pub(in crate::http) status: &'static str,
}

/// Something that is gone.
#[derive(Debug, Serialize)]
pub(in crate::http) struct DeletedAnswer {
    pub(in crate::http) id: String,
    pub(in crate::http) object: &'static str,
    pub(in crate::http) deleted: bool,
}

/// An installed provider.
#[derive(Debug, Serialize)]
pub(in crate::http) struct ProviderAnswer {
    id: String,
    is_enabled: bool,
}

impl From<InstalledProvider> for ProviderAnswer {
    fn from(provider: InstalledProvider) -> Self {
        Self { id: provider.id.to_string(), is_enabled: provider.is_enabled }
    }
}

/// `{payment_providers, count, offset, limit}`
#[derive(Debug, Serialize)]
pub(in crate::http) struct ProvidersAnswer {
    pub(in crate::http) payment_providers: Vec<ProviderAnswer>,
    pub(in crate::http) count: u64,
    pub(in crate::http) offset: u32,
    pub(in crate::http) limit: u32,
}

/// A collection, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct CollectionAnswer {
    id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    authorized_amount: Raw,
    captured_amount: Raw,
    refunded_amount: Raw,
    cart_id: Option<String>,
    metadata: Option<Raw>,
    uncertain_since: Option<String>,
    completed_at: Option<String>,
    canceled_at: Option<String>,
    created_at: String,
    updated_at: String,
    payment_sessions: Vec<SessionAnswer>,
    payments: Vec<PaymentAnswer>,
}

impl From<&Collection> for CollectionAnswer {
    fn from(collection: &Collection) -> Self {
        let payments = collection.payments.iter().map(|payment| PaymentView::of(collection, payment));
        Self {
            id: collection.id.to_string(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            status: collection.status.as_str(),
            authorized_amount: number(collection.authorized()),
            captured_amount: number(collection.captured()),
            refunded_amount: number(collection.refunded()),
            cart_id: collection.cart_id.clone(),
            metadata: collection.metadata.as_ref().map(raw),
            uncertain_since: optional_time(collection.uncertain_since()),
            completed_at: optional_time(collection.completed_at),
            canceled_at: optional_time(collection.canceled_at),
            created_at: time(collection.created_at),
            updated_at: time(collection.updated_at),
            payment_sessions: collection
                .live_sessions()
                .map(|session| SessionAnswer::new(session, &collection.id))
                .collect(),
            payments: payments.map(|payment| PaymentAnswer::from(&payment)).collect(),
        }
    }
}

/// A collection, for storefronts.
#[derive(Debug, Serialize)]
pub(in crate::http) struct StoreCollectionAnswer {
    id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    payment_sessions: Vec<StoreSessionAnswer>,
}

impl From<&Collection> for StoreCollectionAnswer {
    fn from(collection: &Collection) -> Self {
        Self {
            id: collection.id.to_string(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            status: collection.status.as_str(),
            payment_sessions: collection
                .live_sessions()
                .map(|session| StoreSessionAnswer::new(session, &collection.id))
                .collect(),
        }
    }
}

/// A session, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct SessionAnswer {
    id: String,
    payment_collection_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    data: Raw,
    client_data: Option<Raw>,
    context: Raw,
    provider_reference: Option<String>,
    next_action: Option<NextActionAnswer>,
    decline: Option<DeclineAnswer>,
    metadata: Option<Raw>,
    authorized_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl SessionAnswer {
    pub(in crate::http) fn new(session: &Session, collection: &CollectionId) -> Self {
        Self {
            id: session.id.to_string(),
            payment_collection_id: collection.to_string(),
            provider_id: session.provider.to_string(),
            currency_code: currency_code(session.amount),
            amount: number(session.amount),
            status: session.status.as_str(),
            data: raw(&session.data),
            client_data: session.client_data.as_ref().map(raw),
            context: raw(&session.context),
            provider_reference: session.provider_reference.clone(),
            next_action: session.next_action.as_ref().map(Into::into),
            decline: session.decline.as_ref().map(Into::into),
            metadata: session.metadata.as_ref().map(raw),
            authorized_at: optional_time(session.authorized_at),
            created_at: time(session.created_at),
            updated_at: time(session.updated_at),
        }
    }
}

/// A session, for storefronts. `data` is what the provider meant for them.
#[derive(Debug, Serialize)]
pub(in crate::http) struct StoreSessionAnswer {
    id: String,
    payment_collection_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    data: Raw,
    next_action: Option<NextActionAnswer>,
    decline: Option<StoreDeclineAnswer>,
    authorized_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl StoreSessionAnswer {
    pub(in crate::http) fn new(session: &Session, collection: &CollectionId) -> Self {
        Self {
            id: session.id.to_string(),
            payment_collection_id: collection.to_string(),
            provider_id: session.provider.to_string(),
            currency_code: currency_code(session.amount),
            amount: number(session.amount),
            status: session.status.as_str(),
            data: client_data(session.client_data.as_ref()),
            next_action: session.next_action.as_ref().map(Into::into),
            decline: session.decline.as_ref().map(Into::into),
            authorized_at: optional_time(session.authorized_at),
            created_at: time(session.created_at),
            updated_at: time(session.updated_at),
        }
    }
}

/// A payment with its captures and refunds, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct PaymentAnswer {
    id: String,
    payment_collection_id: String,
    payment_session_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    captured_amount: Raw,
    refunded_amount: Raw,
    /// Held by captures of which nobody knows yet whether they happened.
    reserved_capture_amount: Raw,
    /// The same for refunds.
    reserved_refund_amount: Raw,
    disputed_amount: Raw,
    captures: Vec<CaptureAnswer>,
    refunds: Vec<RefundAnswer>,
    data: Raw,
    provider_reference: Option<String>,
    metadata: Option<Raw>,
    captured_at: Option<String>,
    canceled_at: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Debug, Serialize)]
struct CaptureAnswer {
    id: String,
    payment_id: String,
    amount: Raw,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct RefundAnswer {
    id: String,
    payment_id: String,
    amount: Raw,
    note: Option<String>,
    created_at: String,
}

impl From<&PaymentView> for PaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        let captures = view.captures.iter().map(|capture| CaptureAnswer {
            id: capture.id.to_string(),
            payment_id: payment.id.to_string(),
            amount: number(capture.amount),
            created_at: time(capture.created_at),
        });
        let refunds = view.refunds.iter().map(|refund| RefundAnswer {
            id: refund.id.to_string(),
            payment_id: payment.id.to_string(),
            amount: number(refund.amount),
            note: refund.note.clone(),
            created_at: time(refund.created_at),
        });
        Self {
            id: payment.id.to_string(),
            payment_collection_id: view.collection.to_string(),
            payment_session_id: payment.session.to_string(),
            provider_id: payment.provider.to_string(),
            currency_code: currency_code(payment.amount),
            amount: number(payment.amount),
            captured_amount: number(view.captured),
            refunded_amount: number(view.refunded),
            reserved_capture_amount: number(view.reserved_captures),
            reserved_refund_amount: number(view.reserved_refunds),
            disputed_amount: number(payment.disputed),
            captures: captures.collect(),
            refunds: refunds.collect(),
            data: raw(&payment.data),
            provider_reference: payment.provider_reference.clone(),
            metadata: payment.metadata.as_ref().map(raw),
            captured_at: optional_time(payment.captured_at),
            canceled_at: optional_time(payment.canceled_at),
            created_at: time(payment.created_at),
            updated_at: time(payment.updated_at),
        }
    }
}

/// A payment, for storefronts.
#[derive(Debug, Serialize)]
pub(in crate::http) struct StorePaymentAnswer {
    id: String,
    payment_collection_id: String,
    payment_session_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    captured_at: Option<String>,
    canceled_at: Option<String>,
    created_at: String,
}

impl From<&PaymentView> for StorePaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        Self {
            id: payment.id.to_string(),
            payment_collection_id: view.collection.to_string(),
            payment_session_id: payment.session.to_string(),
            provider_id: payment.provider.to_string(),
            currency_code: currency_code(payment.amount),
            amount: number(payment.amount),
            captured_at: optional_time(payment.captured_at),
            canceled_at: optional_time(payment.canceled_at),
            created_at: time(payment.created_at),
        }
    }
}

/// What a provider says of a payment right now, for operators. The books are not changed by asking.
#[derive(Debug, Serialize)]
pub(in crate::http) struct OutcomeAnswer {
    status: &'static str,
    amount: Option<Raw>,
    currency_code: Option<String>,
    provider_reference: Option<String>,
    data: Raw,
    client_data: Option<Raw>,
    next_action: Option<NextActionAnswer>,
    decline: Option<DeclineAnswer>,
}

impl From<&Outcome> for OutcomeAnswer {
    fn from(outcome: &Outcome) -> Self {
        Self {
            status: outcome.status.as_str(),
            amount: outcome.amount.map(number),
            currency_code: outcome.amount.map(currency_code),
            provider_reference: outcome.provider_reference.clone(),
            data: raw(&outcome.data),
            client_data: outcome.client_data.as_ref().map(raw),
            next_action: outcome.next_action.as_ref().map(Into::into),
            decline: outcome.decline.as_ref().map(Into::into),
        }
    }
}

/// The same, for storefronts.
#[derive(Debug, Serialize)]
pub(in crate::http) struct StoreOutcomeAnswer {
    status: &'static str,
    data: Raw,
    next_action: Option<NextActionAnswer>,
    decline: Option<StoreDeclineAnswer>,
}

impl From<&Outcome> for StoreOutcomeAnswer {
    fn from(outcome: &Outcome) -> Self {
        let status: ProviderStatus = outcome.status;
        Self {
            status: status.as_str(),
            data: client_data(outcome.client_data.as_ref()),
            next_action: outcome.next_action.as_ref().map(Into::into),
            decline: outcome.decline.as_ref().map(Into::into),
        }
    }
}

/// Everything a provider knows of a payment.
#[derive(Debug, Serialize)]
pub(in crate::http) struct SnapshotAnswer {
    #[serde(flatten)]
    outcome: OutcomeAnswer,
    captured_amount: Raw,
    refunded_amount: Raw,
    disputed_amount: Raw,
}

impl From<&Snapshot> for SnapshotAnswer {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            outcome: OutcomeAnswer::from(&snapshot.outcome),
            captured_amount: number(snapshot.captured),
            refunded_amount: number(snapshot.refunded),
            disputed_amount: number(snapshot.disputed),
        }
    }
}

/// An operation.
#[derive(Debug, Serialize)]
pub(in crate::http) struct OperationAnswer {
    id: String,
    kind: &'static str,
    state: &'static str,
    origin: &'static str,
    provider_id: String,
    payment_session_id: String,
    payment_id: Option<String>,
    amount: Option<Raw>,
    currency_code: Option<String>,
    attempts: u32,
    provider_reference: Option<String>,
    decline: Option<DeclineAnswer>,
    reason: Option<String>,
    detail: Option<String>,
    note: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<&Operation> for OperationAnswer {
    fn from(operation: &Operation) -> Self {
        let (kind, state, origin): (OperationKind, OperationState, Origin) =
            (operation.kind, operation.state, operation.origin);
        Self {
            id: operation.id.to_string(),
            kind: kind.as_str(),
            state: state.as_str(),
            origin: origin.as_str(),
            provider_id: operation.provider.to_string(),
            payment_session_id: operation.session.to_string(),
            payment_id: operation.payment.as_ref().map(ToString::to_string),
            amount: operation.amount.map(number),
            currency_code: operation.amount.map(currency_code),
            attempts: operation.attempts,
            provider_reference: operation.provider_reference.clone(),
            decline: operation.decline.as_ref().map(Into::into),
            reason: operation.reason.clone(),
            detail: operation.detail.clone(),
            note: operation.note.clone(),
            created_at: time(operation.created_at),
            updated_at: time(operation.updated_at),
        }
    }
}

/// An operation in a list.
#[derive(Debug, Serialize)]
pub(in crate::http) struct OperationEntryAnswer {
    id: String,
    state: &'static str,
    provider_id: String,
    payment_collection_id: String,
}

impl From<&OperationEntry> for OperationEntryAnswer {
    fn from(entry: &OperationEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            state: entry.state.as_str(),
            provider_id: entry.provider.to_string(),
            payment_collection_id: entry.collection.to_string(),
        }
    }
}

/// An event. Its amounts are minor units under names that say so: consumers compute with them.
#[derive(Debug, Serialize)]
pub(in crate::http) struct EventAnswer {
    sequence: i64,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    payment_collection_id: String,
    data: serde_json::Value,
    created_at: String,
}

impl From<OutboxEvent> for EventAnswer {
    fn from(event: OutboxEvent) -> Self {
        Self {
            sequence: event.sequence,
            id: event.id.to_string(),
            kind: event.kind,
            payment_collection_id: event.collection.to_string(),
            data: event.data,
            created_at: time(event.at),
        }
    }
}

fn client_data(json: Option<&Json>) -> Raw {
    raw(json.unwrap_or(&Json::empty()))
}

/// Envelopes: what the one thing, or the list, is called.
macro_rules! envelopes {
    ($($name:ident { $($field:ident: $kind:ty),+ $(,)? })+) => {
        $(
            #[derive(Debug, Serialize)]
            pub(in crate::http) struct $name {
                $(pub(in crate::http) $field: $kind,)+
            }
        )+
    };
}

envelopes! {
    OneCollection { payment_collection: CollectionAnswer }
    Collections { payment_collections: Vec<CollectionAnswer>, count: u64, offset: u32, limit: u32 }
    OneStoreCollection { payment_collection: StoreCollectionAnswer }
    NewSessionAnswer { payment_collection: CollectionAnswer, payment_session: SessionAnswer }
    NewStoreSessionAnswer { payment_collection: StoreCollectionAnswer, payment_session: StoreSessionAnswer }
    OneSession { payment_session: SessionAnswer }
    OneStoreSession { payment_session: StoreSessionAnswer }
    AuthorizationAnswer { payment_session: SessionAnswer, payment: Option<PaymentAnswer> }
    StoreAuthorizationAnswer { payment_session: StoreSessionAnswer, payment: Option<StorePaymentAnswer> }
    SessionStatusAnswer { payment_session: SessionAnswer, provider: OutcomeAnswer }
    StoreSessionStatusAnswer { payment_session: StoreSessionAnswer, provider: StoreOutcomeAnswer }
    OnePayment { payment: PaymentAnswer }
    Payments { payments: Vec<PaymentAnswer>, count: u64, offset: u32, limit: u32 }
    ProviderPayment { payment: PaymentAnswer, provider: SnapshotAnswer }
    OneOperation { operation: OperationAnswer }
    Operations { operations: Vec<OperationEntryAnswer>, count: u64, offset: u32, limit: u32 }
    Events { events: Vec<EventAnswer>, limit: u32 }
}
