//! What must hold whatever happened: I1 to I8. The judge reads facts and says what cannot be; it changes nothing.
//!
//! Each invariant is a function of its own, and each has a planted violation in `tests/` that it must find.

use std::collections::{BTreeMap, BTreeSet};

use tillbox::core::operation::{Operation, OperationKind, OperationState, Origin};
use tillbox::core::state::Collection;
use tillbox::store::OutboxEvent;

use crate::SECRETS;
use crate::facts::Facts;
use crate::gateway::Habit;
use crate::ledger::Effect;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `I1` to `I8`.
    pub invariant: &'static str,
    /// What it is.
    pub what: String,
}

/// Everything that is wrong.
#[must_use]
pub fn judge(facts: &Facts) -> Vec<Violation> {
    let mut found = Found::default();
    let books = Books::of(facts);
    money_matches(facts, &books, &mut found);
    one_effect_each(&books, &mut found);
    nothing_denied_that_happened(&books, facts, &mut found);
    headroom(facts, &books, &mut found);
    acknowledged_is_kept(facts, &books, &mut found);
    told_in_order(facts, &mut found);
    heard_in_order(facts, &mut found);
    something_comes_next(facts, &mut found);
    secrets_are_nowhere(facts, &mut found);
    found.0
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, invariant: &'static str, what: String) {
        self.0.push(Violation { invariant, what });
    }
}

/// Both books by what they are asked for: there may be many thousands of entries in each.
struct Books<'a> {
    operations: BTreeMap<&'a str, &'a Operation>,
    effects: BTreeMap<&'a str, Vec<&'a Effect>>,
    sessions: BTreeMap<&'a str, Vec<&'a Effect>>,
}

impl<'a> Books<'a> {
    fn of(facts: &'a Facts) -> Self {
        let all = facts.collections.iter().flat_map(|stored| &stored.collection.operations);
        let operations = all.map(|operation| (operation.id.as_str(), operation)).collect();
        let (mut effects, mut sessions) =
            (BTreeMap::<&str, Vec<&Effect>>::new(), BTreeMap::<&str, Vec<&Effect>>::new());
        for effect in facts.effects.iter().filter(|effect| happened(effect)) {
            sessions.entry(effect.session.as_str()).or_default().push(effect);
            if let Some(operation) = &effect.operation {
                effects.entry(operation.as_str()).or_default().push(effect);
            }
        }
        Self { operations, effects, sessions }
    }

    /// What was taken or given back for a session at the gateway.
    fn at_gateway(&self, session: &str, refund: bool) -> i64 {
        let effects = self.sessions.get(session).into_iter().flatten();
        let of_kind = effects.filter(|effect| effect.status == "captured" && (effect.kind == "refund") == refund);
        of_kind.map(|effect| effect.amount_minor).sum()
    }
}

fn habit(operation: &Operation) -> Option<Habit> {
    Habit::of(operation.provider.as_str())
}

/// Whether the host can find out by itself what became of it.
fn knowable(operation: &Operation) -> bool {
    habit(operation).is_some_and(Habit::can_be_known)
}

fn happened(effect: &Effect) -> bool {
    effect.status != "declined"
}

/// I1: what was done at the gateway and what the books say succeeded are the same, one to one.
fn money_matches(facts: &Facts, books: &Books<'_>, found: &mut Found) {
    for effect in facts.effects.iter().filter(|effect| happened(effect)) {
        let Some(id) = &effect.operation else { continue };
        let Some(operation) = books.operations.get(id.as_str()) else {
            found.add("I1", format!("the gateway did what no operation asked for: {effect:?}"));
            continue;
        };
        let amount = operation.amount.map_or(effect.amount_minor, |amount| amount.minor_units());
        if amount != effect.amount_minor || operation.kind.as_str() != effect.kind {
            found.add("I1", format!("{operation:?} is not what the gateway did: {effect:?}"));
        }
        let open = operation.state.reserves();
        let may_be_open = !facts.settled || !knowable(operation);
        if open && !may_be_open {
            found.add("I1", format!("the gateway did {effect:?}, and the books still ask: {operation:?}"));
        }
    }
    let asked = |operation: &Operation| {
        operation.state == OperationState::Succeeded
            && operation.origin == Origin::Command
            && habit(operation).is_some_and(Habit::has_gateway)
    };
    for operation in books.operations.values().filter(|operation| asked(operation)) {
        if !books.effects.contains_key(operation.id.as_str()) {
            found.add("I1", format!("the books say it succeeded, the gateway knows nothing: {operation:?}"));
        }
    }
    for stored in &facts.collections {
        sums_match(facts, books, &stored.collection, found);
    }
}

