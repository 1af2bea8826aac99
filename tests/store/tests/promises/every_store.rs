//! What every store promises.

use std::sync::Arc;

use tillbox::core::id::{CollectionId, OperationId, PaymentId, SessionId};
use tillbox::core::operation::OperationState;
use tillbox::store::{Change, DeliveryState, Key, Page, Store, StoreError};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{self, as_stored, claim, created, delivery, id, noted, provider, rich, stored, tail};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

/// Clients at once: more than a pool has connections.
const CLIENTS: u32 = 24;

async fn load(store: &dyn Store, number: u32) -> tillbox::store::Stored {
    store.load(Key::Collection(id(number))).await.unwrap().expect("it is there")
}

pub(crate) async fn everything_survives(place: &dyn Place) {
    let change = rich(1);
    let store = place.open().await;
    store.commit(change.clone()).await.unwrap();
    drop(store);
    let store = place.open().await;
    let found = load(store.as_ref(), 1).await;
    assert_eq!((found.version, &found.collection), (1, &as_stored(change.after)));
    assert_eq!(found.collection.operations.len(), 3);
    store.commit(noted(&found, "later")).await.unwrap();
    drop(store);
    let again = load(place.open().await.as_ref(), 1).await;
    assert_eq!((again.version, again.collection.metadata.unwrap().as_str()), (2, r#"{"note":"later"}"#));
    assert_eq!(again.collection.sessions, found.collection.sessions);
    assert_eq!(again.collection.operations, found.collection.operations);
}

pub(crate) async fn what_is_not_there_is_not_found(place: &dyn Place) {
    let store = place.open().await;
    for key in [
        Key::Collection(id(1)),
        Key::Session(SessionId::from_tail(&tail(1))),
        Key::Payment(PaymentId::from_tail(&tail(1))),
        Key::Operation(OperationId::from_tail(&tail(1))),
    ] {
        assert_eq!(store.load(key.clone()).await.unwrap(), None, "{key:?}");
    }
    assert_eq!(store.find_payments(ALL.into()).await.unwrap().count, 0);
    assert!(store.events_after(0, 10).await.unwrap().is_empty());
}

pub(crate) async fn everything_in_a_collection_finds_it(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    store.commit(rich(2)).await.unwrap();
    for key in [
        Key::Session(SessionId::from_tail(&tail(2))),
        Key::Payment(sample::payment_id(2)),
        Key::Operation(sample::refund_id(2)),
    ] {
        assert_eq!(store.load(key.clone()).await.unwrap().unwrap().collection.id, id(2), "{key:?}");
    }
}

pub(crate) async fn the_second_change_of_a_version_is_refused_alone(place: &dyn Place) {
    let store = place.open().await;
    let read = stored(store.as_ref(), 1).await.unwrap();
    assert_eq!(read.version, 1);
    // Three at once may share a transaction; the one that lost its race takes nobody with it.
    let (first, second, third) =
        tokio::join!(store.commit(noted(&read, "a")), store.commit(noted(&read, "b")), store.commit(created(2)),);
    third.unwrap();
    let won = match (first, second) {
        (Ok(()), Err(StoreError::Conflict)) => "a",
        (Err(StoreError::Conflict), Ok(())) => "b",
        other => panic!("one wins and one is told so: {other:?}"),
    };
    let read = load(store.as_ref(), 1).await;
    assert_eq!(read.version, 2);
    assert_eq!(read.collection.metadata.unwrap().as_str(), format!("{{\"note\":\"{won}\"}}"));
    assert_eq!(store.events_after(0, 100).await.unwrap().len(), 3);
}

pub(crate) async fn the_same_collection_cannot_be_made_twice(place: &dyn Place) {
    let store = place.open().await;
    store.commit(created(1)).await.unwrap();
    let error = store.commit(rich(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict), "{error}");
    assert!(load(store.as_ref(), 1).await.collection.sessions.is_empty());
    assert_eq!(store.events_after(0, 100).await.unwrap().len(), 1);
}

/// The last statement of a change fails: nothing of the ones before it stays, and the next change is not in its way.
pub(crate) async fn a_change_that_fails_in_the_middle_leaves_nothing(place: &dyn Place) {
    let store = place.open().await;
    let read = stored(store.as_ref(), 1).await.unwrap();
    let told = store.events_after(0, 10).await.unwrap();
    let mut change = noted(&read, "a");
    change.events.push(told[0].clone());
    assert!(store.commit(change).await.is_err());
    assert_eq!(load(store.as_ref(), 1).await, read);
    assert_eq!(store.events_after(0, 10).await.unwrap(), told);
    store.commit(noted(&read, "b")).await.unwrap();
}

pub(crate) async fn lists_are_newest_first_and_counted(place: &dyn Place) {
    let store = place.open().await;
    for number in [2, 1, 4, 3] {
        store.commit(rich(number)).await.unwrap();
    }
    let collections = store.find_collections(ALL.into()).await.unwrap();
    assert_eq!((collections.items, collections.count), (vec![id(4), id(3), id(2), id(1)], 4));
    let part = store.find_collections(Page { offset: 1, limit: 2 }.into()).await.unwrap();
    assert_eq!((part.items, part.count), (vec![id(3), id(2)], 4));
    let payments = store.find_payments(Page { offset: 0, limit: 1 }.into()).await.unwrap();
    assert_eq!((payments.items, payments.count), (vec![(id(4), sample::payment_id(4))], 4));
    let declined = store.list_operations(vec![OperationState::Declined], ALL).await.unwrap();
    assert_eq!(declined.count, 4);
    assert_eq!(declined.items[0].id, sample::refund_id(4));
    assert_eq!(declined.items[0].collection, id(4));
    assert_eq!(store.list_operations(Vec::new(), ALL).await.unwrap().count, 12);
    assert_eq!(store.list_operations(vec![OperationState::Unknown], ALL).await.unwrap().count, 0);
}

pub(crate) async fn events_keep_their_order(place: &dyn Place) {
    let store = place.open().await;
    let change = rich(1);
    store.commit(change.clone()).await.unwrap();
    let found = store.events_after(0, 100).await.unwrap();
    assert_eq!(
        found.iter().map(|event| &event.id).collect::<Vec<_>>(),
        change.events.iter().map(|event| &event.id).collect::<Vec<_>>()
    );
    assert!(found[0].sequence > 0 && found.is_sorted_by(|a, b| a.sequence < b.sequence));
    assert_eq!(
        (&found[0].data, found[0].at, &found[0].kind),
        (&change.events[0].data, change.events[0].at, &change.events[0].kind)
    );
    let part = store.events_after(found[2].sequence, 2).await.unwrap();
    assert_eq!(part, found[3..5]);
    // What has a number keeps it.
    drop(store);
    assert_eq!(place.open().await.events_after(0, 100).await.unwrap(), found);
}

/// A reader that goes by the last number it saw hears of everything, and of each collection in order.
pub(crate) async fn no_event_appears_behind_a_reader(place: &dyn Place) {
    const CHANGES: usize = 12;
    let store = place.open().await;
    let writers: Vec<_> = (1..=CLIENTS)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut told = Vec::new();
                let mut change = created(number);
                for round in 0..CHANGES {
                    told.extend(change.events.iter().map(|event| event.id.clone()));
                    store.commit(change).await.unwrap();
                    change = noted(&load(store.as_ref(), number).await, &format!("{round}"));
                }
                (id(number), told)
            })
        })
        .collect();
    let reader = place.open().await;
    let total = CLIENTS as usize * CHANGES;
    let (mut heard, mut last) = (Vec::new(), 0);
    while heard.len() < total {
        let events = reader.events_after(last, 7).await.unwrap();
        last = events.last().map_or(last, |event| event.sequence);
        if events.is_empty() && writers.iter().all(tokio::task::JoinHandle::is_finished) {
            let rest = reader.events_after(last, 7).await.unwrap();
            assert!(!rest.is_empty(), "{} of {total} events were heard", heard.len());
        }
        heard.extend(events);
        tokio::task::yield_now().await;
    }
    for writer in writers {
        let (collection, told) = writer.await.unwrap();
        let of: Vec<_> =
            heard.iter().filter(|event| event.collection == collection).map(|event| event.id.clone()).collect();
        assert_eq!(of, told);
    }
}

