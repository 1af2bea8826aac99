//! A database moves from one store to another, and is the same there.

use std::sync::{Arc, Mutex};

use tillbox::core::operation::OperationState;
use tillbox::store::{
    AuditDurability, CartClaim, Change, ExchangeWrite, KeptExchange, KeptSubscriber, Key, Moved, Page, Progress,
    StoreError, VersionState, VersionStep, migrate,
};
use tillbox_store_tests::place::{Database, File, Place};
use tillbox_store_tests::sample::{
    api_key, as_stored, audit, claim, component, created, delivery, exchange, exchange_end, holder, id, key as held,
    noted, provider, reason, rich, stored, subscriber, version,
};

/// More than a batch, so that batches join without a gap.
const COLLECTIONS: u32 = 1_203;

async fn moved(from: &dyn Place, to: &dyn Place) -> Result<Vec<Moved>, StoreError> {
    migrate(&from.url(), &to.url(), |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
// Long because one move is looked at through every table.
async fn there_and_back_everything_is_the_same() {
    let (start, server, end) = (File::new().await, Database::new().await, File::new().await);
    let store = start.open().await;
    let key = store.host_key().await.unwrap();
    let changes: Vec<_> = (1..=COLLECTIONS)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let cart = (number % 20 == 0).then_some(CartClaim::IfNone);
                let change = if number % 10 == 0 { rich(number) } else { created(number) };
                store.commit(Change { cart, ..change }).await
            })
        })
        .collect();
    for change in changes {
        change.await.unwrap().unwrap();
    }
    store.keep_delivery(delivery(1)).await.unwrap();
    store.add_subscriber(subscriber(1)).await.unwrap();
    store.update_subscriber(KeptSubscriber { is_enabled: true, ..subscriber(1) }).await.unwrap();
    let read = store.load(Key::Collection(id(2))).await.unwrap().unwrap();
    store.commit(Change { claim: Some(claim(1, "evt_1")), ..noted(&read, "claimed") }).await.unwrap();
    store.keep_refund_reasons(vec![reason(1, "late")]).await.unwrap();
    store.register_providers(vec![provider()], reason(1, "late").created_at).await.unwrap();
    store.set_region_providers("eu".into(), vec![provider()]).await.unwrap();
    store.keep_account_holder(holder(1, "cus_1", Some("ext_1"))).await.unwrap();
    store.write_key(held("a", "one", 1_800_000_000_000)).await.unwrap();
    store.add_api_key(api_key(1)).await.unwrap();
    store.next_secret(id(2)).await.unwrap();
    store.begin_audit(audit(1), AuditDurability::Now).await.unwrap();
    let read = store.load(Key::Collection(id(3))).await.unwrap().unwrap();
    let answered = KeptExchange { end: Some(exchange_end(2)), ..exchange(1, 1, 2) };
    let exchanges = [exchange(1, 1, 1), answered].map(|kept| ExchangeWrite::Intend(Box::new(kept))).to_vec();
    store.commit(Change { exchanges, events: Vec::new(), ..noted(&read, "exchanged") }).await.unwrap();
    let exchanged = store.exchanges(exchange(1, 1, 1).operation).await.unwrap();
    assert_eq!(exchanged.len(), 2);
    let installed = version(1, VersionState::Serving);
    store.keep_component(installed.digest, component()).await.unwrap();
    store.move_versions(vec![VersionStep::Add(Box::new(installed.clone()))]).await.unwrap();
    let events = store.events_after(0, 200).await.unwrap();
    assert_eq!(store.spread(subscriber(1).id, 9, read.collection.created_at).await.unwrap(), 1);
    drop(store);

    let heard = Mutex::new(Vec::new());
    let there = migrate(&start.url(), &server.url(), |progress| heard.lock().unwrap().push(progress)).await.unwrap();
    let heard = heard.into_inner().unwrap();
    let of = u64::from(COLLECTIONS);
    assert!(heard.contains(&Progress { table: "collection", rows: 1_000, of }), "{heard:?}");
    assert!(heard.contains(&Progress { table: "collection", rows: of, of }), "{heard:?}");
    let table = |name: &str| *there.iter().find(|moved| moved.table == name).unwrap();
    assert_eq!(
        table("collection"),
        Moved { table: "collection", rows: of, amount_minor: 1_050 * i128::from(COLLECTIONS) }
    );
    assert_eq!((table("payment").rows, table("operation").rows), (120, 360));

    let back = moved(&server, &end).await.unwrap();
    assert_eq!(back, there);
    for place in [&server as &dyn Place, &end] {
        let store = place.open().await;
        assert_eq!(store.host_key().await.unwrap(), key);
        assert!(store.is_merged(provider(), "evt_1".into()).await.unwrap());
        assert_eq!(store.open_deliveries(String::new(), 9).await.unwrap(), [delivery(1)]);
        assert_eq!(store.events_after(0, 200).await.unwrap(), events);
        assert_eq!(store.exchanges(exchange(1, 1, 1).operation).await.unwrap(), exchanged);
        assert_eq!(store.region_providers("eu".into()).await.unwrap(), [provider()]);
        let account = holder(1, "cus_1", Some("ext_1"));
        assert_eq!(store.account_holder(account.id.clone()).await.unwrap(), Some(account));
        assert_eq!(store.refund_reasons(vec![reason(1, "late").id]).await.unwrap(), [reason(1, "late")]);
        assert_eq!(store.provider_versions().await.unwrap(), std::slice::from_ref(&installed));
        assert_eq!(store.component(installed.digest).await.unwrap(), component());
        assert_eq!(store.api_key(api_key(1).id).await.unwrap(), Some(api_key(1)));
        assert_eq!(store.collection_access(id(2)).await.unwrap().secret_version, 2);
        let kept = store.key("till".to_owned(), "a".to_owned()).await.unwrap();
        assert_eq!(kept, Some(held("a", "one", 1_800_000_000_000).row));
        for number in [1, 10, 1_000, 1_200, COLLECTIONS] {
            let expected = if number % 10 == 0 { rich(number) } else { created(number) };
            let found = store.load(Key::Collection(id(number))).await.unwrap().unwrap();
            assert_eq!(found.collection, as_stored(expected.after));
        }
        let declined =
            store.list_operations(vec![OperationState::Declined], Page { offset: 0, limit: 1 }).await.unwrap();
        assert_eq!(declined.count, 120);
    }
    for table in [
        "collection",
        "session",
        "payment",
        "operation",
        "delivery",
        "evidence",
        "refund_reason",
        "provider",
        "region_payment_provider",
        "component",
        "provider_version",
        "account_holder",
        "subscriber",
        "dispatch",
        "idempotency",
        "api_key",
        "collection_access",
        "audit",
        "exchange",
        "meta",
    ] {
        let sql = format!("select * from {table} order by 1");
        assert_eq!(rows(&start, &sql), rows(&end, &sql), "{table}");
    }
    let sql = "select * from outbox order by sequence";
    assert_eq!(rows(&start, sql), rows(&end, sql));
}

