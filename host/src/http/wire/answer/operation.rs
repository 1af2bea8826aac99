//! Operations and events.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::{CollectionId, EventId, OperationId, PaymentId, ProviderId, SessionId};
use tillbox_core::operation::{Operation, OperationKind, OperationState, Origin};
use tillbox_runtime::Culprit;

use crate::http::wire::parts::{
    CurrencyCode, Decimal, DeclineAnswer, IdOf, Name, Time, currency_code, number, optional_time, time,
};
use crate::service::{Exchange, ShownMessage, culprit_of, culprit_of_exchange};
use crate::store::{ExchangeState, OperationEntry, OutboxEvent};

/// An operation.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct OperationAnswer {
    id: IdOf<OperationId>,
    kind: Name<OperationKind>,
    state: Name<OperationState>,
    origin: Name<Origin>,
    provider_id: IdOf<ProviderId>,
    /// SHA-256 of the component that it began with, and that finishes it; absent where there is none.
    component: Option<String>,
    payment_session_id: IdOf<SessionId>,
    payment_id: Option<IdOf<PaymentId>>,
    amount: Option<Decimal>,
    currency_code: Option<CurrencyCode>,
    attempts: u32,
    provider_reference: Option<String>,
    decline: Option<DeclineAnswer>,
    reason: Option<String>,
    /// Whose fault the reason is: `guest` (the provider's code), `host` or `operator`.
    culprit: Option<&'static str>,
    detail: Option<String>,
    note: Option<String>,
    checks: u32,
    next_action_at: Option<Time>,
    /// What was exchanged with the gateway, request by request, without secrets and card numbers. In answers about one operation.
    exchanges: Vec<ExchangeAnswer>,
    created_at: Time,
    updated_at: Time,
}

impl From<&Operation> for OperationAnswer {
    fn from(operation: &Operation) -> Self {
        Self {
            id: (&operation.id).into(),
            kind: operation.kind.into(),
            state: operation.state.into(),
            origin: operation.origin.into(),
            provider_id: (&operation.provider).into(),
            component: operation.component.map(|digest| digest.to_string()),
            payment_session_id: (&operation.session).into(),
            payment_id: operation.payment.as_ref().map(Into::into),
            amount: operation.amount.map(number),
            currency_code: operation.amount.map(currency_code),
            attempts: operation.attempts,
            provider_reference: operation.provider_reference.clone(),
            decline: operation.decline.as_ref().map(Into::into),
            reason: operation.reason.clone(),
            culprit: operation.reason.as_deref().and_then(culprit_of).map(Culprit::as_str),
            detail: operation.detail.clone(),
            note: operation.note.clone(),
            checks: operation.checks,
            next_action_at: optional_time(operation.next_action_at),
            exchanges: Vec::new(),
            created_at: time(operation.created_at),
            updated_at: time(operation.updated_at),
        }
    }
}

impl OperationAnswer {
    /// With what was exchanged.
    pub(in crate::http) fn with(self, exchanges: Vec<Exchange>) -> Self {
        Self { exchanges: exchanges.into_iter().map(Into::into).collect(), ..self }
    }
}

/// An exchange with a gateway.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ExchangeAnswer {
    /// Which run of the operation it belongs to; grows with each.
    run: u64,
    sequence: u32,
    state: Name<ExchangeState>,
    /// SHA-256 of the component that sent it.
    component: Option<String>,
    method: String,
    host: String,
    path: String,
    idempotency_key: Option<String>,
    /// `false` is proof.
    request_may_have_been_sent: bool,
    status: Option<u16>,
    error: Option<String>,
    /// Whose fault it is that there is no answer: `guest` or `gateway`.
    culprit: Option<&'static str>,
    sent_bytes: u64,
    received_bytes: u64,
    /// Kept with an encryption key only.
    request: Option<MessageAnswer>,
    /// Kept with an encryption key, or until the operation has come to its end.
    response: Option<MessageAnswer>,
    created_at: Time,
    ended_at: Option<Time>,
}

/// Headers and body of a request or an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct MessageAnswer {
    headers: Vec<HeaderAnswer>,
    body: String,
}

/// A header.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct HeaderAnswer {
    name: String,
    value: String,
}

impl From<ShownMessage> for MessageAnswer {
    fn from(message: ShownMessage) -> Self {
        let headers = message.headers.into_iter().map(|(name, value)| HeaderAnswer { name, value }).collect();
        Self { headers, body: message.body }
    }
}

impl From<Exchange> for ExchangeAnswer {
    fn from(exchange: Exchange) -> Self {
        Self {
            run: exchange.run,
            sequence: exchange.sequence,
            state: exchange.state.into(),
            component: exchange.component,
            method: exchange.method,
            host: exchange.host,
            path: exchange.path,
            idempotency_key: exchange.idempotency_key,
            request_may_have_been_sent: exchange.request_may_have_been_sent,
            status: exchange.status,
            error: exchange.error,
            culprit: culprit_of_exchange(exchange.state).map(Culprit::as_str),
            sent_bytes: exchange.sent_bytes,
            received_bytes: exchange.received_bytes,
            request: exchange.request.map(Into::into),
            response: exchange.response.map(Into::into),
            created_at: time(exchange.created_at),
            ended_at: optional_time(exchange.ended_at),
        }
    }
}

/// An operation in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct OperationEntryAnswer {
    id: IdOf<OperationId>,
    state: Name<OperationState>,
    provider_id: IdOf<ProviderId>,
    payment_collection_id: IdOf<CollectionId>,
}

impl From<&OperationEntry> for OperationEntryAnswer {
    fn from(entry: &OperationEntry) -> Self {
        Self {
            id: (&entry.id).into(),
            state: entry.state.into(),
            provider_id: (&entry.provider).into(),
            payment_collection_id: (&entry.collection).into(),
        }
    }
}

/// An event. Its amounts are minor units under names that say so: consumers compute with them.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct EventAnswer {
    sequence: i64,
    id: IdOf<EventId>,
    #[serde(rename = "type")]
    kind: String,
    payment_collection_id: IdOf<CollectionId>,
    data: serde_json::Value,
    created_at: Time,
}

impl From<OutboxEvent> for EventAnswer {
    fn from(event: OutboxEvent) -> Self {
        Self {
            sequence: event.sequence,
            id: (&event.id).into(),
            kind: event.kind,
            payment_collection_id: (&event.collection).into(),
            data: event.data,
            created_at: time(event.at),
        }
    }
}
