//! What every store promises about events on their way out: spread once, claimed by one, in order, until they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tillbox::Host;
use tillbox::core::Timestamp;
use tillbox::core::id::EventId;
use tillbox::currency::money;
use tillbox::service::{CollectionUpdate, NewCollection, NotHeard, Subscriber};
use tillbox::store::{
    Channel, Claim, Dispatch, DispatchProgress, DispatchState, KeptSubscriber, Key, OutboxEvent, Page, Secret, Store,
    StoreError, SubscriberId,
};
use tillbox_store_tests::place::{Database, File, Place};
use tillbox_store_tests::sample::{created, id, noted, stored, subscriber};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

const NOW: Timestamp = Timestamp(1_700_000_000_000);

const LATER: Timestamp = Timestamp(1_700_000_060_000);

/// Runs each promise on each store.
macro_rules! promises {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&super::File::new().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&super::Database::new().await).await;
            })*
        }
    };
}

promises! {
    a_subscriber_survives_as_it_is,
    the_second_change_of_a_subscriber_is_refused,
    events_are_spread_once_and_from_the_beginning_of_a_subscriber,
    a_change_that_was_refused_is_told_to_nobody,
    what_is_claimed_is_nobody_elses,
    a_claim_ends_and_is_lost,
    what_is_told_is_gone_and_what_is_not_stays,
    an_event_that_is_given_up_is_kept_and_told_again,
    many_hosts_claim_everything_once,
    hosts_that_share_a_database_tell_every_collection_in_order,
}

async fn with_subscriber(place: &dyn Place) -> (Arc<dyn Store>, SubscriberId) {
    let store = place.open().await;
    store.add_subscriber(subscriber(1)).await.unwrap();
    (store, subscriber(1).id)
}

async fn spread(store: &dyn Store, id: &SubscriberId) -> u64 {
    store.spread(id.clone(), 1_000, NOW).await.unwrap()
}

fn claim(of: &SubscriberId, token: &str, now: Timestamp, limit: u32) -> Claim {
    Claim { subscriber: of.clone(), token: token.to_owned(), now, until: Timestamp(now.0 + 60_000), limit }
}

async fn claimed(store: &dyn Store, of: &SubscriberId, token: &str, now: Timestamp) -> Vec<Dispatch> {
    store.claim_dispatches(claim(of, token, now, 100)).await.unwrap()
}

