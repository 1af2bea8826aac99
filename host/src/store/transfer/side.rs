//! What moving needs of a database: one transaction in which nobody else writes, and rows in and out.

use async_trait::async_trait;

use super::{Row, StoreError};

/// One end of a move. What is not committed is undone when it is dropped.
#[async_trait]
pub(super) trait Side: Send {
    /// What to call it, without a password.
    fn name(&self) -> &str;

    /// Begins the transaction, and keeps everybody else from writing until it ends.
    async fn begin(&mut self) -> Result<(), StoreError>;

    /// The tables it has, bookkeeping of migrations aside.
    async fn tables(&mut self) -> Result<Vec<String>, StoreError>;

    /// The columns of a table.
    async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, StoreError>;

    /// The rows of a query.
    async fn read(&mut self, table: &'static str, sql: &str, values: Vec<super::Value>)
    -> Result<Vec<Row>, StoreError>;

    /// Adds rows.
    async fn write(&mut self, table: &'static str, columns: &[String], rows: Vec<Row>) -> Result<(), StoreError>;

    /// Removes the mark that a look at its health leaves.
    async fn forget_checks(&mut self) -> Result<(), StoreError>;

    /// Keeps what was done.
    async fn commit(&mut self) -> Result<(), StoreError>;
}

/// The statement of [`Side::forget_checks`].
pub(super) const FORGET_CHECKS: &str = "delete from meta where name = 'checked'";
