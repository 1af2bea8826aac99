//! Answers, one struct each. The `Store…` ones are for storefronts: they have no field that could hold a provider's private
//! state, the payer, or a provider's words.

mod audit;
mod choice;
mod collection;
mod holder;
mod operation;
mod payment;
mod provider;
mod reading;
mod reason;
mod session;
mod version;
mod webhook_endpoint;

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::{OperationId, ProviderId};
use tillbox_core::state::Uncertain;

use crate::http::document::{CODES, kinds};
use crate::http::wire::parts::{IdOf, Time, chosen, optional_time, time};
use crate::service::PaymentProvider;

pub(in crate::http) use audit::AuditEntryAnswer;
pub(in crate::http) use collection::{CollectionAnswer, StoreCollectionAnswer, SummaryAnswer};
pub(in crate::http) use holder::{AccountHolderAnswer, PaymentMethodAnswer};
pub(in crate::http) use operation::{EventAnswer, OperationAnswer, OperationEntryAnswer};
pub(in crate::http) use payment::{CaptureAnswer, PaymentAnswer, RefundAnswer, StorePaymentAnswer};
pub(in crate::http) use provider::{ProviderDetailsAnswer, ProviderEntryAnswer};
pub(in crate::http) use reading::{OutcomeAnswer, SnapshotAnswer, StoreOutcomeAnswer};
pub(in crate::http) use reason::RefundReasonAnswer;
pub(in crate::http) use session::{SessionAnswer, StoreSessionAnswer};
pub(in crate::http) use version::{ComponentAnswer, ProviderVersionAnswer};
pub(in crate::http) use webhook_endpoint::{DeliveryAnswer, RedeliveryAnswer, SecretAnswer, WebhookEndpointAnswer};

/// An error.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ErrorAnswer {
    #[serde(rename = "type")]
    #[schemars(extend("enum" = kinds()))]
    pub(in crate::http) kind: &'static str,
    #[schemars(extend("enum" = CODES))]
    pub(in crate::http) code: Box<str>,
    /// One sentence, for people.
    pub(in crate::http) message: Box<str>,
    /// The key of the body or of the query it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) field: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) operation_id: Option<IdOf<OperationId>>,
    /// `false` only with proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) request_may_have_been_sent: Option<bool>,
    /// Whose fault it is: `guest` (the provider's code), `host` or `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) culprit: Option<&'static str>,
}

/// Whether the server can do its work.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct HealthAnswer {
    pub(in crate::http) status: &'static str,
    /// Providers that break in call after call and are not called for a while; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::http) tripped: Vec<IdOf<ProviderId>>,
}

/// What is a question, beside the status, which says what is known.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct UncertainAnswer {
    since: Time,
    /// Absent where only a person can go on.
    next_check_at: Option<Time>,
}

impl From<Uncertain> for UncertainAnswer {
    fn from(uncertain: Uncertain) -> Self {
        Self { since: time(uncertain.since), next_check_at: optional_time(uncertain.next_check_at) }
    }
}

/// Something that is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct DeletedAnswer {
    pub(in crate::http) id: String,
    pub(in crate::http) object: &'static str,
    pub(in crate::http) deleted: bool,
}

/// A provider that is installed or was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct ProviderAnswer {
    id: IdOf<ProviderId>,
    is_enabled: bool,
}

impl From<PaymentProvider> for ProviderAnswer {
    fn from(provider: PaymentProvider) -> Self {
        Self { id: (&provider.id).into(), is_enabled: provider.is_enabled }
    }
}

/// `{payment_providers, count, offset, limit}`
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ProvidersAnswer {
    pub(in crate::http) payment_providers: Vec<ProviderAnswer>,
    pub(in crate::http) count: u64,
    pub(in crate::http) offset: u32,
    pub(in crate::http) limit: u32,
}

