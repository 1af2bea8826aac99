//! Claiming due work in the embedded store. One writer writes, so two claims never meet; several processes on one file wait
//! for each other's transactions.

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use tillbox_core::Timestamp;

use super::super::sql::{Row, Value, claims, decode, encode};
use super::super::{Claimed, Claims, KeptDelivery, Whose};
use super::read::rows;
use super::{SqliteStore, StoreError, unavailable};

/// The embedded store has one writer: nothing to pass over.
const NO_LOCK: &str = "";

#[async_trait]
impl Claims for SqliteStore {
    async fn claim_operations(
        &self,
        whose: Whose,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        if !self.any_due("operation", claims::ANY_OPERATION, now).await? {
            return Ok(Vec::new());
        }
        let (sql, values) = claims::operations(&whose, now, until, limit, NO_LOCK);
        claims::claimed(&self.claim("operation", sql, values).await?)
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        if !self.any_due("delivery", claims::ANY_DELIVERY, now).await? {
            return Ok(Vec::new());
        }
        let (sql, values) = claims::deliveries(now, until, limit, NO_LOCK);
        let found = self.claim("delivery", sql, values).await?;
        let mut found = found.iter().map(decode::delivery).collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|one, other| (one.next_action_at, &one.id).cmp(&(other.next_action_at, &other.id)));
        Ok(found)
    }

    async fn postpone_delivery(&self, id: String, next: Timestamp) -> Result<(), StoreError> {
        self.writer.commit(vec![encode::postpone_delivery(&id, next)]).await
    }
}

impl SqliteStore {
    /// A look beside the writer: a host that has nothing to do must not cost an fsync each time it asks.
    async fn any_due(&self, table: &'static str, sql: &'static str, now: Timestamp) -> Result<bool, StoreError> {
        self.read(move |connection| Ok(!rows(connection, table, sql, vec![now.0.into()])?.is_empty())).await
    }

    async fn claim(&self, table: &'static str, sql: String, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let claim = move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
            let found = rows(&transaction, table, &sql, values)?;
            transaction.commit().map_err(unavailable)?;
            Ok(found)
        };
        self.writer.alone(claim).await
    }
}
