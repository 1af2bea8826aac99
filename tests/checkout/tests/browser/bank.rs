//! A gateway behind a network, as a native provider: it does what the payer chooses on the page, keeps its own book, and
//! learns what the payer did at "the bank" by a webhook. The book is the judge of how often somebody was charged.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tillbox::core::Money;
use tillbox::core::operation::OperationKind;
use tillbox::core::outcome::{Decline, DeclineClass, ErrorKind, Evidence, NextAction, Outcome, ProviderError};
use tillbox::core::outcome::{ProviderStatus, Snapshot};
use tillbox::core::text::Json;
use tillbox::runtime::fault::DeadlineAt;
use tillbox::runtime::info::{KeyMemory, Lookup, Recovery};
use tillbox::runtime::request::{
    AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, Delivery, InitiateRequest,
    PaymentState, RefundRequest, Rejection, RetrieveRequest, UpdateRequest,
};
use tillbox::runtime::{Call, CallReport, Failure, Fault, Provider, ProviderInfo};
use tokio::sync::Notify;

/// What a payer may choose, and what the page offers.
const WAYS: &[&str] =
    &["pay", "redirect", "three-d-secure", "display", "other", "later", "hold", "lost", "review", "broken", "rejected"];

/// Milliseconds a held call waits at most: longer than any scene keeps it.
const HOLD_MS: u64 = 60_000;

/// A session at the gateway.
#[derive(Debug, Clone, Default)]
struct Entry {
    /// What the payer chose.
    way: String,
    /// What the payer did at the bank: `paid`, `failed`, or nothing yet.
    told: Option<String>,
    /// The keys under which money was reserved.
    charges: Vec<String>,
}

/// The gateway.
pub(crate) struct Bank {
    info: ProviderInfo,
    book: Mutex<BTreeMap<String, Entry>>,
    told: Notify,
}

impl Bank {
    pub(crate) fn new() -> Self {
        let mut info = ProviderInfo::new("test-bank", "1.0.0");
        info.capabilities.webhooks = true;
        let strong = Recovery { keys: KeyMemory::Forever, lookup: Lookup::Strong };
        info.recovery = OperationKind::ALL.iter().map(|kind| (*kind, strong)).collect();
        Self { info, book: Mutex::default(), told: Notify::new() }
    }

    /// How often money was reserved, session by session.
    pub(crate) fn charges(&self) -> Vec<(String, usize)> {
        let book = self.book.lock().unwrap();
        book.iter().map(|(session, entry)| (session.clone(), entry.charges.len())).collect()
    }

    fn entry<T>(&self, session: &str, act: impl FnOnce(&mut Entry) -> T) -> T {
        act(self.book.lock().unwrap().entry(session.to_owned()).or_default())
    }

    /// Reserves once for a key.
    fn charge(&self, session: &str, key: &str) {
        self.entry(session, |entry| {
            if !entry.charges.iter().any(|known| known == key) {
                entry.charges.push(key.to_owned());
            }
        });
    }

    /// Waits until the payer, or whoever plays the bank, has said something.
    async fn until_told(&self, session: &str) {
        loop {
            let told = self.told.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.entry(session, |entry| entry.told.is_some()) {
                return;
            }
            if tokio::time::timeout(Duration::from_millis(HOLD_MS), told).await.is_err() {
                return;
            }
        }
    }

    /// Where a session stands that was sent somewhere.
    fn walked(&self, session: &str, key: &str, amount: Money, action: NextAction) -> Call<Outcome> {
        match self.entry(session, |entry| entry.told.clone()).as_deref() {
            None => {
                Call::answered(Outcome { next_action: Some(action), ..outcome(ProviderStatus::RequiresMore, None) })
            }
            Some("paid") => {
                self.charge(session, key);
                Call::answered(outcome(ProviderStatus::Authorized, Some(amount)))
            }
            Some(_) => {
                // The next try begins anew.
                self.entry(session, |entry| (entry.told, entry.way) = (None, String::new()));
                Call::answered(declined(DeclineClass::AuthenticationFailed))
            }
        }
    }
}

fn outcome(status: ProviderStatus, amount: Option<Money>) -> Outcome {
    let asks = status != ProviderStatus::Authorized;
    Outcome {
        status,
        data: Json::empty(),
        client_data: asks.then(|| Json::from_checked(&page().to_string())),
        provider_reference: None,
        amount,
        decline: None,
        next_action: None,
        extensions: Json::empty(),
    }
}

fn declined(class: DeclineClass) -> Outcome {
    let decline = Decline { class, code: "test".to_owned(), message: "as told".to_owned() };
    Outcome { decline: Some(decline), ..outcome(ProviderStatus::Declined, None) }
}

fn page() -> Value {
    let options: Vec<Value> = WAYS.iter().map(|way| json!({ "value": way, "label": way })).collect();
    json!({ "checkout": {
        "title": "Test bank",
        "text": "Everything that can happen.",
        "fields": [
            { "name": "how", "label": "What is to happen", "hint": "One of the gateway's tricks.", "options": options },
            { "name": "email", "label": "Email", "hint": "For the receipt.", "autocomplete": "email", "optional": true },
        ],
        "return_url": "return_url",
    } })
}

