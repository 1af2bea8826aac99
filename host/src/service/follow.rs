//! Following events as they happen: those of this host at once, those of other hosts of the database within a second.
//!
//! It reads the outbox and keeps nothing: whoever follows has a place in it, and going on from there loses nothing.

use std::time::Duration;

use tillbox_core::id::CollectionId;
use tokio::sync::watch;

use super::dispatch::is_wanted;
use super::list::few;
use super::{Error, Host};
use crate::store::OutboxEvent;

/// Events that are read at once: what a follower that was away reads through the past with.
const PAGE: u32 = 200;

/// Milliseconds between two looks when nothing woke the follower: how late events of other hosts are told.
const LOOK_EVERY_MS: u64 = 1_000;

/// Milliseconds to wait after being woken: on a busy host one look finds what a dozen commits have written.
const TOGETHER_MS: u64 = 20;

/// Which events are followed. Empty lists want any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Kinds of events (`payment.captured`) or beginnings of them (`payment.*`).
    pub kinds: Vec<String>,
    /// Of these collections.
    pub collections: Vec<CollectionId>,
}

/// A place in the outbox, and what comes after it.
pub struct Following {
    host: Host,
    filter: EventFilter,
    after: i64,
    woken: watch::Receiver<u64>,
}

impl Host {
    /// Follows events after a sequence number; without one, those that happen from now on.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the filter has too many values, [`Error::Store`].
    pub async fn follow(&self, after: Option<i64>, filter: EventFilter) -> Result<Following, Error> {
        few("type", &filter.kinds)?;
        few("payment_collection_id", &filter.collections)?;
        let woken = self.inner.wake.woken();
        let after = match after {
            Some(after) => after,
            None => self.inner.store.last_sequence().await?,
        };
        Ok(Following { host: self.clone(), filter, after, woken })
    }
}

impl Following {
    /// The number of the last event that was passed, told or not.
    #[must_use]
    pub fn after(&self) -> i64 {
        self.after
    }

    /// The next events, in order; it waits until there are some. Dropping the wait loses nothing.
    ///
    /// # Errors
    /// [`Error::Store`]; asking again goes on from the same place.
    pub async fn next(&mut self) -> Result<Vec<OutboxEvent>, Error> {
        loop {
            // What is committed during the look wakes the wait behind it.
            self.woken.mark_unchanged();
            let mut events = self.host.events_after(self.after, PAGE).await?;
            if let Some(last) = events.last() {
                self.after = last.sequence;
                events.retain(|event| self.filter.wants(event));
                if !events.is_empty() {
                    return Ok(events);
                }
                continue;
            }
            tokio::select! {
                woken = self.woken.changed() => {
                    // The sender lives as long as the host, which is held here.
                    drop(woken);
                    tokio::time::sleep(Duration::from_millis(TOGETHER_MS)).await;
                }
                () = tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)) => {}
            }
        }
    }
}

impl EventFilter {
    fn wants(&self, event: &OutboxEvent) -> bool {
        let of_these = self.collections.is_empty() || self.collections.contains(&event.collection);
        of_these && is_wanted(&self.kinds, &event.kind)
    }
}

impl std::fmt::Debug for Following {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Following").field("after", &self.after).field("filter", &self.filter).finish_non_exhaustive()
    }
}
