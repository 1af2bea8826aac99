//! The tables of a PostgreSQL database: ours or refused, and brought up to date by one host at a time.

use refinery::error::Kind;
use refinery::{Migration, Runner};
use tokio_postgres::Client;

use super::fault::text;
use super::{Address, StoreError, connections};

/// The table that says which migrations were applied; its presence marks the schema as ours.
pub(in crate::store) const HISTORY: &str = "tillbox_migration";

/// Names of migrations as the library wants them, oldest first.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__first", include_str!("../migrations/postgres/0001_first.sql")),
    ("V2__reasons", include_str!("../migrations/postgres/0002_reasons.sql")),
    ("V3__providers", include_str!("../migrations/postgres/0003_providers.sql")),
    ("V4__events_out", include_str!("../migrations/postgres/0004_events_out.sql")),
    ("V5__idempotency", include_str!("../migrations/postgres/0005_idempotency.sql")),
    ("V6__api_keys", include_str!("../migrations/postgres/0006_api_keys.sql")),
    ("V7__trace", include_str!("../migrations/postgres/0007_trace.sql")),
    ("V8__links", include_str!("../migrations/postgres/0008_links.sql")),
    ("V9__collection_access", include_str!("../migrations/postgres/0009_collection_access.sql")),
    ("V10__audit", include_str!("../migrations/postgres/0010_audit.sql")),
    ("V11__exchange", include_str!("../migrations/postgres/0011_exchange.sql")),
    ("V12__provider_versions", include_str!("../migrations/postgres/0012_provider_versions.sql")),
];

/// The advisory lock that migrating hosts wait for each other at ("Till", 1). Advisory locks are counted per database.
const MIGRATION_LOCK: i64 = 0x5469_6c6c_0001;

/// Milliseconds to wait for another host that migrates: long enough for a new index on a large table.
const MIGRATION_WAIT_MS: u64 = 120_000;

const TABLES: &str = "select table_name::text from information_schema.tables \
     where table_schema = current_schema() and table_type = 'BASE TABLE'";

/// Refuses strangers and servers that cannot keep what they are given, then applies what is missing.
pub(super) async fn prepare(address: &Address) -> Result<(), StoreError> {
    let mut client = connections::single(address).await?;
    let name = &address.name;
    check_server(&client, name).await?;
    let waiting = format!("set lock_timeout = {MIGRATION_WAIT_MS}; select pg_advisory_lock({MIGRATION_LOCK})");
    client.batch_execute(&waiting).await.map_err(|error| unavailable(name, &error))?;
    let tables = tables(&client, name).await?;
    if !tables.is_empty() && !tables.iter().any(|table| table == HISTORY) {
        return Err(StoreError::Foreign(format!(
            "{name} holds another program's tables; name another database, or another schema with \
             `options=-csearch_path%3D…`. This one was not touched"
        )));
    }
    migrate(&mut client, name).await
    // The lock goes with the connection.
}

/// The tables of the schema that statements go to.
pub(in crate::store) async fn tables(client: &Client, name: &str) -> Result<Vec<String>, StoreError> {
    let rows = client.query(TABLES, &[]).await.map_err(|error| unavailable(name, &error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn check_server(client: &Client, name: &str) -> Result<(), StoreError> {
    let sql = "select current_setting('server_encoding'), current_setting('fsync'), current_schema()::text";
    let row = client.query_one(sql, &[]).await.map_err(|error| unavailable(name, &error))?;
    let (encoding, fsync, schema): (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
    if encoding != "UTF8" {
        return Err(StoreError::Foreign(format!("{name} is encoded in {encoding}; a database in UTF8 is needed")));
    }
    if schema.is_none() {
        return Err(StoreError::Foreign(format!(
            "{name} has no schema to make tables in: create one, or name another"
        )));
    }
    if fsync != "on" {
        tracing::warn!(
            database = name,
            "the server runs with fsync=off: what it has stored does not survive a power cut"
        );
    }
    Ok(())
}

async fn migrate(client: &mut Client, name: &str) -> Result<(), StoreError> {
    let migrations: Result<Vec<_>, _> = MIGRATIONS.iter().map(|(name, sql)| Migration::unapplied(name, sql)).collect();
    let migrations = migrations.map_err(|error| StoreError::Foreign(error.to_string()))?;
    let mut runner = Runner::new(&migrations).set_grouped(true);
    runner.set_migration_table_name(HISTORY);
    let applied = runner.run_async(client).await.map_err(|error| {
        if let Kind::Connection(what, source) = error.kind() {
            let said = source.downcast_ref::<tokio_postgres::Error>().map_or_else(|| source.to_string(), text);
            return StoreError::Unavailable(format!("{name} was not migrated: {what}: {said}"));
        }
        let what = format!("{name} cannot be brought up to date: {error}; a newer Tillbox may have written it");
        StoreError::Foreign(what)
    })?;
    tracing::debug!(database = name, migrations = applied.applied_migrations().len(), "database opened");
    Ok(())
}

fn unavailable(name: &str, error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(format!("PostgreSQL at {name}: {}", text(error)))
}
