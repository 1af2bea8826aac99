//! Putting a host together: a store, providers, a clock. Deny by default: without a provider nothing can be paid.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tillbox_core::Currency;
use tillbox_core::id::ProviderId;
use tillbox_runtime::limits::DEADLINE_MS_DEFAULT;
use tillbox_runtime::request::Environment;
use tillbox_runtime::{Provider, Runtime};

use super::audit::Ends;
use super::carts::{CartSource, Source};
use super::dispatch::Wake;
use super::measured::Measured;
use super::recovery::Recovery;
use super::registry::Registry;
use super::seal::{ENCRYPTION_KEY_BYTES, Seal};
use super::{Error, Host, Inner, OnStep, Pace, SUBSCRIBER_MS_MAX, Subscriber};
use crate::clock::{Clock, SystemClock};
use crate::metrics::Metrics;
use crate::outgoing::{CALL_MS_MAX, Courier};
use crate::store::sqlite::SqliteStore;
use crate::store::{self, Channel, KeptSubscriber, Store, StoreError, SubscriberId};

/// The longest a provider call may take, milliseconds: gateways answer within seconds, and a payer waits.
pub const DEADLINE_MS_MAX: u32 = 120_000;

enum Where {
    Nowhere,
    Memory,
    File(PathBuf),
    Url(String),
    Given(Arc<dyn Store>),
}

/// Collects what a [`Host`] is made of.
pub struct HostBuilder {
    store: Where,
    providers: BTreeMap<ProviderId, Arc<dyn Provider>>,
    clock: Arc<dyn Clock>,
    environment: Environment,
    deadline_ms: u32,
    twice: Option<ProviderId>,
    on_step: Option<OnStep>,
    pace: Pace,
    has_background_work: bool,
    subscribers: Vec<(String, Arc<dyn Subscriber>)>,
    subscriber_ms: u64,
    webhook_ms: u64,
    plain_http: bool,
    default_currency: Option<Currency>,
    cart_source: Option<Source>,
    encryption_key: Option<[u8; ENCRYPTION_KEY_BYTES]>,
    runtime: Option<Runtime>,
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self {
            store: Where::Nowhere,
            providers: BTreeMap::new(),
            clock: Arc::new(SystemClock),
            environment: Environment::Test,
            deadline_ms: DEADLINE_MS_DEFAULT,
            twice: None,
            on_step: None,
            pace: Pace::default(),
            has_background_work: true,
            subscribers: Vec::new(),
            subscriber_ms: SUBSCRIBER_MS_MAX,
            webhook_ms: CALL_MS_MAX,
            plain_http: false,
            default_currency: None,
            cart_source: None,
            encryption_key: None,
            runtime: None,
        }
    }
}

impl HostBuilder {
    /// Keeps everything in this SQLite file, which is made when it does not exist.
    #[must_use]
    pub fn database(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Where::File(path.into());
        self
    }

    /// Keeps everything in the database of this URL: `sqlite:PATH`, or `postgres://user:password@host:port/database` when
    /// several hosts share one (see [`crate::store::open`]).
    #[must_use]
    pub fn database_url(mut self, url: impl Into<String>) -> Self {
        self.store = Where::Url(url.into());
        self
    }

