//! TLS to the server, by `sslmode`.

use tillbox::store;
use tillbox_store_tests::place::{Database, Place};
use tillbox_store_tests::sample::created;

#[tokio::test]
async fn sslmode_means_what_it_means_to_libpq() {
    let database = Database::new().await;
    let Some(root) = database.server().root_certificate() else {
        println!("not checked: the server is not one of ours, and its certificate is not known");
        return;
    };
    let root = format!("sslrootcert={}", root.display());
    // The certificate is of the name `localhost`.
    let by_name = database.url().replace("@127.0.0.1:", "@localhost:");
    let by_address = database.url();
    for (url, parameters, sealed) in [
        (&by_address, "sslmode=disable".to_owned(), Some(false)),
        (&by_address, "sslmode=prefer".to_owned(), Some(true)),
        (&by_address, String::new(), Some(true)),
        (&by_address, "sslmode=require".to_owned(), Some(true)),
        (&by_address, format!("sslmode=require&{root}"), Some(true)),
        (&by_address, format!("sslmode=verify-ca&{root}"), Some(true)),
        (&by_address, format!("sslmode=verify-full&{root}"), None),
        (&by_name, format!("sslmode=verify-full&{root}"), Some(true)),
        // The roots of the operating system have not signed it.
        (&by_name, "sslmode=verify-full&sslrootcert=system".to_owned(), None),
        (&by_name, "sslmode=verify-ca&sslrootcert=system".to_owned(), None),
        (&by_name, "sslmode=verify-full&sslrootcert=no/such/file".to_owned(), None),
    ] {
        let opened = store::open(&format!("{url}?{parameters}")).await;
        let Some(sealed) = sealed else {
            let error = opened.expect_err(&parameters).to_string();
            assert!(error.contains("ertificate") || error.contains("sslrootcert"), "{parameters}: {error}");
            continue;
        };
        let store = opened.unwrap_or_else(|error| panic!("{parameters}: {error}"));
        store.check().await.unwrap();
        let sql = format!(
            "select distinct ssl::text from pg_stat_ssl join pg_stat_activity using (pid) \
             where datname = '{}' and application_name = 'tillbox'",
            database.name()
        );
        assert_eq!(database.texts(&sql).await, [sealed.to_string()], "{parameters}");
        drop(store);
        database.kill_connections().await;
    }
    database.open().await.commit(created(1)).await.unwrap();
}
