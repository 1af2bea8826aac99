//! Events on their way out of a PostgreSQL database, to be told by any of the hosts that share it.
//!
//! Only numbered events are spread. Numbers are given to what is committed, one host at a time, so whoever sees a number
//! sees all that are lower.

use std::time::Duration;

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::EventId;

use super::super::dispatch::{
    Claim, Dispatch, DispatchProgress, DispatchState, Dispatches, KeptSubscriber, SubscriberId,
};
use super::super::sql::{Row, Value, decode, dispatch as sql};
use super::connections::Connections;
use super::fault::Trouble;
use super::pipeline::{Answer, Pipeline, prepared, row};
use super::read::{one, query};
use super::{Listed, OutboxEvent, Page, PostgresStore, StoreError, order, write};

const NOT_NUMBERED: &str = "select id from outbox where sequence is null limit 1";

#[async_trait]
impl Dispatches for PostgresStore {
    async fn subscribers(&self) -> Result<Vec<KeptSubscriber>, StoreError> {
        let found = one(&self.connections, query("subscriber", sql::SUBSCRIBERS, Vec::new())).await?;
        found.iter().map(sql::subscriber).collect()
    }

    async fn spread(&self, id: SubscriberId, limit: u32, now: Timestamp) -> Result<u64, StoreError> {
        self.number_events().await?;
        let values = vec![id.as_str().into(), i64::from(limit).into()];
        let found = one(&self.connections, query("subscriber", sql::NEXT_EVENTS, values)).await?;
        let Some((from, until)) = sql::next_events(&found)? else {
            return Ok(0);
        };
        match self.written(sql::spread(&id, from, until, now)).await {
            Ok(()) => Ok(until.abs_diff(from)),
            Err(StoreError::Conflict) => Ok(0),
            Err(error) => Err(error),
        }
    }

    async fn claim_dispatches(&self, claim: Claim) -> Result<Vec<Dispatch>, StoreError> {
        let claimed = writing(&self.connections, sql::CLAIM_SKIPPING, &sql::claim(&claim)).await?;
        claimed.iter().map(sql::dispatch).collect()
    }

    async fn dispatch_events(&self, of: Dispatch, after: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let asked = query("outbox", sql::DISPATCH_EVENTS, sql::dispatch_events(&of, after, limit));
        one(&self.connections, asked).await?.iter().map(decode::event).collect()
    }

    async fn progress(&self, of: Dispatch, progress: DispatchProgress, now: Timestamp) -> Result<(), StoreError> {
        self.written(sql::progress(&of, &progress, now)).await
    }

    async fn list_dispatches(
        &self,
        id: SubscriberId,
        state: Option<DispatchState>,
        page: Page,
    ) -> Result<Listed<Dispatch>, StoreError> {
        let (list, count) = sql::listing(state);
        let mut values = vec![id.as_str().into()];
        values.extend(decode::bounds(page));
        let found = one(&self.connections, query("dispatch", &list, values)).await?;
        let count = one(&self.connections, query("dispatch", &count, vec![id.as_str().into()])).await?;
        let count = count.first().map_or(Ok(0), |row| row.int(0))?;
        let items = found.iter().map(sql::dispatch).collect::<Result<_, _>>()?;
        Ok(Listed { items, count: u64::try_from(count).unwrap_or(0) })
    }

    async fn event(&self, id: EventId) -> Result<Option<OutboxEvent>, StoreError> {
        loop {
            let found = one(&self.connections, query("outbox", sql::EVENT, vec![id.as_str().into()])).await?;
            if !found.is_empty() || !self.number_events().await? {
                return found.first().map(decode::event).transpose();
            }
        }
    }
}

impl PostgresStore {
    /// Numbers some of the events that have no number; `false` when there were none.
    pub(super) async fn number_events(&self) -> Result<bool, StoreError> {
        if one(&self.connections, query("outbox", NOT_NUMBERED, Vec::new())).await?.is_empty() {
            return Ok(false);
        }
        order::number(&self.connections).await?;
        Ok(true)
    }
}

/// Runs a statement that writes and answers rows. Lost on its way, it has claimed what will be free again by itself.
async fn writing(connections: &Connections, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
    let client = connections.get().await?;
    let limit = connections.waits.answer_ms;
    let asked = async {
        let statements = prepared(&client, &[sql]).await?;
        let mut pipeline = Pipeline::new(&client);
        pipeline.plain(write::BEGIN);
        pipeline.query(&statements[0], values);
        pipeline.plain("commit");
        pipeline.run().await
    };
    let answered = tokio::time::timeout(Duration::from_millis(limit), asked).await;
    match answered.unwrap_or_else(|_| Err(Trouble::late(limit))) {
        Ok(answers) => {
            let found = answers.iter().find_map(|answer| match answer {
                Answer::Rows(rows) => Some(rows),
                Answer::Done | Answer::Touched(_) => None,
            });
            found.into_iter().flatten().map(|found| row("dispatch", found)).collect()
        }
        Err(trouble) => {
            Connections::close(client);
            Err(trouble.into())
        }
    }
}
