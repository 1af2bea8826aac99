//! The service: joins the core, the store and the providers. It takes a command in, asks the core, asks the provider, and
//! makes what came of it durable, in that order.
//!
//! It writes no SQL, knows no HTTP, and is not told which provider is a component and which is native Rust.

mod api_keys;
mod audit;
mod breaker;
mod builder;
mod captures;
mod carts;
mod client_secrets;
mod collections;
mod deletion;
mod dispatch;
mod doubt;
mod endpoints;
mod error;
mod exchanges;
mod execute;
mod figures;
mod follow;
mod holders;
mod idempotency;
mod input;
mod journal;
mod keys;
mod list;
mod measured;
mod methods;
mod noted;
mod operations;
mod paid;
mod payer;
mod payments;
mod providers;
mod reasons;
mod recheck;
mod recovery;
mod registry;
mod rerun;
mod seal;
mod sessions;
mod step;
mod strategy;
mod subject;
mod subscriber;
mod turned_away;
mod verdict;
mod view;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;

use tillbox_runtime::request::Environment;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::outgoing::Courier;
use crate::store::{Store, SubscriberId};
use dispatch::Wake;
use registry::Registry;
use seal::Seal;

pub use api_keys::{ApiKey, ApiKeyState, IssuedApiKey, LAST_USED_MS, NewApiKey, NotAKey, ROTATION_GRACE_MS_MAX};
pub use audit::{AUDIT_ENDS_MAX, AUDIT_ENDS_MS};
pub use breaker::{BREAKER_FAULTS, BREAKER_PAUSE_MS_FIRST, BREAKER_PAUSE_MS_MAX, BreakerHealth, BreakerState};
pub use builder::{DEADLINE_MS_MAX, HostBuilder};
pub use carts::{
    CART_ANSWER_BYTES_MAX, CART_ANSWER_SECONDS_MAX, CART_CALL_MS_MAX, CartCallback, CartFailure, CartSource,
};
pub use client_secrets::ClientSecret;
pub use dispatch::LANES_MAX;
pub use endpoints::{
    FILTER_KIND_BYTES_MAX, FILTER_KINDS_MAX, IssuedSecret, NewWebhookEndpoint, ROTATION_MS, SUBSCRIBER_MS_MAX,
    SUBSCRIBERS_MAX, WebhookEndpoint, WebhookEndpointUpdate,
};
pub use error::Error;
pub use exchanges::{Exchange, SHOWN_BODY_BYTES_MAX, ShownMessage};
pub use follow::{EventFilter, Following};
pub use holders::{AccountHolderUpdate, HeldAccount, NewAccountHolder};
pub use idempotency::{
    FINGERPRINT_MEMBERS_MAX, FINGERPRINT_PATH_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, IDEMPOTENCY_KEY_MS, IdempotencyKey,
};
pub use input::{
    CART_ID_BYTES_MAX, COLLECTIONS_AT_ONCE_MAX, CREATED_BY_BYTES_MAX, CollectionUpdate, CollectionUpsert,
    NOTE_BYTES_MAX, NewCapture, NewCollection, NewRefund, NewSession, ORDER_ID_BYTES_MAX, SessionUpdate,
};
pub use list::{FILTER_OPERANDS_MAX, FILTER_TESTS_MAX, FILTER_VALUES_MAX, SEARCH_BYTES_MAX};
pub use measured::{CallFailure, ProviderHealth};
pub use methods::{METHOD_ID_BYTES_MAX, METHOD_KEY_BYTES_MAX, METHODS_AT_ONCE_MAX, NewPaymentMethod, SavedMethod};
pub use operations::EVENTS_MAX;
pub use payer::{FIELD_BYTES_MAX, Payer};
pub use providers::{
    InstalledProvider, PaymentProvider, ProviderDetails, ProviderField, ProviderFilter, REGION_ID_BYTES_MAX,
};
pub use reasons::{CODE_BYTES_MAX, LABEL_BYTES_MAX, NewRefundReason, REASONS_AT_ONCE_MAX, RefundReasonUpdate};
pub use recheck::LEASE_MARGIN_MS;
pub use recovery::{LOOKS_AT_ONCE, LOOKS_PER_SECOND, PAGE, Pace};
pub use registry::{
    ComponentSource, KeptComponent, NewVersion, PermissionChange, PermissionKind, Permissions, ProviderVersion,
    VERSIONS_LOOK_MS, VERSIONS_MAX, VersionRefusal,
};
pub use seal::ENCRYPTION_KEY_BYTES;
pub use step::{OnStep, Step};
pub use strategy::{HORIZON_MS_MIN, MARGIN_MS, WEBHOOKS_MS};
pub use subscriber::{NotHeard, Subscriber};
pub use turned_away::{TurnedAway, culprit_of, culprit_of_exchange};
pub use verdict::{Verdict, Voided};
pub use view::{Authorization, Capture, CollectionSummary, Done, PaymentView, Refund, SessionView};
pub use webhooks::{IncomingWebhook, Received, WEBHOOK_BYTES_MAX, WEBHOOK_HEADERS_MAX};

/// A payment host. Cheap to clone; every clone is the same host.
///
/// ```
/// # tokio_test(async {
/// use tillbox::Host;
/// use tillbox::service::NewCollection;
///
/// let host = Host::builder().in_memory().build().await?;
/// let collection = host.create_collection(NewCollection::new(tillbox::currency::money("10.50", "EUR")?)).await?;
/// assert_eq!(host.collection(&collection.id).await?.status.as_str(), "not_paid");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// # fn tokio_test<F: std::future::Future>(test: F) -> F::Output {
/// #     tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test)
/// # }
/// ```
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
    /// Given to a handle for one request by [`Host::with_key`].
    key: Option<Arc<idempotency::Carried>>,
}

struct Inner {
    store: Arc<dyn Store>,
    registry: Registry,
    metrics: Arc<Metrics>,
    /// Whoever reads all metrics holds it.
    scrape: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
    environment: Environment,
    deadline_ms: u32,
    host_key: [u8; 32],
    seal: Seal,
    subscribers: BTreeMap<SubscriberId, Arc<dyn Subscriber>>,
    subscriber_ms: u64,
    courier: Courier,
    plain_http: bool,
    default_currency: Option<tillbox_core::Currency>,
    cart_source: Option<carts::Source>,
    wake: Arc<Wake>,
    on_step: Option<OnStep>,
    recovery: recovery::Recovery,
    ends: audit::Ends,
}

impl Host {
    /// Starts to put a host together.
    #[must_use]
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// Whether a change could be made durable now.
    ///
    /// # Errors
    /// [`Error::Store`] saying why not.
    pub async fn ready(&self) -> Result<(), Error> {
        self.inner.store.check().await.map_err(Error::Store)
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    fn now(&self) -> tillbox_core::Timestamp {
        self.inner.clock.now()
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("providers", &self.inner.registry.ids()).finish_non_exhaustive()
    }
}
