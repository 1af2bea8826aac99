//! Webhook claims, merged as a lattice join: any order, any number of times, the same end.
//!
//! Amounts in claims are cumulative and only ever raise what is known. A claim that says less than the books is kept and
//! changes nothing. One that fits nothing in the books **yet** is set aside as unmatched: the caller offers it again after
//! each later change of its session, and a person looks at what stays unmatched. None is dropped.

use super::Draft;
use super::late::{OBSERVED, late};
use super::settle::{CaptureRecord, authorized, finish, payment_done, record_capture, void, vouched};
use crate::command::ObservedIds;
use crate::event::{Change, SessionProgress, SetAside};
use crate::id::{OperationId, SessionId};
use crate::money::Money;
use crate::operation::{Input, Operation, OperationKind, OperationState, Origin, Product};
use crate::outcome::{Decline, DeclineClass, Evidence, EvidenceAction};
use crate::refusal::Refusal;
use crate::state::{Collection, Payment, Session};
use crate::status::SessionStatus;

pub(super) fn observe(
    draft: &mut Draft,
    session: &SessionId,
    evidence: &Evidence,
    ids: &ObservedIds,
) -> Result<(), Refusal> {
    let Some(session) = draft.state.session(session).cloned() else {
        return Err(Refusal::NotFound { entity: "PaymentSession", id: session.to_string() });
    };
    let foreign = evidence.amount.is_some_and(|amount| amount.currency() != draft.state.currency());
    let merged = if foreign { Err(SetAside::Currency) } else { merge(draft, &session, evidence, ids) };
    if let Err(why) = merged {
        draft.push(Change::EvidenceSetAside { session: session.id, event_id: evidence.event_id.clone(), why });
    }
    Ok(())
}

fn merge(draft: &mut Draft, session: &Session, evidence: &Evidence, ids: &ObservedIds) -> Result<(), SetAside> {
    let payment = draft.state.payment_of(&session.id).cloned();
    match (evidence.action, payment) {
        (EvidenceAction::NotSupported, _) => Ok(()),
        (EvidenceAction::Authorized, None) => born(draft, session, evidence),
        (EvidenceAction::Captured, None) => {
            born(draft, session, &Evidence { amount: Some(session.amount), ..evidence.clone() })?;
            let payment = draft.state.payment_of(&session.id).cloned().ok_or(SetAside::Unmatched)?;
            captured(draft, &payment, evidence, ids)
        }
        (EvidenceAction::Captured, Some(payment)) => captured(draft, &payment, evidence, ids),
        (EvidenceAction::Refunded, Some(payment)) => refunded(draft, &payment, evidence, ids),
        (EvidenceAction::Disputed, Some(payment)) => disputed(draft, &payment, evidence),
        (EvidenceAction::Canceled, Some(payment)) => canceled(draft, &payment),
        (EvidenceAction::Canceled, None) => abandoned(draft, session),
        (EvidenceAction::Failed, payment) => failed(draft, session, payment.as_ref(), evidence),
        (EvidenceAction::Pending, None) => {
            opened(draft, session, OperationState::Pending, SessionStatus::PendingAuthorization)
        }
        (EvidenceAction::RequiresMore, None) => {
            opened(draft, session, OperationState::NeedsAction, SessionStatus::RequiresMore)
        }
        (EvidenceAction::Refunded | EvidenceAction::Disputed, None) => Err(SetAside::Unmatched),
        (EvidenceAction::Authorized | EvidenceAction::Pending | EvidenceAction::RequiresMore, Some(_)) => {
            Err(SetAside::Known)
        }
    }
}

/// The claim that an amount is reserved makes the payment, even where an earlier answer said no: the money is there.
fn born(draft: &mut Draft, session: &Session, evidence: &Evidence) -> Result<(), SetAside> {
    let operation = attempt(&draft.state, &session.id, evidence.operation.as_ref()).ok_or(SetAside::Unmatched)?.clone();
    if evidence.amount.is_some_and(|amount| Some(amount) != operation.amount) {
        return Err(SetAside::Unmatched);
    }
    late(draft, &operation);
    authorized(draft, &operation, &vouched(&operation, session.data.clone()), false, Some(OBSERVED));
    Ok(())
}

/// The operation an authorization claim belongs to: the one it names, else the latest that could have caused it.
fn attempt<'a>(state: &'a Collection, session: &SessionId, named: Option<&OperationId>) -> Option<&'a Operation> {
    let could =
        |operation: &&Operation| operation.session == *session && matches!(operation.product, Product::Payment { .. });
    let by_name = named.and_then(|id| state.operation(id)).filter(could);
    by_name.or_else(|| state.operations.iter().rev().find(could))
}

