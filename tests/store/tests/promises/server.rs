//! What only a server can get wrong: connections that die, hosts with other ideas, strangers' tables, passwords in texts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tillbox::store::postgres::{PostgresStore, Scratch};
use tillbox::store::{self, Key, Store, StoreError};
use tillbox_store_tests::place::{Database, Place};
use tillbox_store_tests::sample::{created, id, noted, stored};
use tillbox_store_tests::server::{PASSWORD, Server};

#[tokio::test]
async fn killed_connections_heal() {
    let database = Database::new().await;
    let store = database.open().await;
    let mut read = stored(store.as_ref(), 1).await.unwrap();
    for round in 0..5 {
        assert!(database.kill_connections().await > 0);
        if round % 2 == 0 {
            store.commit(noted(&read, "after the kill")).await.unwrap();
        }
        read = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    }
    database.kill_connections().await;
    store.check().await.unwrap();
}

/// Connections are ended at random while changes are made; each answer has to be true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stay_true_while_connections_die() {
    const WRITERS: u32 = 6;
    const CHANGES: u32 = 40;
    let database = Arc::new(Database::new().await);
    let store = database.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let killer = tokio::spawn({
        let (database, done) = (Arc::clone(&database), Arc::clone(&done));
        async move {
            let client = database.connect("postgres").await;
            let sql =
                format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", database.name());
            let mut killed = 0;
            while !done.load(Ordering::SeqCst) {
                killed += client.query(&sql, &[]).await.unwrap().len();
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            killed
        }
    });
    let writers: Vec<_> =
        (1..=WRITERS).map(|number| tokio::spawn(write_on(Arc::clone(&store), number, CHANGES))).collect();
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for writer in writers {
        let (yes, no) = writer.await.unwrap();
        kept.extend(yes);
        refused.extend(no);
    }
    done.store(true, Ordering::SeqCst);
    let killed = killer.await.unwrap();
    assert!(killed > 0 && !kept.is_empty());
    println!("{killed} connections were ended; {} changes were kept, {} were not", kept.len(), refused.len());
    let found = database.texts("select id from outbox").await;
    assert_eq!(found.len(), kept.len());
    for event in kept {
        assert!(found.contains(&event), "{event} was said to be committed");
    }
    for event in refused {
        assert!(!found.contains(&event), "{event} was said not to be committed");
    }
}

/// The events that were said to be committed, and those that were said not to be.
async fn write_on(store: Arc<dyn Store>, number: u32, changes: u32) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    let mut change = created(number);
    for round in 0..changes {
        let event = change.events[0].id.to_string();
        match store.commit(change).await {
            Ok(()) => kept.push(event),
            Err(error) => {
                assert!(!error.to_string().contains("not known"), "the server was there to be asked: {error}");
                refused.push(event);
            }
        }
        // A read may meet the killer twice; then it is asked again here.
        change = loop {
            match store.load(Key::Collection(id(number))).await {
                Ok(Some(read)) => break noted(&read, &round.to_string()),
                Ok(None) => break created(number),
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
            }
        };
    }
    (kept, refused)
}

#[tokio::test]
async fn commits_wait_for_the_disk_whatever_the_role_is_set_to() {
    let database = Database::new().await;
    let sql = format!("alter database {} set synchronous_commit = off", database.name());
    database.run(&sql).await.unwrap();
    let observer = database.connect(database.name()).await;
    let setting: String = observer.query_one("show synchronous_commit", &[]).await.unwrap().get(0);
    assert_eq!(setting, "off");
    let store = database.open().await;
    store.check().await.unwrap();
    // A trigger tells what the connection of the store is set to.
    observer
        .batch_execute(
            "create table witness (setting text not null); \
             create function witness() returns trigger language plpgsql as $$ begin \
               insert into witness values (current_setting('synchronous_commit')); return new; end $$; \
             create trigger witness before insert on collection for each row execute function witness()",
        )
        .await
        .unwrap();
    store.commit(created(1)).await.unwrap();
    assert_eq!(database.texts("select setting from witness").await, ["on"]);
}

