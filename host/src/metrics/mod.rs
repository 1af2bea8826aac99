//! What is counted and measured, for Prometheus. One set for each host, so that two hosts in a process do not mix.
//!
//! Labels have few values: routes as they are written in the table of routes, methods and states from closed lists, providers
//! and subscribers that somebody installed. Nothing that a caller sends becomes a label. It refuses to know who counts.

mod labels;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use labels::{
    CallKind, CallLabels, Delivered, KindLabels, OpenLabels, PlaceLabels, ProviderLabels, ReasonLabels, RequestLabels,
    RouteLabels, SubscriberLabels, VersionLabels,
};

/// Seconds that requests, calls and commits take: from a commit's half a millisecond to the longest deadline.
const SECONDS: [f64; 14] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Changes that share a commit: up to a whole batch.
const CHANGES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Bytes of memory of a call: from one page of WebAssembly to the larger profile's limit.
const MEMORY_BYTES: [f64; 7] =
    [65_536.0, 1_048_576.0, 2_097_152.0, 8_388_608.0, 33_554_432.0, 67_108_864.0, 268_435_456.0];

type Seconds<L> = Family<L, Histogram, fn() -> Histogram>;

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn memory() -> Histogram {
    Histogram::new(MEMORY_BYTES)
}

/// How changes become durable: measured by a store, shown by whoever has its clone.
#[derive(Debug, Clone)]
pub struct CommitMetrics {
    /// Changes in one commit.
    pub changes: Histogram,
    /// Seconds of one commit, its fsync included.
    pub seconds: Histogram,
}

impl Default for CommitMetrics {
    fn default() -> Self {
        Self { changes: Histogram::new(CHANGES), seconds: seconds() }
    }
}

/// Everything a host counts. Fields are shared: a clone counts into the same.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    /// Requests answered.
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) request_seconds: Seconds<RouteLabels>,
    pub(crate) requests_under_way: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) streams: Gauge,
    /// Requests turned away before anybody looked at them.
    pub(crate) turned_away: Family<ReasonLabels, Counter>,
    /// Operations that came to a state.
    pub(crate) operations: Family<KindLabels, Counter>,
    pub(crate) calls: Family<CallLabels, Counter>,
    pub(crate) call_seconds: Seconds<CallKind>,
    pub(crate) call_queued_seconds: Seconds<CallKind>,
    pub(crate) call_memory: Seconds<CallKind>,
    /// How often providers were found to break in call after call.
    pub(crate) breaker_trips: Family<ProviderLabels, Counter>,
    /// Calls that were not made because of it.
    pub(crate) breaker_refused: Family<ProviderLabels, Counter>,
    /// 0 closed, 1 half open, 2 open.
    pub(crate) breaker_state: Family<VersionLabels, Gauge>,
    pub(crate) webhooks_sent: Family<Delivered, Counter>,
    pub(crate) webhook_seconds: Histogram,
    pub(crate) webhooks_received: Family<ReasonLabels, Counter>,
    /// Read from the database when somebody asks.
    pub(crate) open: Family<OpenLabels, Gauge>,
    pub(crate) open_oldest: Family<OpenLabels, Gauge>,
    pub(crate) outbox_lag: Family<SubscriberLabels, Gauge>,
    pub(crate) outbox_lag_seconds: Family<SubscriberLabels, Gauge>,
    pub(crate) dispatches: Family<SubscriberLabels, Gauge>,
    pub(crate) dispatches_failed: Family<SubscriberLabels, Gauge>,
    pub(crate) pool: Family<PlaceLabels, Gauge>,
    pub(crate) is_up: Gauge,
}