fn lost() -> Call<Outcome> {
    let fault = Fault::Deadline { at: DeadlineAt::HostWait, deadline_ms: 10_000, frames: Vec::new() };
    Call { answer: Err(Failure::Fault(fault)), report: CallReport::default() }
}

fn error<T>(kind: ErrorKind) -> Call<T> {
    Call::error(ProviderError { kind, code: "test".to_owned(), message: "as told".to_owned(), data: None })
}

fn session(context: &CallContext) -> String {
    context.session.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[async_trait]
impl Provider for Bank {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    async fn initiate(&self, _: CallContext, request: InitiateRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Pending, Some(request.amount)))
    }

    async fn update(&self, _: CallContext, request: UpdateRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Pending, Some(request.amount)))
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        let (session, key, amount) = (session(&context), context.idempotency_key.as_str(), request.payment.amount);
        let input: Value = serde_json::from_str(request.input.as_str()).expect("the host checked it");
        if let Some(way) = input["how"].as_str() {
            self.entry(&session, |entry| way.clone_into(&mut entry.way));
        }
        let back = input["return_url"].as_str().unwrap_or_default();
        let url = format!("https://bank.example/challenge?session={session}&back={back}");
        match self.entry(&session, |entry| entry.way.clone()).as_str() {
            "pay" => {
                self.charge(&session, key);
                Call::answered(outcome(ProviderStatus::Authorized, Some(amount)))
            }
            "redirect" => self.walked(&session, key, amount, NextAction::Redirect { url }),
            "three-d-secure" => {
                self.walked(&session, key, amount, NextAction::ThreeDSecure { url, expires_in_ms: Some(600_000) })
            }
            "display" => {
                let shown =
                    json!({ "iban": "DE02 1203 0000 0000 2020 51", "transfer": { "payment_reference": "RF18" } });
                let instructions = Json::from_checked(&shown.to_string());
                self.walked(&session, key, amount, NextAction::Display { instructions })
            }
            "other" => self.walked(&session, key, amount, NextAction::Other { payload: Json::empty() }),
            "later" => {
                self.charge(&session, key);
                Call::answered(outcome(ProviderStatus::PendingAuthorization, None))
            }
            "hold" => {
                self.charge(&session, key);
                self.until_told(&session).await;
                Call::answered(outcome(ProviderStatus::Authorized, Some(amount)))
            }
            "lost" => {
                self.charge(&session, key);
                lost()
            }
            "review" => {
                let other = Money::new(amount.minor_units() + 1, amount.currency()).expect("a small amount");
                Call::answered(outcome(ProviderStatus::Authorized, Some(other)))
            }
            "broken" => error(ErrorKind::NotSupported),
            _ => error(ErrorKind::InvalidRequest),
        }
    }

    async fn capture(&self, _: CallContext, request: CaptureRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Captured, Some(request.amount)))
    }

    async fn refund(&self, _: CallContext, request: RefundRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Captured, Some(request.amount)))
    }

    async fn cancel(&self, _: CallContext, request: CancelRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Canceled, Some(request.payment.amount)))
    }

    async fn delete(&self, _: CallContext, _: DeleteRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Canceled, None))
    }

    async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        let session = session(&context);
        let (told, way) = self.entry(&session, |entry| (entry.told.clone(), entry.way.clone()));
        let PaymentState { amount, captured, refunded, .. } = request.payment;
        let disputed = Money::zero(amount.currency());
        let present = match (way.as_str(), told.is_some()) {
            ("lost" | "later" | "hold", true) => outcome(ProviderStatus::Authorized, Some(amount)),
            ("later", false) => outcome(ProviderStatus::PendingAuthorization, None),
            // The gateway does not answer at all, so nobody can know.
            ("lost" | "review", false) => return error(ErrorKind::Unavailable),
            _ => outcome(ProviderStatus::Pending, Some(amount)),
        };
        let operation = request.operation.map(|_| present.clone());
        Call::answered(Snapshot { outcome: present, captured, refunded, disputed, operation })
    }

    async fn status(&self, context: CallContext, payment: PaymentState) -> Call<Outcome> {
        let status = match self.entry(&session(&context), |entry| entry.told.clone()) {
            Some(told) if told == "paid" => outcome(ProviderStatus::Authorized, Some(payment.amount)),
            Some(_) => declined(DeclineClass::AuthenticationFailed),
            None => outcome(ProviderStatus::RequiresMore, None),
        };
        let action = (status.status == ProviderStatus::RequiresMore)
            .then(|| NextAction::Redirect { url: "https://bank.example/challenge".to_owned() });
        Call::answered(Outcome { next_action: action, ..status })
    }

    /// `{"session": …, "told": "paid" or "failed"}`. It claims nothing, so the host has to ask.
    async fn receive_webhook(&self, delivery: Delivery) -> Call<Result<Vec<Evidence>, Rejection>> {
        let body: Value = serde_json::from_slice(&delivery.body).expect("the scenes send JSON");
        let (session, told) = (body["session"].as_str().expect("a session"), body["told"].as_str().expect("a word"));
        self.entry(session, |entry| entry.told = Some(told.to_owned()));
        self.told.notify_waiters();
        Call::answered(Ok(Vec::new()))
    }
}
