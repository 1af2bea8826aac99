//! A host that comes back to many operations whose fate nobody knows: how fast they are looked at, and in how much memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tillbox_core::Timestamp;
use tillbox_core::operation::OperationState;
use tillbox_runtime::Provider;

use super::Failure;
use super::book::Book;
use super::fill;
use super::place::Place;
use super::resources::resident_bytes;
use crate::Host;
use crate::cli::load::ID_DEFAULT;
use crate::clock::{Clock, SystemClock};
use crate::service::Pace;
use crate::store::Page;

/// Milliseconds between two looks at the memory.
const SAMPLE_MS: u64 = 50;

/// Seconds until the unpaced stretch is given up: a hundred thousand operations take some tens of seconds.
const SECONDS_MAX: u64 = 600;

/// Looks per second of a stretch that is as fast as the machine.
const LOOKS_UNPACED: u32 = 1_000_000;

/// Milliseconds by which the clock of the second host is ahead: what the first one had claimed and not looked at is free by
/// then, and what it had looked at in vain is due again.
const LATER_MS: i64 = 10 * 60 * 1_000;

/// The clock of a host that starts later.
#[derive(Debug)]
struct Later(i64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0.saturating_add(self.0))
    }
}

/// What was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recovered {
    pub(super) operations: u64,
    /// At the pace of every host, for the seconds of a figure.
    pub(super) paced: Stretch,
    /// Without a pace, until nothing was left.
    pub(super) unpaced: Stretch,
}

/// Some time of recovery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Looks per second that the pace allows.
    pub(super) allowed: u32,
    /// Looks at once that it allows.
    pub(super) at_once: usize,
    /// Operations that came to an end.
    pub(super) ended: u64,
    pub(super) left: u64,
    pub(super) took: Duration,
    pub(super) resident_before: Option<u64>,
    pub(super) resident_peak: Option<u64>,
}

/// Writes books with an unknown refund each, and lets a host find out about them.
pub(super) async fn measure(
    place: &Place,
    provider: &Arc<dyn Provider>,
    operations: u64,
    time: Duration,
) -> Result<Recovered, Failure> {
    let book = Arc::new(Book::write(provider).await?);
    fill::write(place, operations, move || book.copy_with_unknown_refund()).await?;
    let paced = stretch(place, provider, (Pace::default(), Later(0)), time).await?;
    let free = Pace { looks_per_second: LOOKS_UNPACED, ..Pace::default() };
    let unpaced = stretch(place, provider, (free, Later(LATER_MS)), Duration::from_secs(SECONDS_MAX)).await?;
    if unpaced.left > 0 {
        return Err(Failure::new(format!("{} operations are open after {SECONDS_MAX} s", unpaced.left)));
    }
    Ok(Recovered { operations, paced, unpaced })
}

/// A host that works in the background for this long, or until nothing is open.
async fn stretch(
    place: &Place,
    provider: &Arc<dyn Provider>,
    (pace, clock): (Pace, Later),
    time: Duration,
) -> Result<Stretch, Failure> {
    let open = open(place).await?;
    let resident_before = resident_bytes();
    let (mut resident_peak, mut left, start) = (resident_before, open, Instant::now());
    let builder = Host::builder().store(place.store()).provider(ID_DEFAULT, Arc::clone(provider));
    let host = builder.pace(pace).clock(Arc::new(clock)).build().await?;
    let mut counted = start;
    while start.elapsed() < time && left > 0 {
        tokio::time::sleep(Duration::from_millis(SAMPLE_MS)).await;
        resident_peak = resident_peak.max(resident_bytes());
        // Counting reads the index of what is open; not so often that it would be what is measured.
        if counted.elapsed() > 10 * Duration::from_millis(SAMPLE_MS) {
            left = self::open(place).await?;
            counted = Instant::now();
        }
    }
    host.stop_background_work().await;
    let took = start.elapsed();
    left = self::open(place).await?;
    let Pace { looks_at_once, looks_per_second } = pace;
    let ended = open.saturating_sub(left);
    Ok(Stretch { allowed: looks_per_second, at_once: looks_at_once, ended, left, took, resident_before, resident_peak })
}

async fn open(place: &Place) -> Result<u64, Failure> {
    let page = Page { offset: 0, limit: 1 };
    let listed = place.store().list_operations(vec![OperationState::Unknown], page).await;
    Ok(listed.map_err(crate::Error::from)?.count)
}
