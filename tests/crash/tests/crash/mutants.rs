//! The judge must be able to fail: true books with one lie planted in each, and the invariant that has to notice.
//!
//! No host is killed here; what the judge reads was made by a real one all the same.

use tillbox::core::Timestamp;
use tillbox::core::id::ProviderId;
use tillbox::core::operation::{Operation, OperationKind, OperationState};
use tillbox_crash::SECRETS;
use tillbox_crash::facts::Facts;
use tillbox_crash::gateway::{Habit, Manner};
use tillbox_crash::hearing::Heard;
use tillbox_crash::judge::judge;
use tillbox_crash::orders::{Ack, Order};
use tillbox_crash::process::Place;
use tillbox_crash::till::Till;

/// A payment of 1000: 600 captured, 100 of it refunded, 400 captured whose reply was lost.
async fn truth() -> Facts {
    let place = Place::new();
    let till = Till::open(&place.setup()).await.expect("a host starts");
    let mut acks = Vec::new();
    let mut tell = async |order: Order| -> Ack {
        let ack = till.obey(order).await.expect("it is acknowledged");
        acks.push(ack.clone());
        ack
    };
    let collection = tell(Order::Collect { amount: 1_000 }).await.collection.unwrap();
    let session = tell(Order::Open { collection, provider: Habit::Keyed.id(), amount: None }).await.session.unwrap();
    let payment = tell(Order::Authorize { session }).await.payment.unwrap();
    tell(Order::Capture { payment: payment.clone(), amount: Some(600) }).await;
    tell(Order::Refund { payment: payment.clone(), amount: Some(100) }).await;
    tell(Order::Behave { manner: Manner::LosesReplies, delay_ms: 0 }).await;
    let lost = till.obey(Order::Capture { payment, amount: Some(400) }).await.unwrap_err();
    assert_eq!(lost.code, "outcome_unknown");
    till.obey(Order::Tell).await.expect("it is told");
    let store = tillbox::store::open(&place.setup().database).await.expect("the database opens");
    let mut facts = Facts::read(store.as_ref(), &place.ledger(), 0, acks).await;
    facts.add_files(place.folder.path());
    (facts.settled, facts.told) = (false, true);
    facts
}

fn operation(facts: &mut Facts, kind: OperationKind, state: OperationState) -> &mut Operation {
    let mut operations = facts.collections.iter_mut().flat_map(|stored| &mut stored.collection.operations);
    operations.find(|operation| operation.kind == kind && operation.state == state).expect("it is there")
}

/// What is planted: a name, the invariant it breaks, how.
type Lie = (&'static str, &'static str, fn(&mut Facts));

