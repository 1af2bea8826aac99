//! Clients that do the same thing in the same moment, through one host and through three: never more than was authorized.
//!
//! Nobody is killed here. The first ones to begin are chosen by the machine; what must not depend on it is the sum.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tillbox::store;
use tillbox_crash::facts::Facts;
use tillbox_crash::gateway::Habit;
use tillbox_crash::judge::judge;
use tillbox_crash::ledger::Ledger;
use tillbox_crash::orders::Order;
use tillbox_crash::process::{Place, Process, Told};
use tillbox_crash::till::Setup;
use tillbox_store_tests::place::{Database, Place as _};
use tokio::sync::Barrier;

use crate::PROGRAM;

/// Payments that are captured by several at once.
const ROUNDS: usize = 200;

/// Captures of one payment that begin at the same moment.
const AT_ONCE: usize = 4;

/// How much each of them takes: two fit into the payment, the third does not.
const SHARE: i64 = 400;

/// Keys that are used by several at once.
const KEYS: usize = 100;

/// Clients that use one key.
const CLIENTS: usize = 8;

/// What is authorized.
const WHOLE: i64 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_through_one_host_on_sqlite() {
    let place = Place::new();
    let setup = place.setup();
    captures("SQLite, one host", &place, &setup, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_through_one_host_on_postgres() {
    let place = Place::new();
    let setup = Setup { database: Database::new().await.url(), ..place.setup() };
    captures("PostgreSQL, one host", &place, &setup, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_through_three_hosts_on_postgres() {
    let place = Place::new();
    let setup = Setup { database: Database::new().await.url(), ..place.setup() };
    captures("PostgreSQL, three hosts", &place, &setup, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_through_one_host_on_sqlite() {
    let place = Place::new();
    let setup = place.setup();
    one_key("SQLite, one host", &place, &setup, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_through_one_host_on_postgres() {
    let place = Place::new();
    let setup = Setup { database: Database::new().await.url(), ..place.setup() };
    one_key("PostgreSQL, one host", &place, &setup, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_through_three_hosts_on_postgres() {
    let place = Place::new();
    let setup = Setup { database: Database::new().await.url(), ..place.setup() };
    one_key("PostgreSQL, three hosts", &place, &setup, 3).await;
}

/// Clients that send the same capture with the same key, again and again until they are answered.
async fn one_key(title: &str, place: &Place, setup: &Setup, hosts: usize) {
    let since = Instant::now();
    let mut fleet = Vec::new();
    for _ in 0..hosts {
        fleet.push(Arc::new(Process::start(PROGRAM, setup, &place.log()).await));
    }
    let (mut acks, mut in_use) = (Vec::new(), 0);
    for round in 0..KEYS {
        let habit = [Habit::Keyed, Habit::Plain, Habit::Inner][round % 3];
        let collection = fleet[0].tell(&Order::Collect { amount: WHOLE }).await.ack().collection.unwrap();
        let open = Order::Open { collection, provider: habit.id(), amount: None };
        let session = fleet[0].tell(&open).await.ack().session.unwrap();
        let payment = fleet[0].tell(&Order::Authorize { session }).await.ack().payment.unwrap();
        let start = Arc::new(Barrier::new(CLIENTS));
        let mut racing = tokio::task::JoinSet::new();
        for runner in 0..CLIENTS {
            let (host, start) = (Arc::clone(&fleet[runner % hosts]), Arc::clone(&start));
            let order = Order::Capture { payment: payment.clone(), amount: Some(SHARE) }.once(format!("key-{round}"));
            racing.spawn(async move {
                start.wait().await;
                let mut again = 0;
                loop {
                    match host.tell(&order).await {
                        Told::Done(ack) => return (ack, again),
                        Told::Trouble(trouble) => {
                            let fair = ["idempotency_key_in_use", "contended"].contains(&trouble.code.as_str());
                            assert!(fair, "{trouble:?}");
                            again += 1;
                        }
                        Told::Died => panic!("the host died"),
                    }
                }
            });
        }
        let mut operations = BTreeSet::new();
        while let Some(told) = racing.join_next().await {
            let (ack, again) = told.expect("nobody gives up");
            in_use += again;
            operations.insert(ack.operation.clone());
            acks.push(ack);
        }
        assert_eq!(operations.len(), 1, "one key, one operation: {operations:?}");
    }
    for host in &fleet {
        host.kill().await;
    }
    let store = store::open(&setup.database).await.expect("the database opens");
    let facts = Facts::read(store.as_ref(), &place.ledger(), 0, acks).await;
    let taken = facts.effects.iter().filter(|effect| effect.kind == "capture").count();
    println!(
        "{title}: {KEYS} keys, {CLIENTS} clients each, {in_use} times told to ask again, {taken} captures at the gateway, in {:.0?}",
        since.elapsed()
    );
    let with_a_gateway = (0..KEYS).filter(|round| round % 3 != 2).count();
    assert_eq!(taken, with_a_gateway, "one effect for each key");
    assert_eq!(judge(&facts), []);
}

async fn captures(title: &str, place: &Place, setup: &Setup, hosts: usize) {
    let since = Instant::now();
    let mut fleet = Vec::new();
    for _ in 0..hosts {
        fleet.push(Arc::new(Process::start(PROGRAM, setup, &place.log()).await));
    }
    let (mut succeeded, mut refused, mut acks) = (0, 0, Vec::new());
    for round in 0..ROUNDS {
        let habit = [Habit::Keyed, Habit::Plain, Habit::Inner][round % 3];
        let collection = fleet[0].tell(&Order::Collect { amount: WHOLE }).await.ack().collection.unwrap();
        let open = Order::Open { collection, provider: habit.id(), amount: None };
        let session = fleet[0].tell(&open).await.ack().session.unwrap();
        let payment = fleet[0].tell(&Order::Authorize { session }).await.ack().payment.unwrap();
        let start = Arc::new(Barrier::new(AT_ONCE));
        let mut racing = tokio::task::JoinSet::new();
        for runner in 0..AT_ONCE {
            let (host, start) = (Arc::clone(&fleet[runner % hosts]), Arc::clone(&start));
            let order = Order::Capture { payment: payment.clone(), amount: Some(SHARE) };
            racing.spawn(async move {
                start.wait().await;
                host.tell(&order).await
            });
        }
        let mut got = 0;
        while let Some(told) = racing.join_next().await {
            match told.expect("nobody gives up") {
                Told::Done(ack) => {
                    got += SHARE;
                    acks.push(ack);
                }
                Told::Trouble(trouble) => {
                    let fair =
                        ["exceeds_authorized", "operation_in_flight", "contended"].contains(&trouble.code.as_str());
                    assert!(fair, "{trouble:?}");
                    refused += 1;
                }
                Told::Died => panic!("the host died"),
            }
        }
        assert!((SHARE..=WHOLE).contains(&got), "{got} of {WHOLE} were captured");
        succeeded += got / SHARE;
    }
    for host in &fleet {
        host.kill().await;
    }
    let taken =
        Ledger::open(&place.ledger()).and_then(|ledger| ledger.all()).expect("the gateway's book is read").len();
    let store = store::open(&setup.database).await.expect("the database opens");
    let facts = Facts::read(store.as_ref(), &place.ledger(), 0, acks).await;
    println!(
        "{title}: {ROUNDS} payments with {AT_ONCE} captures at once, {succeeded} taken, {refused} refused, {taken} effects, in {:.0?}",
        since.elapsed()
    );
    assert_eq!(judge(&facts), []);
}
