//! What asking about an open operation found, or a person vouches for; when it is asked about again, and when the same is
//! asked once more.
//!
//! It does not know how the provider was asked. A finding that settles nothing changes when the next look is due, and
//! nothing else.

use super::Draft;
use super::begin::{known_operation, not_running};
use super::settle::{
    absent, authorized, changed_amount, delete_outcome, finish, outcome_of, payment_done, progress, review,
    voids_captured, vouched,
};
use crate::command::Finding;
use crate::event::{Change, Event, SessionProgress};
use crate::id::OperationId;
use crate::operation::{Operation, OperationKind, OperationState};
use crate::outcome::{Outcome, ProviderStatus};
use crate::refusal::Refusal;
use crate::schedule;
use crate::state::Collection;
use crate::status::SessionStatus;
use crate::text::Json;
use crate::time::Timestamp;

/// The reason of an operation whose answer is kept and was not understood. What the payer typed in stays with it: the code that
/// reads the answer is handed the same.
pub(super) const UNREADABLE: &str = "answer_unreadable";

/// Asking again is for operations nobody knows the end of; a settled one would be a second effect.
pub(super) fn retry(draft: &mut Draft, id: &OperationId, lease_until: Timestamp) -> Result<(), Refusal> {
    let operation = known_operation(&draft.state, id)?;
    if operation.state.is_terminal() {
        return Err(Refusal::AlreadySettled { state: operation.state.as_str() });
    }
    let authorizes = operation.kind == OperationKind::Authorize;
    not_running(&draft.state, |other| {
        let same_subject = other.session == operation.session;
        other.id != *id && (same_subject || (authorizes && other.kind == OperationKind::Authorize))
    })?;
    let (lease_token, attempts) = (operation.lease_token + 1, operation.attempts + 1);
    // Asking again is a look, too: else a question that no attempt answers would be asked every other second.
    let checks = operation.checks.saturating_add(1);
    draft.push(Change::OperationRetried { operation: id.clone(), lease_token, attempts, checks, lease_until });
    Ok(())
}

/// An open operation was asked about.
pub(super) fn resolve(draft: &mut Draft, id: &OperationId, finding: &Finding) -> Result<(), Refusal> {
    let operation = known_operation(&draft.state, id)?.clone();
    if operation.state.is_terminal() {
        return Err(Refusal::AlreadySettled { state: operation.state.as_str() });
    }
    match finding {
        Finding::Known(snapshot) => {
            // Authorization is the payment's own state; captures and refunds are found one by one.
            let whole = match operation.kind {
                OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => Some(&snapshot.outcome),
                OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete => None,
            };
            let (before, told) = (draft.state.clone(), draft.events.len());
            if let Some(outcome) = snapshot.operation.as_ref().or(whole) {
                outcome_of(draft, &operation, outcome);
            }
            if same_but_for_time(draft, &before) {
                draft.state = before;
                draft.events.truncate(told);
            }
            postpone_unless_settled(draft, &operation, told);
        }
        Finding::Nothing => postpone_unless_settled(draft, &operation, draft.events.len()),
        Finding::Absent(proof) => absent(draft, &operation, "proven_absent", proof),
        Finding::MarkedAbsent(note) => absent(draft, &operation, "marked_absent", note),
        Finding::Exhausted(why) => review(draft, &operation, "recovery_exhausted", why),
        Finding::Unreadable(how) => review(draft, &operation, UNREADABLE, how),
        Finding::MarkedSucceeded(note) => marked_succeeded(draft, &operation, note),
    }
    Ok(())
}

/// A look that settled nothing: the next one is due later. Looks out of turn do not count, or whoever asks often would be
/// answered late.
fn postpone_unless_settled(draft: &mut Draft, operation: &Operation, told: usize) {
    let settled = |event: &Event| matches!(&event.change, Change::OperationSettled(settlement) if settlement.operation == operation.id);
    let due = operation.next_action_at.is_some_and(|next| next <= draft.at);
    if !due || operation.state == OperationState::Running || draft.events[told..].iter().any(settled) {
        return;
    }
    let checks = operation.checks.saturating_add(1);
    let next_action_at = schedule::next(&operation.id, operation.state, checks, draft.at);
    draft.push(Change::OperationPostponed { operation: operation.id.clone(), checks, next_action_at });
}

/// Whether all that was said is known already: hearing it again is no event.
fn same_but_for_time(draft: &Draft, before: &Collection) -> bool {
    let mut after = draft.state.clone();
    after.updated_at = before.updated_at;
    for (after, before) in after.sessions.iter_mut().zip(&before.sessions) {
        after.updated_at = before.updated_at;
    }
    for (after, before) in after.payments.iter_mut().zip(&before.payments) {
        after.updated_at = before.updated_at;
    }
    after == *before
}

fn marked_succeeded(draft: &mut Draft, operation: &Operation, note: &str) {
    match operation.kind {
        OperationKind::Authorize => {
            let session = draft.state.session(&operation.session).expect("an operation has its session");
            let outcome = vouched(operation, session.data.clone());
            authorized(draft, operation, &outcome, false, None);
        }
        OperationKind::Initiate | OperationKind::Update => {
            let amount = changed_amount(operation, OperationState::Succeeded);
            let progress = progress(operation, SessionStatus::Pending, None);
            draft.push(Change::SessionProgressed(Box::new(SessionProgress { amount, ..progress })));
            finish(draft, operation, OperationState::Succeeded, None, Some("marked_succeeded"), Some(note));
        }
        OperationKind::Delete => delete_outcome(
            draft,
            operation,
            &Outcome { status: ProviderStatus::Canceled, ..vouched(operation, session_data(draft, operation)) },
        ),
        OperationKind::Cancel if voids_captured(draft, operation) => {
            review(draft, operation, "contradiction", "marked as voided, and all of the payment is captured");
        }
        OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel => {
            finish(draft, operation, OperationState::Succeeded, None, Some("marked_succeeded"), Some(note));
            payment_done(draft, operation);
        }
    }
}

fn session_data(draft: &Draft, operation: &Operation) -> Json {
    draft.state.session(&operation.session).map(|session| session.data.clone()).unwrap_or_default()
}
