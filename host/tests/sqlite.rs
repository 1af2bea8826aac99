//! The embedded store under conditions that only a file can meet: strangers' files, a second process, a restart of the host.
//! What every store promises is tested in tests/store.

mod scripted;

use std::path::Path;
use std::sync::Arc;

use scripted::{Scripted, shared};
use tillbox::Host;
use tillbox::core::command::Command;
use tillbox::core::id::{CollectionId, ProviderId};
use tillbox::core::{Timestamp, machine};
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::service::{NewCollection, NewRefund, NewSession};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{Change, Key, Store, StoreError, Stored};

async fn host(path: &Path) -> Host {
    let (_, provider) = shared(Scripted::new(Reach::Nowhere));
    Host::builder().without_background_work().database(path).provider("default", provider).build().await.unwrap()
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let first = host(&path).await;
    let amount = money("10.500", "KWD").unwrap();
    let collection = first.create_collection(NewCollection::new(amount)).await.unwrap().id;
    let provider = ProviderId::parse("pp_scripted_default").unwrap();
    let session = first.create_session(&collection, NewSession::new(provider)).await.unwrap().value.id;
    let payment = first.authorize_session(&session, None).await.unwrap().value.payment.unwrap().payment.id;
    first.capture(&payment, None).await.unwrap();
    let refund = NewRefund { amount: Some(money("0.001", "KWD").unwrap()), note: None, ..NewRefund::default() };
    first.refund(&payment, refund).await.unwrap();
    let before = first.collection(&collection).await.unwrap();
    drop(first);
    let second = host(&path).await;
    assert_eq!(second.collection(&collection).await.unwrap(), before);
    assert_eq!(second.payment(&payment).await.unwrap().refunded.to_decimal(), "0.001");
}

/// Each finds the file in another moment of its beginning: empty, being switched to a log, half of its tables made.
#[test]
fn hosts_begin_with_one_new_file_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("till.db");
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    SqliteStore::open(&path).map(drop).unwrap_or_else(|error| panic!("{error}"));
                });
            }
        });
    }
}

#[tokio::test]
async fn a_strangers_file_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("create table theirs (id integer)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("another program's tables"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("letter.txt");
    std::fs::write(
        &path,
        "Dear Sir or Madam, this is no database, and it is long enough to have a header. ".repeat(20),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("not a SQLite database"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let error = SqliteStore::open(&folder.path().join("no/such/folder/till.db")).unwrap_err();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn readiness_tells_when_another_process_holds_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    store.check().await.unwrap();
    let mut other = rusqlite::Connection::open(&path).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    drop(lock);
    store.check().await.unwrap();
}

/// What a store remembers of a collection never hides what another process wrote to the same file.
#[tokio::test]
async fn another_process_is_believed_before_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let (ours, theirs) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    let id = CollectionId::from_tail("1");
    let amount = money("1.00", "EUR").unwrap();
    let create = Command::CreateCollection { id: id.clone(), amount, cart_id: None, order_id: None, metadata: None };
    let created = machine::decide(None, &create, Timestamp(1)).unwrap();
    ours.commit(Change::new(None, machine::replay(&created).unwrap(), &created)).await.unwrap();
    for round in 2..10 {
        let read = ours.load(Key::Collection(id.clone())).await.unwrap().unwrap();
        assert_eq!(read.version, round - 1);
        let found = theirs.load(Key::Collection(id.clone())).await.unwrap().unwrap();
        assert_eq!(found, read);
        let update = Command::UpdateCollection { amount: Some(money("2.00", "EUR").unwrap()), metadata: None };
        let events = machine::decide(Some(&found.collection), &update, Timestamp(round)).unwrap();
        let after = machine::apply(Some(found.collection.clone()), &events[0]).unwrap();
        theirs.commit(Change::new(Some(found), after.clone(), &events)).await.unwrap();
        let seen = ours.load(Key::Collection(id.clone())).await.unwrap().unwrap();
        assert_eq!(seen, Stored { collection: after, version: round });
        // Whoever decides on what is outdated is told so.
        let late = Change::new(Some(read.clone()), read.collection, &events);
        assert!(matches!(ours.commit(late).await, Err(StoreError::Conflict)));
    }
}

/// Changes that wait together share a transaction; the ones that are refused, early or late, take nobody with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_change_takes_nobody_with_it() {
    const CHANGES: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("till.db")).unwrap());
    let amount = money("1.00", "EUR").unwrap();
    let change = |tail: &str| {
        let id = CollectionId::from_tail(tail);
        let create = Command::CreateCollection { id, amount, cart_id: None, order_id: None, metadata: None };
        let created = machine::decide(None, &create, Timestamp(1)).unwrap();
        Change::new(None, machine::replay(&created).unwrap(), &created)
    };
    let first = change("taken");
    let event = first.events[0].id.clone();
    store.commit(first).await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..CHANGES {
        // Every third is refused at its first statement, every third at its last: its collection was written by then.
        let mut one = change(if number % 3 == 1 { "taken".to_owned() } else { number.to_string() }.as_str());
        if number % 3 == 2 {
            one.events[0].id = event.clone();
        }
        let store = Arc::clone(&store);
        waiting.spawn(async move { (number, store.commit(one).await.is_ok()) });
    }
    while let Some(joined) = waiting.join_next().await {
        let (number, kept) = joined.unwrap();
        assert_eq!(kept, number % 3 == 0, "{number}");
    }
    for number in 0..CHANGES {
        let found = store.load(Key::Collection(CollectionId::from_tail(&number.to_string()))).await.unwrap();
        assert_eq!(found.is_some(), number % 3 == 0, "{number}");
    }
    let commits = store.commits();
    assert!(commits.batches < commits.changes, "{commits:?}: nothing was shared");
}