fn captured(draft: &mut Draft, payment: &Payment, evidence: &Evidence, ids: &ObservedIds) -> Result<(), SetAside> {
    let total = evidence.amount.ok_or(SetAside::Unmatched)?;
    let extra = beyond(total, draft.state.captured_of(&payment.id))?;
    if total.minor_units() > payment.amount.minor_units() {
        return Err(SetAside::Unmatched);
    }
    let rest = succeed_open(draft, payment, OperationKind::Capture, extra, evidence.operation.as_ref())?;
    if !rest.is_zero() {
        let terms = CaptureRecord { operation: &ids.operation, capture: &ids.capture, origin: Origin::Observed };
        record_capture(draft, payment, rest, &terms);
    }
    Ok(())
}

fn refunded(draft: &mut Draft, payment: &Payment, evidence: &Evidence, ids: &ObservedIds) -> Result<(), SetAside> {
    let total = evidence.amount.ok_or(SetAside::Unmatched)?;
    let extra = beyond(total, draft.state.refunded_of(&payment.id))?;
    if total.minor_units() > draft.state.captured_of(&payment.id).minor_units() {
        return Err(SetAside::Unmatched);
    }
    let rest = succeed_open(draft, payment, OperationKind::Refund, extra, evidence.operation.as_ref())?;
    if !rest.is_zero() {
        draft.push(Change::OperationBegun(Box::new(Operation {
            id: ids.operation.clone(),
            kind: OperationKind::Refund,
            provider: payment.provider.clone(),
            component: None,
            session: payment.session.clone(),
            payment: Some(payment.id.clone()),
            product: Product::Refund(ids.refund.clone()),
            amount: Some(rest),
            state: OperationState::Succeeded,
            origin: Origin::Observed,
            attempts: 0,
            lease_token: 0,
            provider_reference: None,
            decline: None,
            reason: None,
            detail: None,
            note: evidence.reason.clone(),
            refund_reason: None,
            created_by: None,
            metadata: None,
            input: Input::Gone,
            checks: 0,
            next_action_at: None,
            created_at: draft.at,
            updated_at: draft.at,
        })));
    }
    Ok(())
}

/// How much more a cumulative claim knows than the books.
fn beyond(total: Money, known: Money) -> Result<Money, SetAside> {
    match total.checked_sub(known) {
        Ok(extra) if !extra.is_zero() => Ok(extra),
        Ok(_) | Err(_) => Err(SetAside::Known),
    }
}

/// Settles the operations that an extra amount accounts for and answers what none of them explains.
///
/// All open ones when it covers them; else the one that the claim names, when it is of that amount. Otherwise nothing can be
/// told apart yet, and guessing would make the order of claims matter: the claim waits. Closed operations that fit into what
/// is left over are late successes.
fn succeed_open(
    draft: &mut Draft,
    payment: &Payment,
    kind: OperationKind,
    extra: Money,
    named: Option<&OperationId>,
) -> Result<Money, SetAside> {
    let of_kind: Vec<Operation> = draft
        .state
        .operations
        .iter()
        .filter(|operation| operation.kind == kind && operation.payment.as_ref() == Some(&payment.id))
        .cloned()
        .collect();
    let open: Vec<&Operation> = of_kind.iter().filter(|operation| operation.state.reserves()).collect();
    let open_total: i64 = open.iter().filter_map(|operation| operation.amount).map(|amount| amount.minor_units()).sum();
    let mut settled = if open_total <= extra.minor_units() { open } else { vec![named_equal(&open, extra, named)?] };
    let mut rest = extra;
    for operation in &settled {
        let amount = operation.amount.expect("captures and refunds have an amount");
        rest = rest.checked_sub(amount).expect("no more than the extra amount was chosen");
    }
    let closed = |operation: &&Operation| operation.state.is_terminal() && operation.state != OperationState::Succeeded;
    for operation in of_kind.iter().filter(closed) {
        let amount = operation.amount.expect("captures and refunds have an amount");
        if let Ok(less) = rest.checked_sub(amount) {
            rest = less;
            settled.push(operation);
        }
    }
    for operation in settled {
        late(draft, operation);
        finish(draft, operation, OperationState::Succeeded, None, Some(OBSERVED), None);
        payment_done(draft, operation);
    }
    Ok(rest)
}

fn named_equal<'a>(
    open: &[&'a Operation],
    extra: Money,
    named: Option<&OperationId>,
) -> Result<&'a Operation, SetAside> {
    let equal = |operation: &&&Operation| operation.amount == Some(extra) && named == Some(&operation.id);
    open.iter().find(equal).copied().ok_or(SetAside::Unmatched)
}

/// A dispute without an amount is about everything: no order of claims may make it less.
fn disputed(draft: &mut Draft, payment: &Payment, evidence: &Evidence) -> Result<(), SetAside> {
    let amount = evidence.amount.unwrap_or(payment.amount);
    beyond(amount, payment.disputed)?;
    draft.push(Change::PaymentDisputed { payment: payment.id.clone(), amount });
    Ok(())
}