/// The second half of I1: sums per session, where what was done at the gateway's own counter is part of them.
fn sums_match(facts: &Facts, books: &Books<'_>, collection: &Collection, found: &mut Found) {
    for session in &collection.sessions {
        let habit = Habit::of(session.provider.as_str());
        if !facts.settled || !habit.is_some_and(|habit| habit.has_gateway() && habit.can_be_known()) {
            continue;
        }
        let (captured, refunded) = match collection.payment_of(&session.id) {
            Some(payment) => {
                (collection.captured_of(&payment.id).minor_units(), collection.refunded_of(&payment.id).minor_units())
            }
            None => (0, 0),
        };
        for (what, ours, theirs) in [
            ("captured", captured, books.at_gateway(session.id.as_str(), false)),
            ("refunded", refunded, books.at_gateway(session.id.as_str(), true)),
        ] {
            if ours != theirs {
                found.add("I1", format!("session {}: {what} {ours} by the books, {theirs} at the gateway", session.id));
            }
        }
    }
}

/// I2: an operation has one effect at most, whatever keys it was sent with; and a payer who tries again while the host does
/// not know what became of the first time, a person included, is not charged twice for one session.
fn one_effect_each(books: &Books<'_>, found: &mut Found) {
    for (operation, effects) in books.effects.iter().filter(|(_, effects)| effects.len() > 1) {
        found.add("I2", format!("{operation} happened {} times at the gateway", effects.len()));
    }
    for (session, effects) in &books.sessions {
        let times = effects.iter().filter(|effect| effect.kind == "authorize").count();
        if times > 1 {
            found.add("I2", format!("{session} was authorized {times} times at the gateway"));
        }
    }
}

/// I3: what happened is never denied.
fn nothing_denied_that_happened(books: &Books<'_>, facts: &Facts, found: &mut Found) {
    for effect in facts.effects.iter().filter(|effect| happened(effect)) {
        let Some(operation) = effect.operation.as_deref().and_then(|id| books.operations.get(id)) else {
            continue;
        };
        let denied = match operation.state {
            OperationState::Declined | OperationState::Rejected | OperationState::Absent => true,
            OperationState::Running
            | OperationState::Succeeded
            | OperationState::NeedsAction
            | OperationState::Pending
            | OperationState::Unknown
            | OperationState::NeedsReview => false,
        };
        if denied {
            found.add("I3", format!("{operation:?}, and the gateway did it: {effect:?}"));
        }
    }
}

/// I4: nothing is taken that was not authorized, nothing given back that was not taken; by the books, what is reserved
/// included, and at the gateway.
fn headroom(facts: &Facts, books: &Books<'_>, found: &mut Found) {
    for collection in facts.collections.iter().map(|stored| &stored.collection) {
        for payment in &collection.payments {
            let amounts = [
                collection.captured_of(&payment.id),
                collection.reserved_captures_of(&payment.id),
                collection.refunded_of(&payment.id),
                collection.reserved_refunds_of(&payment.id),
                payment.amount,
            ];
            if amounts.iter().any(|amount| amount.currency() != collection.currency()) {
                found.add("I4", format!("{} mixes currencies", payment.id));
            }
            let [captured, taking, refunded, giving, authorized] = amounts.map(|amount| amount.minor_units());
            if captured + taking > authorized
                || refunded + giving > captured
                || amounts.iter().any(|a| a.minor_units() < 0)
            {
                found.add(
                    "I4",
                    format!("{}: authorized {authorized}, captured {captured} and {taking}, refunded {refunded} and {giving}", payment.id),
                );
            }
            let session = payment.session.as_str();
            let (taken, given) = (books.at_gateway(session, false), books.at_gateway(session, true));
            if taken > authorized || given > taken {
                found.add(
                    "I4",
                    format!("{}: authorized {authorized}, at the gateway {taken} taken, {given} given", payment.id),
                );
            }
        }
    }
}

