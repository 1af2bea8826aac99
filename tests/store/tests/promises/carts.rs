//! What every store promises of carts: each has one collection, whoever makes it first.

use std::sync::Arc;

use tillbox::store::{CartClaim, Change, StoreError};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{id, rich};

/// A new collection of one and the same cart.
fn of_one_cart(number: u32, claim: CartClaim) -> Change {
    let mut change = rich(number);
    change.after.cart_id = Some("cart_1".to_owned());
    Change { cart: Some(claim), ..change }
}

pub(crate) async fn a_cart_has_one_collection(place: &dyn Place) {
    let store = place.open().await;
    let cart = async || store.cart_collection("cart_1".to_owned()).await.unwrap();
    assert_eq!(cart().await, None);
    store.commit(rich(9)).await.unwrap();
    assert_eq!(cart().await, None, "a collection that claims nothing is nobody's");
    store.commit(of_one_cart(1, CartClaim::InsteadOf(None))).await.unwrap();
    assert_eq!(cart().await, Some(id(1)));
    store.commit(of_one_cart(2, CartClaim::IfNone)).await.unwrap();
    assert_eq!(cart().await, Some(id(1)), "the cart has one");
    for claim in [CartClaim::InsteadOf(None), CartClaim::InsteadOf(Some(id(2)))] {
        let refused = store.commit(of_one_cart(3, claim)).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    assert_eq!(store.find_collections(tillbox::store::Page { offset: 0, limit: 9 }.into()).await.unwrap().count, 3);
    store.commit(of_one_cart(3, CartClaim::InsteadOf(Some(id(1))))).await.unwrap();
    assert_eq!(cart().await, Some(id(3)));
    drop(store);
    assert_eq!(place.open().await.cart_collection("cart_1".to_owned()).await.unwrap(), Some(id(3)));
}

pub(crate) async fn one_wins_each_cart(place: &dyn Place) {
    let store = place.open().await;
    let racers: Vec<_> = (1..=8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(of_one_cart(number, CartClaim::InsteadOf(None))).await })
        })
        .collect();
    let mut won = Vec::new();
    for (number, racer) in (1..).zip(racers) {
        match racer.await.unwrap() {
            Ok(()) => won.push(id(number)),
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(store.cart_collection("cart_1".to_owned()).await.unwrap(), won.pop());
    assert_eq!(store.find_collections(tillbox::store::Page { offset: 0, limit: 9 }.into()).await.unwrap().count, 1);
}