impl Metrics {
    /// With what the store measures.
    pub(crate) fn new(commits: &CommitMetrics, started_seconds: f64) -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            requests_under_way: Gauge::default(),
            connections: Gauge::default(),
            streams: Gauge::default(),
            turned_away: Family::default(),
            operations: Family::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            call_queued_seconds: Family::new_with_constructor(seconds),
            call_memory: Family::new_with_constructor(memory),
            breaker_trips: Family::default(),
            breaker_refused: Family::default(),
            breaker_state: Family::default(),
            webhooks_sent: Family::default(),
            webhook_seconds: seconds(),
            webhooks_received: Family::default(),
            open: Family::default(),
            open_oldest: Family::default(),
            outbox_lag: Family::default(),
            outbox_lag_seconds: Family::default(),
            dispatches: Family::default(),
            dispatches_failed: Family::default(),
            pool: Family::default(),
            is_up: Gauge::default(),
        };
        let mut registry = Registry::with_prefix("tillbox");
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", version);
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(started_seconds);
        registry.register_with_unit("start_time", "When the host was built, since 1970", Unit::Seconds, started);
        metrics.register_door(&mut registry);
        metrics.register_work(&mut registry);
        metrics.register_database(&mut registry, commits);
        Self { registry: Mutex::new(registry), ..metrics }
    }

    fn register_door(&self, to: &mut Registry) {
        to.register("http_requests", "Requests answered, by route, method and status", self.requests.clone());
        to.register_with_unit(
            "http_request",
            "From a request's headers to its answer's",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        to.register("http_requests_under_way", "Requests at work now", self.requests_under_way.clone());
        to.register("http_connections", "Connections open now", self.connections.clone());
        to.register("event_streams", "Event streams open now", self.streams.clone());
        to.register("http_turned_away", "Requests and streams refused for a limit", self.turned_away.clone());
    }

    fn register_work(&self, to: &mut Registry) {
        to.register("operations", "Operations that came to a state", self.operations.clone());
        to.register("provider_calls", "Calls of providers, by how they ended", self.calls.clone());
        to.register_with_unit("provider_call", "A whole call of a provider", Unit::Seconds, self.call_seconds.clone());
        to.register_with_unit(
            "provider_call_queued",
            "Of a call: waiting for a free place",
            Unit::Seconds,
            self.call_queued_seconds.clone(),
        );
        to.register_with_unit(
            "provider_call_memory",
            "The most linear memory of a call",
            Unit::Bytes,
            self.call_memory.clone(),
        );
        to.register(
            "provider_breaker_trips",
            "How often a provider broke in call after call and was called no more",
            self.breaker_trips.clone(),
        );
        to.register(
            "provider_breaker_refused",
            "Calls of providers that were not made because of it",
            self.breaker_refused.clone(),
        );
        to.register(
            "provider_breaker_state",
            "Whether a version of a provider is called: 0 it is, 1 one call at a time, 2 it is not",
            self.breaker_state.clone(),
        );
        to.register("webhooks_sent", "Events told to webhook endpoints, by outcome", self.webhooks_sent.clone());
        to.register_with_unit("webhook", "One POST to an endpoint", Unit::Seconds, self.webhook_seconds.clone());
        to.register("webhooks_received", "Webhooks of gateways, by outcome", self.webhooks_received.clone());
    }

    fn register_database(&self, to: &mut Registry, commits: &CommitMetrics) {
        to.register("commit_changes", "Changes that one commit made durable", commits.changes.clone());
        to.register_with_unit("commit", "One commit with its fsync", Unit::Seconds, commits.seconds.clone());
        to.register("operations_open", "Operations whose fate is open, by state", self.open.clone());
        to.register_with_unit(
            "operations_open_oldest",
            "How long the oldest of them is open",
            Unit::Seconds,
            self.open_oldest.clone(),
        );
        to.register("outbox_lag_events", "Events not spread for a subscriber yet", self.outbox_lag.clone());
        to.register_with_unit(
            "outbox_lag",
            "How long the oldest of them waits",
            Unit::Seconds,
            self.outbox_lag_seconds.clone(),
        );
        to.register("dispatches_open", "Collections with events on their way", self.dispatches.clone());
        to.register("dispatches_failed", "Events given up, for somebody to look at", self.dispatches_failed.clone());
        to.register("database_connections", "Connections to the database", self.pool.clone());
        to.register("database_up", "Whether the database answered when this was asked", self.is_up.clone());
    }

    /// Everything in the text format of OpenMetrics 1.0, which Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().expect("no holder panics");
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "metrics cannot be written down");
                String::from("# EOF\n")
            }
        }
    }
}
