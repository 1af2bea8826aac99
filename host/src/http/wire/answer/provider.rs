//! Providers as operators see them: what is installed, what it may do, how it does. Of settings only the names are shown:
//! some of the values are secrets, and which ones only the provider knows.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tillbox_core::id::ProviderId;
use tillbox_runtime::limits::Profile;
use tillbox_runtime::request::Environment;

use crate::http::wire::parts::{IdOf, Time, optional_time, time};
use crate::service::{BreakerHealth, PaymentProvider, ProviderDetails, ProviderHealth};

/// A provider in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ProviderEntryAnswer {
    id: IdOf<ProviderId>,
    /// Whether new sessions may use it: it is installed and switched on.
    is_enabled: bool,
    is_installed: bool,
    created_at: Time,
    updated_at: Time,
}

impl From<&PaymentProvider> for ProviderEntryAnswer {
    fn from(provider: &PaymentProvider) -> Self {
        Self {
            id: (&provider.id).into(),
            is_enabled: provider.is_enabled,
            is_installed: provider.is_installed,
            created_at: time(provider.created_at),
            updated_at: time(provider.updated_at),
        }
    }
}

/// A provider with everything that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ProviderDetailsAnswer {
    #[serde(flatten)]
    entry: ProviderEntryAnswer,
    /// What it is told: `test`, or `live` where real money moves.
    environment: &'static str,
    /// How long a call may take.
    deadline_ms: u32,
    /// The number of the version that serves; absent for a provider that the host was given at its start.
    version: Option<u32>,
    /// What the check of its component found; absent for a native provider, and for one that is not installed.
    inspection: Option<Map<String, Value>>,
    /// What it was granted; absent as above.
    grants: Option<GrantsAnswer>,
    /// The limits of one call; absent as above.
    limits: Option<CallLimitsAnswer>,
    /// How it has done since this host started; absent when it is not installed here.
    health: Option<HealthOfProviderAnswer>,
}

/// What an operator has granted. Nothing that is not here is given.
#[derive(Debug, Serialize, JsonSchema)]
struct GrantsAnswer {
    interfaces: Vec<String>,
    hosts: Vec<String>,
    /// Names.
    secrets: Vec<String>,
    /// Names.
    settings: Vec<String>,
    profile: &'static str,
    /// Calls at once.
    calls_max: u32,
}

/// The limits of one call.
#[derive(Debug, Serialize, JsonSchema)]
struct CallLimitsAnswer {
    memory_bytes: u64,
    table_entries: u64,
    transfer_bytes: u64,
    handles: u64,
}

/// How a provider does. Counted since this host started, or since the version began to serve here, and by this host alone.
#[derive(Debug, Serialize, JsonSchema)]
struct HealthOfProviderAnswer {
    calls: u64,
    /// Calls that broke: traps, limits, deadlines.
    faults: u64,
    /// Calls that it answered with an error of its own.
    errors: u64,
    under_way: u64,
    last_call_at: Option<Time>,
    /// When it last answered, be it with a decline.
    last_answer_at: Option<Time>,
    last_failure: Option<CallFailureAnswer>,
    /// Requests of its calls that came to nothing, whoever is to blame.
    requests_failed: u64,
    /// Of those, requests that it may not make.
    requests_refused: u64,
    last_refused: Option<RefusedRequestAnswer>,
    breaker: BreakerAnswer,
}

/// A request that the host refused.
#[derive(Debug, Serialize, JsonSchema)]
struct RefusedRequestAnswer {
    call: &'static str,
    /// `denied`, `secret`, `invalid`, …
    fault: &'static str,
    culprit: &'static str,
    /// Empty where what was asked for is no URL.
    host: String,
    at: Time,
}

/// Whether a provider is called at all. One that breaks in call after call is not, for a while.
#[derive(Debug, Serialize, JsonSchema)]
struct BreakerAnswer {
    /// `closed`: it is called. `open`: it is not. `half_open`: one call at a time, to see.
    state: &'static str,
    /// Calls that broke in a row.
    faults: u32,
    /// How often it opened.
    trips: u64,
    opened_at: Option<Time>,
    /// When the next call is made.
    retry_at: Option<Time>,
}

impl From<&BreakerHealth> for BreakerAnswer {
    fn from(breaker: &BreakerHealth) -> Self {
        Self {
            state: breaker.state.as_str(),
            faults: breaker.faults,
            trips: breaker.trips,
            opened_at: optional_time(breaker.opened_at),
            retry_at: optional_time(breaker.retry_at),
        }
    }
}

/// A call without an answer.
#[derive(Debug, Serialize, JsonSchema)]
struct CallFailureAnswer {
    call: &'static str,
    code: &'static str,
    /// `false` is proof.
    request_may_have_been_sent: bool,
    at: Time,
}

impl From<&ProviderDetails> for ProviderDetailsAnswer {
    fn from(details: &ProviderDetails) -> Self {
        let inspection = details.inspection.as_ref();
        let report = inspection.and_then(|inspection| serde_json::to_value(&*inspection.report).ok());
        Self {
            entry: (&details.provider).into(),
            environment: match details.environment {
                Environment::Test => "test",
                Environment::Live => "live",
            },
            deadline_ms: details.deadline_ms,
            version: details.version,
            inspection: report.and_then(|report| report.as_object().cloned()),
            grants: inspection.map(|inspection| GrantsAnswer {
                interfaces: inspection.grants.interfaces.clone(),
                hosts: inspection.grants.hosts.iter().map(|host| host.host().to_owned()).collect(),
                secrets: inspection.grants.secrets.iter().map(|secret| secret.name().to_owned()).collect(),
                settings: inspection.grants.settings.keys().cloned().collect(),
                profile: match inspection.grants.profile {
                    Profile::Standard => "standard",
                    Profile::Scripted => "scripted",
                },
                calls_max: inspection.grants.calls_max(),
            }),
            limits: inspection.map(|inspection| CallLimitsAnswer {
                memory_bytes: inspection.limits.memory_bytes as u64,
                table_entries: inspection.limits.table_entries as u64,
                transfer_bytes: inspection.limits.transfer_bytes as u64,
                handles: inspection.limits.handles as u64,
            }),
            health: details.health.as_ref().map(Into::into),
        }
    }
}

impl From<&ProviderHealth> for HealthOfProviderAnswer {
    fn from(health: &ProviderHealth) -> Self {
        Self {
            calls: health.calls,
            faults: health.faults,
            errors: health.errors,
            under_way: health.under_way,
            last_call_at: optional_time(health.last_call_at),
            last_answer_at: optional_time(health.last_answer_at),
            last_failure: health.last_failure.as_ref().map(|failure| CallFailureAnswer {
                call: failure.call,
                code: failure.code,
                request_may_have_been_sent: failure.request_may_have_been_sent,
                at: time(failure.at),
            }),
            requests_failed: health.requests_failed,
            requests_refused: health.requests_refused,
            last_refused: health.last_refused.as_ref().map(|refused| RefusedRequestAnswer {
                call: refused.call,
                fault: refused.fault.as_str(),
                culprit: refused.fault.culprit().as_str(),
                host: refused.host.clone(),
                at: time(refused.at),
            }),
            breaker: (&health.breaker).into(),
        }
    }
}
