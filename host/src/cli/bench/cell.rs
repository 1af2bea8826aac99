//! One figure: a number of clients on one door of one database, for some seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::door::{Client, Door};
use super::place::{Counted, Place};
use super::resources::{Used, resident_bytes};
use super::steps::Times;
use super::{Failure, Via};
use crate::store::Page;

/// The share of a cell's time that is spent before it, to warm up.
const WARM_UP: u32 = 5;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) clients: u32,
    pub(super) time: Duration,
    /// Whether the database was filled before.
    pub(super) full: bool,
}

/// What was found.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) database: &'static str,
    pub(super) via: Via,
    pub(super) clients: u32,
    pub(super) full: bool,
    /// In the database before the cell.
    pub(super) payments: u64,
    pub(super) took: Duration,
    pub(super) times: Times,
    pub(super) used: Used,
    /// Changes and commits of the cell's time.
    pub(super) commits: Option<(u64, u64)>,
    pub(super) commits_source: &'static str,
    pub(super) written_bytes: Option<u64>,
    pub(super) bytes_source: &'static str,
    pub(super) resident_bytes: Option<u64>,
}

impl Cell {
    pub(super) async fn measure(place: &Place, door: &Door, load: Load) -> Result<Self, Failure> {
        let payments = payments(place).await?;
        let begin = Instant::now() + load.time / WARM_UP;
        let window = Window { begin, end: begin + load.time, broken: Arc::default() };
        let mut clients = JoinSet::new();
        for _ in 0..load.clients {
            clients.spawn(work(door.client().await?, window.clone()));
        }
        tokio::time::sleep_until(window.begin.into()).await;
        let (counted, used, from) = (place.counted().await?, Used::now(), Instant::now());
        tokio::time::sleep_until(window.end.into()).await;
        let (used, took) = (Used::now().since(used), from.elapsed());
        let (before, after) = (counted, place.counted().await?);
        let mut times = Times::default();
        while let Some(joined) = clients.join_next().await {
            let client = joined.map_err(|error| Failure::because("a client broke", &error))?;
            times.merge(&client?);
        }
        Ok(Self {
            database: place.name(),
            via: door.via(),
            clients: load.clients,
            full: load.full,
            payments,
            took,
            times,
            used,
            commits: commits(before, after),
            commits_source: place.commits_source(),
            written_bytes: log_bytes(before, after).or(used.written_bytes),
            bytes_source: place.bytes_source(),
            resident_bytes: resident_bytes(),
        })
    }
}

/// When flows count: those that end within.
#[derive(Debug, Clone)]
struct Window {
    begin: Instant,
    end: Instant,
    broken: Arc<AtomicBool>,
}

/// One client: flow after flow until the time is over, or something broke.
async fn work(mut client: Client, window: Window) -> Result<Times, Failure> {
    let mut times = Times::default();
    while !window.broken.load(Ordering::Relaxed) {
        let laps = client.flow().await.inspect_err(|_| window.broken.store(true, Ordering::Relaxed))?;
        let now = Instant::now();
        if now >= window.end {
            break;
        }
        if now >= window.begin {
            times.add(&laps);
        }
    }
    Ok(times)
}

async fn payments(place: &Place) -> Result<u64, Failure> {
    let listed = place.store().find_payments(Page { offset: 0, limit: 1 }.into()).await;
    Ok(listed.map_err(crate::Error::from)?.count)
}

fn commits(before: Counted, after: Counted) -> Option<(u64, u64)> {
    let (before, after) = (before.commits?, after.commits?);
    Some((after.changes - before.changes, after.batches - before.batches))
}

fn log_bytes(before: Counted, after: Counted) -> Option<u64> {
    Some(after.log_bytes?.saturating_sub(before.log_bytes?))
}
