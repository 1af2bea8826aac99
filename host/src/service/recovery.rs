//! Work that is due, taken in pages and at a measured pace: open operations and webhook deliveries. It starts by itself with
//! the host, and several hosts on one database share it.
//!
//! A lane for each provider, so that one with a long backlog keeps no other waiting. Memory is bounded by the page, the
//! burden on a gateway by the pace, that on the host by the places. What a look consists of is in `recheck`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;
use tillbox_core::operation::OperationState;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::dispatch;
use super::recheck::Turn;
use super::registry::watch as watch_versions;
use super::{Error, Host, Inner, Received};
use crate::store::{Claimed, KeptDelivery, Page, StoreError, Whose};

/// Looks at once, over all providers: enough for a dozen slow gateways, few enough to leave room for customers' requests.
pub const LOOKS_AT_ONCE: usize = 16;

/// Looks per second and provider. A hundred thousand open operations take half an hour; gateways allow about a hundred
/// requests per second, and customers' requests come first.
pub const LOOKS_PER_SECOND: u32 = 50;

/// Work taken in one go, and so all that a lane holds in memory.
pub const PAGE: u32 = 64;

/// Milliseconds between two questions of a lane that found nothing due: what is due is looked at within about a second.
const IDLE_MS: u64 = 1_000;

/// Milliseconds between two purges of callers' keys: they count as absent from the moment they expire, so nothing waits for it.
const PURGE_EVERY_MS: u64 = 10 * 60 * 1_000;

/// Milliseconds between two looks at answers that a provider could not read: its next version reads them within a minute.
const UNREADABLE_EVERY_MS: u64 = 60_000;

/// Milliseconds that a page belongs to its host: its looks at the slowest pace, with every place taken by calls that run to
/// their deadlines. A claim that ends too early costs a second look and nothing else.
const CLAIM_MS: i64 = 120_000;

/// Milliseconds from one look into a delivery to the next, by how often was looked: the reply that makes its payment known is
/// usually a second behind. The last goes on until the delivery is too old.
const DELIVERY_AFTER_MS: [i64; 5] = [2_000, 10_000, 60_000, 300_000, 900_000];

/// How fast work that is due is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Looks at once, over all providers, at least 1.
    pub looks_at_once: usize,
    /// Looks per second and provider, at least 1.
    pub looks_per_second: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { looks_at_once: LOOKS_AT_ONCE, looks_per_second: LOOKS_PER_SECOND }
    }
}

/// The host's part in recovery: its places, its pace, and what goes on in the background.
pub(super) struct Recovery {
    places: Semaphore,
    between: Duration,
    /// When the next look at a provider may start.
    next: Mutex<BTreeMap<ProviderId, Instant>>,
    stop: watch::Sender<bool>,
    lanes: Mutex<Vec<JoinHandle<()>>>,
}

impl Recovery {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            places: Semaphore::new(pace.looks_at_once.max(1)),
            between: Duration::from_secs(1) / pace.looks_per_second.max(1),
            next: Mutex::default(),
            stop: watch::Sender::new(false),
            lanes: Mutex::default(),
        }
    }

    /// The moment at which a look at this provider may start.
    fn slot(&self, provider: &ProviderId) -> Instant {
        let mut next = self.next.lock().expect("no holder panics");
        let now = Instant::now();
        let slot = next.get(provider).copied().map_or(now, |next| next.max(now));
        next.insert(provider.clone(), slot + self.between);
        slot
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

/// When a delivery is due that was looked into so many times.
pub(super) fn delivery_due(attempts: u32, from: Timestamp) -> Timestamp {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX);
    let last = DELIVERY_AFTER_MS[DELIVERY_AFTER_MS.len() - 1];
    Timestamp(from.0.saturating_add(DELIVERY_AFTER_MS.get(index).copied().unwrap_or(last)))
}

/// What a lane is for.
#[derive(Debug, Clone)]
enum Lane {
    Operations(Whose),
    Deliveries,
    /// Callers' keys that have expired.
    Keys,
    /// Answers that an earlier version of a provider could not read.
    Unreadable,
}

