//! Idempotency keys in the embedded store.

use async_trait::async_trait;
use rusqlite::params_from_iter;
use tillbox_core::Timestamp;

use super::super::sql::idempotency;
use super::read::rows;
use super::{SqliteStore, StoreError, unavailable};
use crate::store::{KeyRow, KeyStore, KeyWrite};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn key(&self, caller: String, key: String) -> Result<Option<KeyRow>, StoreError> {
        let values = vec![caller.into(), key.into()];
        let found = self.read(move |connection| rows(connection, "idempotency", idempotency::KEY, values)).await?;
        found.first().map(idempotency::key).transpose()
    }

    async fn write_key(&self, write: KeyWrite) -> Result<(), StoreError> {
        self.writer.commit(vec![idempotency::write(&write)]).await
    }

    async fn purge_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let purge = move |connection: &mut rusqlite::Connection| {
            connection.execute(idempotency::PURGE, params_from_iter(idempotency::purge(now, limit)))
        };
        let deleted = self.writer.alone(move |connection| purge(connection).map_err(unavailable)).await?;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }
}