async fn kinds(store: &dyn Store, of: &Dispatch) -> Vec<String> {
    let events = store.dispatch_events(of.clone(), of.after, 100).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

async fn note(store: &dyn Store, number: u32, text: &str) {
    let read = store.load(Key::Collection(id(number))).await.unwrap().unwrap();
    store.commit(noted(&read, text)).await.unwrap();
}

async fn a_subscriber_survives_as_it_is(place: &dyn Place) {
    let store = place.open().await;
    let process = KeptSubscriber {
        id: SubscriberId::parse("sub_ledger").unwrap(),
        channel: Channel::Process,
        description: None,
        filter: Vec::new(),
        disabled_reason: None,
        is_enabled: true,
        ..subscriber(2)
    };
    store.add_subscriber(subscriber(1)).await.unwrap();
    store.add_subscriber(process.clone()).await.unwrap();
    // A second start changes nothing.
    store.add_subscriber(KeptSubscriber { description: Some("other".into()), ..subscriber(1) }).await.unwrap();
    drop(store);
    let found = place.open().await.subscribers().await.unwrap();
    assert_eq!(found, [subscriber(1), process]);
    let (shown, secret) = (format!("{found:?}"), format!("{:?}", [1_u8; 32]));
    assert!(!shown.contains(&secret[1..20]), "{shown}");
}

async fn the_second_change_of_a_subscriber_is_refused(place: &dyn Place) {
    let (store, _) = with_subscriber(place).await;
    let channel = Channel::Webhook { url: "https://b.example/".into(), secret: Secret(vec![9; 32]), previous: None };
    let changed = KeptSubscriber { channel, is_enabled: true, disabled_reason: None, ..subscriber(1) };
    store.update_subscriber(changed.clone()).await.unwrap();
    assert!(matches!(store.update_subscriber(changed.clone()).await, Err(StoreError::Conflict)));
    assert_eq!(store.subscribers().await.unwrap(), [KeptSubscriber { version: 2, ..changed }]);
    store.commit(created(1)).await.unwrap();
    assert_eq!(spread(store.as_ref(), &subscriber(1).id).await, 1);
    store.remove_subscriber(subscriber(1).id).await.unwrap();
    assert!(matches!(store.remove_subscriber(subscriber(1).id).await, Err(StoreError::Conflict)));
    assert_eq!(place.texts("select id from dispatch").await, Vec::<String>::new());
    assert_eq!(spread(store.as_ref(), &subscriber(1).id).await, 0);
}

async fn events_are_spread_once_and_from_the_beginning_of_a_subscriber(place: &dyn Place) {
    let before = place.open().await;
    before.commit(created(7)).await.unwrap();
    let (store, of) = with_subscriber(place).await;
    enable(store.as_ref()).await;
    assert_eq!(spread(store.as_ref(), &of).await, 0);
    for number in [1, 2] {
        store.commit(created(number)).await.unwrap();
        note(store.as_ref(), number, "a").await;
    }
    assert_eq!(store.spread(of.clone(), 3, NOW).await.unwrap(), 3);
    assert_eq!(store.spread(of.clone(), 3, NOW).await.unwrap(), 1);
    assert_eq!(spread(store.as_ref(), &of).await, 0);
    let mut found = claimed(store.as_ref(), &of, "a", NOW).await;
    found.sort_by_key(|dispatch| dispatch.after);
    assert_eq!(found.iter().map(|dispatch| dispatch.collection.clone()).collect::<Vec<_>>(), [id(1), id(2)]);
    for dispatch in &found {
        assert_eq!(kinds(store.as_ref(), dispatch).await, ["payment_collection.created", "payment_collection.updated"]);
        assert_eq!((dispatch.state, dispatch.attempts, dispatch.event.as_ref()), (DispatchState::Open, 0, None));
    }
    // Somebody who is not to be told keeps their place.
    let kept = store.subscribers().await.unwrap().remove(0);
    store.update_subscriber(KeptSubscriber { is_enabled: false, ..kept.clone() }).await.unwrap();
    store.commit(created(3)).await.unwrap();
    assert_eq!(spread(store.as_ref(), &of).await, 0);
    store.update_subscriber(KeptSubscriber { version: kept.version + 1, ..kept }).await.unwrap();
    assert_eq!(spread(store.as_ref(), &of).await, 1);
}

/// The sample is disabled, so that every column of it holds something.
async fn enable(store: &dyn Store) {
    let kept = store.subscribers().await.unwrap().remove(0);
    store.update_subscriber(KeptSubscriber { is_enabled: true, disabled_reason: None, ..kept }).await.unwrap();
}

async fn a_change_that_was_refused_is_told_to_nobody(place: &dyn Place) {
    let (store, of) = with_subscriber(place).await;
    enable(store.as_ref()).await;
    let read = stored(store.as_ref(), 1).await.unwrap();
    store.commit(noted(&read, "won")).await.unwrap();
    assert!(matches!(store.commit(noted(&read, "lost")).await, Err(StoreError::Conflict)));
    assert_eq!(spread(store.as_ref(), &of).await, 2);
    let found = claimed(store.as_ref(), &of, "a", NOW).await;
    assert_eq!(kinds(store.as_ref(), &found[0]).await.len(), 2);
}

async fn ready(place: &dyn Place, collections: u32) -> (Arc<dyn Store>, SubscriberId) {
    let (store, of) = with_subscriber(place).await;
    enable(store.as_ref()).await;
    for number in 1..=collections {
        store.commit(created(number)).await.unwrap();
    }
    assert_eq!(spread(store.as_ref(), &of).await, u64::from(collections));
    (store, of)
}

async fn what_is_claimed_is_nobody_elses(place: &dyn Place) {
    let (store, of) = ready(place, 3).await;
    let other = place.open().await;
    let first = store.claim_dispatches(claim(&of, "a", NOW, 2)).await.unwrap();
    assert_eq!(first.len(), 2);
    assert!(first.iter().all(|dispatch| dispatch.claim.as_deref() == Some("a")));
    let second = claimed(other.as_ref(), &of, "b", NOW).await;
    assert_eq!(second.len(), 1);
    assert!(first.iter().all(|dispatch| dispatch.id != second[0].id));
    assert!(claimed(store.as_ref(), &of, "c", NOW).await.is_empty());
    // More of the same collection comes behind what is claimed, not beside it.
    for number in [1, 2, 3] {
        note(store.as_ref(), number, "more").await;
    }
    assert_eq!(spread(store.as_ref(), &of).await, 3);
    assert!(claimed(store.as_ref(), &of, "c", NOW).await.is_empty());
    // Done with what was there when it was claimed: the rest is free for the next.
    store.progress(first[0].clone(), DispatchProgress::Told { after: first[0].until }, NOW).await.unwrap();
    let rest = claimed(store.as_ref(), &of, "d", NOW).await;
    assert_eq!((rest.len(), &rest[0].id, rest[0].after), (1, &first[0].id, first[0].until));
    assert_eq!(kinds(store.as_ref(), &rest[0]).await, ["payment_collection.updated"]);
}

async fn a_claim_ends_and_is_lost(place: &dyn Place) {
    let (store, of) = ready(place, 1).await;
    let first = claimed(store.as_ref(), &of, "a", NOW).await.remove(0);
    assert!(claimed(store.as_ref(), &of, "b", Timestamp(LATER.0 - 1)).await.is_empty());
    let second = claimed(store.as_ref(), &of, "b", LATER).await.remove(0);
    assert_eq!((second.after, &second.id), (first.after, &first.id));
    // The first one comes back from the dead, and changes nothing.
    let (after, until) = (first.until, LATER);
    let error = store.progress(first.clone(), DispatchProgress::Further { after, until }, LATER).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict), "{error}");
    for late in [
        DispatchProgress::Told { after },
        DispatchProgress::Again { after, attempts: 9, at: NOW, error: "late".into() },
        DispatchProgress::GivenUp {
            event: EventId::from_tail("x"),
            sequence: after,
            attempts: 9,
            error: "late".into(),
        },
    ] {
        store.progress(first.clone(), late, LATER).await.unwrap();
    }
    let listed = store.list_dispatches(of, None, ALL).await.unwrap();
    assert_eq!((listed.items, listed.count), (vec![second.clone()], 1));
    // Renewed, it lasts on.
    let until = Timestamp(LATER.0 + 120_000);
    store.progress(second.clone(), DispatchProgress::Further { after: second.after, until }, LATER).await.unwrap();
    assert!(claimed(store.as_ref(), &second.subscriber, "c", Timestamp(LATER.0 + 60_000)).await.is_empty());
}

