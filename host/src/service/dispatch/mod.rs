//! Events out: tells subscribers what the outbox holds, each collection in order, each event at least once.
//!
//! A desk spreads new events over dispatches, claims what is due, and has each claimed dispatch told in a lane of its own.
//! Lanes are counted per subscriber, so one that is slow or down keeps nobody else waiting. Any host of a database can do
//! this work; a claim that its host did not live to end is taken up by another.

mod lane;
mod schedule;

pub(super) use lane::is_wanted;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tillbox_core::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::{Error, Host, Inner};
use crate::clock::new_tail;
use crate::store::{Channel, Claim, KeptSubscriber, StoreError, SubscriberId};

/// Dispatches one host tells to one subscriber at once. A receiver sees no more calls than this from each host, and with
/// [`SUBSCRIBERS_MAX`](super::SUBSCRIBERS_MAX) it bounds all calls together: as there is room for every subscriber's, none
/// waits for another's.
pub const LANES_MAX: usize = 8;

/// Milliseconds a claim lasts: several times the longest call, short enough for what a dead host had claimed.
pub(super) const LEASE_MS: i64 = 120_000;

/// Milliseconds between two looks when nothing woke the desk: how late events of other hosts are told that die, and retries.
const LOOK_EVERY_MS: u64 = 1_000;

/// Milliseconds before the next look when the store did not answer.
const LOOK_AGAIN_MS: u64 = 5_000;

/// Events that one transaction spreads: enough for a busy second, and some milliseconds of work.
const SPREAD_MAX: u32 = 500;

/// Wakes the desk of this host.
#[derive(Debug, Default)]
pub(super) struct Wake {
    notify: Notify,
    /// Whether anybody hears of events: without subscribers a commit wakes nobody.
    is_heard: AtomicBool,
    /// Counts commits, for those who follow events.
    commits: watch::Sender<u64>,
}

impl Wake {
    /// A change was committed.
    pub(super) fn committed(&self) {
        if self.commits.receiver_count() > 0 {
            self.commits.send_modify(|count| *count = count.wrapping_add(1));
        }
        if self.is_heard.load(Ordering::Relaxed) {
            self.notify.notify_one();
        }
    }

    /// Is told of every commit from now on.
    pub(super) fn woken(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// There is something to look at, whoever hears.
    pub(super) fn now(&self) {
        self.notify.notify_one();
    }
}

impl Host {
    /// Tells subscribers everything that is due, and answers how many dispatches were worked on. A host does this by itself
    /// unless it was built [without background work](super::HostBuilder::without_background_work).
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn dispatch_due(&self) -> Result<u64, Error> {
        let mut desk = Desk::new(None);
        let mut worked = 0;
        loop {
            let looked = desk.look(self).await?;
            worked += looked.claimed;
            if !looked.more && desk.lanes.is_empty() {
                return Ok(worked);
            }
            while desk.lanes.join_next().await.is_some() {}
        }
    }
}

/// Whether it is time to stop: somebody said so, or the host is gone.
type Stop = watch::Receiver<bool>;

fn is_stopping(stop: &Stop) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// Looks until the host stops, then lets every lane finish the event it is telling. It holds the host only while it looks
/// and tells, so it ends with the host's last handle.
pub(super) async fn run(inner: Weak<Inner>, wake: Arc<Wake>, mut stop: Stop) {
    let mut desk = Desk::new(Some(stop.clone()));
    loop {
        let Some(inner) = inner.upgrade() else { break };
        let wait = match desk.look(&Host { inner, key: None }).await {
            Ok(Looked { more: true, .. }) => 0,
            Ok(_) => LOOK_EVERY_MS,
            Err(error) => {
                tracing::warn!(%error, "events could not be looked at");
                LOOK_AGAIN_MS
            }
        };
        tokio::select! {
            // An error means that the host is gone.
            _ = stop.wait_for(|stop| *stop) => break,
            () = wake.notify.notified() => {}
            Some(_) = desk.lanes.join_next() => {}
            () = tokio::time::sleep(Duration::from_millis(wait)) => {}
        }
        while desk.lanes.try_join_next().is_some() {}
    }
    while desk.lanes.join_next().await.is_some() {}
}

/// What a look came to.
#[derive(Debug, Default)]
struct Looked {
    claimed: u64,
    /// Whether there may be more to do at once.
    more: bool,
}

struct Desk {
    stop: Option<Stop>,
    lanes: JoinSet<()>,
    places: BTreeMap<SubscriberId, Arc<Semaphore>>,
}

impl Desk {
    fn new(stop: Option<Stop>) -> Self {
        Self { stop, lanes: JoinSet::new(), places: BTreeMap::new() }
    }

    async fn look(&mut self, host: &Host) -> Result<Looked, StoreError> {
        let mut subscribers = host.inner.store.subscribers().await?;
        subscribers.retain(|subscriber| subscriber.is_enabled && host.can_tell(subscriber));
        host.inner.wake.is_heard.store(!subscribers.is_empty(), Ordering::Relaxed);
        self.places.retain(|id, _| subscribers.iter().any(|subscriber| subscriber.id == *id));
        let mut looked = Looked::default();
        for subscriber in subscribers {
            let spread = host.inner.store.spread(subscriber.id.clone(), SPREAD_MAX, host.now()).await?;
            looked.more |= spread >= u64::from(SPREAD_MAX);
            looked.claimed += self.claim(host, subscriber).await?;
        }
        Ok(looked)
    }

    /// Takes what is due for a subscriber, as far as it has free lanes.
    async fn claim(&mut self, host: &Host, subscriber: KeptSubscriber) -> Result<u64, StoreError> {
        let places = self.places.entry(subscriber.id.clone()).or_insert_with(|| Arc::new(Semaphore::new(LANES_MAX)));
        let places = Arc::clone(places);
        let room = places.available_permits();
        if room == 0 {
            return Ok(0);
        }
        let now = host.now();
        let claim = Claim {
            subscriber: subscriber.id.clone(),
            token: new_tail(),
            now,
            until: Timestamp(now.0.saturating_add(LEASE_MS)),
            limit: u32::try_from(room).unwrap_or(1),
        };
        let claimed = host.inner.store.claim_dispatches(claim).await?;
        let subscriber = Arc::new(subscriber);
        let count = claimed.len() as u64;
        for dispatch in claimed {
            let place = Arc::clone(&places).try_acquire_owned();
            let (host, subscriber, stop) = (host.clone(), Arc::clone(&subscriber), self.stop.clone());
            self.lanes.spawn(async move {
                let _place = place;
                lane::run(&host, &subscriber, dispatch, stop).await;
            });
        }
        Ok(count)
    }
}

impl Host {
    /// Whether this host knows the way: every host to a webhook endpoint, and to a subscriber in the process the one that
    /// has it.
    fn can_tell(&self, subscriber: &KeptSubscriber) -> bool {
        match subscriber.channel {
            Channel::Webhook { .. } => true,
            Channel::Process => self.inner.subscribers.contains_key(&subscriber.id),
        }
    }
}
