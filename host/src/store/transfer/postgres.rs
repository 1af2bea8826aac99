//! A PostgreSQL database as one end of a move.

use async_trait::async_trait;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::side::{FORGET_CHECKS, Side};
use super::tables::TABLES;
use super::{Role, Row, StoreError, Value};
use crate::store::postgres::{HISTORY, number_all, row, single, tables, unavailable};

/// Milliseconds to wait for hosts that use the database: they should have been stopped before.
const LOCK_WAIT_MS: u64 = 10_000;

pub(super) struct PostgresSide {
    client: Client,
    name: String,
    role: Role,
}

impl PostgresSide {
    pub(super) async fn open(url: &str, role: Role) -> Result<Self, StoreError> {
        let (client, name) = single(url).await?;
        Ok(Self { client, name, role })
    }

    async fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).await.map_err(|error| unavailable(&error))
    }
}

#[async_trait]
impl Side for PostgresSide {
    fn name(&self) -> &str {
        &self.name
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        // Others may read from the source, and nobody may use the target. The lock comes before the snapshot.
        let mode = match self.role {
            Role::Source => "share",
            Role::Target => "access exclusive",
        };
        self.run(&format!(
            "set synchronous_commit = on; set lock_timeout = {LOCK_WAIT_MS}; set statement_timeout = 0; \
             set idle_in_transaction_session_timeout = 0"
        ))
        .await?;
        self.run("begin isolation level repeatable read, read write").await?;
        self.run(&format!("lock table {} in {mode} mode", names.join(", "))).await?;
        number_all(&self.client).await
    }

    async fn tables(&mut self) -> Result<Vec<String>, StoreError> {
        let found = tables(&self.client, &self.name).await?;
        Ok(found.into_iter().filter(|table| table != HISTORY).collect())
    }

    async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, StoreError> {
        let statement =
            self.client.prepare(&format!("select * from {table}")).await.map_err(|error| unavailable(&error))?;
        Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    async fn read(&mut self, table: &'static str, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let values: Vec<_> = values.iter().map(|value| value as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
        let found = self.client.query(sql, &values).await.map_err(|error| unavailable(&error))?;
        found.iter().map(|found| row(table, found)).collect()
    }

    async fn write(&mut self, table: &'static str, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError> {
        let columns = columns.join(", ");
        let failed = |error: tokio_postgres::Error| unavailable(&error);
        let statement = self.client.prepare(&format!("select {columns} from {table}")).await.map_err(failed)?;
        let types: Vec<Type> = statement.columns().iter().map(|column| column.type_().clone()).collect();
        let copy = format!("copy {table} ({columns}) from stdin (format binary)");
        let sink = self.client.copy_in(&copy).await.map_err(failed)?;
        let writer = BinaryCopyInWriter::new(sink, &types);
        tokio::pin!(writer);
        for row in &rows {
            writer.as_mut().write_raw(&row.values).await.map_err(failed)?;
        }
        writer.finish().await.map(|_| ()).map_err(failed)
    }

    async fn forget_checks(&mut self) -> Result<(), StoreError> {
        self.run(FORGET_CHECKS).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        if self.role == Role::Target {
            // Events to come are numbered behind those that came.
            self.run("select setval('outbox_sequence', max(sequence)) from outbox having max(sequence) is not null")
                .await?;
        }
        self.run("commit").await
    }
}
