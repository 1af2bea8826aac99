//! The machine: `decide` says what would happen, `apply` makes it so. Both are pure, so a log of events rebuilds a
//! collection, and a decision can be repeated from its inputs.
//!
//! `begin` holds the rules before a provider is asked, `notes` those of what no provider hears of, `settle` reads what a
//! provider answered, `silence` what it means that it answered nothing, `late` what comes after the books were closed,
//! `resolve` what asking again found, `observe` merges what a provider reports by itself, `apply`
//! changes state. None of them knows which provider it is.

mod apply;
mod begin;
mod fresh;
mod late;
mod notes;
mod observe;
mod resolve;
mod settle;
mod silence;
mod sole;

use crate::command::Command;
use crate::event::{Change, Event};
use crate::id::OperationId;
use crate::operation::{Operation, Product};
use crate::refusal::Refusal;
use crate::state::Collection;
use crate::time::Timestamp;

/// What the command would change, in order. An empty list means: nothing to do, and that is fine.
///
/// # Errors
/// A [`Refusal`]; then nothing changes.
pub fn decide(state: Option<&Collection>, command: &Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
    let Some(state) = state else {
        return create(command, at);
    };
    let mut draft = Draft::new(state, at);
    match command {
        Command::CreateCollection { .. } => return Err(Refusal::WrongCollection),
        Command::UpdateCollection { amount, metadata } => {
            begin::update_collection(&mut draft, *amount, metadata.as_ref())?
        }
        Command::CancelCollection => begin::cancel_collection(&mut draft)?,
        Command::CompleteCollection => notes::complete_collection(&mut draft)?,
        Command::DeleteCollection => notes::delete_collection(&mut draft)?,
        Command::Annotate { subject, metadata } => notes::annotate(&mut draft, subject, metadata)?,
        Command::Begin { operation, request, abilities, input, lease_until, component } => {
            let lease = fresh::Lease { operation, until: *lease_until, input, component: *component };
            begin::begin(&mut draft, lease, request, *abilities)?;
        }
        Command::Retry { operation, lease_until } => resolve::retry(&mut draft, operation, *lease_until)?,
        Command::Settle { operation, lease_token, answer } => {
            settle::settle(&mut draft, operation, *lease_token, answer)?
        }
        Command::Resolve { operation, finding } => resolve::resolve(&mut draft, operation, finding)?,
        Command::Observe { session, evidence, ids } => observe::observe(&mut draft, session, evidence, ids)?,
    }
    Ok(draft.finish())
}

/// The state after an event. `None` is the state before a collection was made.
///
/// # Panics
/// When the event does not belong to the state: events come from [`decide`] alone.
#[must_use]
pub fn apply(state: Option<Collection>, event: &Event) -> Option<Collection> {
    match (state, &event.change) {
        (None, Change::CollectionCreated { id, amount, cart_id, order_id, metadata }) => {
            let created = apply::created(id, *amount, metadata.as_ref(), event.at);
            Some(Collection { cart_id: cart_id.clone(), order_id: order_id.clone(), ..created })
        }
        (None, other) => panic!("the first event makes the collection, not {other:?}"),
        (Some(mut state), _) => {
            apply::apply(&mut state, event);
            Some(state)
        }
    }
}

/// The state that a log of events leads to.
#[must_use]
pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Collection> {
    events.into_iter().fold(None, apply)
}

fn create(command: &Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
    let Command::CreateCollection { id, amount, cart_id, order_id, metadata } = command else {
        return Err(Refusal::WrongCollection);
    };
    let change = Change::CollectionCreated {
        id: id.clone(),
        amount: *amount,
        cart_id: cart_id.clone(),
        order_id: order_id.clone(),
        metadata: metadata.clone(),
    };
    Ok(vec![Event { at, change }])
}

/// A decision in the making: each change is applied as it is recorded, so later rules see what earlier ones did.
struct Draft {
    state: Collection,
    events: Vec<Event>,
    at: Timestamp,
    over_authorized_before: bool,
}

impl Draft {
    fn new(state: &Collection, at: Timestamp) -> Self {
        Self { state: state.clone(), events: Vec::new(), at, over_authorized_before: over_authorized(state) }
    }

    fn push(&mut self, change: Change) {
        let event = Event { at: self.at, change };
        apply::apply(&mut self.state, &event);
        self.events.push(event);
    }

    /// The status is told in the same decision that changes it, and so is a payer who is held to more than they owe.
    fn finish(mut self) -> Vec<Event> {
        // Money that is heard of after its collection was deleted must not stay out of sight.
        let found = self.state.deleted_at.is_some() && !self.state.authorized().is_zero();
        if found {
            self.push(Change::CollectionRestored);
        }
        if found || (over_authorized(&self.state) && !self.over_authorized_before) {
            let cause = self.events.iter().rev().find_map(|event| cause(&self.state, &event.change)).cloned();
            self.push(Change::LateSuccess { operation: cause.expect("only what came of an operation authorizes") });
        }
        let status = self.state.derived_status();
        if status != self.state.status {
            self.push(Change::CollectionStatusChanged { status });
        }
        self.events
    }
}

/// The books say what the provider holds, even where another session was authorized first: somebody has to void one.
fn over_authorized(state: &Collection) -> bool {
    state.authorized().minor_units() > state.amount.minor_units()
}

/// The operation by which more came to be authorized: one that made a payment, or a capture that disproved a void.
fn cause<'a>(state: &'a Collection, change: &'a Change) -> Option<&'a OperationId> {
    match change {
        Change::PaymentCreated(payment) => {
            let made = |operation: &&Operation| matches!(&operation.product, Product::Payment { payment: id, .. } if *id == payment.id);
            state.operations.iter().find(made).map(|operation| &operation.id)
        }
        Change::OperationBegun(operation) => Some(&operation.id),
        Change::OperationSettled(settlement) => Some(&settlement.operation),
        Change::OperationRetried { .. }
        | Change::OperationPostponed { .. }
        | Change::ReplyMerged { .. }
        | Change::LateSuccess { .. }
        | Change::CollectionCreated { .. }
        | Change::CollectionUpdated { .. }
        | Change::CollectionCanceled
        | Change::CollectionCompleted
        | Change::CollectionDeleted
        | Change::CollectionRestored
        | Change::OperationNoted { .. }
        | Change::SessionNoted { .. }
        | Change::PaymentNoted { .. }
        | Change::CollectionStatusChanged { .. }
        | Change::SessionCreated(_)
        | Change::SessionProgressed(_)
        | Change::SessionDeleted { .. }
        | Change::PaymentProgressed { .. }
        | Change::PaymentCaptured { .. }
        | Change::PaymentCanceled { .. }
        | Change::PaymentDisputed { .. }
        | Change::EvidenceSetAside { .. } => None,
    }
}