impl Lane {
    fn idle_ms(&self) -> u64 {
        match self {
            Self::Operations(_) | Self::Deliveries => IDLE_MS,
            Self::Keys => PURGE_EVERY_MS,
            Self::Unreadable => UNREADABLE_EVERY_MS,
        }
    }
}

impl Host {
    /// Does everything that is due now: looks at operations whose fate is open and at webhooks that wait, and tells how many
    /// of both came to an end. A host does this by itself; this is for those who build one
    /// [without](super::HostBuilder::without_background_work).
    ///
    /// # Errors
    /// [`Error::Store`]. A provider that cannot be asked is logged, and asked again when its turn comes.
    pub async fn reconcile(&self) -> Result<usize, Error> {
        let mut ended = 0;
        for lane in [Lane::Operations(Whose::Everybodys), Lane::Deliveries] {
            loop {
                let (taken, done) = self.page(&lane).await?;
                ended += done;
                if taken == 0 {
                    break;
                }
            }
        }
        Ok(ended)
    }

    /// Looks at everything that is open, due or not, and tells how much of it came to an end: for tests, and for an operator
    /// who knows that a gateway is back.
    ///
    /// # Errors
    /// As [`Host::reconcile`].
    pub async fn reconcile_all(&self) -> Result<usize, Error> {
        let open: Vec<OperationState> = OperationState::ALL.iter().copied().filter(|state| state.reserves()).collect();
        let (mut ended, mut offset) = (0, 0);
        loop {
            let entries = self.operations(&open, Page { offset, limit: PAGE }).await?.items;
            if entries.is_empty() {
                return Ok(ended + self.process_open_deliveries().await?);
            }
            let left = entries.len();
            let claimed = |entry: crate::store::OperationEntry| Claimed {
                id: entry.id,
                provider: entry.provider,
                due_at: Timestamp::default(),
            };
            let done = self.look_at(entries.into_iter().map(claimed).collect()).await?;
            ended += done;
            offset += u32::try_from(left - done).unwrap_or(u32::MAX);
        }
    }

    /// Takes one page of a lane and does it: how much was taken, and how much of it came to an end.
    async fn page(&self, lane: &Lane) -> Result<(usize, usize), Error> {
        let now = self.now();
        let until = Timestamp(now.0.saturating_add(CLAIM_MS));
        match lane {
            Lane::Operations(whose) => {
                let claimed = self.inner.store.claim_operations(whose.clone(), now, until, PAGE).await?;
                Ok((claimed.len(), self.look_at(claimed).await?))
            }
            Lane::Keys => {
                let deleted = self.purge_expired_keys().await?;
                Ok((0, usize::try_from(deleted).unwrap_or(usize::MAX)))
            }
            Lane::Unreadable => Ok((0, self.read_unreadable().await?)),
            Lane::Deliveries => {
                let claimed = self.inner.store.claim_deliveries(now, until, PAGE).await?;
                let taken = claimed.len();
                let mut ended = 0;
                for delivery in &claimed {
                    if self.inner.recovery.is_stopping() {
                        break;
                    }
                    ended += usize::from(self.look_into(delivery).await?);
                }
                Ok((taken, ended))
            }
        }
    }

