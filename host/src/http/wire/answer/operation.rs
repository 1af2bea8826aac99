//! Operations and events.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tillbox_core::id::{CollectionId, EventId, OperationId, PaymentId, ProviderId, SessionId};
use tillbox_core::operation::{Operation, OperationKind, OperationState, Origin};

use crate::http::wire::parts::{
    CurrencyCode, Decimal, DeclineAnswer, IdOf, Name, Time, currency_code, number, optional_time, time,
};
use crate::store::{OperationEntry, OutboxEvent};

/// An operation.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct OperationAnswer {
    id: IdOf<OperationId>,
    kind: Name<OperationKind>,
    state: Name<OperationState>,
    origin: Name<Origin>,
    provider_id: IdOf<ProviderId>,
    payment_session_id: IdOf<SessionId>,
    payment_id: Option<IdOf<PaymentId>>,
    amount: Option<Decimal>,
    currency_code: Option<CurrencyCode>,
    attempts: u32,
    provider_reference: Option<String>,
    decline: Option<DeclineAnswer>,
    reason: Option<String>,
    detail: Option<String>,
    note: Option<String>,
    checks: u32,
    next_action_at: Option<Time>,
    /// What was exchanged with the gateway, request by request. Empty: exchanges are not kept with operations yet.
    exchanges: Vec<Map<String, Value>>,
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
            payment_session_id: (&operation.session).into(),
            payment_id: operation.payment.as_ref().map(Into::into),
            amount: operation.amount.map(number),
            currency_code: operation.amount.map(currency_code),
            attempts: operation.attempts,
            provider_reference: operation.provider_reference.clone(),
            decline: operation.decline.as_ref().map(Into::into),
            reason: operation.reason.clone(),
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
