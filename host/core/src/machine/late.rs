//! News of an operation that is no longer being carried out: what may still change it, and what is only told.

use super::Draft;
use super::settle::{CaptureRecord, echo_mismatch, outcome_of, record_capture, session_moved};
use crate::command::Answer;
use crate::event::{Change, SessionProgress};
use crate::operation::{Operation, OperationKind, OperationState, Origin, Product};
use crate::outcome::{Outcome, ProviderStatus};
use crate::refusal::Refusal;
use crate::status::SessionStatus;

/// The reason of an operation whose end was heard of by webhook and not in reply.
pub(super) const OBSERVED: &str = "observed";

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
        OperationState::Succeeded if agrees(draft, operation, outcome) => {
            merge(draft, operation, outcome);
            return Ok(());
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

/// Whether a reply is the one that a success heard of by webhook goes with: it was heard of by webhook alone, and the reply
/// says the same, or as much of it as was true when it was sent.
fn agrees(draft: &Draft, operation: &Operation, outcome: &Outcome) -> bool {
    let by_webhook = operation.reason.as_deref() == Some(OBSERVED);
    let earlier = match (operation.kind, outcome.status) {
        (OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize, status) => {
            let pending = matches!(
                status,
                ProviderStatus::Pending | ProviderStatus::RequiresMore | ProviderStatus::PendingAuthorization
            );
            pending && draft.state.payment_of(&operation.session).is_some()
        }
        (
            OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete,
            ProviderStatus::Pending,
        ) => true,
        (OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete, _) => false,
    };
    let says_so = earlier || says_done(operation.kind, outcome.status);
    by_webhook && says_so && echo_mismatch(operation, outcome).is_none()
}

/// Keeps what only the reply knew: the provider's private state, which the next call needs, and its reference. State that a
/// later call has brought is newer and stays.
fn merge(draft: &mut Draft, operation: &Operation, outcome: &Outcome) {
    let provider_reference = outcome.provider_reference.clone();
    let reason = operation.reason.clone().filter(|_| !says_done(operation.kind, outcome.status));
    draft.push(Change::ReplyMerged {
        operation: operation.id.clone(),
        provider_reference: provider_reference.clone(),
        reason,
    });
    let later = draft.state.operations.iter().skip_while(|other| other.id != operation.id).skip(1);
    let is_latest = later.clone().all(|other| other.session != operation.session || other.origin != Origin::Command);
    if let (true, Some(payment)) = (is_latest, draft.state.payment_of(&operation.session).cloned()) {
        let of_session = operation.payment.is_none();
        let provider_reference = provider_reference.clone().filter(|_| of_session);
        let data = outcome.data.clone();
        draft.push(Change::PaymentProgressed { payment: payment.id, data, provider_reference });
    }
    let Some(session) = draft.state.session(&operation.session).cloned().filter(|_| operation.payment.is_none()) else {
        return;
    };
    draft.push(Change::SessionProgressed(Box::new(SessionProgress {
        session: session.id,
        status: session.status,
        amount: None,
        data: Some(outcome.data.clone()),
        client_data: outcome.client_data.clone(),
        provider_reference,
        next_action: session.next_action,
        decline: session.decline,
    })));
    if outcome.status == ProviderStatus::Captured {
        capture_at_once(draft, operation);
    }
}

/// The reply says that the provider took the money at authorization, and the webhook had told of the authorization alone.
fn capture_at_once(draft: &mut Draft, operation: &Operation) {
    let Product::Payment { capture, capture_operation, .. } = &operation.product else {
        return;
    };
    let Some(payment) = draft.state.payment_of(&operation.session).cloned() else {
        return;
    };
    let untouched = draft.state.capturable(&payment) == payment.amount;
    if untouched && draft.state.operation(capture_operation).is_none() {
        let terms = CaptureRecord { operation: capture_operation, capture, origin: Origin::AutomaticCapture };
        record_capture(draft, &payment, payment.amount, &terms);
        draft.push(session_moved(&payment.session, SessionStatus::Captured));
    }
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