    /// Looks at each, as many at once as there are places.
    async fn look_at(&self, claimed: Vec<Claimed>) -> Result<usize, Error> {
        let mut looks = JoinSet::new();
        for one in claimed {
            let host = self.clone();
            let slot = self.inner.recovery.slot(&one.provider);
            looks.spawn(async move { host.look_in_turn(&one, slot).await });
        }
        let mut ended = 0;
        let mut failed = None;
        while let Some(look) = looks.join_next().await {
            match look {
                Ok(Ok(true)) => ended += 1,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => failed = Some(error),
                Err(error) => tracing::error!(%error, "a look at an open operation broke"),
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    async fn look_in_turn(&self, one: &Claimed, slot: Instant) -> Result<bool, Error> {
        let recovery = &self.inner.recovery;
        let mut stop = recovery.stop.subscribe();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(false),
            () = tokio::time::sleep_until(slot) => {}
        }
        let _place = recovery.places.acquire().await.expect("nobody closes it");
        if recovery.is_stopping() {
            return Ok(false);
        }
        match self.look(&one.id, Turn::Due).await {
            Ok(operation) => Ok(operation.state.is_terminal()),
            // A row that cannot be read is somebody's to repair; the others do not wait for that.
            Err(Error::Store(error)) if !matches!(error, StoreError::Corrupt { .. }) => Err(error.into()),
            Err(error) => {
                tracing::warn!(operation = one.id.as_str(), provider = one.provider.as_str(), %error,
                    "an operation stays open: its provider could not be asked");
                Ok(false)
            }
        }
    }

    /// Looks into a delivery that is due; what has no end yet is due again later.
    async fn look_into(&self, delivery: &KeptDelivery) -> Result<bool, Error> {
        let place = self.inner.recovery.places.acquire().await.expect("nobody closes it");
        let received = self.process(delivery).await;
        drop(place);
        match received {
            Ok(Received::Applied | Received::Rejected(_)) => return Ok(true),
            Ok(Received::Waiting) => {}
            Err(Error::Store(error)) if !matches!(error, StoreError::Corrupt { .. }) => return Err(error.into()),
            Err(error) => tracing::warn!(delivery = delivery.id, %error, "a webhook is kept, not verified"),
        }
        let next = delivery_due(delivery.attempts.saturating_add(1), self.now());
        self.inner.store.postpone_delivery(delivery.id.clone(), next).await?;
        Ok(false)
    }

    /// Starts the lanes. They hold the host only while they work, so they end with its last handle.
    pub(super) fn start_lanes(&self) {
        let providers: Vec<ProviderId> = self.inner.registry.ids();
        let own = providers.iter().map(|provider| Lane::Operations(Whose::Of(provider.clone())));
        let others = Lane::Operations(Whose::NotOf(providers.clone()));
        let lanes = own.chain([others, Lane::Deliveries, Lane::Keys, Lane::Unreadable]).map(|lane| {
            let stop = self.inner.recovery.stop.subscribe();
            tokio::spawn(run(Arc::downgrade(&self.inner), stop, lane))
        });
        let events = dispatch::run(
            Arc::downgrade(&self.inner),
            Arc::clone(&self.inner.wake),
            self.inner.recovery.stop.subscribe(),
        );
        let versions = watch_versions(Arc::downgrade(&self.inner), self.inner.recovery.stop.subscribe());
        let beside = [tokio::spawn(events), tokio::spawn(versions)];
        self.inner.recovery.lanes.lock().expect("no holder panics").extend(lanes.chain(beside));
    }

    /// Whether the work in the background goes on, or there is none to go on with. It ends by itself only when it broke.
    #[must_use]
    pub fn is_working(&self) -> bool {
        let recovery = &self.inner.recovery;
        let lanes = recovery.lanes.lock().expect("no holder panics");
        recovery.is_stopping() || lanes.iter().all(|lane| !lane.is_finished())
    }

    /// Stops the work in the background: nothing new is begun, and what is under way is finished. Without any this does
    /// nothing. What is left is done by another host, or by the next start.
    pub async fn stop_background_work(&self) {
        let recovery = &self.inner.recovery;
        recovery.stop.send_replace(true);
        let lanes = std::mem::take(&mut *recovery.lanes.lock().expect("no holder panics"));
        for lane in lanes {
            if let Err(error) = lane.await {
                tracing::error!(%error, "a lane of the work in the background broke");
            }
        }
        if let Err(error) = self.write_ends().await {
            tracing::warn!(%error, "how the last calls ended is not in the audit");
        }
    }
}

async fn run(inner: Weak<Inner>, mut stop: watch::Receiver<bool>, lane: Lane) {
    loop {
        let Some(inner) = inner.upgrade() else {
            return;
        };
        let host = Host { inner, key: None };
        let pause = match host.page(&lane).await {
            Ok((0, _)) => lane.idle_ms(),
            Ok((taken, ended)) => {
                tracing::debug!(?lane, taken, ended, "open work was looked at");
                0
            }
            Err(error) => {
                tracing::warn!(%error, "open work could not be looked at");
                lane.idle_ms()
            }
        };
        drop(host);
        tokio::select! {
            // An error means that the host is gone.
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
        }
    }
}
