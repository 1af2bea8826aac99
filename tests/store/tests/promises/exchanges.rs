//! Exchanges with gateways: an intent is there with its operation or not at all, and whoever lost the lease writes nothing more.

use tillbox::core::id::OperationId;
use tillbox::core::operation::OperationState;
use tillbox::store::{Change, ExchangeEnd, ExchangeState, ExchangeWrite, KeptExchange, Key, Store, StoreError, Stored};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{as_stored, exchange, exchange_end, id, refund_id, rich};

fn of(number: u32) -> OperationId {
    refund_id(number)
}

/// The sample with its refund running under this lease.
fn running(number: u32, lease_token: u64) -> Change {
    let mut change = rich(number);
    for operation in change.after.operations.iter_mut().filter(|operation| operation.id == of(number)) {
        (operation.state, operation.lease_token) = (OperationState::Running, lease_token);
    }
    change
}

async fn begun(store: &dyn Store) -> Stored {
    let write = ExchangeWrite::Intend(Box::new(exchange(1, 1, 1)));
    store.commit(Change { exchanges: vec![write], ..running(1, 1) }).await.unwrap();
    store.load(Key::Collection(id(1))).await.unwrap().unwrap()
}

/// The next version of it, with the refund under this lease.
fn next(before: &Stored, lease_token: u64, state: OperationState) -> Change {
    let mut after = before.collection.clone();
    for operation in after.operations.iter_mut().filter(|operation| operation.id == of(1)) {
        (operation.state, operation.lease_token) = (state, lease_token);
    }
    Change::new(Some(before.clone()), after, &[])
}

pub(crate) async fn an_intent_is_there_with_its_operation_or_not_at_all(place: &dyn Place) {
    let store = place.open().await;
    let before = begun(store.as_ref()).await;
    assert_eq!(as_stored(running(1, 1).after), before.collection);
    assert_eq!(store.exchanges(of(1)).await.unwrap(), [exchange(1, 1, 1)]);
    // A change that comes too late takes its intent with it.
    let write = |sequence| vec![ExchangeWrite::Intend(Box::new(exchange(1, 2, sequence)))];
    store.commit(next(&before, 1, OperationState::Running)).await.unwrap();
    let late = Change { exchanges: write(1), ..next(&before, 2, OperationState::Running) };
    assert!(matches!(store.commit(late).await, Err(StoreError::Conflict)));
    drop(store);
    assert_eq!(place.open().await.exchanges(of(1)).await.unwrap(), [exchange(1, 1, 1)]);
}

pub(crate) async fn an_exchange_ends_once_with_everything_in_it(place: &dyn Place) {
    let store = place.open().await;
    begun(store.as_ref()).await;
    for (sequence, state) in
        (1_u32..).zip(ExchangeState::ALL.iter().copied().filter(|s| *s != ExchangeState::AboutToSend))
    {
        if sequence > 1 {
            store.intend_exchange(exchange(1, 1, sequence)).await.unwrap();
            assert!(store.intend_exchange(exchange(1, 1, sequence)).await.is_err(), "once");
        }
        let end = ExchangeEnd { state, ..exchange_end(sequence) };
        store.end_exchange(of(1), 1, sequence, end.clone()).await.unwrap();
        assert!(matches!(store.end_exchange(of(1), 1, sequence, end.clone()).await, Err(StoreError::Conflict)));
        let kept = store.exchanges(of(1)).await.unwrap();
        assert_eq!(kept.last(), Some(&KeptExchange { end: Some(end), ..exchange(1, 1, sequence) }));
        assert_eq!(kept.last().unwrap().state(), state);
    }
    assert!(store.exchanges(of(2)).await.unwrap().is_empty());
}

pub(crate) async fn whoever_lost_the_lease_writes_no_exchange(place: &dyn Place) {
    let store = place.open().await;
    let before = begun(store.as_ref()).await;
    // It was given up: no further request, and the answer to the first still counts.
    store.commit(next(&before, 1, OperationState::Unknown)).await.unwrap();
    assert!(matches!(store.intend_exchange(exchange(1, 1, 2)).await, Err(StoreError::Conflict)));
    store.end_exchange(of(1), 1, 1, exchange_end(1)).await.unwrap();
    // It was asked again: nothing of the earlier run counts.
    let before = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    let write = ExchangeWrite::Intend(Box::new(exchange(1, 2, 1)));
    store.commit(Change { exchanges: vec![write], ..next(&before, 2, OperationState::Running) }).await.unwrap();
    assert!(matches!(store.intend_exchange(exchange(1, 1, 2)).await, Err(StoreError::Conflict)));
    assert!(matches!(store.end_exchange(of(1), 1, 1, exchange_end(1)).await, Err(StoreError::Conflict)));
    store.end_exchange(of(1), 2, 1, exchange_end(1)).await.unwrap();
    store.intend_exchange(exchange(1, 2, 2)).await.unwrap();
    assert_eq!(store.exchanges(of(1)).await.unwrap().len(), 3);
}

pub(crate) async fn a_call_without_an_operation_is_noted(place: &dyn Place) {
    let store = place.open().await;
    store.note_exchange(exchange(7, 9, 1)).await.unwrap();
    assert_eq!(store.exchanges(of(7)).await.unwrap(), [exchange(7, 9, 1)]);
    let ended = KeptExchange { end: Some(exchange_end(1)), ..exchange(7, 9, 1) };
    store.note_exchange(ended.clone()).await.unwrap();
    assert_eq!(store.exchanges(of(7)).await.unwrap(), [ended]);
}

pub(crate) async fn a_run_is_gone_on_with_unless_its_holder_went_on(place: &dyn Place) {
    let store = place.open().await;
    let before = begun(store.as_ref()).await;
    store.end_exchange(of(1), 1, 1, exchange_end(1)).await.unwrap();
    let take_over = |known| ExchangeWrite::TakeOver { operation: of(1), from: 1, to: 2, through: 1, known };
    let go_on = |known| {
        let writes = vec![take_over(known), ExchangeWrite::Intend(Box::new(exchange(1, 2, 2)))];
        Change { exchanges: writes, ..next(&before, 2, OperationState::Running) }
    };
    store.intend_exchange(exchange(1, 1, 2)).await.unwrap();
    assert!(matches!(store.commit(go_on(1)).await, Err(StoreError::Conflict)), "the holder was alive");
    assert_eq!(store.exchanges(of(1)).await.unwrap().len(), 2);
    store.commit(go_on(2)).await.unwrap();
    let kept = store.exchanges(of(1)).await.unwrap();
    let places: Vec<(u64, u32)> = kept.iter().map(|kept| (kept.lease_token, kept.sequence)).collect();
    assert_eq!(places, [(1, 2), (2, 1), (2, 2)]);
    // With the end of the operation its answers are forgotten where that is asked for.
    let before = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    let forget = vec![ExchangeWrite::Forget(of(1))];
    store.commit(Change { exchanges: forget, ..next(&before, 2, OperationState::Succeeded) }).await.unwrap();
    let kept = store.exchanges(of(1)).await.unwrap();
    assert!(kept.iter().all(|kept| kept.end.as_ref().is_none_or(|end| end.answered.is_none())));
    assert_eq!(kept[1].state(), ExchangeState::Answered);
}
