//! The embedded store under bad conditions: strangers' files, corrupt rows, races, a second process, a restart.

mod scripted;

use std::path::Path;
use std::sync::Arc;

use scripted::{Scripted, shared};
use tillbox::core::event::{Change as EventChange, Event};
use tillbox::core::id::{CollectionId, ProviderId};
use tillbox::core::text::Json;
use tillbox::core::{Timestamp, machine};
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::service::{NewCollection, NewRefund, NewSession};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{Change, Key, Store, StoreError};
use tillbox::{Error, Host};

async fn host(path: &Path) -> Host {
    let (_, provider) = shared(Scripted::new(Reach::Nowhere));
    Host::builder().database(path).provider("default", provider).build().await.unwrap()
}

fn created(tail: &str) -> (CollectionId, Vec<Event>) {
    let id = CollectionId::from_tail(tail);
    let change = EventChange::CollectionCreated {
        id: id.clone(),
        amount: money("10.50", "EUR").unwrap(),
        cart_id: None,
        metadata: None,
    };
    (id, vec![Event { at: Timestamp(1), change }])
}

fn noted(note: &str) -> Vec<Event> {
    let change = EventChange::CollectionUpdated { amount: None, metadata: Some(Json::from_checked(note)) };
    vec![Event { at: Timestamp(2), change }]
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
    let refund = NewRefund { amount: Some(money("0.001", "KWD").unwrap()), note: None };
    first.refund(&payment, refund).await.unwrap();
    let before = first.collection(&collection).await.unwrap();
    drop(first);
    let second = host(&path).await;
    assert_eq!(second.collection(&collection).await.unwrap(), before);
    assert_eq!(second.payment(&payment).await.unwrap().refunded.to_decimal(), "0.001");
}

#[tokio::test]
async fn the_key_that_provider_keys_come_from_lives_as_long_as_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let key = SqliteStore::open(&path).unwrap().host_key().await.unwrap();
    assert_eq!(SqliteStore::open(&path).unwrap().host_key().await.unwrap(), key);
    assert_ne!(SqliteStore::in_memory().unwrap().host_key().await.unwrap(), key);
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
async fn a_row_that_nobody_wrote_is_named_and_the_rest_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let host = host(&path).await;
    let new = || NewCollection::new(money("10.50", "EUR").unwrap());
    let bad = host.create_collection(new()).await.unwrap().id;
    let good = host.create_collection(new()).await.unwrap().id;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("update collection set status = 'paid_maybe' where id = ?", [bad.as_str()]).unwrap();
    let error = host.collection(&bad).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Corrupt { .. })), "{error}");
    assert!(error.to_string().contains(bad.as_str()) && error.to_string().contains("paid_maybe"), "{error}");
    assert_eq!(host.collection(&good).await.unwrap().id, good);
    host.ready().await.unwrap();
}

#[tokio::test]
async fn a_change_on_an_old_version_is_refused_alone() {
    let store = SqliteStore::in_memory().unwrap();
    let (id, events) = created("1");
    let collection = machine::replay(&events).unwrap();
    store.commit(Change::new(None, collection, &events)).await.unwrap();
    let read = store.load(Key::Collection(id.clone())).await.unwrap().unwrap();
    assert_eq!(read.version, 1);
    let change = |note: &str| {
        let events = noted(note);
        let after = events.iter().fold(Some(read.collection.clone()), machine::apply).unwrap();
        Change::new(Some(read.clone()), after, &events)
    };
    let (other, others_events) = created("2");
    let others = machine::replay(&others_events).unwrap();
    // Three at once share a transaction; the one that lost its race takes nobody with it.
    let (first, second, third) = tokio::join!(
        store.commit(change(r#"{"n":1}"#)),
        store.commit(change(r#"{"n":2}"#)),
        store.commit(Change::new(None, others, &others_events)),
    );
    first.unwrap();
    assert!(matches!(second, Err(StoreError::Conflict)));
    third.unwrap();
    let read = store.load(Key::Collection(id)).await.unwrap().unwrap();
    assert_eq!((read.version, read.collection.metadata.unwrap().as_str()), (2, r#"{"n":1}"#));
    assert!(store.load(Key::Collection(other)).await.unwrap().is_some());
    assert_eq!(store.events_after(0, 100).await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_database_itself_refuses_what_the_code_must_never_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.db");
    let host = host(&path).await;
    host.create_collection(NewCollection::new(money("10.50", "EUR").unwrap())).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let error = connection.execute("update collection set amount_minor = -1", []).unwrap_err();
    assert!(error.to_string().contains("collection_amount_not_negative"), "{error}");
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
