//! Due work shared by several hosts: nobody gets what another has, and nothing is lost with whoever had it.

use std::collections::BTreeSet;

use tillbox::core::Timestamp;
use tillbox::core::event::{Change as What, Event};
use tillbox::core::id::{OperationId, ProviderId};
use tillbox::core::machine;
use tillbox::store::{Change, DeliveryState, Key, Store, Whose};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{delivery, id, provider, rich};

/// When the operations of the samples are due: each a millisecond after the one before.
const DUE: i64 = 1_700_000_100_000;

fn at(after: i64) -> Timestamp {
    Timestamp(DUE + after)
}

/// The refund of each of these samples is open and due; everything else is settled.
async fn fill(store: &dyn Store, samples: u32) {
    for number in 1..=samples {
        store.commit(due(rich(number), i64::from(number))).await.unwrap();
    }
}

fn due(mut change: Change, after: i64) -> Change {
    let last = change.after.operations.len() - 1;
    for (index, operation) in change.after.operations.iter_mut().enumerate() {
        operation.next_action_at = (index == last).then(|| at(after));
    }
    change
}

async fn claim(store: &dyn Store, now: i64, until: i64, limit: u32) -> Vec<OperationId> {
    let claimed = store.claim_operations(Whose::Everybodys, at(now), at(until), limit).await.unwrap();
    assert!(claimed.windows(2).all(|pair| pair[0].due_at <= pair[1].due_at), "{claimed:?}");
    claimed.into_iter().map(|claimed| claimed.id).collect()
}

fn refunds(numbers: impl IntoIterator<Item = u32>) -> Vec<OperationId> {
    numbers.into_iter().map(tillbox_store_tests::sample::refund_id).collect()
}

pub(crate) async fn due_work_is_claimed_once_and_oldest_first(place: &dyn Place) {
    let store = place.open().await;
    fill(store.as_ref(), 5).await;
    assert!(claim(store.as_ref(), 0, 1_000, 9).await.is_empty(), "nothing is due yet");
    assert_eq!(claim(store.as_ref(), 3, 1_000, 2).await, refunds([1, 2]));
    assert_eq!(claim(store.as_ref(), 3, 1_000, 9).await, refunds([3]), "those claimed are passed over");
    assert_eq!(claim(store.as_ref(), 100, 1_000, 9).await, refunds([4, 5]));
    assert!(claim(store.as_ref(), 999, 2_000, 9).await.is_empty());
}

pub(crate) async fn a_claim_that_ends_is_given_again(place: &dyn Place) {
    let store = place.open().await;
    fill(store.as_ref(), 2).await;
    assert_eq!(claim(store.as_ref(), 10, 20, 9).await, refunds([1, 2]));
    drop(store);
    let store = place.open().await;
    assert!(claim(store.as_ref(), 19, 40, 9).await.is_empty(), "a claim outlives the host that made it");
    assert_eq!(claim(store.as_ref(), 20, 40, 1).await, refunds([1]));
}

pub(crate) async fn a_change_ends_a_claim(place: &dyn Place) {
    let store = place.open().await;
    fill(store.as_ref(), 1).await;
    assert_eq!(claim(store.as_ref(), 10, 1_000, 9).await, refunds([1]));
    let before = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    let change =
        What::OperationPostponed { operation: refunds([1]).remove(0), checks: 9, next_action_at: Some(at(50)) };
    let event = Event { at: at(11), change };
    let after = machine::apply(Some(before.collection.clone()), &event).unwrap();
    let change = Change::new(Some(before.clone()), after, &[event]);
    assert!(change.events.is_empty(), "nobody is told that nothing was found");
    store.commit(change).await.unwrap();
    assert!(claim(store.as_ref(), 49, 1_000, 9).await.is_empty());
    assert_eq!(claim(store.as_ref(), 50, 1_000, 9).await, refunds([1]));
    let found = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    let operation = found.collection.operations.last().unwrap();
    assert_eq!((operation.checks, operation.next_action_at), (9, Some(at(50))));
    assert_eq!(operation.updated_at, before.collection.operations.last().unwrap().updated_at);
}

pub(crate) async fn claims_are_for_the_providers_asked_for(place: &dyn Place) {
    let store = place.open().await;
    fill(store.as_ref(), 1).await;
    let other = ProviderId::from_tail("other_default");
    let claim = async |whose| store.claim_operations(whose, at(10), at(20), 9).await.unwrap().len();
    assert_eq!(claim(Whose::Of(other.clone())).await, 0);
    assert_eq!(claim(Whose::NotOf(vec![other.clone(), provider()])).await, 0);
    assert_eq!(claim(Whose::NotOf(vec![other])).await, 1);
    let claim = async |whose| store.claim_operations(whose, at(20), at(30), 9).await.unwrap().len();
    assert_eq!(claim(Whose::Of(provider())).await, 1);
    let claim = async |whose| store.claim_operations(whose, at(30), at(40), 9).await.unwrap().len();
    assert_eq!(claim(Whose::NotOf(Vec::new())).await, 1);
}

/// Four hosts, each claiming until nothing is left.
pub(crate) async fn hosts_that_claim_at_once_never_get_the_same(place: &dyn Place) {
    let store = place.open().await;
    fill(store.as_ref(), 60).await;
    let mut hosts = Vec::new();
    for _ in 0..4 {
        let store = place.open().await;
        hosts.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = claim(store.as_ref(), 1_000, 9_000, 7).await;
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed);
            }
        }));
    }
    let mut all = Vec::new();
    for host in hosts {
        all.extend(host.await.unwrap());
    }
    let once: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(all.len(), once.len(), "claimed twice");
    // Rows that another one holds are passed over and not waited for, so somebody may stop early; nothing is lost by that.
    all.extend(claim(store.as_ref(), 1_000, 9_000, 60).await);
    assert_eq!(all.len(), 60);
}

pub(crate) async fn deliveries_are_claimed_once_and_come_back_when_postponed(place: &dyn Place) {
    let store = place.open().await;
    for number in 1..=3 {
        store.keep_delivery(delivery(number)).await.unwrap();
    }
    let first = delivery(1).next_action_at;
    let later = |ms: i64| Timestamp(first.0 + ms);
    assert!(store.claim_deliveries(later(-1), later(9), 9).await.unwrap().is_empty());
    assert_eq!(store.claim_deliveries(first, later(9), 2).await.unwrap(), [delivery(1), delivery(2)]);
    assert_eq!(store.claim_deliveries(first, later(9), 9).await.unwrap(), [delivery(3)]);
    // Postponed: nobody's, and due later. Closed: never again. Left: due when the claim ends.
    store.postpone_delivery(delivery(1).id, later(5)).await.unwrap();
    store.close_delivery(delivery(2).id, DeliveryState::Applied, None, first).await.unwrap();
    assert!(store.claim_deliveries(later(4), later(9), 9).await.unwrap().is_empty());
    let again = store.claim_deliveries(later(5), later(20), 9).await.unwrap();
    assert_eq!(again.iter().map(|kept| (kept.id.clone(), kept.attempts)).collect::<Vec<_>>(), [(delivery(1).id, 1)]);
    assert_eq!(store.claim_deliveries(later(9), later(20), 9).await.unwrap(), [delivery(3)]);
    store.postpone_delivery(delivery(2).id, later(9)).await.unwrap();
    assert!(store.claim_deliveries(later(19), later(30), 9).await.unwrap().is_empty(), "a closed one stays closed");
}
