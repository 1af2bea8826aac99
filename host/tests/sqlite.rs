//! The embedded store under conditions that only a file can meet: strangers' files, a second process, a restart of the host.
//! What every store promises is tested in tests/store.

mod scripted;

use std::path::Path;
use std::sync::Arc;

use scripted::{Scripted, shared};
use tillbox::Host;
use tillbox::core::id::ProviderId;
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::service::{NewCollection, NewRefund, NewSession};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{Store, StoreError};

async fn host(path: &Path) -> Host {
    let (_, provider) = shared(Scripted::new(Reach::Nowhere));
    Host::builder().database(path).provider("default", provider).build().await.unwrap()
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
