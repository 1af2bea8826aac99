//! What a provider's answer means for the books.
//!
//! A contradicting answer never touches the books and waits for a person. Calls without an outcome are read in `silence`.

use super::Draft;
use super::begin::known_operation;
use super::{late, silence};
use crate::command::Answer;
use crate::event::{Change, SessionProgress, Settlement};
use crate::id::{CaptureId, OperationId, SessionId};
use crate::money::Money;
use crate::operation::{Input, Operation, OperationKind, OperationState, Origin, Product};
use crate::outcome::{Outcome, ProviderStatus};
use crate::refusal::Refusal;
use crate::schedule;
use crate::state::Payment;
use crate::status::SessionStatus;
use crate::text::Json;

/// A call came back.
pub(super) fn settle(draft: &mut Draft, id: &OperationId, lease_token: u64, answer: &Answer) -> Result<(), Refusal> {
    let operation = known_operation(&draft.state, id)?.clone();
    if operation.lease_token != lease_token {
        return Err(Refusal::StaleLease);
    }
    if operation.state != OperationState::Running {
        return late::late_answer(draft, &operation, answer);
    }
    match answer {
        Answer::Outcome(outcome) => outcome_of(draft, &operation, outcome),
        Answer::Error { error, sent } => silence::error_of(draft, &operation, error, *sent),
        Answer::Fault(fault) => silence::fault_of(draft, &operation, fault),
        Answer::Contradicted(detail) => review(draft, &operation, "integrity", detail),
    }
    Ok(())
}

pub(super) fn outcome_of(draft: &mut Draft, operation: &Operation, outcome: &Outcome) {
    if let Some(mismatch) = echo_mismatch(operation, outcome) {
        return review(draft, operation, "integrity", &mismatch);
    }
    match operation.kind {
        OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => {
            session_outcome(draft, operation, outcome);
        }
        OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel => {
            payment_outcome(draft, operation, outcome);
        }
        OperationKind::Delete => delete_outcome(draft, operation, outcome),
    }
}

/// Whether the provider says that another amount moved than was asked for. Where money moved, the echo is mandatory.
pub(super) fn echo_mismatch(operation: &Operation, outcome: &Outcome) -> Option<String> {
    let asked = operation.amount?;
    let moved = match (operation.kind, outcome.status) {
        (OperationKind::Delete, _) => return None,
        (_, ProviderStatus::Authorized | ProviderStatus::Captured) => true,
        (
            _,
            ProviderStatus::Pending
            | ProviderStatus::RequiresMore
            | ProviderStatus::PendingAuthorization
            | ProviderStatus::Canceled
            | ProviderStatus::Declined
            | ProviderStatus::Error,
        ) => false,
    };
    match outcome.amount {
        Some(echo) if echo != asked => Some(format!("asked for {asked}, the provider says {echo}")),
        None if moved => Some(format!("asked for {asked}, the provider names no amount")),
        Some(_) | None => None,
    }
}

/// initiate, update, authorize: the session moves, and a payment may be born.
fn session_outcome(draft: &mut Draft, operation: &Operation, outcome: &Outcome) {
    let authorizing = operation.kind == OperationKind::Authorize;
    let (status, state) = match outcome.status {
        ProviderStatus::Authorized => return authorized(draft, operation, outcome, false, None),
        ProviderStatus::Captured => return authorized(draft, operation, outcome, true, None),
        ProviderStatus::Pending if authorizing => (SessionStatus::Pending, OperationState::Pending),
        ProviderStatus::Pending => (SessionStatus::Pending, OperationState::Succeeded),
        ProviderStatus::RequiresMore if authorizing => (SessionStatus::RequiresMore, OperationState::NeedsAction),
        ProviderStatus::RequiresMore => (SessionStatus::RequiresMore, OperationState::Succeeded),
        ProviderStatus::PendingAuthorization => (SessionStatus::PendingAuthorization, OperationState::Pending),
        ProviderStatus::Canceled => (SessionStatus::Canceled, OperationState::Rejected),
        ProviderStatus::Declined => (SessionStatus::Error, OperationState::Declined),
        ProviderStatus::Error => (SessionStatus::Error, OperationState::Rejected),
    };
    if draft.state.payment_of(&operation.session).is_some() {
        return review(draft, operation, "contradiction", "the session is authorized, the provider says otherwise");
    }
    // An update that only went as far as this has still changed the amount at the provider.
    let amount = changed_amount(operation, state);
    draft.push(Change::SessionProgressed(Box::new(SessionProgress {
        amount,
        next_action: outcome.next_action.clone(),
        decline: outcome.decline.clone(),
        ..progress(operation, status, Some(outcome))
    })));
    let reason = match outcome.status {
        ProviderStatus::Canceled => Some("canceled"),
        ProviderStatus::Error => Some("provider_error"),
        ProviderStatus::Pending
        | ProviderStatus::RequiresMore
        | ProviderStatus::PendingAuthorization
        | ProviderStatus::Authorized
        | ProviderStatus::Captured
        | ProviderStatus::Declined => None,
    };
    finish(draft, operation, state, Some(outcome), reason, None);
}

