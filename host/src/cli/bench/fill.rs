//! Filling a database with whole books of payments, many to a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tillbox_runtime::Provider;
use tokio::task::JoinSet;

use super::Failure;
use super::book::Book;
use super::place::Place;
use crate::store::Page;

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
    let book = Arc::new(Book::write(provider).await?);
    let store = place.store();
    let there = store.find_payments(Page { offset: 0, limit: 1 }.into()).await.map_err(crate::Error::from)?.count;
    let written = payments.saturating_sub(there);
    let (left, start) = (Arc::new(AtomicU64::new(written)), Instant::now());
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS.min(written) {
        let (book, store, left) = (Arc::clone(&book), Arc::clone(&store), Arc::clone(&left));
        writers.spawn(async move {
            let next = |left: u64| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok() {
                store.commit(book.copy()).await?;
            }
            Ok::<_, crate::store::StoreError>(())
        });
    }
    while let Some(joined) = writers.join_next().await {
        joined.map_err(|error| Failure::because("filling the database broke", &error))?.map_err(crate::Error::from)?;
    }
    Ok(Filled { payments: there + written, written, took: start.elapsed() })
}