/// Voided or expired at the provider: what is not captured is gone. That all of it was captured contradicts the claim.
///
/// It is no proof that an open capture did not happen: a gateway may void the rest after taking a part.
fn canceled(draft: &mut Draft, payment: &Payment) -> Result<(), SetAside> {
    if payment.canceled_at.is_some() {
        return Err(SetAside::Known);
    }
    if payment.captured_at.is_some() {
        return Err(SetAside::Unmatched);
    }
    let open = |operation: &&Operation| {
        operation.kind == OperationKind::Cancel
            && operation.payment.as_ref() == Some(&payment.id)
            && operation.state.reserves()
    };
    let open: Vec<Operation> = draft.state.operations.iter().filter(open).cloned().collect();
    for operation in open {
        finish(draft, &operation, OperationState::Succeeded, None, Some(OBSERVED), None);
    }
    void(draft, payment);
    Ok(())
}

fn abandoned(draft: &mut Draft, session: &Session) -> Result<(), SetAside> {
    if session.status == SessionStatus::Canceled {
        return Err(SetAside::Known);
    }
    draft.push(session_status(session, SessionStatus::Canceled, None));
    let open = |operation: &&Operation| operation.session == session.id && may_fail(operation.state);
    let open: Vec<Operation> = draft.state.operations.iter().filter(open).cloned().collect();
    for operation in open {
        let state = match operation.kind {
            OperationKind::Delete => OperationState::Succeeded,
            OperationKind::Initiate
            | OperationKind::Update
            | OperationKind::Authorize
            | OperationKind::Capture
            | OperationKind::Refund
            | OperationKind::Cancel => OperationState::Absent,
        };
        finish(draft, &operation, state, None, Some(OBSERVED), None);
    }
    Ok(())
}

/// Whether a claim that it failed is news about an operation in this state: it is open, or the payer never came back.
fn may_fail(state: OperationState) -> bool {
    state.reserves() || state == OperationState::NeedsAction
}

fn failed(
    draft: &mut Draft,
    session: &Session,
    payment: Option<&Payment>,
    evidence: &Evidence,
) -> Result<(), SetAside> {
    let canceled = session.status == SessionStatus::Canceled;
    // Where a claim of cancellation came first, "declined" still says more than "did not happen".
    let fails = |operation: &Operation| {
        let closed_by_claim =
            operation.state == OperationState::Absent && operation.reason.as_deref() == Some(OBSERVED);
        may_fail(operation.state) || closed_by_claim
    };
    let operation = match payment {
        // Once authorized, only an operation that the claim names can have failed.
        Some(payment) => evidence
            .operation
            .as_ref()
            .and_then(|id| draft.state.operation(id))
            .filter(|operation| operation.payment.as_ref() == Some(&payment.id)),
        None => attempt(&draft.state, &session.id, evidence.operation.as_ref()),
    };
    let operation = operation.filter(|operation| fails(operation)).cloned().ok_or(SetAside::Known)?;
    let decline = Decline {
        class: DeclineClass::Unspecified,
        code: evidence.reason.clone().unwrap_or_else(|| "failed".to_owned()),
        message: "reported by the provider's webhook".to_owned(),
    };
    if payment.is_none() && !canceled {
        draft.push(session_status(session, SessionStatus::Error, Some(decline.clone())));
    }
    let outcome = crate::outcome::Outcome { decline: Some(decline), ..vouched(&operation, session.data.clone()) };
    finish(draft, &operation, OperationState::Declined, Some(&outcome), Some(OBSERVED), None);
    Ok(())
}

/// The provider has the request and is not done: that much of the question is answered.
fn opened(draft: &mut Draft, session: &Session, state: OperationState, status: SessionStatus) -> Result<(), SetAside> {
    let open = |operation: &&Operation| {
        let unanswered = match operation.state {
            OperationState::Unknown | OperationState::NeedsReview => true,
            OperationState::Pending => state == OperationState::NeedsAction,
            OperationState::Running
            | OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => false,
        };
        unanswered && operation.session == session.id && operation.kind == OperationKind::Authorize
    };
    let operation = draft.state.operations.iter().rev().find(open).cloned().ok_or(SetAside::Known)?;
    draft.push(session_status(session, status, None));
    finish(draft, &operation, state, None, Some(OBSERVED), None);
    Ok(())
}

fn session_status(session: &Session, status: SessionStatus, decline: Option<Decline>) -> Change {
    Change::SessionProgressed(Box::new(SessionProgress {
        session: session.id.clone(),
        status,
        amount: None,
        data: None,
        client_data: None,
        provider_reference: None,
        next_action: session.next_action.clone(),
        decline,
    }))
}