/// The session is authorized: its payment exists from now on, and its capture where the provider took the money at once.
/// Where the session was canceled before this was heard, the payment is born void.
pub(super) fn authorized(
    draft: &mut Draft,
    operation: &Operation,
    outcome: &Outcome,
    captured: bool,
    reason: Option<&str>,
) {
    let status = if captured { SessionStatus::Captured } else { SessionStatus::Authorized };
    let (Product::Payment { payment, capture, capture_operation }, Some(amount)) =
        (&operation.product, operation.amount)
    else {
        return review(draft, operation, "contradiction", "authorized by an operation that authorizes nothing");
    };
    if draft.state.payment_of(&operation.session).is_some() {
        return finish(draft, operation, OperationState::Succeeded, Some(outcome), reason, None);
    }
    let session = draft.state.session(&operation.session);
    let canceled = session.is_some_and(|session| session.status == SessionStatus::Canceled);
    let progress = progress(operation, status, Some(outcome));
    draft.push(Change::SessionProgressed(Box::new(SessionProgress { amount: Some(amount), ..progress })));
    draft.push(Change::PaymentCreated(Box::new(Payment {
        id: payment.clone(),
        session: operation.session.clone(),
        provider: operation.provider.clone(),
        amount,
        data: outcome.data.clone(),
        provider_reference: outcome.provider_reference.clone().or_else(|| {
            let session = draft.state.session(&operation.session);
            session.and_then(|session| session.provider_reference.clone())
        }),
        disputed: Money::zero(amount.currency()),
        metadata: None,
        captured_at: None,
        canceled_at: None,
        created_at: draft.at,
        updated_at: draft.at,
    })));
    finish(draft, operation, OperationState::Succeeded, Some(outcome), reason, None);
    let payment = draft.state.payment(payment).expect("made above").clone();
    if canceled {
        void(draft, &payment);
    }
    if captured {
        let terms = CaptureRecord { operation: capture_operation, capture, origin: Origin::AutomaticCapture };
        record_capture(draft, &payment, amount, &terms);
    }
}

/// Ids and origin of a capture that no command asked for.
pub(super) struct CaptureRecord<'a> {
    pub(super) operation: &'a OperationId,
    pub(super) capture: &'a CaptureId,
    pub(super) origin: Origin,
}

/// A capture that happened without a call of ours, written as the operation it is.
pub(super) fn record_capture(draft: &mut Draft, payment: &Payment, amount: Money, terms: &CaptureRecord<'_>) {
    draft.push(Change::OperationBegun(Box::new(Operation {
        id: terms.operation.clone(),
        kind: OperationKind::Capture,
        provider: payment.provider.clone(),
        component: None,
        session: payment.session.clone(),
        payment: Some(payment.id.clone()),
        product: Product::Capture(terms.capture.clone()),
        amount: Some(amount),
        state: OperationState::Succeeded,
        origin: terms.origin,
        attempts: 0,
        lease_token: 0,
        provider_reference: None,
        decline: None,
        reason: None,
        detail: None,
        note: None,
        refund_reason: None,
        created_by: None,
        metadata: None,
        input: Input::Gone,
        checks: 0,
        next_action_at: None,
        created_at: draft.at,
        updated_at: draft.at,
    })));
    note_capture(draft, payment);
}

/// capture, refund, cancel: the payment moves.
fn payment_outcome(draft: &mut Draft, operation: &Operation, outcome: &Outcome) {
    let success = match operation.kind {
        OperationKind::Cancel => ProviderStatus::Canceled,
        OperationKind::Capture
        | OperationKind::Refund
        | OperationKind::Initiate
        | OperationKind::Update
        | OperationKind::Authorize
        | OperationKind::Delete => ProviderStatus::Captured,
    };
    let contradicted = voids_captured(draft, operation);
    let (state, reason) = match outcome.status {
        status if status == success && !contradicted => (OperationState::Succeeded, None),
        ProviderStatus::Pending => (OperationState::Pending, None),
        ProviderStatus::Declined => (OperationState::Declined, None),
        ProviderStatus::Error => (OperationState::Rejected, Some("provider_error")),
        ProviderStatus::RequiresMore
        | ProviderStatus::PendingAuthorization
        | ProviderStatus::Authorized
        | ProviderStatus::Captured
        | ProviderStatus::Canceled => {
            let detail = format!("{:?} is no answer to {}", outcome.status, operation.kind.as_str());
            return review(draft, operation, "contradiction", &detail);
        }
    };
    keep_data(draft, operation, &outcome.data);
    finish(draft, operation, state, Some(outcome), reason, None);
    if state == OperationState::Succeeded {
        payment_done(draft, operation);
    }
}

