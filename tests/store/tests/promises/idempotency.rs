//! What every store promises about idempotency keys: one holder, together with the change or not at all, and an answer that
//! stays until the key expires.

use std::sync::Arc;

use tillbox::core::Timestamp;
use tillbox::store::{
    Change, Key, KeyRow, KeyWrite, SideChange, Store, StoreError, snapshot_from_text, snapshot_to_text,
};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{
    as_stored, created, id, key, noted, provider, reason, refund_id, rich, stored, subscriber,
};

/// Clients at once.
const CLIENTS: u32 = 32;

/// Long after the samples were written.
const LATER: i64 = 1_800_000_000_000;

fn with(change: Change, key: KeyWrite) -> Change {
    Change { key: Some(key), ..change }
}

async fn kept(store: &dyn Store, key: &str) -> Option<KeyRow> {
    store.key("till".to_owned(), key.to_owned()).await.unwrap()
}

fn conflict(result: Result<(), StoreError>) -> bool {
    match result {
        Ok(()) => false,
        Err(StoreError::Conflict) => true,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn a_key_is_kept_with_its_change_or_not_at_all(place: &dyn Place) {
    let store = place.open().await;
    let mut first = key("a", "one", LATER);
    first.row.operation = Some(refund_id(1));
    store.commit(with(rich(1), first.clone())).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(kept(store.as_ref(), "a").await, Some(first.row.clone()));
    assert_eq!(kept(store.as_ref(), "b").await, None);
    assert_eq!(store.key("another".to_owned(), "a".to_owned()).await.unwrap(), None);

    // The key is taken: the change that wants it is not made.
    assert!(conflict(store.commit(with(created(2), key("a", "two", LATER))).await));
    assert_eq!(store.load(Key::Collection(id(2))).await.unwrap(), None);
    // The change is refused: its key is not taken.
    let read = stored(store.as_ref(), 3).await.unwrap();
    store.commit(noted(&read, "first")).await.unwrap();
    assert!(conflict(store.commit(with(noted(&read, "second"), key("b", "two", LATER))).await));
    assert_eq!(kept(store.as_ref(), "b").await, None);
    // Another caller's key of the same name is another key.
    store.write_key(KeyWrite { caller: "another".to_owned(), ..key("a", "two", LATER) }).await.unwrap();
    assert_eq!(kept(store.as_ref(), "a").await, Some(first.row));
}

pub(crate) async fn a_key_is_kept_with_a_side_change_or_not_at_all(place: &dyn Place) {
    let store = place.open().await;
    let make = |number: u32, code: &str| SideChange::KeepReasons(vec![reason(number, code)]);
    let first = key("a", "one", LATER);
    store.write_side(make(1, "late"), Some(first.clone())).await.unwrap();
    assert_eq!(kept(store.as_ref(), "a").await, Some(first.row));
    // The key is taken: the change that wants it is not made.
    assert!(conflict(store.write_side(make(2, "lost"), Some(key("a", "two", LATER))).await));
    let gone = SideChange::AddSubscriber(Box::new(subscriber(1)));
    assert!(conflict(store.write_side(gone, Some(key("a", "two", LATER))).await));
    assert_eq!(store.refund_reasons(vec![reason(2, "lost").id]).await.unwrap(), []);
    assert_eq!(store.subscribers().await.unwrap(), []);
    // The change is refused: its key is not taken.
    assert!(conflict(store.write_side(make(3, "late"), Some(key("b", "two", LATER))).await));
    let missing = SideChange::RemoveSubscriber(subscriber(1).id);
    assert!(conflict(store.write_side(missing, Some(key("b", "two", LATER))).await));
    let switch = SideChange::SwitchProvider { id: provider(), is_enabled: false, at: Timestamp(LATER) };
    assert!(conflict(store.write_side(switch, Some(key("b", "two", LATER))).await));
    assert_eq!(kept(store.as_ref(), "b").await, None);
    store.write_side(make(4, "wrong"), None).await.unwrap();
    assert_eq!(store.refund_reasons(vec![reason(4, "wrong").id]).await.unwrap().len(), 1);
}

pub(crate) async fn a_key_is_taken_over_from_the_holder_that_was_read(place: &dyn Place) {
    let store = place.open().await;
    let mut open = key("a", "one", LATER);
    open.row.answer = None;
    store.write_key(open.clone()).await.unwrap();
    let over = |before: &str, holder: &str, answer: Option<&str>| KeyWrite {
        before: Some(before.to_owned()),
        row: KeyRow { holder: holder.to_owned(), answer: answer.map(str::to_owned), ..open.row.clone() },
        ..open.clone()
    };
    assert!(conflict(store.write_key(over("two", "three", None)).await));
    store.write_key(over("one", "two", None)).await.unwrap();
    assert!(conflict(store.write_key(over("one", "three", Some("late"))).await), "the first holder comes too late");
    let read = stored(store.as_ref(), 1).await.unwrap();
    store.commit(with(noted(&read, "x"), over("two", "two", Some("the answer")))).await.unwrap();
    assert!(conflict(store.write_key(over("two", "two", Some("another"))).await), "an answer stays");
    let row = kept(store.as_ref(), "a").await.unwrap();
    assert_eq!((row.holder.as_str(), row.answer.as_deref()), ("two", Some("the answer")));
}

pub(crate) async fn one_of_many_takes_a_key(place: &dyn Place) {
    let stores = [place.open().await, place.open().await];
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|client| {
            let store = Arc::clone(&stores[client as usize % 2]);
            let change = with(created(client), key("a", &client.to_string(), LATER));
            tokio::spawn(async move { conflict(store.commit(change).await) })
        })
        .collect();
    let mut won = 0;
    for client in clients {
        won += u32::from(!client.await.unwrap());
    }
    assert_eq!(won, 1);
    let holder: u32 = kept(stores[0].as_ref(), "a").await.unwrap().holder.parse().unwrap();
    assert!(stores[1].load(Key::Collection(id(holder))).await.unwrap().is_some());
    assert_eq!(stores[0].events_after(0, 100).await.unwrap().len(), 1);
}

pub(crate) async fn an_expired_key_is_as_good_as_none(place: &dyn Place) {
    let store = place.open().await;
    let first = key("a", "one", 1_700_000_000_000);
    store.write_key(KeyWrite { at: Timestamp(1_600_000_000_000), ..first.clone() }).await.unwrap();
    assert!(conflict(store.write_key(KeyWrite { at: Timestamp(1_699_999_999_999), ..key("a", "two", LATER) }).await));
    store.commit(with(created(1), key("a", "two", LATER))).await.unwrap();
    assert_eq!(kept(store.as_ref(), "a").await, Some(key("a", "two", LATER).row));
}

pub(crate) async fn expired_keys_are_deleted_in_batches(place: &dyn Place) {
    let store = place.open().await;
    for number in 0..5 {
        store.write_key(key(&format!("k{number}"), "one", LATER + number)).await.unwrap();
    }
    assert_eq!(store.purge_keys(Timestamp(LATER - 1), 10).await.unwrap(), 0);
    assert_eq!(store.purge_keys(Timestamp(LATER + 2), 2).await.unwrap(), 2);
    assert_eq!(kept(store.as_ref(), "k1").await, None);
    assert_eq!(store.purge_keys(Timestamp(LATER + 2), 10).await.unwrap(), 1);
    assert_eq!(store.purge_keys(Timestamp(LATER + 2), 10).await.unwrap(), 0);
    assert!(kept(store.as_ref(), "k3").await.is_some());
}

/// What an answer is made from later is what the store would have given back.
pub(crate) async fn a_collection_survives_as_a_text(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    let after = rich(1).after;
    let text = snapshot_to_text(&after);
    assert_eq!(snapshot_from_text(&text).unwrap(), as_stored(after));
    let found = store.load(Key::Collection(id(1))).await.unwrap().unwrap().collection;
    assert_eq!(snapshot_from_text(&snapshot_to_text(&found)).unwrap(), found);
    for wrong in ["", "[]", "{}", r#"{"collection":[{"id":"pay_col_1"}]}"#, &text.replace("authorized", "taken")] {
        let error = snapshot_from_text(wrong).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}