/// I5: what a client was told is there, and what was told as final is still so.
fn acknowledged_is_kept(facts: &Facts, books: &Books<'_>, found: &mut Found) {
    let by_id: BTreeMap<&str, &Collection> =
        facts.collections.iter().map(|stored| (stored.collection.id.as_str(), &stored.collection)).collect();
    let sessions: BTreeSet<&str> =
        by_id.values().flat_map(|collection| collection.sessions.iter().map(|session| session.id.as_str())).collect();
    let payments: BTreeSet<&str> =
        by_id.values().flat_map(|collection| collection.payments.iter().map(|payment| payment.id.as_str())).collect();
    for ack in &facts.acks {
        let known = |id: &Option<String>, known: &dyn Fn(&str) -> bool| id.as_deref().is_none_or(known);
        let there = known(&ack.collection, &|id| by_id.contains_key(id))
            && known(&ack.session, &|id| sessions.contains(id))
            && known(&ack.payment, &|id| payments.contains(id));
        if !there {
            found.add("I5", format!("acknowledged and gone: {ack:?}"));
        }
        let Some(id) = &ack.operation else { continue };
        let told = ack.state.as_deref().and_then(OperationState::parse);
        match books.operations.get(id.as_str()) {
            None => found.add("I5", format!("acknowledged and gone: {ack:?}")),
            Some(operation)
                if told == Some(OperationState::Succeeded) && operation.state != OperationState::Succeeded =>
            {
                found.add("I5", format!("acknowledged as done: {ack:?}, and now: {operation:?}"));
            }
            Some(_) => {}
        }
    }
}

/// I6: the events alone tell every state that the books hold, in the order in which it came about.
fn told_in_order(facts: &Facts, found: &mut Found) {
    let mut told: BTreeMap<&str, Vec<&OutboxEvent>> = BTreeMap::new();
    for (before, event) in std::iter::once(None).chain(facts.events.iter().map(Some)).zip(&facts.events) {
        if before.is_some_and(|before| before.sequence >= event.sequence) {
            found.add("I6", format!("event {} comes behind a later one", event.id));
        }
        told.entry(event.collection.as_str()).or_default().push(event);
    }
    let ids: BTreeSet<&str> = facts.events.iter().map(|event| event.id.as_str()).collect();
    if ids.len() != facts.events.len() {
        found.add("I6", "two events have the same id".to_owned());
    }
    for collection in facts.collections.iter().map(|stored| &stored.collection) {
        let events = told.remove(collection.id.as_str()).unwrap_or_default();
        if let Err(what) = tells(collection, &events) {
            found.add("I6", format!("{}: {what}", collection.id));
        }
    }
    if let Some((id, _)) = told.first_key_value() {
        found.add("I6", format!("events of {id}, which is not in the books"));
    }
}

/// The rest of I6: a subscriber hears of every event at least once. It may hear again what it has heard, but never of one
/// before it heard all those before it of the same collection.
fn heard_in_order(facts: &Facts, found: &mut Found) {
    let mut heard: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for one in &facts.heard {
        if known.insert(one.event.as_str()) {
            heard.entry(one.collection.as_str()).or_default().push(one.event.as_str());
        }
    }
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &facts.events {
        told.entry(event.collection.as_str()).or_default().push(event.id.as_str());
    }
    for (collection, events) in told {
        let heard = heard.remove(collection).unwrap_or_default();
        if !events.starts_with(&heard) {
            found
                .add("I6", format!("{collection}: a subscriber heard {heard:?} in this order, it was told {events:?}"));
        } else if facts.told && heard.len() < events.len() {
            found.add("I6", format!("{collection}: {} of {} events were heard", heard.len(), events.len()));
        }
    }
    if let Some((collection, events)) = heard.first_key_value() {
        found.add("I6", format!("{collection}: a subscriber heard of {events:?}, which are not in the books"));
    }
}