/// What follows when a capture, refund or cancel is done.
pub(super) fn payment_done(draft: &mut Draft, operation: &Operation) {
    let Some(payment) = operation.payment.as_ref().and_then(|id| draft.state.payment(id)).cloned() else {
        return;
    };
    match operation.kind {
        OperationKind::Capture => note_capture(draft, &payment),
        OperationKind::Cancel => void(draft, &payment),
        OperationKind::Refund
        | OperationKind::Initiate
        | OperationKind::Update
        | OperationKind::Authorize
        | OperationKind::Delete => {}
    }
}

/// What is not captured of the payment is void; when nothing is captured, so is its session. A payment captured in full has
/// nothing left to void: the caller looks for that first.
pub(super) fn void(draft: &mut Draft, payment: &Payment) {
    if payment.canceled_at.is_none() {
        draft.push(Change::PaymentCanceled { payment: payment.id.clone() });
    }
    if draft.state.captured_of(&payment.id).is_zero() {
        draft.push(session_moved(&payment.session, SessionStatus::Canceled));
    }
}

/// Whether the operation is a void that cannot have been: all of the payment was taken.
pub(super) fn voids_captured(draft: &Draft, operation: &Operation) -> bool {
    let payment = operation.payment.as_ref().and_then(|id| draft.state.payment(id));
    operation.kind == OperationKind::Cancel && payment.is_some_and(|payment| payment.captured_at.is_some())
}

/// Money taken is proof against a void: the session is alive, and a payment taken in full was not voided at all.
fn note_capture(draft: &mut Draft, payment: &Payment) {
    let session = draft.state.session(&payment.session).expect("a payment has its session");
    if session.status == SessionStatus::Canceled {
        draft.push(session_moved(&payment.session, SessionStatus::Authorized));
    }
    let full = draft.state.captured_of(&payment.id) == payment.amount;
    if full && payment.captured_at.is_none() {
        draft.push(Change::PaymentCaptured { payment: payment.id.clone() });
    }
}

pub(super) fn session_moved(session: &SessionId, status: SessionStatus) -> Change {
    Change::SessionProgressed(Box::new(SessionProgress {
        session: session.clone(),
        status,
        amount: None,
        data: None,
        client_data: None,
        provider_reference: None,
        next_action: None,
        decline: None,
    }))
}

pub(super) fn delete_outcome(draft: &mut Draft, operation: &Operation, outcome: &Outcome) {
    match outcome.status {
        ProviderStatus::Canceled => {
            // A webhook may have told of the authorization while the deletion was on its way.
            let payment = draft.state.payment_of(&operation.session).cloned();
            if payment.as_ref().is_some_and(|payment| !draft.state.captured_of(&payment.id).is_zero()) {
                return review(draft, operation, "contradiction", "deleted, says the provider, and money was captured");
            }
            if let Some(payment) = payment {
                void(draft, &payment);
            }
            draft.push(Change::SessionProgressed(Box::new(progress(
                operation,
                SessionStatus::Canceled,
                Some(outcome),
            ))));
            draft.push(Change::SessionDeleted { session: operation.session.clone() });
            finish(draft, operation, OperationState::Succeeded, Some(outcome), None, None);
            close_open_authorizations(draft, operation);
        }
        ProviderStatus::Pending => finish(draft, operation, OperationState::Pending, Some(outcome), None, None),
        ProviderStatus::Declined => finish(draft, operation, OperationState::Declined, Some(outcome), None, None),
        ProviderStatus::Error => {
            finish(draft, operation, OperationState::Rejected, Some(outcome), Some("provider_error"), None);
        }
        ProviderStatus::RequiresMore
        | ProviderStatus::PendingAuthorization
        | ProviderStatus::Authorized
        | ProviderStatus::Captured => {
            let detail = format!("{:?} is no answer to delete", outcome.status);
            review(draft, operation, "contradiction", &detail);
        }
    }
}

