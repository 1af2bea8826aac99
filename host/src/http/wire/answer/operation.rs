//! Operations and events.

use serde::Serialize;
use tillbox_core::operation::Operation;

use crate::http::wire::parts::{DeclineAnswer, Raw, currency_code, number, optional_time, time};
use crate::store::{OperationEntry, OutboxEvent};

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
    checks: u32,
    next_action_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<&Operation> for OperationAnswer {
    fn from(operation: &Operation) -> Self {
        Self {
            id: operation.id.to_string(),
            kind: operation.kind.as_str(),
            state: operation.state.as_str(),
            origin: operation.origin.as_str(),
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
            checks: operation.checks,
            next_action_at: optional_time(operation.next_action_at),
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