    /// Keeps everything in memory: for tests and demonstrations. It is gone with the host.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.store = Where::Memory;
        self
    }

    /// Keeps everything in a store of your own.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Where::Given(store);
        self
    }

    /// Installs a provider, a checked component or your own Rust, as `pp_{identifier}_{id}`.
    #[must_use]
    pub fn provider(mut self, id: &str, provider: Arc<dyn Provider>) -> Self {
        let id = ProviderId::from_tail(&format!("{}_{id}", provider.info().identifier));
        if self.providers.insert(id.clone(), provider).is_some() {
            self.twice = Some(id);
        }
        self
    }

    /// Loads the providers that an operator installed into the database, now and whenever another one is installed, in this
    /// sandbox. One of them goes before one of the same id that the builder was given.
    #[must_use]
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Tells providers whether real money moves. The default is [`Environment::Test`].
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Milliseconds a provider call may take, 1 to [`DEADLINE_MS_MAX`].
    #[must_use]
    pub fn deadline_ms(mut self, deadline_ms: u32) -> Self {
        self.deadline_ms = deadline_ms;
        self
    }

    /// Calls this at every [`Step`](super::Step): for tests that stop a host there, and for traces. The host waits for it.
    #[must_use]
    pub fn on_step(mut self, listener: OnStep) -> Self {
        self.on_step = Some(listener);
        self
    }

    /// Tells this subscriber of every change from the first start with it on; later starts go on where the last one ended.
    /// The name is what the database knows it by: letters, digits, `-` and `_`. Hosts that share a database share its
    /// subscribers of the same name.
    #[must_use]
    pub fn subscriber(mut self, name: impl Into<String>, subscriber: Arc<dyn Subscriber>) -> Self {
        self.subscribers.push((name.into(), subscriber));
        self
    }

    /// Milliseconds a subscriber may take for an event, 1 to [`SUBSCRIBER_MS_MAX`].
    #[must_use]
    pub fn subscriber_ms(mut self, subscriber_ms: u64) -> Self {
        self.subscriber_ms = subscriber_ms;
        self
    }

    /// Milliseconds a webhook's receiver may take to answer, 1 to [`CALL_MS_MAX`].
    #[must_use]
    pub fn webhook_ms(mut self, webhook_ms: u64) -> Self {
        self.webhook_ms = webhook_ms;
        self
    }

    /// Lets webhooks go to any `http` URL, not only to loopback addresses: for receivers in a network of your own.
    #[must_use]
    pub fn plain_http_webhooks(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Asks this shop what its carts are worth and in which currency its orders are. Without one, a storefront is given only
    /// collections that the server side made.
    #[must_use]
    pub fn cart_source(mut self, source: impl CartSource) -> Self {
        self.cart_source = Some(Arc::new(source));
        self
    }

    /// Takes amounts that come without a currency to be in this one. Without it they are refused.
    #[must_use]
    pub fn default_currency(mut self, currency: Currency) -> Self {
        self.default_currency = Some(currency);
        self
    }

    /// Seals what payers type in with this key beside the database's own, for as long as it is kept: while nobody knows
    /// whether a request with it has arrived. Hosts that share a database share the key. What was sealed under another key is
    /// not sent again: without another way of asking, it is left to a person.
    #[must_use]
    pub fn encryption_key(mut self, key: [u8; ENCRYPTION_KEY_BYTES]) -> Self {
        self.encryption_key = Some(key);
        self
    }

    /// How fast open operations are looked at.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Builds a host that does nothing by itself: for tests, and for tools beside a host. Somebody else has to look at what
    /// is open with [`Host::reconcile`], and tell events with [`Host::dispatch_due`], or do so from another process.
    #[must_use]
    pub fn without_background_work(mut self) -> Self {
        self.has_background_work = false;
        self
    }

    /// Opens the store and starts: from here on the host looks by itself at what an earlier one has left open.
    ///
    /// # Errors
    /// [`Error::Invalid`] when no store was named, a provider is installed twice or the deadline is out of bounds;
    /// [`Error::Store`] when the store cannot be opened.
    pub async fn build(self) -> Result<Host, Error> {
        if let Some(id) = self.twice {
            return Err(Error::invalid("provider", format!("{id} is installed twice; give the second another id")));
        }
        if self.deadline_ms == 0 || self.deadline_ms > DEADLINE_MS_MAX {
            return Err(Error::invalid("deadline_ms", format!("1 to {DEADLINE_MS_MAX} milliseconds")));
        }
        for (field, milliseconds, most) in
            [("subscriber_ms", self.subscriber_ms, SUBSCRIBER_MS_MAX), ("webhook_ms", self.webhook_ms, CALL_MS_MAX)]
        {
            if milliseconds == 0 || milliseconds > most {
                return Err(Error::invalid(field, format!("1 to {most} milliseconds")));
            }
        }
        let subscribers = named(self.subscribers)?;
        let store: Arc<dyn Store> = match self.store {
            Where::Nowhere => {
                let what = "no store: call `.database(path)`, or `.in_memory()` for a test";
                return Err(Error::invalid("store", what));
            }
            Where::Memory => Arc::new(opened(SqliteStore::in_memory).await?),
            Where::File(path) => Arc::new(opened(move || SqliteStore::open(&path)).await?),
            Where::Url(url) => store::open(&url).await?,
            Where::Given(store) => store,
        };
        let host_key = store.host_key().await?;
        let now = self.clock.now();
        let metrics = counted(store.as_ref(), now);
        let given = measured(self.providers, &metrics, &self.clock);
        let registry = Registry::new(given, self.runtime, Arc::clone(&metrics), Arc::clone(&self.clock));
        for id in subscribers.keys() {
            store.add_subscriber(in_the_process(id.clone(), now)).await?;
        }
        let host = Host {
            key: None,
            inner: Arc::new(Inner {
                store,
                registry,
                metrics,
                scrape: tokio::sync::Mutex::default(),
                clock: self.clock,
                environment: self.environment,
                deadline_ms: self.deadline_ms,
                seal: Seal::new(&host_key, self.encryption_key.as_ref()),
                host_key,
                on_step: self.on_step,
                ends: Ends::default(),
                recovery: Recovery::new(self.pace),
                subscribers,
                subscriber_ms: self.subscriber_ms,
                courier: Courier::new(self.webhook_ms),
                plain_http: self.plain_http,
                default_currency: self.default_currency,
                cart_source: self.cart_source,
                wake: Arc::new(Wake::default()),
            }),
        };
        host.seed().await?;
        host.sync_providers().await?;
        host.register().await?;
        if self.has_background_work {
            host.start_lanes();
        }
        Ok(host)
    }
}

