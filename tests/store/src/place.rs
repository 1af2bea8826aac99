//! A database of a test: empty at first, opened as often as wanted, looked into behind the store's back, gone at the end.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tillbox::store::{self, Store};
use tokio_postgres::{Client, NoTls};

use crate::server::{self, Server};

/// A database.
#[async_trait]
pub trait Place: Send + Sync {
    /// Its URL.
    fn url(&self) -> String;

    /// Opens a store on it.
    async fn open(&self) -> Arc<dyn Store> {
        store::open(&self.url()).await.expect("the store opens")
    }

    /// Runs a statement without the store.
    ///
    /// # Errors
    /// What the database says.
    async fn run(&self, sql: &str) -> Result<(), String>;

    /// A list of texts from a query without the store.
    async fn texts(&self, sql: &str) -> Vec<String>;

    /// The columns of all tables as `table.column`, sorted, bookkeeping of migrations aside.
    async fn columns(&self) -> Vec<String>;
}

/// A SQLite file.
#[derive(Debug)]
pub struct File {
    folder: tempfile::TempDir,
}

impl File {
    /// A file that does not exist yet.
    ///
    /// # Panics
    /// When there is no room for a temporary directory.
    #[must_use]
    #[allow(clippy::unused_async, reason = "places are made in the same way")]
    pub async fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary directory") }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("till.db")
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).expect("the file opens")
    }
}

#[async_trait]
impl Place for File {
    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    async fn run(&self, sql: &str) -> Result<(), String> {
        self.connection().execute_batch(sql).map_err(|error| error.to_string())
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.connection();
        let mut statement = connection.prepare(sql).expect("the query is right");
        let rows = statement.query_map([], |row| row.get(0)).expect("the query runs");
        rows.map(|text| text.expect("a text")).collect()
    }

    async fn columns(&self) -> Vec<String> {
        self.texts(
            "select t.name || '.' || c.name from sqlite_schema t, pragma_table_info(t.name) c \
             where t.type = 'table' and t.name not like 'sqlite_%' order by 1",
        )
        .await
    }
}

/// A database of a PostgreSQL server.
#[derive(Debug)]
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// A database that was just made.
    ///
    /// # Panics
    /// When there is no server, see [`server::shared`].
    pub async fn new() -> Self {
        let server = tokio::task::spawn_blocking(server::shared).await.expect("the server starts");
        let database = Self { server, name: format!("till_{}", ulid::Ulid::generate()).to_lowercase() };
        let client = database.connect("postgres").await;
        client.batch_execute(&format!("create database {}", database.name)).await.expect("a database can be made");
        database
    }

    /// The server it is on.
    #[must_use]
    pub fn server(&self) -> &'static Server {
        self.server
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends all connections to it but the one that asks, and answers how many there were.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn kill_connections(&self) -> usize {
        let sql = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name);
        self.connect("postgres").await.query(&sql, &[]).await.expect("the server obeys").len()
    }

    /// A connection to a database of the server.
    ///
    /// # Panics
    /// When there is none to be had.
    pub async fn connect(&self, name: &str) -> Client {
        let url = self.server.url(name);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the server answers");
        tokio::spawn(connection);
        client
    }
}

#[async_trait]
impl Place for Database {
    fn url(&self) -> String {
        self.server.url(&self.name)
    }

    async fn run(&self, sql: &str) -> Result<(), String> {
        let done = self.connect(&self.name).await.batch_execute(sql).await;
        done.map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string))
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.connect(&self.name).await.query(sql, &[]).await.expect("the query runs");
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn columns(&self) -> Vec<String> {
        self.texts(
            "select (table_name || '.' || column_name)::text from information_schema.columns \
             where table_schema = current_schema() and table_name <> 'tillbox_migration' \
             order by (table_name || '.' || column_name) collate \"C\"",
        )
        .await
    }
}
