//! How each change alters a collection. Mechanical on purpose: no rule lives here.

use super::resolve::UNREADABLE;
use crate::event::{Change, Event, SessionProgress, Settlement};
use crate::id::{CollectionId, OperationId, PaymentId, SessionId};
use crate::money::Money;
use crate::operation::{Input, Operation, OperationState};
use crate::state::{Collection, Payment, Session};
use crate::status::{CollectionStatus, SessionStatus};
use crate::text::Json;
use crate::time::Timestamp;

pub(super) fn created(id: &CollectionId, amount: Money, metadata: Option<&Json>, at: Timestamp) -> Collection {
    Collection {
        id: id.clone(),
        amount,
        cart_id: None,
        order_id: None,
        metadata: metadata.cloned(),
        sessions: Vec::new(),
        payments: Vec::new(),
        operations: Vec::new(),
        status: CollectionStatus::NotPaid,
        completed_at: None,
        canceled_at: None,
        deleted_at: None,
        created_at: at,
        updated_at: at,
    }
}

// Long because it is one table: each change, and what of the state it is.
pub(super) fn apply(state: &mut Collection, event: &Event) {
    let at = event.at;
    // A look that found nothing out is no change of anything.
    if !matches!(event.change, Change::OperationPostponed { .. }) {
        state.updated_at = at;
    }
    match &event.change {
        Change::CollectionCreated { id, .. } => panic!("{id} exists already"),
        Change::CollectionUpdated { amount, metadata } => {
            state.amount = amount.unwrap_or(state.amount);
            if metadata.is_some() {
                state.metadata.clone_from(metadata);
            }
        }
        Change::CollectionCanceled => state.canceled_at = Some(at),
        Change::CollectionCompleted => state.completed_at = Some(at),
        Change::CollectionDeleted => state.deleted_at = Some(at),
        Change::CollectionRestored => state.deleted_at = None,
        Change::CollectionStatusChanged { status } => {
            state.status = *status;
            if *status == CollectionStatus::Completed && state.completed_at.is_none() {
                state.completed_at = Some(at);
            }
        }
        Change::SessionCreated(session) => state.sessions.push((**session).clone()),
        Change::SessionProgressed(progress) => session_progressed(session(state, &progress.session), progress, at),
        Change::SessionNoted { session: id, context, metadata } => {
            let session = session(state, id);
            session.context = context.clone().unwrap_or_else(|| session.context.clone());
            session.metadata = metadata.clone().or_else(|| session.metadata.take());
            session.updated_at = at;
        }
        Change::SessionDeleted { session: id } => {
            let session = session(state, id);
            session.deleted_at = Some(at);
            session.updated_at = at;
        }
        Change::PaymentCreated(payment) => state.payments.push((**payment).clone()),
        Change::PaymentProgressed { payment: id, data, provider_reference } => {
            change_payment(state, id, at, |payment| {
                payment.data = data.clone();
                if provider_reference.is_some() {
                    payment.provider_reference.clone_from(provider_reference);
                }
            })
        }
        Change::PaymentNoted { payment: id, metadata } => {
            change_payment(state, id, at, |payment| payment.metadata = Some(metadata.clone()));
        }
        Change::PaymentCaptured { payment: id } => {
            // What was taken in full was not voided, whatever was heard before.
            change_payment(state, id, at, |p| (p.captured_at, p.canceled_at) = (Some(at), None));
        }
        Change::PaymentCanceled { payment: id } => change_payment(state, id, at, |p| p.canceled_at = Some(at)),
        Change::PaymentDisputed { payment: id, amount } => change_payment(state, id, at, |p| p.disputed = *amount),
        Change::OperationBegun(operation) => state.operations.push((**operation).clone()),
        Change::OperationRetried { operation: id, lease_token, attempts, checks, lease_until } => {
            let operation = operation(state, id);
            operation.state = OperationState::Running;
            operation.lease_token = *lease_token;
            operation.attempts = *attempts;
            operation.checks = *checks;
            operation.next_action_at = Some(*lease_until);
            operation.updated_at = at;
        }
        Change::OperationPostponed { operation: id, checks, next_action_at } => {
            let operation = operation(state, id);
            (operation.checks, operation.next_action_at) = (*checks, *next_action_at);
        }
        Change::ReplyMerged { operation: id, provider_reference, reason } => {
            let operation = operation(state, id);
            if provider_reference.is_some() {
                operation.provider_reference.clone_from(provider_reference);
            }
            operation.reason.clone_from(reason);
            operation.updated_at = at;
        }
        Change::OperationNoted { operation: id, metadata } => {
            let operation = operation(state, id);
            operation.metadata = Some(metadata.clone());
            operation.updated_at = at;
        }
        Change::OperationSettled(settlement) => settled(operation(state, &settlement.operation), settlement, at),
        // Both are told to the outside and change nothing here.
        Change::LateSuccess { .. } | Change::EvidenceSetAside { .. } => {}
    }
}

fn session_progressed(session: &mut Session, progress: &SessionProgress, at: Timestamp) {
    session.status = progress.status;
    session.amount = progress.amount.unwrap_or(session.amount);
    if let Some(data) = &progress.data {
        session.data = data.clone();
        session.client_data.clone_from(&progress.client_data);
    }
    if progress.provider_reference.is_some() {
        session.provider_reference.clone_from(&progress.provider_reference);
    }
    session.next_action.clone_from(&progress.next_action);
    session.decline.clone_from(&progress.decline);
    let authorized = match progress.status {
        SessionStatus::Authorized | SessionStatus::Captured => true,
        SessionStatus::Pending
        | SessionStatus::RequiresMore
        | SessionStatus::PendingAuthorization
        | SessionStatus::Error
        | SessionStatus::Canceled => false,
    };
    if authorized && session.authorized_at.is_none() {
        session.authorized_at = Some(at);
    }
    session.updated_at = at;
}

fn settled(operation: &mut Operation, settlement: &Settlement, at: Timestamp) {
    operation.state = settlement.state;
    if settlement.reason.as_deref() != Some(UNREADABLE) {
        operation.input = std::mem::replace(&mut operation.input, Input::Gone).in_state(settlement.state);
    }
    if settlement.provider_reference.is_some() {
        operation.provider_reference.clone_from(&settlement.provider_reference);
    }
    operation.decline.clone_from(&settlement.decline);
    operation.reason.clone_from(&settlement.reason);
    operation.detail.clone_from(&settlement.detail);
    operation.checks = settlement.checks;
    operation.next_action_at = settlement.next_action_at;
    operation.updated_at = at;
}

fn change_payment(state: &mut Collection, id: &PaymentId, at: Timestamp, change: impl FnOnce(&mut Payment)) {
    let payment = state.payments.iter_mut().find(|payment| payment.id == *id).expect("the event names our payment");
    change(payment);
    payment.updated_at = at;
}

fn session<'a>(state: &'a mut Collection, id: &SessionId) -> &'a mut Session {
    state.sessions.iter_mut().find(|session| session.id == *id).expect("the event names our session")
}

fn operation<'a>(state: &'a mut Collection, id: &OperationId) -> &'a mut Operation {
    state.operations.iter_mut().find(|operation| operation.id == *id).expect("the event names our operation")
}