/// Whether the events of a collection lead to what the books hold of it.
fn tells(collection: &Collection, events: &[&OutboxEvent]) -> Result<(), String> {
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let text =
        |event: &OutboxEvent, name: &str| event.data.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let last = |wanted: &dyn Fn(&str) -> bool, id: Option<&str>, name: &str| {
        let about =
            |event: &&&OutboxEvent| wanted(&event.kind) && id.is_none_or(|id| text(event, "id").as_deref() == Some(id));
        events.iter().rev().filter(about).find_map(|event| text(event, name))
    };
    if kinds.first() != Some(&"payment_collection.created") {
        return Err(format!("its first event is {:?}", kinds.first()));
    }
    if kinds.iter().filter(|kind| **kind == "payment_collection.created").count() != 1 {
        return Err("it was created more than once".to_owned());
    }
    let status = last(&|kind| kind == "payment_collection.status_changed", None, "status");
    if status.as_deref().unwrap_or("not_paid") != collection.status.as_str() {
        return Err(format!("its status is {}, the last one told {status:?}", collection.status.as_str()));
    }
    for session in &collection.sessions {
        let id = Some(session.id.as_str());
        if last(&|kind| kind == "payment_session.created", id, "id").is_none() {
            return Err(format!("nobody was told of session {}", session.id));
        }
        // Making a session says `pending` without saying so again.
        let status =
            last(&|kind| kind.starts_with("payment_session.") && kind != "payment_session.deleted", id, "status");
        if status.as_deref().unwrap_or("pending") != session.status.as_str() {
            return Err(format!("session {} is {}, told {status:?}", session.id, session.status.as_str()));
        }
    }
    for payment in &collection.payments {
        let id = payment.id.as_str();
        let told = |kind: &str| {
            events.iter().filter(|event| event.kind == kind && text(event, "id").as_deref() == Some(id)).count()
        };
        let expected = [
            ("payment.authorized", 1),
            ("payment.captured_in_full", usize::from(payment.captured_at.is_some())),
            ("payment.canceled", usize::from(payment.canceled_at.is_some())),
        ];
        if let Some((kind, times)) = expected.into_iter().find(|(kind, times)| told(kind) != *times) {
            return Err(format!("payment {id}: `{kind}` was told {} times, expected {times}", told(kind)));
        }
    }
    collection.operations.iter().try_for_each(|operation| operation_told(operation, events))
}

/// The last event of an operation tells its state, and none follows one that was final, but a late success.
fn operation_told(operation: &Operation, events: &[&OutboxEvent]) -> Result<(), String> {
    let id = operation.id.as_str();
    let states = events.iter().filter(|event| event.data.get("id").and_then(|value| value.as_str()) == Some(id));
    let states: Vec<&str> =
        states.filter_map(|event| event.data.get("state").and_then(|value| value.as_str())).collect();
    if states.last() != Some(&operation.state.as_str()) {
        return Err(format!("operation {id} is {}, told {states:?}", operation.state.as_str()));
    }
    let done = |kind: &str| events.iter().filter(|event| event.kind == kind && event.data["id"] == id).count();
    let own_name = match operation.kind {
        OperationKind::Capture => Some("payment.captured"),
        OperationKind::Refund => Some("payment.refunded"),
        OperationKind::Initiate
        | OperationKind::Update
        | OperationKind::Authorize
        | OperationKind::Cancel
        | OperationKind::Delete => None,
    };
    let expected = usize::from(operation.state == OperationState::Succeeded);
    match own_name.filter(|name| done(name) != expected) {
        Some(name) => {
            Err(format!("operation {id} is {}, `{name}` was told {} times", operation.state.as_str(), done(name)))
        }
        None => Ok(()),
    }
}

/// How long after its beginning an operation is looked at for the last time in these tests, milliseconds: recovery goes on
/// for 65 days by the host's clock, a clock is ahead by a day, and the last look names a time a day later.
const REACH_MS: i64 = 70 * 24 * 60 * 60 * 1_000;

/// I7: whatever is open has a time at which the host looks at it, one that it lives to see, or waits for a person who was
/// told why; and what is settled is not looked at.
fn something_comes_next(facts: &Facts, found: &mut Found) {
    let operations = facts.collections.iter().flat_map(|stored| &stored.collection.operations);
    for operation in operations {
        let next = operation.next_action_at;
        match operation.state {
            OperationState::Running | OperationState::Unknown | OperationState::Pending => {
                if next.is_none_or(|next| next.0 > operation.created_at.0.saturating_add(REACH_MS)) {
                    found.add("I7", format!("nobody will look at it again: {operation:?}"));
                }
            }
            OperationState::NeedsReview => {
                if operation.reason.as_deref().is_none_or(str::is_empty) {
                    found.add("I7", format!("a person has to look, and nobody says why: {operation:?}"));
                }
            }
            OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => {
                if next.is_some() {
                    found.add("I7", format!("it is settled, and still to be looked at: {operation:?}"));
                }
            }
        }
        if facts.settled && knowable(operation) && operation.state.reserves() {
            found.add("I7", format!("recovery came to its end without it: {operation:?}"));
        }
    }
}

/// I8: what the payer typed in is nowhere, spelled out or in hexadecimal.
fn secrets_are_nowhere(facts: &Facts, found: &mut Found) {
    let secrets: Vec<&str> = SECRETS.into_iter().chain(facts.secrets.iter().map(String::as_str)).collect();
    for (place, bytes) in &facts.texts {
        let text = String::from_utf8_lossy(bytes);
        for secret in &secrets {
            let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            if text.contains(secret) || text.contains(&hexadecimal) {
                found.add("I8", format!("{place} holds {secret}"));
            }
        }
    }
}
