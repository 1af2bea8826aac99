//! A provider that is measured: every call is passed on as it is, counted, and remembered as the provider's health. One that
//! breaks in call after call is not called for a while.
//!
//! It changes no answer, and is not told whether what it wraps is WASM or native.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use tillbox_core::id::ProviderId;
use tillbox_core::outcome::{ErrorKind, Evidence, Outcome, Snapshot};
use tillbox_core::text::Json;
use tillbox_core::{ComponentDigest, Timestamp};
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::request::{
    AccountHolder, AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, Delivery,
    InitiateRequest, PaymentMethod, PaymentState, RefundRequest, Rejection, RetrieveRequest, UpdateRequest,
};
use tillbox_runtime::{Call, Failure, Fault, Inspection, Provider, ProviderInfo, Reach};

use super::Error;
use super::breaker::{Breaker, BreakerHealth, BreakerState, Pass, Told, Turned};
use super::turned_away::TurnedAway;
use crate::clock::Clock;
use crate::metrics::{CallKind, CallLabels, Metrics, ProviderLabels};

/// How a provider has done since this host started, or since its version began to serve here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderHealth {
    /// Calls that ended.
    pub calls: u64,
    /// Of those, calls that broke: traps, limits, deadlines.
    pub faults: u64,
    /// Of those, calls that the provider answered with an error of its own.
    pub errors: u64,
    /// Calls under way.
    pub under_way: u64,
    /// When the last call ended.
    pub last_call_at: Option<Timestamp>,
    /// When it last gave an answer, a decline included.
    pub last_answer_at: Option<Timestamp>,
    /// The last call without one.
    pub last_failure: Option<CallFailure>,
    /// Requests of its calls that came to nothing, whoever is to blame.
    pub requests_failed: u64,
    /// Of those, requests that it may not make: to hosts or with secrets that were not granted, or not in proper form.
    pub requests_refused: u64,
    /// The last of these.
    pub last_refused: Option<TurnedAway>,
    /// Whether it is called at all.
    pub breaker: BreakerHealth,
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// Which function was called.
    pub call: &'static str,
    /// A stable code: of the fault, or `error_` and the kind of the provider's own error.
    pub code: &'static str,
    /// Whether a request may have left. `false` is proof.
    pub request_may_have_been_sent: bool,
    /// When it ended.
    pub at: Timestamp,
}

/// A provider with its meters.
pub(super) struct Measured {
    provider: Arc<dyn Provider>,
    id: String,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    health: Mutex<ProviderHealth>,
    breaker: Breaker,
    component: Option<ComponentDigest>,
    number: Option<u32>,
}