#[tokio::test]
async fn a_strangers_database_is_refused_and_not_touched() {
    let database = Database::new().await;
    database.run("create table theirs (id bigint)").await.unwrap();
    let error = store::open(&database.url()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Foreign(_)) && error.to_string().contains("another program's tables"),
        "{error}"
    );
    assert_eq!(database.columns().await, ["theirs.id"]);
    // A schema of our own beside theirs is fine.
    database.run("create schema till").await.unwrap();
    let url = database.server().url_with(database.name(), "options=-csearch_path%3Dtill");
    let store = store::open(&url).await.unwrap();
    store.commit(created(1)).await.unwrap();
    assert_eq!(database.texts("select id from till.collection").await, [id(1).to_string()]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = Database::new().await;
    drop(database.open().await);
    let newer = "insert into tillbox_migration (version, name, applied_on, checksum) \
                 values (99, 'later', '2030-01-01T00:00:00Z', '1')";
    database.run(newer).await.unwrap();
    let error = store::open(&database.url()).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign(_)) && error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_named_without_the_password() {
    let database = Database::new().await;
    let (server, name) = (database.server(), database.name());
    for (url, expected) in [
        (server.url("no_such_database"), "no_such_database"),
        (server.url(name).replace(PASSWORD, "not-to-be-shown-either"), "password authentication failed"),
        (server.url_through(1, name), "127.0.0.1:1"),
        (server.url_with(name, "no_such_parameter=1"), "no_such_parameter"),
    ] {
        if url == database.url() {
            // A server that was given, with another password or none.
            continue;
        }
        let error = store::open(&url).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("not-to-be-shown"), "{error}");
    }
    let store = PostgresStore::open(&database.url()).await.unwrap();
    assert!(!format!("{store:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_full_or_read_only_server_is_told_by_check() {
    let database = Database::new().await;
    let store = database.open().await;
    store.check().await.unwrap();
    // What a standby and a full disk have in common: the write is refused.
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin \
                    raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$; \
                  create trigger refuse before insert or update on meta for each row execute function refuse()";
    database.run(refuse).await.unwrap();
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)) && error.to_string().contains("No space left"), "{error}");
    database.run("drop trigger refuse on meta").await.unwrap();
    store.check().await.unwrap();
}

/// Two at once do not meet; and each is gone when its process is.
#[test]
fn two_servers_run_side_by_side() {
    let Some(_) = tillbox_store_tests::server::shared().root_certificate() else {
        // A server was given; there may be no programs to start another.
        println!("not checked: the server is not one of ours");
        return;
    };
    let other = Server::start();
    assert_ne!(other.host_and_port(), tillbox_store_tests::server::shared().host_and_port());
}

/// A database for one purpose: beside the one that was named, which stays as it was, and gone afterwards.
#[tokio::test]
async fn a_scratch_database_comes_and_goes() {
    let database = Database::new().await;
    let scratch = Scratch::create(&database.url()).await.unwrap();
    let name = scratch.name().to_owned();
    let store = PostgresStore::open(scratch.url()).await.unwrap();
    let before = scratch.log_bytes().await.unwrap();
    stored(&store, 1).await.unwrap();
    assert!(scratch.log_bytes().await.unwrap() > before, "a change writes to the log");
    let durability = store.durability().await.unwrap();
    assert!(durability.contains("synchronous_commit=on"), "{durability}");
    // The store is still connected.
    scratch.remove().await.unwrap();
    let client = database.connect("postgres").await;
    let found = client.query("select 1 from pg_database where datname = $1", &[&name]).await.unwrap();
    assert!(found.is_empty(), "{name} is still there");
    let tables = "select 1 from information_schema.tables where table_schema = current_schema()";
    let client = database.connect(database.name()).await;
    assert!(client.query(tables, &[]).await.unwrap().is_empty(), "the database that was named got tables");
}