async fn what_is_told_is_gone_and_what_is_not_stays(place: &dyn Place) {
    let (store, of) = ready(place, 1).await;
    note(store.as_ref(), 1, "a").await;
    spread(store.as_ref(), &of).await;
    let first = claimed(store.as_ref(), &of, "a", NOW).await.remove(0);
    let events = store.dispatch_events(first.clone(), first.after, 100).await.unwrap();
    assert_eq!(events.len(), 2);
    let again = DispatchProgress::Again { after: events[0].sequence, attempts: 2, at: LATER, error: "no\0".into() };
    store.progress(first, again, NOW).await.unwrap();
    assert!(claimed(store.as_ref(), &of, "b", Timestamp(LATER.0 - 1)).await.is_empty());
    drop(store);
    let store = place.open().await;
    let second = claimed(store.as_ref(), &of, "b", LATER).await.remove(0);
    assert_eq!((second.attempts, second.last_error.as_deref()), (2, Some("no\u{fffd}")));
    assert_eq!(store.dispatch_events(second.clone(), second.after, 100).await.unwrap(), events[1..]);
    store.progress(second, DispatchProgress::Told { after: events[1].sequence }, LATER).await.unwrap();
    assert_eq!(store.list_dispatches(of.clone(), None, ALL).await.unwrap().count, 0);
    assert_eq!(spread(store.as_ref(), &of).await, 0);
    // A collection that is told of everything is told of the next thing, too.
    note(store.as_ref(), 1, "b").await;
    assert_eq!(spread(store.as_ref(), &of).await, 1);
    assert_eq!(claimed(store.as_ref(), &of, "c", NOW).await.len(), 1);
}

async fn an_event_that_is_given_up_is_kept_and_told_again(place: &dyn Place) {
    let (store, of) = ready(place, 1).await;
    note(store.as_ref(), 1, "a").await;
    spread(store.as_ref(), &of).await;
    let lane = claimed(store.as_ref(), &of, "a", NOW).await.remove(0);
    let events = store.dispatch_events(lane.clone(), lane.after, 100).await.unwrap();
    let given_up = |event: &OutboxEvent| DispatchProgress::GivenUp {
        event: event.id.clone(),
        sequence: event.sequence,
        attempts: 12,
        error: "never".into(),
    };
    store.progress(lane, given_up(&events[0]), NOW).await.unwrap();
    let listed = store.list_dispatches(of.clone(), Some(DispatchState::Failed), ALL).await.unwrap();
    assert_eq!((listed.count, listed.items[0].event.as_ref()), (1, Some(&events[0].id)));
    assert_eq!((listed.items[0].attempts, listed.items[0].last_error.as_deref()), (12, Some("never")));
    // The next one has its turn.
    let rest = claimed(store.as_ref(), &of, "b", NOW).await;
    assert_eq!((rest.len(), rest[0].after), (1, events[0].sequence));
    store.progress(rest[0].clone(), DispatchProgress::Told { after: rest[0].until }, NOW).await.unwrap();

    assert_eq!(store.event(events[0].id.clone()).await.unwrap().as_ref(), Some(&events[0]));
    assert_eq!(store.event(EventId::from_tail("none")).await.unwrap(), None);
    for round in 0..2 {
        if round == 0 {
            store.tell_again(of.clone(), events[0].clone(), NOW).await.unwrap();
        } else {
            store.tell_failed_again(of.clone(), NOW).await.unwrap();
        }
        let single = claimed(store.as_ref(), &of, "c", NOW).await;
        assert_eq!((single.len(), single[0].event.as_ref(), single[0].attempts), (1, Some(&events[0].id), 0));
        assert_eq!(store.dispatch_events(single[0].clone(), single[0].after, 9).await.unwrap(), events[..1]);
        store.progress(single[0].clone(), given_up(&events[0]), NOW).await.unwrap();
    }
    store.tell_failed_again(of.clone(), NOW).await.unwrap();
    let single = claimed(store.as_ref(), &of, "d", NOW).await.remove(0);
    store.progress(single.clone(), DispatchProgress::Told { after: single.until }, NOW).await.unwrap();
    assert_eq!(store.list_dispatches(of, None, ALL).await.unwrap().count, 0);
}

