//! Filling a database with whole books of payments, many to a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tillbox_runtime::Provider;
use tokio::task::JoinSet;

use super::Failure;
use super::book::Book;
use super::place::Place;
use crate::store::{Change, Page, StoreError};

/// Books under way at once: as many as one commit of the embedded store takes.
const WRITERS: u64 = 256;

/// What was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filled {
    /// Payments that there are now.
    pub(super) payments: u64,
    /// Books that were written.
    pub(super) written: u64,
    pub(super) took: Duration,
}

/// Writes books until there are this many payments.
pub(super) async fn fill(place: &Place, provider: &Arc<dyn Provider>, payments: u64) -> Result<Filled, Failure> {
    let book = Book::write(provider).await?;
    let there = place.store().find_payments(Page { offset: 0, limit: 1 }.into()).await;
    let there = there.map_err(crate::Error::from)?.count;
    let (written, start) = (payments.saturating_sub(there), Instant::now());
    write(place, written, move || book.copy()).await?;
    Ok(Filled { payments: there + written, written, took: start.elapsed() })
}

/// Writes this many changes, each of which makes something new.
pub(super) async fn write(
    place: &Place,
    count: u64,
    make: impl Fn() -> Change + Send + Sync + 'static,
) -> Result<(), Failure> {
    let (store, left, make) = (place.store(), Arc::new(AtomicU64::new(count)), Arc::new(make));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS.min(count) {
        let (store, left, make) = (Arc::clone(&store), Arc::clone(&left), Arc::clone(&make));
        writers.spawn(async move {
            let next = |left: u64| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok() {
                store.commit(make()).await?;
            }
            Ok::<_, StoreError>(())
        });
    }
    while let Some(joined) = writers.join_next().await {
        joined.map_err(|error| Failure::because("filling the database broke", &error))?.map_err(crate::Error::from)?;
    }
    Ok(())
}
