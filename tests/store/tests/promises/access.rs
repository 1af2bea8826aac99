//! Who may act on a collection: the customer it was made for, and which secret counts.

use tillbox::store::{Change, CollectionAccess, Key, StoreError};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{created, id};

pub(crate) async fn a_customer_is_kept_with_the_collection_or_not_at_all(place: &dyn Place) {
    let store = place.open().await;
    let for_her = |number| Change { customer: Some("cus_é".to_owned()), ..created(number) };
    store.commit(for_her(1)).await.unwrap();
    store.commit(created(2)).await.unwrap();
    let refused = store.commit_all(vec![for_her(3), created(2)]).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    drop(store);
    let store = place.open().await;
    let hers = CollectionAccess { customer: Some("cus_é".to_owned()), ..CollectionAccess::default() };
    assert_eq!(store.collection_access(id(1)).await.unwrap(), hers);
    for nobodys in [2, 3] {
        assert_eq!(store.collection_access(id(nobodys)).await.unwrap(), CollectionAccess::default());
    }
    assert_eq!(store.load(Key::Collection(id(3))).await.unwrap(), None);
}

pub(crate) async fn secrets_are_counted_on(place: &dyn Place) {
    let (store, other) = (place.open().await, place.open().await);
    store.commit(Change { customer: Some("cus_1".to_owned()), ..created(1) }).await.unwrap();
    store.commit(created(2)).await.unwrap();
    for number in [1, 2] {
        let (one, two) = tokio::join!(store.next_secret(id(number)), other.next_secret(id(number)));
        one.unwrap();
        two.unwrap();
        let access = store.collection_access(id(number)).await.unwrap();
        assert_eq!(access.secret_version, CollectionAccess::FIRST_SECRET + 2);
        assert_eq!(access.customer.as_deref(), (number == 1).then_some("cus_1"));
    }
    assert!(store.next_secret(id(3)).await.is_err(), "there is no such collection");
    assert_eq!(store.collection_access(id(3)).await.unwrap(), CollectionAccess::default());
}