impl Measured {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        id: &ProviderId,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let component =
            provider.inspection().and_then(|inspection| ComponentDigest::parse(&inspection.report.digest_sha256));
        let (health, breaker) = (Mutex::default(), Breaker::default());
        Self { provider, id: id.to_string(), metrics, clock, health, breaker, component, number: None }
    }

    /// The same as a version that was installed under this number.
    pub(super) fn numbered(self, number: u32) -> Self {
        Self { number: Some(number), ..self }
    }

    pub(super) fn health(&self) -> ProviderHealth {
        let breaker = self.breaker.health(self.clock.now());
        ProviderHealth { breaker, ..self.health.lock().expect("no holder panics").clone() }
    }

    /// The digest of its component; nothing for a native provider.
    pub(super) fn component(&self) -> Option<ComponentDigest> {
        self.component
    }

    /// The number it was installed under; nothing where it was given to the host at its start.
    pub(super) fn number(&self) -> Option<u32> {
        self.number
    }

    /// The milliseconds after which to come back, when a call would be refused now.
    pub(super) fn refuses(&self) -> Option<u64> {
        self.breaker.refuses(self.clock.now())
    }

    /// Refuses while it is not called.
    pub(super) fn called(&self, id: &ProviderId) -> Result<(), Error> {
        let tripped = |retry_after_ms| Err(Error::Tripped { provider: id.clone(), retry_after_ms });
        self.refuses().map_or(Ok(()), tripped)
    }

    /// A call that the breaker allows, and learns from.
    async fn guarded<T>(&self, call: &'static str, work: impl Future<Output = Call<T>>) -> Call<T> {
        let pass = match self.breaker.admit(self.clock.now()) {
            Ok(pass) => pass,
            Err(retry_after_ms) => return self.refused(retry_after_ms),
        };
        let done = self.measured(call, work).await;
        self.learn(pass, Told::of(done.answer.as_ref().map(drop)));
        done
    }

    /// A call that anybody outside can bring about: refused while the provider is not called, and nothing is learned from it,
    /// or whoever finds an input that breaks it could keep it from everybody.
    async fn unlearned<T>(&self, call: &'static str, work: impl Future<Output = Call<T>>) -> Call<T> {
        if let BreakerHealth { state: BreakerState::Open, .. } = self.breaker.health(self.clock.now()) {
            return self.refused(self.refuses().unwrap_or_default());
        }
        self.measured(call, work).await
    }

    fn refused<T>(&self, retry_after_ms: u64) -> Call<T> {
        self.metrics.breaker_refused.get_or_create(&ProviderLabels { provider: self.id.clone() }).inc();
        Call::fault(Fault::Host(HostFault::Tripped { retry_after_ms }))
    }

    fn learn(&self, pass: Pass<'_>, told: Told) {
        let now = self.clock.now();
        match pass.end(told, now) {
            None => {}
            Some(Turned::Opened { pause_ms }) => {
                self.metrics.breaker_trips.get_or_create(&ProviderLabels { provider: self.id.clone() }).inc();
                let failure = self.health().last_failure;
                tracing::error!(
                    provider = self.id,
                    version = self.info().version,
                    pause_ms,
                    code = failure.map(|failure| failure.code),
                    "the provider breaks in call after call and is not called for a while: roll it back, or upgrade it"
                );
            }
            Some(Turned::Closed) => {
                tracing::info!(provider = self.id, version = self.info().version, "the provider answers again");
            }
        }
    }

    async fn measured<T>(&self, call: &'static str, work: impl Future<Output = Call<T>>) -> Call<T> {
        let under_way = UnderWay::begin(&self.health);
        let begun = Instant::now();
        let done = work.await;
        // A native provider need not fill in its report.
        let seconds = begun.elapsed().as_secs_f64();
        drop(under_way);
        let outcome = outcome(&done);
        let kind = CallKind { provider: self.id.clone(), call };
        self.metrics.call_seconds.get_or_create(&kind).observe(seconds);
        self.metrics.call_queued_seconds.get_or_create(&kind).observe(done.report.queued.as_secs_f64());
        if done.report.memory_bytes_peak > 0 {
            #[allow(clippy::cast_precision_loss, reason = "memory has no 2^52 bytes")]
            self.metrics.call_memory.get_or_create(&kind).observe(done.report.memory_bytes_peak as f64);
        }
        self.metrics.calls.get_or_create(&CallLabels { provider: self.id.clone(), call, outcome }).inc();
        let now = self.clock.now();
        let mut health = self.health.lock().expect("no holder panics");
        health.calls += 1;
        health.last_call_at = Some(now);
        health.note(call, &done.report, now);
        match &done.answer {
            Ok(_) => health.last_answer_at = Some(now),
            Err(failure) => {
                match failure {
                    Failure::Error(_) => health.errors += 1,
                    Failure::Fault(_) => health.faults += 1,
                }
                let request_may_have_been_sent = done.request_may_have_been_sent();
                health.last_failure = Some(CallFailure { call, code: outcome, request_may_have_been_sent, at: now });
                if let Failure::Fault(fault) = failure {
                    let (provider, culprit) = (self.id.as_str(), fault.culprit().as_str());
                    tracing::warn!(provider, call, code = outcome, culprit, request_may_have_been_sent, "a call broke");
                }
            }
        }
        drop(health);
        done
    }
}

/// A call that has not ended. One that is dropped half-way is not under way any more.
struct UnderWay<'a>(&'a Mutex<ProviderHealth>);