/// Envelopes: what the one thing, or the list, is called.
macro_rules! envelopes {
    ($($name:ident { $($field:ident: $kind:ty),+ $(,)? })+) => {
        $(
            #[derive(Debug, Serialize, JsonSchema)]
            pub(in crate::http) struct $name {
                $(pub(in crate::http) $field: $kind,)+
            }
        )+
    };
}

envelopes! {
    NewCollectionAnswer { payment_collection: CollectionAnswer }
    OneCollection { payment_collection: CollectionAnswer }
    Collections { payment_collections: Vec<CollectionAnswer>, count: u64, offset: u32, limit: u32 }
    OneStoreCollection { payment_collection: StoreCollectionAnswer }
    NewSessionAnswer { payment_collection: CollectionAnswer, payment_session: SessionAnswer }
    NewStoreSessionAnswer { payment_collection: StoreCollectionAnswer, payment_session: StoreSessionAnswer }
    OneSession { payment_session: SessionAnswer }
    Sessions { payment_sessions: Vec<SessionAnswer>, count: u64, offset: u32, limit: u32 }
    OneStoreSession { payment_session: StoreSessionAnswer }
    AuthorizationAnswer { payment_session: SessionAnswer, payment: Option<PaymentAnswer> }
    StoreAuthorizationAnswer { payment_session: StoreSessionAnswer, payment: Option<StorePaymentAnswer> }
    SessionStatusAnswer { payment_session: SessionAnswer, provider: OutcomeAnswer }
    StoreSessionStatusAnswer { payment_session: StoreSessionAnswer, provider: StoreOutcomeAnswer }
    OnePayment { payment: PaymentAnswer }
    ChangedPayment { payment: PaymentAnswer }
    Payments { payments: Vec<PaymentAnswer>, count: u64, offset: u32, limit: u32 }
    OneProvider { payment_provider: ProviderAnswer }
    OneProviderDetails { payment_provider: ProviderDetailsAnswer }
    ProviderEntries { payment_providers: Vec<ProviderEntryAnswer>, count: u64, offset: u32, limit: u32 }
    OneProviderVersion { provider_version: ProviderVersionAnswer }
    ProviderVersions { provider_versions: Vec<ProviderVersionAnswer>, count: u64 }
    OneComponent { provider_component: ComponentAnswer }
    OneAccountHolder { account_holder: AccountHolderAnswer }
    AccountHolders { account_holders: Vec<AccountHolderAnswer>, count: u64, offset: u32, limit: u32 }
    OnePaymentMethod { payment_method: PaymentMethodAnswer }
    PaymentMethods { payment_methods: Vec<PaymentMethodAnswer>, count: u64 }
    OneCapture { capture: CaptureAnswer }
    Captures { captures: Vec<CaptureAnswer>, count: u64, offset: u32, limit: u32 }
    OneRefund { refund: RefundAnswer }
    Refunds { refunds: Vec<RefundAnswer>, count: u64, offset: u32, limit: u32 }
    OneRefundReason { refund_reason: RefundReasonAnswer }
    RefundReasons { refund_reasons: Vec<RefundReasonAnswer>, count: u64, offset: u32, limit: u32 }
    ProviderPayment { payment: PaymentAnswer, provider: SnapshotAnswer }
    OneOperation { operation: OperationAnswer }
    VoidedOperation { operation: OperationAnswer, void: Option<OperationAnswer> }
    Operations { operations: Vec<OperationEntryAnswer>, count: u64, offset: u32, limit: u32 }
    Events { events: Vec<EventAnswer>, limit: u32 }
    Audit { audit: Vec<AuditEntryAnswer>, count: u64, offset: u32, limit: u32 }
    OneWebhookEndpoint { webhook_endpoint: WebhookEndpointAnswer }
    WebhookEndpoints { webhook_endpoints: Vec<WebhookEndpointAnswer>, count: u64 }
    WebhookDeliveries { deliveries: Vec<DeliveryAnswer>, count: u64, offset: u32, limit: u32 }
}