/// All values, as SQLite writes them.
fn rows(file: &File, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Life goes on where it has moved to: versions, and numbers of events behind those that came.
#[tokio::test]
async fn work_goes_on_after_a_move() {
    let (file, database) = (File::new().await, Database::new().await);
    let store = file.open().await;
    let read = stored(store.as_ref(), 1).await.unwrap();
    store.commit(noted(&read, "a")).await.unwrap();
    drop(store);
    moved(&file, &database).await.unwrap();
    let store = database.open().await;
    let read = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    store.commit(noted(&read, "b")).await.unwrap();
    let events = store.events_after(0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    drop(store);
    // Events that nobody has read have no number yet; they move all the same.
    let store = database.open().await;
    let read = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    store.commit(noted(&read, "c")).await.unwrap();
    let back = File::new().await;
    moved(&database, &back).await.unwrap();
    let store = back.open().await;
    store.commit(created(2)).await.unwrap();
    assert_eq!(store.events_after(3, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn only_an_empty_database_is_moved_to() {
    let (file, database) = (File::new().await, Database::new().await);
    stored(file.open().await.as_ref(), 1).await.unwrap();
    let store = database.open().await;
    store.check().await.unwrap();
    store.host_key().await.unwrap();
    let error = moved(&file, &database).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign(_)) && error.to_string().contains("not empty"), "{error}");
    assert!(!error.to_string().contains(tillbox_store_tests::server::PASSWORD));
    store.commit(created(2)).await.unwrap();
    assert!(moved(&database, &file).await.unwrap_err().to_string().contains("not empty"));
    assert!(moved(&file, &file).await.is_err());
    let nowhere = format!("{}.none", file.url());
    assert!(migrate(&nowhere, &database.url(), |_| {}).await.unwrap_err().to_string().contains("does not exist"));
    assert!(!std::path::Path::new(nowhere.trim_start_matches("sqlite:")).exists());
}

/// What cannot be moved whole is not moved at all.
#[tokio::test]
async fn a_move_that_fails_leaves_the_target_empty() {
    let (file, database) = (File::new().await, Database::new().await);
    let store = file.open().await;
    for number in 1..=10 {
        store.commit(rich(number)).await.unwrap();
    }
    drop((store, database.open().await));
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin \
                    if new.id like '%10' then raise exception 'enough'; end if; return new; end $$; \
                  create trigger refuse before insert on outbox for each row execute function refuse()";
    let spoil = "create function spoil() returns trigger language plpgsql as $$ begin \
                    new.amount_minor = new.amount_minor + 1; return new; end $$; \
                 create trigger spoil before insert on payment for each row execute function spoil()";
    database.run(spoil).await.unwrap();
    let error = moved(&file, &database).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "payment", .. }), "{error}");
    database.run("drop trigger spoil on payment").await.unwrap();
    database.run(&refuse.replace("new.id like '%10'", "new.kind = 'payment.disputed'")).await.unwrap();
    assert!(moved(&file, &database).await.unwrap_err().to_string().contains("enough"));
    for table in ["collection", "payment", "outbox"] {
        assert_eq!(database.texts(&format!("select id from {table}")).await, Vec::<String>::new());
    }
    database.run("drop trigger refuse on outbox").await.unwrap();
    moved(&file, &database).await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_not_known_is_not_left_behind() {
    let (file, database) = (File::new().await, Database::new().await);
    drop(file.open().await);
    file.run("create table later (id text primary key)").await.unwrap();
    let error = moved(&file, &database).await.unwrap_err();
    assert!(error.to_string().contains("later"), "{error}");
}
