//! Idempotency keys in PostgreSQL.

use async_trait::async_trait;
use tillbox_core::Timestamp;

use super::super::sql::{Step, idempotency};
use super::fault::Trouble;
use super::pipeline::{Pipeline, prepared};
use super::read::{one, query};
use super::write::{BEGIN, plain, stage, timed, touched, undo};
use super::{Connections, PostgresStore, StoreError};
use crate::store::{KeyRow, KeyStore, KeyWrite};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn key(&self, caller: String, key: String) -> Result<Option<KeyRow>, StoreError> {
        let asked = query("idempotency", idempotency::KEY, vec![caller.into(), key.into()]);
        one(&self.connections, asked).await?.first().map(idempotency::key).transpose()
    }

    async fn write_key(&self, write: KeyWrite) -> Result<(), StoreError> {
        // On its own: a caller who goes away must not leave half a transaction on a connection that others will use.
        let connections = self.connections.clone();
        let task = tokio::spawn(async move { guarded(&connections, idempotency::write(&write)).await });
        task.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    async fn purge_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let connections = self.connections.clone();
        let task = tokio::spawn(async move { purge(&connections, now, limit).await });
        task.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}

/// One guarded statement in a transaction. When its `commit` is not answered the caller is told that the database is not
/// available: nothing but the key is in it, and the next look at the key tells.
async fn guarded(connections: &Connections, step: Step) -> Result<(), StoreError> {
    let limit = connections.waits.answer_ms;
    let client = connections.get().await?;
    let trouble = match timed(limit, stage(&client, &[step])).await {
        Ok(()) => match timed(limit, plain(&client, "commit")).await {
            Ok(()) => return Ok(()),
            Err(trouble) => trouble,
        },
        Err(trouble) => trouble,
    };
    match trouble {
        Trouble::Lost(_) => Connections::close(client),
        Trouble::Conflict | Trouble::Refused(_) => undo(client, limit).await,
    }
    Err(trouble.into())
}

async fn purge(connections: &Connections, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let values = idempotency::purge(now, limit);
    let client = connections.get().await?;
    let deleted = async {
        let statements = prepared(&client, &[idempotency::PURGE]).await?;
        let mut pipeline = Pipeline::new(&client);
        pipeline.plain(BEGIN);
        pipeline.execute(&statements[0], &values);
        pipeline.plain("commit");
        Ok(pipeline.run().await?.iter().find_map(touched).unwrap_or(0))
    };
    let answered = timed(connections.waits.answer_ms, deleted).await;
    if answered.is_err() {
        Connections::close(client);
    }
    answered.map_err(StoreError::from)
}
