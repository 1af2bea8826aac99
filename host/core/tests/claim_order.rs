//! Rule R5: any permutation and any duplication of a set of claims leads to one state.
//!
//! Exhaustive over sets of up to three claims, seeded beyond. The test plays the caller's part, too: a claim set aside as
//! unmatched is offered again after each later one.

mod scene;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use scene::{Scene, claim, eur, outcome};
use tillbox_core::Timestamp;
use tillbox_core::event::{Change, SetAside};
use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::operation::{Operation, OperationState, Origin, Product};
use tillbox_core::outcome::{Evidence, EvidenceAction, ProviderStatus};
use tillbox_core::state::Collection;

/// A name, and a collection brought to that point.
type Place = (&'static str, fn() -> (Scene, SessionId));

/// Where a payment of ten cents stands when its claims arrive.
const PLACES: [Place; 14] = [
    ("opened", || Scene::with_session(10)),
    ("authorizing", || authorization(|_, _| {})),
    ("authorization unknown", || authorization(|scene, id| scene.leave(id, OperationState::Unknown))),
    ("authorization pending", || authorization(|scene, id| scene.leave(id, OperationState::Pending))),
    ("authorization under review", || authorization(|scene, id| scene.leave(id, OperationState::NeedsReview))),
    ("authorization declined", || authorization(|scene, id| settle(scene, id, ProviderStatus::Declined))),
    ("the payer has to act", || authorization(|scene, id| settle(scene, id, ProviderStatus::RequiresMore))),
    ("authorized", || payment(&[], &[])),
    ("one capture open", || payment(&[4], &[])),
    ("two captures open", || payment(&[4, 3], &[])),
    ("two equal captures open", || payment(&[3, 3], &[])),
    ("a capture declined, another open", || {
        let (mut scene, session) = Scene::with_session(10);
        let payment = scene.authorized(&session);
        let declined = scene.capture(&payment, Some(eur(3))).unwrap();
        settle(&mut scene, &declined, ProviderStatus::Declined);
        let open = scene.capture(&payment, Some(eur(4))).unwrap();
        scene.lose_reply(&open);
        (scene, session)
    }),
    ("captured, two refunds open", || payment(&[], &[4, 3])),
    ("deleted while unknown", || {
        let (mut scene, session) = authorization(|scene, id| scene.leave(id, OperationState::Unknown));
        let deletion = scene.delete_session(&session).unwrap();
        settle(&mut scene, &deletion, ProviderStatus::Canceled);
        (scene, session)
    }),
];

fn settle(scene: &mut Scene, id: &OperationId, status: ProviderStatus) {
    scene.settle(id, outcome(status, None)).unwrap();
}

fn authorization(then: impl Fn(&mut Scene, &OperationId)) -> (Scene, SessionId) {
    let (mut scene, session) = Scene::with_session(10);
    let operation = scene.authorize(&session).unwrap();
    then(&mut scene, &operation);
    (scene, session)
}

/// An authorized payment with open captures; or one captured in full, with open refunds.
fn payment(captures: &[i64], refunds: &[i64]) -> (Scene, SessionId) {
    let (mut scene, payment) = if refunds.is_empty() { Scene::with_payment(10) } else { Scene::with_captured(10) };
    for amount in captures {
        let operation = scene.capture(&payment, Some(eur(*amount))).unwrap();
        scene.lose_reply(&operation);
    }
    for amount in refunds {
        let operation = scene.refund(&payment, Some(eur(*amount))).unwrap();
        scene.lose_reply(&operation);
    }
    let session = scene.payment(&payment).session.clone();
    (scene, session)
}

/// What a gateway may claim of that payment. `failed` names no operation: once the payment is authorized it is then about
/// an earlier attempt. One that names a capture as failed while another claim counts that very amount as captured would be
/// two stories, and no order of telling makes them one. The totals are those that the books' own operations add up to: a
/// total between two of their steps tells of a capture made elsewhere, and which closed operation it stands for is a guess.
fn claims(session: &SessionId) -> Vec<Evidence> {
    use EvidenceAction::{Authorized, Canceled, Captured, Disputed, Failed, Pending, Refunded, RequiresMore};
    [
        (Authorized, Some(10)),
        (Captured, Some(3)),
        (Captured, Some(4)),
        (Captured, Some(7)),
        (Captured, Some(10)),
        (Refunded, Some(3)),
        (Refunded, Some(7)),
        (Failed, None),
        (Pending, None),
        (RequiresMore, None),
        (Canceled, None),
        (Disputed, None),
        (Disputed, Some(2)),
    ]
    .into_iter()
    .map(|(action, amount)| claim(session, action, amount.map(eur)))
    .collect()
}

/// Delivers the claims in this order.
fn deliver(place: &Scene, session: &SessionId, claims: &[&Evidence]) -> Collection {
    let mut scene = place.clone();
    let mut unmatched: Vec<&Evidence> = Vec::new();
    for claim in claims {
        unmatched.push(claim);
        // Each one that fits may be what the next one waited for.
        loop {
            let before = unmatched.len();
            unmatched.retain(|claim| waits(&mut scene, session, claim));
            if unmatched.len() == before || unmatched.is_empty() {
                break;
            }
        }
    }
    normal(scene.state)
}

fn waits(scene: &mut Scene, session: &SessionId, claim: &Evidence) -> bool {
    let events = scene.observe(session, claim.clone()).unwrap();
    events.iter().any(|event| matches!(event.change, Change::EvidenceSetAside { why: SetAside::Unmatched, .. }))
}

/// The state without what may differ: points in time, and into how many parts an amount fell that no command asked for.
fn normal(mut state: Collection) -> Collection {
    let now = Timestamp(0);
    let mut unasked: BTreeMap<&str, Operation> = BTreeMap::new();
    for operation in std::mem::take(&mut state.operations) {
        let next_action_at = operation.next_action_at.map(|_| now);
        let operation = Operation { created_at: now, updated_at: now, next_action_at, ..operation };
        if operation.origin != Origin::Observed {
            state.operations.push(operation);
            continue;
        }
        let name = operation.kind.as_str();
        let sum = match unasked.get(name).and_then(|sum| sum.amount) {
            Some(sum) => sum.checked_add(operation.amount.unwrap()).unwrap(),
            None => operation.amount.unwrap(),
        };
        let (id, product) = (OperationId::from_tail(name), Product::None);
        unasked.insert(name, Operation { id, product, amount: Some(sum), ..operation });
    }
    state.operations.extend(unasked.into_values());
    for session in &mut state.sessions {
        session.authorized_at = session.authorized_at.map(|_| now);
        session.deleted_at = session.deleted_at.map(|_| now);
        (session.created_at, session.updated_at) = (now, now);
    }
    for payment in &mut state.payments {
        payment.captured_at = payment.captured_at.map(|_| now);
        payment.canceled_at = payment.canceled_at.map(|_| now);
        (payment.created_at, payment.updated_at) = (now, now);
    }
    state.completed_at = state.completed_at.map(|_| now);
    (state.created_at, state.updated_at) = (now, now);
    state
}

/// What a person wants to see of two states that should have been one.
fn short(state: &Collection) -> String {
    let operations: Vec<_> = state
        .operations
        .iter()
        .map(|operation| (operation.kind, operation.amount, operation.state, operation.reason.as_deref()))
        .collect();
    let sessions: Vec<_> = state.sessions.iter().map(|session| (session.status, session.decline.is_some())).collect();
    let payments: Vec<_> =
        state.payments.iter().map(|payment| (payment.canceled_at, payment.captured_at, payment.disputed)).collect();
    format!("{:?} {sessions:?} {payments:?} {operations:?}", state.status)
}

/// Every order of the indices, by Heap's algorithm.
fn orders(of: usize) -> Vec<Vec<usize>> {
    fn permute(items: &mut Vec<usize>, size: usize, found: &mut Vec<Vec<usize>>) {
        if size <= 1 {
            found.push(items.clone());
            return;
        }
        for index in 0..size {
            permute(items, size - 1, found);
            let other = if size.is_multiple_of(2) { index } else { 0 };
            items.swap(other, size - 1);
        }
    }
    let mut found = Vec::new();
    permute(&mut (0..of).collect(), of, &mut found);
    found
}

/// Delivers a set in every order, each time with `again` delivered once more at the end of what came so far.
fn one_end(name: &str, place: &Scene, session: &SessionId, set: &[&Evidence], again: &[usize]) -> usize {
    let mut first: Option<Collection> = None;
    let orders = orders(set.len());
    for order in &orders {
        let mut delivery: Vec<&Evidence> = Vec::new();
        for (position, index) in order.iter().enumerate() {
            delivery.push(set[*index]);
            for _ in again.iter().filter(|at| **at == position) {
                delivery.push(delivery[position / 2]);
            }
        }
        let end = deliver(place, session, &delivery);
        let told: Vec<_> = delivery.iter().map(|claim| (claim.action, claim.amount)).collect();
        match &first {
            None => first = Some(end),
            Some(first) => assert!(end == *first, "{name}: {told:?}\n{}\n{}", short(&end), short(first)),
        }
    }
    orders.len()
}

#[test]
fn every_order_of_every_small_set() {
    let mut delivered = 0;
    for (name, place) in PLACES {
        let (scene, session) = place();
        let claims = claims(&session);
        for set in 1_u32..(1 << claims.len()) {
            if set.count_ones() > 3 {
                continue;
            }
            let set: Vec<&Evidence> = claims
                .iter()
                .enumerate()
                .filter(|(index, _)| set & (1 << index) != 0)
                .map(|(_, claim)| claim)
                .collect();
            delivered += one_end(name, &scene, &session, &set, &[0]);
        }
    }
    assert!(delivered >= 20_000, "{delivered} deliveries");
}

proptest! {
    #![proptest_config(Config {
        cases: 150,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x7111_b0c5),
        ..Config::default()
    })]

    #[test]
    fn every_order_of_five_with_duplicates(
        place in 0..PLACES.len(),
        set in prop::sample::subsequence((0..13_usize).collect::<Vec<_>>(), 4..=5),
        again in prop::collection::vec(0..5_usize, 0..4),
    ) {
        let (name, place) = PLACES[place];
        let (scene, session) = place();
        let claims = claims(&session);
        let set: Vec<&Evidence> = set.iter().map(|index| &claims[*index]).collect();
        one_end(name, &scene, &session, &set, &again);
    }
}

#[test]
fn a_duplicate_changes_nothing() {
    for (_, place) in PLACES {
        let (scene, session) = place();
        for claim in claims(&session) {
            let once = deliver(&scene, &session, &[&claim]);
            assert_eq!(deliver(&scene, &session, &[&claim; 100]), once, "{:?}", claim.action);
        }
    }
}
