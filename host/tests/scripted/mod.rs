//! A provider that does as it is told: answers from a list, success when the list is empty, and a record of what it was asked.
//! It knows nothing of the host beyond the trait every provider implements.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tillbox::core::Money;
use tillbox::core::operation::OperationKind;
use tillbox::core::outcome::{ErrorKind, Evidence, NextAction, Outcome, ProviderError, ProviderStatus, Snapshot};
use tillbox::core::text::Json;
use tillbox::runtime::fault::DeadlineAt;
use tillbox::runtime::info::{Capabilities, KeyMemory, Lookup, Recovery};
use tillbox::runtime::request::{
    AccountHolder, AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, Customer, DeleteRequest, Delivery,
    InitiateRequest, PaymentMethod, PaymentState, RefundRequest, Rejection, RetrieveRequest, UpdateRequest,
};
use tillbox::runtime::{Call, CallReport, Failure, Fault, Provider, ProviderInfo, Reach};

/// One call as the provider saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) kind: OperationKind,
    pub(crate) key: String,
    pub(crate) operation: String,
    pub(crate) attempt: u32,
    pub(crate) amount: Money,
    /// The provider's id of the payer, as the call told it.
    pub(crate) holder: Option<String>,
}

/// One call about an account holder or a payment method: which function, under which key, for which customer, with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) what: &'static str,
    pub(crate) key: String,
    pub(crate) attempt: u32,
    pub(crate) customer: Option<Customer>,
    pub(crate) holder: Option<String>,
    pub(crate) input: String,
}

type Answer = Result<Outcome, Failure>;
type OnCall = Box<dyn Fn(&Seen) + Send + Sync>;
type OnRetrieve = Box<dyn Fn(bool) + Send + Sync>;

/// The provider.
pub(crate) struct Scripted {
    info: ProviderInfo,
    reach: Reach,
    answers: Mutex<BTreeMap<OperationKind, VecDeque<Answer>>>,
    snapshots: Mutex<VecDeque<Result<Snapshot, Failure>>>,
    seen: Mutex<Vec<Seen>>,
    inputs: Mutex<Vec<(OperationKind, String)>>,
    on_call: Mutex<Option<OnCall>>,
    on_retrieve: Mutex<Option<OnRetrieve>>,
    hang: AtomicBool,
    claims: Mutex<VecDeque<Result<Vec<Evidence>, Rejection>>>,
    reasons: Mutex<Vec<Option<String>>>,
    asked: Mutex<Vec<Asked>>,
    failures: Mutex<VecDeque<Failure>>,
}