/// Subscribers in the process by their ids.
fn named(
    subscribers: Vec<(String, Arc<dyn Subscriber>)>,
) -> Result<BTreeMap<SubscriberId, Arc<dyn Subscriber>>, Error> {
    let mut by_id = BTreeMap::new();
    for (name, subscriber) in subscribers {
        let id = SubscriberId::parse(&format!("{}_{name}", SubscriberId::PROCESS)).ok_or_else(|| {
            Error::invalid("subscriber", format!("`{name}` is no name: take letters, digits, `-` and `_`"))
        })?;
        if by_id.insert(id, subscriber).is_some() {
            let what = format!("`{name}` is given twice; give the second another name");
            return Err(Error::invalid("subscriber", what));
        }
    }
    Ok(by_id)
}

/// What is counted, with what the store counts.
#[allow(clippy::cast_precision_loss, clippy::float_arithmetic, reason = "a moment, for people to look at")]
fn counted(store: &dyn Store, now: tillbox_core::Timestamp) -> Arc<Metrics> {
    Arc::new(Metrics::new(&store.commit_metrics(), now.0 as f64 / 1_000.0))
}

/// The providers, each with its meters.
fn measured(
    providers: BTreeMap<ProviderId, Arc<dyn Provider>>,
    metrics: &Arc<Metrics>,
    clock: &Arc<dyn Clock>,
) -> BTreeMap<ProviderId, Arc<Measured>> {
    let with_meters = providers.into_iter().map(|(id, provider)| {
        let measured = Measured::new(provider, &id, Arc::clone(metrics), Arc::clone(clock));
        (id, Arc::new(measured))
    });
    with_meters.collect()
}

/// What the store keeps of a subscriber in the process.
fn in_the_process(id: SubscriberId, now: tillbox_core::Timestamp) -> KeptSubscriber {
    KeptSubscriber {
        id,
        version: 1,
        channel: Channel::Process,
        description: None,
        filter: Vec::new(),
        is_enabled: true,
        disabled_reason: None,
        cursor: 0,
        created_at: now,
        updated_at: now,
    }
}

/// Opening runs migrations and waits for locks: not on the async threads.
async fn opened(open: impl FnOnce() -> Result<SqliteStore, StoreError> + Send + 'static) -> Result<SqliteStore, Error> {
    let joined = tokio::task::spawn_blocking(open).await;
    Ok(joined.map_err(|error| StoreError::Unavailable(error.to_string()))??)
}

impl std::fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBuilder")
            .field("providers", &self.providers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
