//! What a database tells of itself: what is open and since when, who is behind and by how much; and that an event keeps the
//! trace it was caused by.

use tillbox::core::Timestamp;
use tillbox::core::operation::OperationState;
use tillbox::store::{KeptSubscriber, Lag, OpenOperations};
use tillbox::trace::Trace;
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{created, provider, rich, subscriber};

pub(crate) async fn what_is_open_is_counted(place: &impl Place) {
    let store = place.open().await;
    assert_eq!(store.open_operations().await.unwrap(), []);
    for number in 1..=3 {
        store.commit(rich(number)).await.unwrap();
    }
    assert_eq!(store.open_operations().await.unwrap(), [], "all of it is settled");
    place
        .run("update operation set state = 'unknown', created_at = created_at + 5 where kind = 'capture'")
        .await
        .unwrap();
    place.run("update operation set state = 'needs_review', created_at = 7 where kind = 'refund'").await.unwrap();
    let mut open = store.open_operations().await.unwrap();
    open.sort_by_key(|open| open.oldest);
    let of = |state, oldest| OpenOperations { provider: provider(), state, count: 3, oldest: Timestamp(oldest) };
    assert_eq!(open[0], of(OperationState::NeedsReview, 7));
    assert_eq!((open.len(), open[1].state, open[1].count), (2, OperationState::Unknown, 3));
    let connections = store.connections();
    assert!(connections.most >= connections.open && connections.open >= connections.idle, "{connections:?}");
    assert!(connections.open > 0);
}

pub(crate) async fn who_is_behind_is_told(place: &impl Place) {
    let store = place.open().await;
    store.commit(created(1)).await.unwrap();
    let listener = KeptSubscriber { is_enabled: true, disabled_reason: None, ..subscriber(1) };
    store.add_subscriber(listener.clone()).await.unwrap();
    let lag = |events, oldest, open| Lag { subscriber: listener.id.clone(), events, oldest, open, failed: 0 };
    assert_eq!(store.lags().await.unwrap(), [lag(0, None, 0)], "what was before is not for it");
    let before = store.last_sequence().await.unwrap();
    store.commit(created(2)).await.unwrap();
    store.commit(created(3)).await.unwrap();
    // A server numbers events when somebody reads them.
    assert_eq!(store.events_after(before, 9).await.unwrap().len(), 2);
    assert!(store.last_sequence().await.unwrap() > before);
    let oldest = Some(Timestamp(1_700_000_000_001));
    assert_eq!(store.lags().await.unwrap(), [lag(2, oldest, 0)]);
    store.spread(listener.id.clone(), 9, Timestamp(1_700_000_000_009)).await.unwrap();
    assert_eq!(store.lags().await.unwrap(), [lag(0, None, 2)]);
}

pub(crate) async fn an_event_keeps_its_trace(place: &impl Place) {
    let store = place.open().await;
    let trace = Trace::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let traced = trace.around(async { created(1) }).await;
    store.commit(traced).await.unwrap();
    store.commit(created(2)).await.unwrap();
    let told = store.events_after(0, 9).await.unwrap();
    assert_eq!(told.iter().map(|event| event.trace).collect::<Vec<_>>(), [Some(trace), None]);
    let one = store.event(told[0].id.clone()).await.unwrap().unwrap();
    assert_eq!(one.trace, Some(trace));
}
