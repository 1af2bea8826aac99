//! The connection is lost between `commit` and its answer: the store finds out what became of the change and says that.

use tillbox::store::postgres::{PostgresStore, Waits};
use tillbox::store::{Key, Store, StoreError};
use tillbox_store_tests::place::{Database, Place};
use tillbox_store_tests::sample::{created, id, noted, rich, stored};
use tillbox_store_tests::wire::{Cut, Wire};

struct Scene {
    database: Database,
    wire: Wire,
    store: PostgresStore,
}

async fn scene() -> Scene {
    let database = Database::new().await;
    let wire = Wire::to(database.server().host_and_port()).await;
    let url = database.server().url_through(wire.port(), database.name());
    // As in production, only faster.
    let waits = Waits { queue_ms: 1_000, idle_ms: 500, lock_ms: 400, read_back_ms: 4_000, ..Waits::default() };
    let store = PostgresStore::open_with(&url, waits).await.unwrap();
    Scene { database, wire, store }
}

impl Scene {
    async fn events(&self) -> usize {
        self.database.texts("select id from outbox").await.len()
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found() {
    let scene = scene().await;
    let read = stored(&scene.store, 1).await.unwrap();
    for (number, change) in [(2, rich(2)), (1, noted(&read, "a"))] {
        let told = scene.events().await;
        let events = change.events.len();
        scene.wire.cut(Cut::Answer, 1);
        scene.store.commit(change).await.unwrap();
        assert_eq!(scene.wire.left(), 0, "the commit was cut");
        assert_eq!(scene.events().await, told + events);
        assert!(scene.store.load(Key::Collection(id(number))).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_made_once() {
    let scene = scene().await;
    let read = stored(&scene.store, 1).await.unwrap();
    scene.wire.cut(Cut::Request, 1);
    scene.store.commit(noted(&read, "a")).await.unwrap();
    assert_eq!((scene.wire.left(), scene.events().await), (0, 2));
}

#[tokio::test]
async fn a_commit_that_never_arrives_is_known_not_to_be_made() {
    let scene = scene().await;
    let read = stored(&scene.store, 1).await.unwrap();
    scene.wire.cut(Cut::Request, 2);
    let error = scene.store.commit(noted(&read, "a")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains("nothing was written")), "{error}");
    assert_eq!((scene.wire.left(), scene.events().await), (0, 1));
    assert_eq!(scene.store.load(Key::Collection(id(1))).await.unwrap(), Some(read));
}

/// The server still holds the transaction open, and could finish it. Nothing is said before it cannot.
#[tokio::test]
async fn a_transaction_that_still_hangs_is_waited_for() {
    let scene = scene().await;
    let read = stored(&scene.store, 1).await.unwrap();
    for change in [noted(&read, "a"), created(2)] {
        scene.wire.cut(Cut::Silence, 1);
        scene.store.commit(change).await.unwrap();
        assert_eq!(scene.wire.left(), 0);
    }
    assert_eq!(scene.events().await, 3);
}

#[tokio::test]
async fn what_cannot_be_found_out_is_said_to_be_unknown() {
    let scene = scene().await;
    let read = stored(&scene.store, 1).await.unwrap();
    scene.wire.cut(Cut::AnswerAndRoad, 1);
    let error = scene.store.commit(noted(&read, "a")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains("not known")), "{error}");
}

/// A change without events has no mark of its own; what its version proves is said, and no more.
#[tokio::test]
async fn a_change_that_tells_nobody_is_answered_as_far_as_can_be_known() {
    let scene = scene().await;
    let read = stored(&scene.store, 1).await.unwrap();
    let mut change = noted(&read, "a");
    change.events.clear();
    scene.wire.cut(Cut::Request, 1);
    scene.store.commit(change.clone()).await.unwrap();
    let read = scene.store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    assert_eq!(read.version, 2);
    change = noted(&read, "b");
    change.events.clear();
    scene.wire.cut(Cut::Answer, 1);
    let error = scene.store.commit(change).await.unwrap_err();
    assert!(error.to_string().contains("not known"), "{error}");
}