pub(crate) async fn deliveries_are_kept_until_they_are_closed(place: &dyn Place) {
    let store = place.open().await;
    for number in [2, 1, 3] {
        store.keep_delivery(delivery(number)).await.unwrap();
    }
    // A second attempt after a lost answer changes nothing.
    store.keep_delivery(delivery(1)).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.open_deliveries(String::new(), 2).await.unwrap(), [delivery(1), delivery(2)]);
    assert_eq!(store.open_deliveries(delivery(2).id, 2).await.unwrap(), [delivery(3)]);
    let at = delivery(1).received_at;
    store.close_delivery(delivery(1).id, DeliveryState::Rejected, Some("a bad\0 signature".into()), at).await.unwrap();
    assert_eq!(store.open_deliveries(String::new(), 9).await.unwrap(), [delivery(2), delivery(3)]);
}

pub(crate) async fn a_claim_counts_once(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    one.keep_delivery(delivery(1)).await.unwrap();
    let (first, second) = (stored(one.as_ref(), 1).await.unwrap(), stored(one.as_ref(), 2).await.unwrap());
    let with = |change: Change| Change { claim: Some(claim(1, "evt_1")), ..change };
    assert!(!one.is_merged(provider(), "evt_1".into()).await.unwrap());
    // The same event on two collections by two hosts at once: their versions do not stop them, the claim does.
    let (a, b) = tokio::join!(one.commit(with(noted(&first, "a"))), other.commit(with(noted(&second, "b"))));
    let lost = match (a, b) {
        (Ok(()), Err(StoreError::Conflict)) => 2,
        (Err(StoreError::Conflict), Ok(())) => 1,
        results => panic!("one wins and one is told so: {results:?}"),
    };
    assert!(other.is_merged(provider(), "evt_1".into()).await.unwrap());
    assert!(!other.is_merged(provider(), "evt_2".into()).await.unwrap());
    assert_eq!(load(one.as_ref(), lost).await.version, 1);
    assert_eq!(one.events_after(0, 10).await.unwrap().len(), 3);
}