impl<'a> UnderWay<'a> {
    fn begin(health: &'a Mutex<ProviderHealth>) -> Self {
        health.lock().expect("no holder panics").under_way += 1;
        Self(health)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Ok(mut health) = self.0.lock() {
            health.under_way -= 1;
        }
    }
}

/// How a call ended, in one of few words.
fn outcome<T>(call: &Call<T>) -> &'static str {
    match &call.answer {
        Ok(_) => "answered",
        Err(Failure::Fault(fault)) => fault.code(),
        Err(Failure::Error(error)) => match error.kind {
            ErrorKind::InvalidRequest => "error_invalid_request",
            ErrorKind::NotFound => "error_not_found",
            ErrorKind::Conflict => "error_conflict",
            ErrorKind::NotSupported => "error_not_supported",
            ErrorKind::RateLimited { .. } => "error_rate_limited",
            ErrorKind::Unavailable => "error_unavailable",
            ErrorKind::Authentication => "error_authentication",
            ErrorKind::OutcomeUnknown => "error_outcome_unknown",
            ErrorKind::Other(_) => "error_other",
        },
    }
}

#[async_trait]
impl Provider for Measured {
    fn info(&self) -> &ProviderInfo {
        self.provider.info()
    }

    fn reach(&self) -> Reach {
        self.provider.reach()
    }

    fn is_watched(&self) -> bool {
        self.provider.is_watched()
    }

    fn inspection(&self) -> Option<Inspection> {
        self.provider.inspection()
    }

    async fn initiate(&self, context: CallContext, request: InitiateRequest) -> Call<Outcome> {
        self.guarded("initiate", self.provider.initiate(context, request)).await
    }

    async fn update(&self, context: CallContext, request: UpdateRequest) -> Call<Outcome> {
        self.guarded("update", self.provider.update(context, request)).await
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        self.guarded("authorize", self.provider.authorize(context, request)).await
    }

    async fn capture(&self, context: CallContext, request: CaptureRequest) -> Call<Outcome> {
        self.guarded("capture", self.provider.capture(context, request)).await
    }

    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome> {
        self.guarded("refund", self.provider.refund(context, request)).await
    }

    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome> {
        self.guarded("cancel", self.provider.cancel(context, request)).await
    }

    async fn delete(&self, context: CallContext, request: DeleteRequest) -> Call<Outcome> {
        self.guarded("delete", self.provider.delete(context, request)).await
    }

    async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        self.guarded("retrieve", self.provider.retrieve(context, request)).await
    }

    async fn status(&self, context: CallContext, payment: PaymentState) -> Call<Outcome> {
        self.guarded("status", self.provider.status(context, payment)).await
    }

    async fn receive_webhook(&self, delivery: Delivery) -> Call<Result<Vec<Evidence>, Rejection>> {
        self.unlearned("receive_webhook", self.provider.receive_webhook(delivery)).await
    }

    async fn create_account_holder(&self, context: CallContext, input: Json) -> Call<AccountHolder> {
        self.guarded("create_account_holder", self.provider.create_account_holder(context, input)).await
    }

    async fn update_account_holder(&self, context: CallContext, input: Json) -> Call<AccountHolder> {
        self.guarded("update_account_holder", self.provider.update_account_holder(context, input)).await
    }

    async fn retrieve_account_holder(&self, context: CallContext) -> Call<AccountHolder> {
        self.guarded("retrieve_account_holder", self.provider.retrieve_account_holder(context)).await
    }

    async fn delete_account_holder(&self, context: CallContext) -> Call<()> {
        self.guarded("delete_account_holder", self.provider.delete_account_holder(context)).await
    }

    async fn list_payment_methods(&self, context: CallContext) -> Call<Vec<PaymentMethod>> {
        self.guarded("list_payment_methods", self.provider.list_payment_methods(context)).await
    }

    async fn save_payment_method(&self, context: CallContext, input: Json) -> Call<PaymentMethod> {
        self.guarded("save_payment_method", self.provider.save_payment_method(context, input)).await
    }

    async fn delete_payment_method(&self, context: CallContext, id: String) -> Call<()> {
        self.guarded("delete_payment_method", self.provider.delete_payment_method(context, id)).await
    }
}
