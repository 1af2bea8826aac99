//! API keys: found by id, replaced once, ended once.

use tillbox::core::Timestamp;
use tillbox::store::{ApiKeyKind, KeptApiKey, Page, Store, StoreError};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::api_key;

/// A key that counts for ever.
fn living(number: u32) -> KeptApiKey {
    KeptApiKey { replaced_by: None, expires_at: None, revoked_at: None, last_used_at: None, ..api_key(number) }
}

async fn found(store: &dyn Store, key: &KeptApiKey) -> KeptApiKey {
    store.api_key(key.id.clone()).await.unwrap().unwrap()
}

pub(crate) async fn a_key_is_found_by_its_id_and_nothing_of_it_is_lost(place: &dyn Place) {
    let store = place.open().await;
    let bare = KeptApiKey { kind: ApiKeyKind::Publishable, title: None, scopes: Vec::new(), ..living(2) };
    for key in [api_key(1), bare.clone()] {
        store.add_api_key(key).await.unwrap();
    }
    let again = store.add_api_key(api_key(1)).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    drop(store);
    let store = place.open().await;
    assert_eq!(found(store.as_ref(), &api_key(1)).await, api_key(1));
    assert_eq!(store.api_key(api_key(3).id).await.unwrap(), None);
    let listed = store.api_keys(Page { offset: 0, limit: 9 }).await.unwrap();
    assert_eq!((listed.count, listed.items), (2, vec![bare, api_key(1)]));
    assert_eq!(store.api_keys(Page { offset: 1, limit: 9 }).await.unwrap().items, [api_key(1)]);
}

pub(crate) async fn one_of_two_replaces_a_key(place: &dyn Place) {
    let (store, other) = (place.open().await, place.open().await);
    store.add_api_key(living(1)).await.unwrap();
    let ends_at = Timestamp(5_000);
    let (first, second) = tokio::join!(
        store.replace_api_key(living(1).id, ends_at, living(2)),
        other.replace_api_key(living(1).id, ends_at, living(3))
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let (winner, loser) = if first.is_ok() { (living(2), living(3)) } else { (living(3), living(2)) };
    let old = found(other.as_ref(), &living(1)).await;
    assert_eq!((old.replaced_by, old.expires_at), (Some(winner.id.clone()), Some(ends_at)));
    assert_eq!(store.api_key(loser.id).await.unwrap(), None, "all or nothing");
    // One that ends sooner is not made to live longer.
    let short = KeptApiKey { expires_at: Some(Timestamp(4_000)), ..living(5) };
    store.add_api_key(short.clone()).await.unwrap();
    store.replace_api_key(short.id.clone(), ends_at, living(6)).await.unwrap();
    assert_eq!(found(store.as_ref(), &short).await.expires_at, short.expires_at);
    store.revoke_api_key(living(6).id, Timestamp(6_000)).await.unwrap();
    let late = store.replace_api_key(living(6).id, ends_at, living(7)).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
}

pub(crate) async fn a_key_ends_once_and_its_last_use_goes_forward(place: &dyn Place) {
    let store = place.open().await;
    store.add_api_key(living(1)).await.unwrap();
    for at in [7_000, 9_000, 8_000] {
        store.use_api_key(living(1).id, Timestamp(at)).await.unwrap();
    }
    assert_eq!(found(store.as_ref(), &living(1)).await.last_used_at, Some(Timestamp(9_000)));
    for at in [10_000, 11_000] {
        store.revoke_api_key(living(1).id, Timestamp(at)).await.unwrap();
    }
    assert_eq!(found(store.as_ref(), &living(1)).await.revoked_at, Some(Timestamp(10_000)));
    store.revoke_api_key(living(2).id, Timestamp(1)).await.unwrap();
    assert_eq!(store.api_key(living(2).id).await.unwrap(), None);
}
