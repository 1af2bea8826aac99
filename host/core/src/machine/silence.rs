//! Calls that ended without an outcome: errors and faults.
//!
//! The order of trust: the host's own record of the bytes, then what the provider vouches for, then nothing. A missing
//! answer is a question and stays one; it knows no way of asking.

use super::Draft;
use super::settle::{absent, fail_opening, finish, keep_data};
use crate::command::{Fault, Sent};
use crate::operation::{Operation, OperationState};
use crate::outcome::{ErrorKind, ProviderError};

pub(super) fn error_of(draft: &mut Draft, operation: &Operation, error: &ProviderError, sent: Sent) {
    if let Some(data) = &error.data {
        keep_data(draft, operation, data);
    }
    let proof = sent == Sent::Nothing || (error.kind.proves_nothing_happened() && sent != Sent::Maybe);
    let (state, reason) = match proof && is_only_attempt(operation) {
        true => (OperationState::Rejected, error_reason(&error.kind)),
        false => (OperationState::Unknown, "outcome_unknown"),
    };
    if state == OperationState::Rejected {
        fail_opening(draft, operation);
    }
    let detail = format!("{}: {}", error.code, error.message);
    finish(draft, operation, state, None, Some(reason), Some(&detail));
}

/// What proves that this attempt did nothing says nothing of the attempts before it, and there was a reason to ask again.
fn is_only_attempt(operation: &Operation) -> bool {
    operation.attempts <= 1
}

/// The kind's name, as the outside knows it.
fn error_reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::Authentication => "authentication",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::RateLimited { .. } => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::NotSupported => "not_supported",
        ErrorKind::OutcomeUnknown => "outcome_unknown",
        ErrorKind::Other(_) => "other",
    }
}

pub(super) fn fault_of(draft: &mut Draft, operation: &Operation, fault: &Fault) {
    match fault.sent {
        Sent::Nothing if is_only_attempt(operation) => absent(draft, operation, &fault.code, &fault.detail),
        Sent::Nothing | Sent::Maybe | Sent::Answered => {
            finish(draft, operation, OperationState::Unknown, None, Some(&fault.code), Some(&fault.detail));
        }
    }
}