impl Scripted {
    pub(crate) fn new(reach: Reach) -> Self {
        let mut info = ProviderInfo::new("scripted", "1.0.0");
        info.capabilities = Capabilities {
            partial_capture: true,
            multiple_captures: true,
            partial_refund: true,
            multiple_refunds: true,
            automatic_capture: true,
            cancel_authorized: true,
            update_amount: true,
            webhooks: true,
            ..Capabilities::default()
        };
        let strong = Recovery { keys: KeyMemory::Forever, lookup: Lookup::Strong };
        info.recovery = OperationKind::ALL.iter().map(|kind| (*kind, strong)).collect();
        Self {
            info,
            reach,
            answers: Mutex::default(),
            snapshots: Mutex::default(),
            seen: Mutex::default(),
            inputs: Mutex::default(),
            on_call: Mutex::default(),
            on_retrieve: Mutex::default(),
            hang: AtomicBool::new(false),
            claims: Mutex::default(),
            reasons: Mutex::default(),
            asked: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    pub(crate) fn with_info(mut self, change: impl FnOnce(&mut ProviderInfo)) -> Self {
        change(&mut self.info);
        self
    }

    pub(crate) fn will(&self, kind: OperationKind, answer: Answer) {
        self.answers.lock().unwrap().entry(kind).or_default().push_back(answer);
    }

    pub(crate) fn will_know(&self, snapshot: Result<Snapshot, Failure>) {
        self.snapshots.lock().unwrap().push_back(snapshot);
    }

    pub(crate) fn on_call(&self, look: impl Fn(&Seen) + Send + Sync + 'static) {
        *self.on_call.lock().unwrap() = Some(Box::new(look));
    }

    /// Hears when a lookup begins and when it ends.
    pub(crate) fn on_retrieve(&self, look: impl Fn(bool) + Send + Sync + 'static) {
        *self.on_retrieve.lock().unwrap() = Some(Box::new(look));
    }

    fn retrieving(&self, begins: bool) {
        if let Some(look) = self.on_retrieve.lock().unwrap().as_ref() {
            look(begins);
        }
    }

    /// What the next webhook claims; without anything scripted it cannot be verified now.
    pub(crate) fn will_claim(&self, claims: Result<Vec<Evidence>, Rejection>) {
        self.claims.lock().unwrap().push_back(claims);
    }

    /// The next capture never answers.
    pub(crate) fn hang_once(&self) {
        self.hang.store(true, Ordering::SeqCst);
    }

    /// The codes that came with refunds.
    pub(crate) fn reasons(&self) -> Vec<Option<String>> {
        self.reasons.lock().unwrap().clone()
    }

    /// The calls about account holders and payment methods.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The next call about an account holder or a payment method fails; it is done all the same.
    pub(crate) fn will_fail(&self, failure: Failure) {
        self.failures.lock().unwrap().push_back(failure);
    }

    fn ask<T>(&self, what: &'static str, context: CallContext, input: &str, answer: T) -> Call<T> {
        self.asked.lock().unwrap().push(Asked {
            what,
            key: context.idempotency_key,
            attempt: context.attempt,
            customer: context.customer,
            holder: context.account_holder.map(|holder| holder.external_id),
            input: input.to_owned(),
        });
        let failure = self.failures.lock().unwrap().pop_front();
        Call { answer: failure.map_or(Ok(answer), Err), report: CallReport::default() }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What payers typed in, call by call.
    pub(crate) fn inputs(&self, kind: OperationKind) -> Vec<String> {
        let inputs = self.inputs.lock().unwrap();
        inputs.iter().filter(|(of, _)| *of == kind).map(|(_, input)| input.clone()).collect()
    }

    fn hear(&self, kind: OperationKind, input: &Json) {
        self.inputs.lock().unwrap().push((kind, input.as_str().to_owned()));
    }

    fn answer(
        &self,
        context: &CallContext,
        kind: OperationKind,
        amount: Money,
        status: ProviderStatus,
    ) -> Call<Outcome> {
        let seen = Seen {
            kind,
            key: context.idempotency_key.clone(),
            operation: context.operation.to_string(),
            attempt: context.attempt,
            amount,
            holder: context.account_holder.as_ref().map(|holder| holder.external_id.clone()),
        };
        if let Some(look) = self.on_call.lock().unwrap().as_ref() {
            look(&seen);
        }
        self.seen.lock().unwrap().push(seen);
        let scripted = self.answers.lock().unwrap().get_mut(&kind).and_then(VecDeque::pop_front);
        let answer = scripted.unwrap_or_else(|| Ok(outcome(status, Some(amount))));
        Call { answer, report: CallReport::default() }
    }
}

pub(crate) fn outcome(status: ProviderStatus, amount: Option<Money>) -> Outcome {
    let next_action = (status == ProviderStatus::RequiresMore)
        .then(|| NextAction::Redirect { url: "https://bank.example/challenge".to_owned() });
    Outcome {
        status,
        data: Json::from_checked(r#"{"private":"state"}"#),
        client_data: None,
        provider_reference: Some("ref-1".to_owned()),
        amount,
        decline: None,
        next_action,
        extensions: Json::empty(),
    }
}

fn holder(external_id: &str, data: &str) -> AccountHolder {
    AccountHolder { external_id: external_id.to_owned(), data: Json::from_checked(data) }
}

fn method(id: &str) -> PaymentMethod {
    let display = Json::from_checked(r#"{"last4":"4242"}"#);
    PaymentMethod { id: id.to_owned(), display, data: Json::empty() }
}

/// A reply that never came: the call sent something and ran out of time.
pub(crate) fn lost() -> Failure {
    Failure::Fault(Fault::Deadline { at: DeadlineAt::HostWait, deadline_ms: 10_000, frames: Vec::new() })
}

pub(crate) fn error(kind: ErrorKind) -> Failure {
    Failure::Error(ProviderError { kind, code: "scripted".to_owned(), message: "as told".to_owned(), data: None })
}

pub(crate) fn snapshot(present: Outcome, operation: Option<Outcome>, zero: Money) -> Snapshot {
    Snapshot { outcome: present, captured: zero, refunded: zero, disputed: zero, operation }
}

#[async_trait]
impl Provider for Scripted {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn reach(&self) -> Reach {
        self.reach
    }

    async fn initiate(&self, context: CallContext, request: InitiateRequest) -> Call<Outcome> {
        self.hear(OperationKind::Initiate, &request.input);
        self.answer(&context, OperationKind::Initiate, request.amount, ProviderStatus::Pending)
    }

    async fn update(&self, context: CallContext, request: UpdateRequest) -> Call<Outcome> {
        self.hear(OperationKind::Update, &request.input);
        self.answer(&context, OperationKind::Update, request.amount, ProviderStatus::Pending)
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        self.hear(OperationKind::Authorize, &request.input);
        self.answer(&context, OperationKind::Authorize, request.payment.amount, ProviderStatus::Authorized)
    }

    async fn capture(&self, context: CallContext, request: CaptureRequest) -> Call<Outcome> {
        if self.hang.swap(false, Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.answer(&context, OperationKind::Capture, request.amount, ProviderStatus::Captured)
    }

    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome> {
        self.reasons.lock().unwrap().push(request.reason.clone());
        self.answer(&context, OperationKind::Refund, request.amount, ProviderStatus::Captured)
    }

    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome> {
        self.answer(&context, OperationKind::Cancel, request.payment.amount, ProviderStatus::Canceled)
    }

    async fn delete(&self, context: CallContext, request: DeleteRequest) -> Call<Outcome> {
        self.answer(&context, OperationKind::Delete, request.payment.amount, ProviderStatus::Canceled)
    }

    async fn retrieve(&self, _: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        self.retrieving(true);
        // Others get their turn, so that lookups at once are seen to be.
        tokio::task::yield_now().await;
        self.retrieving(false);
        let scripted = self.snapshots.lock().unwrap().pop_front();
        let present = outcome(ProviderStatus::Authorized, Some(request.payment.amount));
        let answer = scripted.unwrap_or_else(|| Ok(snapshot(present, None, request.payment.captured)));
        Call { answer, report: CallReport::default() }
    }

    async fn receive_webhook(&self, _: Delivery) -> Call<Result<Vec<Evidence>, Rejection>> {
        match self.claims.lock().unwrap().pop_front() {
            Some(claims) => Call::answered(claims),
            None => Call { answer: Err(lost()), report: CallReport::default() },
        }
    }

    async fn create_account_holder(&self, context: CallContext, input: Json) -> Call<AccountHolder> {
        let customer = context.customer.as_ref().map_or("nobody", |customer| customer.id.as_str());
        let holder = holder(&format!("ext-{customer}"), r#"{"made":true}"#);
        self.ask("create", context, input.as_str(), holder)
    }

    async fn update_account_holder(&self, context: CallContext, input: Json) -> Call<AccountHolder> {
        let known = context.account_holder.clone().expect("the host names it");
        self.ask("update", context, input.as_str(), holder(&known.external_id, r#"{"changed":true}"#))
    }

    async fn delete_account_holder(&self, context: CallContext) -> Call<()> {
        self.ask("delete", context, "", ())
    }

    async fn list_payment_methods(&self, context: CallContext) -> Call<Vec<PaymentMethod>> {
        self.ask("list", context, "", vec![method("pm_1")])
    }

    async fn save_payment_method(&self, context: CallContext, input: Json) -> Call<PaymentMethod> {
        self.ask("save", context, input.as_str(), method("pm_2"))
    }

    async fn delete_payment_method(&self, context: CallContext, id: String) -> Call<()> {
        self.ask("remove", context, &id, ())
    }

    async fn status(&self, _: CallContext, payment: PaymentState) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Authorized, Some(payment.amount)))
    }
}

pub(crate) fn shared(provider: Scripted) -> (Arc<Scripted>, Arc<dyn Provider>) {
    let provider = Arc::new(provider);
    (Arc::clone(&provider), provider)
}
