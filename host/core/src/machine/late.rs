//! News of an operation that is no longer being carried out: what may still change it, and what is only told.

use super::Draft;
use super::settle::outcome_of;
use crate::command::Answer;
use crate::event::Change;
use crate::operation::{Operation, OperationKind, OperationState};
use crate::outcome::ProviderStatus;
use crate::refusal::Refusal;

/// The call came back after a webhook or an operator had spoken. An outcome still answers a question that is open, and a
/// success still undoes a "no" (rule R6: late, never dropped). Everything else is old news.
pub(super) fn late_answer(draft: &mut Draft, operation: &Operation, answer: &Answer) -> Result<(), Refusal> {
    let settled = Err(Refusal::AlreadySettled { state: operation.state.as_str() });
    let Answer::Outcome(outcome) = answer else {
        return settled;
    };
    match operation.state {
        OperationState::Running | OperationState::Pending | OperationState::Unknown | OperationState::NeedsReview => {}
        OperationState::Declined | OperationState::Rejected | OperationState::Absent
            if says_done(operation.kind, outcome.status) =>
        {
            late(draft, operation);
            if !fits(draft, operation) {
                return Ok(());
            }
        }
        OperationState::Succeeded
        | OperationState::NeedsAction
        | OperationState::Declined
        | OperationState::Rejected
        | OperationState::Absent => return settled,
    }
    outcome_of(draft, operation, outcome);
    Ok(())
}

/// Whether the status says that what was asked is done.
fn says_done(kind: OperationKind, status: ProviderStatus) -> bool {
    match kind {
        OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => {
            status == ProviderStatus::Authorized || status == ProviderStatus::Captured
        }
        OperationKind::Capture | OperationKind::Refund => status == ProviderStatus::Captured,
        OperationKind::Cancel | OperationKind::Delete => status == ProviderStatus::Canceled,
    }
}

/// Whether a closed capture or refund still fits beside what was done since. Where it does not, the case is raised and the
/// books stay within what is authorized.
fn fits(draft: &Draft, operation: &Operation) -> bool {
    let (Some(payment), Some(amount)) =
        (operation.payment.as_ref().and_then(|id| draft.state.payment(id)), operation.amount)
    else {
        return true;
    };
    let (whole, taken, held) = match operation.kind {
        OperationKind::Capture => {
            (payment.amount, draft.state.captured_of(&payment.id), draft.state.reserved_captures_of(&payment.id))
        }
        OperationKind::Refund => (
            draft.state.captured_of(&payment.id),
            draft.state.refunded_of(&payment.id),
            draft.state.reserved_refunds_of(&payment.id),
        ),
        OperationKind::Initiate
        | OperationKind::Update
        | OperationKind::Authorize
        | OperationKind::Cancel
        | OperationKind::Delete => return true,
    };
    amount.minor_units() + taken.minor_units() + held.minor_units() <= whole.minor_units()
}

/// An operation that was closed as not having happened, and did: a case for somebody to look at.
pub(super) fn late(draft: &mut Draft, operation: &Operation) {
    match operation.state {
        OperationState::Declined | OperationState::Rejected | OperationState::Absent => {
            draft.push(Change::LateSuccess { operation: operation.id.clone() });
        }
        OperationState::Running
        | OperationState::Succeeded
        | OperationState::NeedsAction
        | OperationState::Pending
        | OperationState::Unknown
        | OperationState::NeedsReview => {}
    }
}
