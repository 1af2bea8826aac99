//! Claiming due work where several hosts share one database: rows that another host is claiming at this moment are passed
//! over, so nobody waits and nothing is taken twice.

use async_trait::async_trait;
use tillbox_core::Timestamp;

use super::super::sql::{Row, Value, claims, decode, encode};
use super::super::{Claimed, Claims, KeptDelivery, Whose};
use super::{PostgresStore, StoreError, write};

#[async_trait]
impl Claims for PostgresStore {
    async fn claim_operations(
        &self,
        whose: Whose,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let (sql, values) = claims::operations(&whose, now, until, limit, claims::SKIP_LOCKED);
        claims::claimed(&self.claim("operation", &sql, values).await?)
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        let (sql, values) = claims::deliveries(now, until, limit, claims::SKIP_LOCKED);
        let found = self.claim("delivery", &sql, values).await?;
        let mut found = found.iter().map(decode::delivery).collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|one, other| (one.next_action_at, &one.id).cmp(&(other.next_action_at, &other.id)));
        Ok(found)
    }

    async fn postpone_delivery(&self, id: String, next: Timestamp) -> Result<(), StoreError> {
        write::alone(&self.connections, &[encode::postpone_delivery(&id, next)]).await
    }
}

impl PostgresStore {
    /// A claim whose answer is lost is not repeated: it ends by itself, and the next one finds other work meanwhile.
    async fn claim(&self, table: &'static str, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        write::returning(&self.connections, table, sql, &values).await
    }
}