// Long because it is a table: one lie and the invariant that has to notice it.
fn lies() -> Vec<Lie> {
    vec![
        ("a capture that the gateway knows nothing of", "I1", |facts| {
            facts.effects.retain(|effect| effect.kind != "capture" || effect.amount_minor != 600);
        }),
        ("an effect that nobody asked for", "I1", |facts| {
            let mut effect = facts.effects.last().unwrap().clone();
            effect.operation = Some("payop_nobody".to_owned());
            facts.effects.push(effect);
        }),
        ("another amount than was asked for", "I1", |facts| {
            facts.effects.iter_mut().find(|effect| effect.kind == "capture").unwrap().amount_minor -= 1;
        }),
        ("a question that is left open", "I1", |facts| facts.settled = true),
        ("money moved at the counter, and nobody knows", "I1", |facts| {
            operation(facts, OperationKind::Capture, OperationState::Unknown).state = OperationState::Succeeded;
            facts.settled = true;
            let mut effect = facts.effects.iter().find(|effect| effect.kind == "refund").unwrap().clone();
            effect.operation = None;
            facts.effects.push(effect);
        }),
        ("one operation sent under two keys", "I2", |facts| {
            let mut effect = facts.effects.iter().find(|effect| effect.kind == "refund").unwrap().clone();
            effect.key = "another".to_owned();
            facts.effects.push(effect);
        }),
        ("a payer who tried again, and paid twice", "I2", |facts| {
            let mut effect = facts.effects.iter().find(|effect| effect.kind == "authorize").unwrap().clone();
            (effect.key, effect.operation) = ("another".to_owned(), None);
            facts.effects.push(effect);
        }),
        ("settled, and still to be looked at", "I7", |facts| {
            operation(facts, OperationKind::Refund, OperationState::Succeeded).next_action_at = Some(Timestamp(1));
        }),
        ("absent, and it happened", "I3", |facts| {
            operation(facts, OperationKind::Capture, OperationState::Unknown).state = OperationState::Absent;
        }),
        ("declined, and it happened", "I3", |facts| {
            operation(facts, OperationKind::Refund, OperationState::Succeeded).state = OperationState::Declined;
        }),
        ("more captured than authorized", "I4", |facts| {
            let amount = operation(facts, OperationKind::Capture, OperationState::Succeeded).amount.unwrap();
            operation(facts, OperationKind::Capture, OperationState::Unknown).amount = Some(amount);
        }),
        ("more refunded than captured", "I4", |facts| {
            operation(facts, OperationKind::Capture, OperationState::Succeeded).state = OperationState::Absent;
        }),
        ("more taken at the gateway than authorized", "I4", |facts| {
            let mut effect = facts.effects.iter().find(|effect| effect.kind == "capture").unwrap().clone();
            effect.operation = None;
            facts.effects.push(effect);
        }),
        ("an acknowledged refund that is gone", "I5", |facts| {
            let operations = &mut facts.collections[0].collection.operations;
            operations.retain(|operation| operation.kind != OperationKind::Refund);
        }),
        ("an acknowledged collection that is gone", "I5", |facts| facts.collections.clear()),
        ("an acknowledged capture that is a question again", "I5", |facts| {
            operation(facts, OperationKind::Capture, OperationState::Succeeded).state = OperationState::Unknown;
        }),
        ("an event that was lost", "I6", |facts| facts.events.retain(|event| event.kind != "payment.captured")),
        ("an event that was told twice", "I6", |facts| {
            let mut event = facts.events.last().unwrap().clone();
            event.sequence += 1;
            facts.events.push(event);
        }),
        ("events in another order", "I6", |facts| {
            let last = facts.events.len() - 1;
            facts.events.swap(0, last);
        }),
        ("an event that nobody heard", "I6", |facts| drop(facts.heard.pop())),
        ("an event that was left out", "I6", |facts| drop(facts.heard.remove(2))),
        ("events heard in another order", "I6", |facts| facts.heard.swap(2, 3)),
        ("an event heard of what is not there", "I6", |facts| {
            let (event, collection) = ("evt_nobody".to_owned(), "paycol_nobody".to_owned());
            facts.heard.push(Heard { event, collection });
        }),
        ("a status that nobody was told of", "I6", |facts| {
            facts.events.retain(|event| event.kind != "payment_collection.status_changed");
        }),
        ("a question that nobody will ask", "I7", |facts| {
            operation(facts, OperationKind::Capture, OperationState::Unknown).next_action_at = None;
        }),
        ("a question that will be asked when everybody is dead", "I7", |facts| {
            operation(facts, OperationKind::Capture, OperationState::Unknown).next_action_at =
                Some(Timestamp(i64::MAX));
        }),
        ("a call under way that never ends", "I7", |facts| {
            let capture = operation(facts, OperationKind::Capture, OperationState::Unknown);
            (capture.state, capture.next_action_at) = (OperationState::Running, None);
        }),
        ("a review that nobody was called for", "I7", |facts| {
            let capture = operation(facts, OperationKind::Capture, OperationState::Unknown);
            (capture.state, capture.reason) = (OperationState::NeedsReview, None);
        }),
        ("left to a person, and it could have been sent again", "I7", |facts| {
            let capture = operation(facts, OperationKind::Capture, OperationState::Unknown);
            (capture.state, capture.next_action_at) = (OperationState::NeedsReview, None);
            capture.provider = ProviderId::parse(&Habit::Resend.id()).unwrap();
            facts.settled = true;
        }),
        ("a card number in a log", "I8", |facts| {
            facts.texts.push(("host.log".to_owned(), format!("paid with {}", SECRETS[0]).into_bytes()));
        }),
        ("a security code in a column of bytes", "I8", |facts| {
            let code: String = SECRETS[1].bytes().map(|byte| format!("{byte:02x}")).collect();
            facts.texts.push(("table delivery".to_owned(), format!("(whin_1,\"\\\\x{code}\")").into_bytes()));
        }),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_lie_is_found() {
    let truth = truth().await;
    assert_eq!(judge(&truth), []);
    for (name, invariant, plant) in lies() {
        let mut facts = truth.clone();
        plant(&mut facts);
        let found = judge(&facts);
        assert!(found.iter().any(|violation| violation.invariant == invariant), "{name}: {found:?}");
    }
}