/// The provider vouches that the session can never be paid: what was open about it did not happen.
fn close_open_authorizations(draft: &mut Draft, deletion: &Operation) {
    let open = |operation: &&Operation| operation.session == deletion.session && operation.state.reserves();
    let ids: Vec<OperationId> =
        draft.state.operations.iter().filter(open).map(|operation| operation.id.clone()).collect();
    for id in ids {
        let operation = draft.state.operation(&id).expect("listed above").clone();
        finish(draft, &operation, OperationState::Absent, None, Some("session_deleted"), None);
    }
}

pub(super) fn absent(draft: &mut Draft, operation: &Operation, reason: &str, proof: &str) {
    fail_opening(draft, operation);
    finish(draft, operation, OperationState::Absent, None, Some(reason), Some(proof));
}

pub(super) fn review(draft: &mut Draft, operation: &Operation, reason: &str, detail: &str) {
    finish(draft, operation, OperationState::NeedsReview, None, Some(reason), Some(detail));
}

/// A session whose payment was never opened cannot be authorized.
pub(super) fn fail_opening(draft: &mut Draft, operation: &Operation) {
    if operation.kind == OperationKind::Initiate && draft.state.payment_of(&operation.session).is_none() {
        draft.push(Change::SessionProgressed(Box::new(progress(operation, SessionStatus::Error, None))));
    }
}

/// An outcome in an operator's or a webhook's words: state as it was, amount as asked.
pub(super) fn vouched(operation: &Operation, data: Json) -> Outcome {
    Outcome {
        status: ProviderStatus::Authorized,
        data,
        client_data: None,
        provider_reference: None,
        amount: operation.amount,
        decline: None,
        next_action: None,
        extensions: Json::empty(),
    }
}

pub(super) fn changed_amount(operation: &Operation, state: OperationState) -> Option<Money> {
    match (operation.kind, state) {
        (OperationKind::Update, OperationState::Succeeded | OperationState::Pending) => operation.amount,
        (
            OperationKind::Initiate
            | OperationKind::Update
            | OperationKind::Authorize
            | OperationKind::Capture
            | OperationKind::Refund
            | OperationKind::Cancel
            | OperationKind::Delete,
            _,
        ) => None,
    }
}

/// The provider's state belongs to the payment once there is one, to the session before.
pub(super) fn keep_data(draft: &mut Draft, operation: &Operation, data: &Json) {
    if let Some(payment) = &operation.payment {
        draft.push(Change::PaymentProgressed {
            payment: payment.clone(),
            data: data.clone(),
            provider_reference: None,
        });
        return;
    }
    let Some(session) = draft.state.session(&operation.session).cloned() else {
        return;
    };
    draft.push(Change::SessionProgressed(Box::new(SessionProgress {
        session: session.id,
        status: session.status,
        amount: None,
        data: Some(data.clone()),
        client_data: session.client_data,
        provider_reference: None,
        next_action: session.next_action,
        decline: session.decline,
    })));
}

pub(super) fn progress(operation: &Operation, status: SessionStatus, outcome: Option<&Outcome>) -> SessionProgress {
    SessionProgress {
        session: operation.session.clone(),
        status,
        amount: None,
        data: outcome.map(|outcome| outcome.data.clone()),
        client_data: outcome.and_then(|outcome| outcome.client_data.clone()),
        provider_reference: outcome.and_then(|outcome| outcome.provider_reference.clone()),
        next_action: None,
        decline: None,
    }
}

/// Brings an operation to a state; asking again and hearing the same is no event.
pub(super) fn finish(
    draft: &mut Draft,
    operation: &Operation,
    state: OperationState,
    outcome: Option<&Outcome>,
    reason: Option<&str>,
    detail: Option<&str>,
) {
    let present = draft.state.operation(&operation.id).expect("the operation is ours");
    if present.state == state && present.reason.as_deref() == reason {
        return;
    }
    // A provider that has taken the request has answered the question before; how it decides is another one.
    let accepted = state == OperationState::Pending && present.state != state;
    let checks = if accepted { 0 } else { present.checks };
    draft.push(Change::OperationSettled(Box::new(Settlement {
        operation: operation.id.clone(),
        checks,
        next_action_at: schedule::next(&operation.id, state, checks, draft.at),
        state,
        provider_reference: outcome.and_then(|outcome| outcome.provider_reference.clone()),
        decline: outcome.and_then(|outcome| outcome.decline.clone()),
        reason: reason.map(str::to_owned),
        detail: detail.map(str::to_owned),
    })));
}
