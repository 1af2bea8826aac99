//! A SQLite file as one end of a move. Its calls block, so each runs on a thread that may.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rusqlite::{Connection, params_from_iter};

use super::side::{FORGET_CHECKS, Side};
use super::{Row, StoreError, Value};
use crate::store::sqlite::{connect, read, unavailable};

pub(super) struct SqliteSide {
    connection: Arc<Mutex<Connection>>,
    name: String,
}

impl SqliteSide {
    pub(super) async fn open(path: PathBuf) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        let opened = tokio::task::spawn_blocking(move || connect(&path)).await.map_err(stopped)?;
        Ok(Self { connection: Arc::new(Mutex::new(opened?)), name })
    }

    async fn on<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let work = move || work(&connection.lock().expect("no holder panics"));
        tokio::task::spawn_blocking(work).await.map_err(stopped)?
    }

    async fn run(&self, sql: &'static str) -> Result<(), StoreError> {
        self.on(move |connection| connection.execute_batch(sql).map_err(unavailable)).await
    }
}

#[allow(clippy::needless_pass_by_value, reason = "an error mapper takes the error")]
fn stopped(error: tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

#[async_trait]
impl Side for SqliteSide {
    fn name(&self) -> &str {
        &self.name
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.run("begin immediate").await
    }

    async fn tables(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'";
        let found = self.read("sqlite_schema", sql, Vec::new()).await?;
        found.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, StoreError> {
        self.on(move |connection| {
            let statement = connection.prepare(&format!("select * from {table}")).map_err(unavailable)?;
            Ok(statement.column_names().into_iter().map(str::to_owned).collect())
        })
        .await
    }

    async fn read(&mut self, table: &'static str, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = sql.to_owned();
        self.on(move |connection| read::rows(connection, table, &sql, values)).await
    }

    async fn write(&mut self, table: &'static str, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError> {
        let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
        let sql = format!("insert into {table} ({}) values ({})", columns.join(", "), places.join(", "));
        self.on(move |connection| {
            let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
            for row in rows {
                statement.execute(params_from_iter(row.values)).map_err(unavailable)?;
            }
            Ok(())
        })
        .await
    }

    async fn forget_checks(&mut self) -> Result<(), StoreError> {
        self.run(FORGET_CHECKS).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.run("commit").await
    }
}