async fn many_hosts_claim_everything_once(place: &dyn Place) {
    const COLLECTIONS: u32 = 120;
    let (_, of) = ready(place, COLLECTIONS).await;
    let hosts = (0..3).map(|_| place.open());
    let mut stores = Vec::new();
    for host in hosts {
        stores.push(host.await);
    }
    let workers: Vec<_> = (0..12)
        .map(|worker| {
            let (store, of) = (Arc::clone(&stores[worker % 3]), of.clone());
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let found = store.claim_dispatches(claim(&of, &format!("w{worker}"), NOW, 5)).await.unwrap();
                    assert!(found.len() <= 5, "{} were claimed", found.len());
                    if found.is_empty() {
                        return mine;
                    }
                    mine.extend(found.into_iter().map(|dispatch| dispatch.id));
                }
            })
        })
        .collect();
    let (mut all, mut each) = (0, BTreeSet::new());
    for worker in workers {
        let mine = worker.await.unwrap();
        all += mine.len();
        each.extend(mine);
    }
    // What another host was just about to claim may have been passed over by the last look of all: then it is still there.
    let left = claimed(stores[0].as_ref(), &of, "last", NOW).await.len();
    assert_eq!((all + left, each.len() + left), (COLLECTIONS as usize, COLLECTIONS as usize));
}

type Heard = Arc<Mutex<BTreeMap<String, Vec<EventId>>>>;

struct Ear(Heard);

#[async_trait]
impl Subscriber for Ear {
    async fn hear(&self, event: &OutboxEvent) -> Result<(), NotHeard> {
        tokio::task::yield_now().await;
        self.0.lock().unwrap().entry(event.collection.to_string()).or_default().push(event.id.clone());
        Ok(())
    }
}

/// Three hosts change and tell at the same time.
async fn hosts_that_share_a_database_tell_every_collection_in_order(place: &dyn Place) {
    const COLLECTIONS: usize = 12;
    const CHANGES: usize = 8;
    let heard = Heard::default();
    let mut hosts = Vec::new();
    for _ in 0..3 {
        let builder = Host::builder().database_url(place.url());
        hosts.push(builder.subscriber("ledger", Arc::new(Ear(Arc::clone(&heard)))).build().await.unwrap());
    }
    let writers: Vec<_> = (0..COLLECTIONS)
        .map(|number| {
            let hosts = hosts.clone();
            tokio::spawn(async move {
                let new = NewCollection::new(money("10.50", "EUR").unwrap());
                let made = hosts[number % 3].create_collection(new).await.unwrap().id;
                for change in 0..CHANGES {
                    let metadata = Some(format!("{{\"note\":{change}}}"));
                    let update = CollectionUpdate { metadata, ..CollectionUpdate::default() };
                    hosts[(number + change) % 3].update_collection(&made, update).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all = COLLECTIONS * (CHANGES + 1);
    let count = || heard.lock().unwrap().values().map(Vec::len).sum::<usize>();
    let everything = async {
        while count() < all {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), everything).await.expect("every event is told");
    for host in &hosts {
        host.stop_background_work().await;
    }
    let mut told = BTreeMap::<String, Vec<EventId>>::new();
    for event in hosts[0].events_after(0, 1_000).await.unwrap() {
        told.entry(event.collection.to_string()).or_default().push(event.id);
    }
    // Nobody died, so nothing was told twice either.
    assert_eq!(*heard.lock().unwrap(), told);
    assert_eq!(count(), all);
}
