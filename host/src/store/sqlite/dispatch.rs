//! Events on their way out of a SQLite file. Claims run on the writing connection: one writer, so no two claims meet.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::EventId;

use super::super::dispatch::{
    Claim, Dispatch, DispatchProgress, DispatchState, Dispatches, KeptSubscriber, SubscriberId,
};
use super::super::sql::{decode, dispatch as sql};
use super::read::rows;
use super::{Listed, OutboxEvent, Page, SqliteStore, StoreError, unavailable};

#[async_trait]
impl Dispatches for SqliteStore {
    async fn subscribers(&self) -> Result<Vec<KeptSubscriber>, StoreError> {
        self.read(|connection| {
            rows(connection, "subscriber", sql::SUBSCRIBERS, Vec::new())?.iter().map(sql::subscriber).collect()
        })
        .await
    }

    async fn spread(&self, id: SubscriberId, limit: u32, now: Timestamp) -> Result<u64, StoreError> {
        let values = vec![id.as_str().into(), i64::from(limit).into()];
        let found = self.read(move |connection| rows(connection, "subscriber", sql::NEXT_EVENTS, values)).await?;
        let Some((from, until)) = sql::next_events(&found)? else {
            return Ok(0);
        };
        match self.writer.commit(sql::spread(&id, from, until, now)).await {
            Ok(()) => Ok(until.abs_diff(from)),
            Err(StoreError::Conflict) => Ok(0),
            Err(error) => Err(error),
        }
    }

    async fn claim_dispatches(&self, claim: Claim) -> Result<Vec<Dispatch>, StoreError> {
        let claimed =
            self.writer.alone(move |connection| rows(connection, "dispatch", sql::CLAIM, sql::claim(&claim))).await?;
        claimed.iter().map(sql::dispatch).collect()
    }

    async fn dispatch_events(&self, of: Dispatch, after: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let values = sql::dispatch_events(&of, after, limit);
        self.read(move |connection| {
            rows(connection, "outbox", sql::DISPATCH_EVENTS, values)?.iter().map(decode::event).collect()
        })
        .await
    }

    async fn progress(&self, of: Dispatch, progress: DispatchProgress, now: Timestamp) -> Result<(), StoreError> {
        self.writer.commit(sql::progress(&of, &progress, now)).await
    }

    async fn list_dispatches(
        &self,
        id: SubscriberId,
        state: Option<DispatchState>,
        page: Page,
    ) -> Result<Listed<Dispatch>, StoreError> {
        self.read(move |connection| {
            let (list, count) = sql::listing(state);
            let mut values = vec![id.as_str().into()];
            values.extend(decode::bounds(page));
            let items = rows(connection, "dispatch", &list, values)?;
            let count: i64 = connection.query_row(&count, [id.as_str()], |row| row.get(0)).map_err(unavailable)?;
            let items = items.iter().map(sql::dispatch).collect::<Result<_, _>>()?;
            Ok(Listed { items, count: u64::try_from(count).unwrap_or(0) })
        })
        .await
    }

    async fn event(&self, id: EventId) -> Result<Option<OutboxEvent>, StoreError> {
        self.read(move |connection| {
            let found = rows(connection, "outbox", sql::EVENT, vec![id.as_str().into()])?;
            found.first().map(decode::event).transpose()
        })
        .await
    }
}