pub(crate) async fn sessions_are_found_by_the_providers_reference(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    let session = rich(1).after.sessions.remove(0);
    for reference in [session.provider_reference.unwrap(), "ch_1".to_owned()] {
        let found = store.session_by_reference(provider(), reference).await.unwrap();
        assert_eq!(found, Some(session.id.clone()));
    }
    assert_eq!(store.session_by_reference(provider(), "ch_2".into()).await.unwrap(), None);
}

pub(crate) async fn the_host_key_is_made_once(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let (first, second) = tokio::join!(one.host_key(), other.host_key());
    let key = first.unwrap();
    assert_eq!(second.unwrap(), key);
    assert_ne!(key, [0; 32]);
    drop((one, other));
    assert_eq!(place.open().await.host_key().await.unwrap(), key);
}

pub(crate) async fn a_row_that_nobody_wrote_is_named(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    store.commit(rich(2)).await.unwrap();
    let spoil = format!("update operation set state = 'paid_maybe' where id = '{}'", sample::refund_id(1).as_str());
    place.run(&spoil).await.unwrap();
    let error = store.load(Key::Collection(id(1))).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "operation", .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(sample::refund_id(1).as_str()) && text.contains("paid_maybe"), "{text}");
    load(store.as_ref(), 2).await;
    store.check().await.unwrap();
}

pub(crate) async fn the_database_itself_refuses_by_name(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    for (sql, name) in [
        ("update collection set amount_minor = -1", "collection_amount_not_negative"),
        ("update session set amount_minor = 0", "session_amount_positive"),
        ("update payment set amount_minor = 0", "payment_amount_positive"),
        ("update operation set amount_minor = -1", "operation_amount_not_negative"),
    ] {
        let error = place.run(sql).await.unwrap_err();
        assert!(error.contains(name), "{sql}: {error}");
    }
    let second = "insert into payment select 'pay_2', collection_id, 1, session_id, provider_id, amount_minor, data, \
                  provider_reference, disputed_minor, metadata, captured_at, canceled_at, created_at, updated_at from payment";
    let error = place.run(second).await.unwrap_err();
    assert!(error.contains("payment_one_per_session") || error.contains("payment.session_id"), "{error}");
    let stray = "update session set collection_id = 'pay_col_none'";
    assert!(place.run(&format!("pragma foreign_keys = on; {stray}")).await.is_err());
}

/// Many clients add to one collection at once; each version is won once, and nobody's note is lost or kept twice.
pub(crate) async fn one_wins_each_version(place: &dyn Place) {
    let stores = [place.open().await, place.open().await];
    stored(stores[0].as_ref(), 1).await.unwrap();
    let clients = (0..CLIENTS).map(|client| {
        let store = Arc::clone(&stores[client as usize % 2]);
        tokio::spawn(async move {
            let mut lost = 0_u32;
            loop {
                let read = load(store.as_ref(), 1).await;
                let note = match read.collection.metadata.as_ref().map(|json| json.as_str()) {
                    Some(text) if text.contains("note") => text.replace(r#"{"note":""#, "").replace(r#""}"#, ""),
                    _ => String::new(),
                };
                match store.commit(noted(&read, &format!("{note}[{client}]"))).await {
                    Ok(()) => return lost,
                    Err(StoreError::Conflict) => lost += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let end = load(stores[0].as_ref(), 1).await;
    assert_eq!(end.version, i64::from(CLIENTS) + 1);
    let note = end.collection.metadata.unwrap();
    for client in 0..CLIENTS {
        assert_eq!(note.as_str().matches(&format!("[{client}]")).count(), 1, "client {client} in {}", note.as_str());
    }
    assert_eq!(stores[1].events_after(0, 200).await.unwrap().len(), CLIENTS as usize + 1);
}

pub(crate) async fn many_collections_at_once_all_land(place: &dyn Place) {
    let store = place.open().await;
    let clients: Vec<_> = (1..=CLIENTS * 4)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(rich(number)).await })
        })
        .collect();
    for client in clients {
        client.await.unwrap().unwrap();
    }
    assert_eq!(store.find_collections(ALL.into()).await.unwrap().count, u64::from(CLIENTS * 4));
    for number in [1, CLIENTS, CLIENTS * 4] {
        assert_eq!(load(store.as_ref(), number).await.collection, as_stored(rich(number).after));
    }
}

pub(crate) async fn two_hosts_share_one_database(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let read = stored(one.as_ref(), 1).await.unwrap();
    assert_eq!(load(other.as_ref(), 1).await, read);
    other.commit(noted(&read, "from the other")).await.unwrap();
    assert!(matches!(one.commit(noted(&read, "too late")).await, Err(StoreError::Conflict)));
    let latest = load(one.as_ref(), 1).await;
    assert_eq!(latest.version, 2);
    one.commit(noted(&latest, "in turn")).await.unwrap();
    assert_eq!(one.events_after(0, 10).await.unwrap(), other.events_after(0, 10).await.unwrap());
}

pub(crate) async fn hosts_that_start_at_once_agree(place: &dyn Place) {
    let (a, b, c, d) = tokio::join!(place.open(), place.open(), place.open(), place.open());
    let stores = [a, b, c, d];
    let key = stores[0].host_key().await.unwrap();
    for (store, number) in stores.iter().zip(1..) {
        assert_eq!(store.host_key().await.unwrap(), key);
        store.commit(created(number)).await.unwrap();
    }
    let listed: Vec<CollectionId> = stores[3].find_collections(ALL.into()).await.unwrap().items;
    assert_eq!(listed.len(), 4);
}

pub(crate) async fn check_writes(place: &dyn Place) {
    let store = place.open().await;
    store.check().await.unwrap();
    store.check().await.unwrap();
    assert_eq!(place.texts("select name from meta order by name").await, ["checked"]);
}
