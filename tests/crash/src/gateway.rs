//! The provider that stands for a gateway: native Rust in the host's process, its book in a file of its own.
//!
//! Every kind of gateway that recovery treats differently is one [`Habit`]. What it did is durable before it answers; that
//! the answer gets lost, or that the request never arrives, is told by [`Manner`].

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tillbox::clock::Clock;
use tillbox::core::Money;
use tillbox::core::id::{OperationId, SessionId};
use tillbox::core::operation::OperationKind;
use tillbox::core::outcome::{
    ErrorKind, Evidence, EvidenceAction, EvidenceSubject, Outcome, ProviderError, ProviderStatus, Snapshot,
};
use tillbox::core::text::Json;
use tillbox::runtime::fault::DeadlineAt;
use tillbox::runtime::info::{KeyMemory, Lookup, Recovery};
use tillbox::runtime::request::{
    AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, Delivery, InitiateRequest,
    PaymentState, RefundRequest, Rejection, RetrieveRequest, UpdateRequest,
};
use tillbox::runtime::{Call, Fault, Provider, ProviderInfo, Reach};

use crate::fate::Fate;
use crate::ledger::{Effect, Ledger};

/// What kind of gateway it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Habit {
    /// Recognises keys and finds operations: the best there is.
    Keyed,
    /// The same, and takes the money when it authorizes.
    Automatic,
    /// Finds operations and recognises no key: a second request is a second effect.
    Plain,
    /// Recognises keys and finds nothing: only a repeated request tells.
    Resend,
    /// Neither: only a person can tell.
    Mute,
    /// No gateway at all: nothing leaves the process.
    Inner,
}

impl Habit {
    /// Every habit.
    pub const ALL: [Self; 6] = [Self::Keyed, Self::Automatic, Self::Plain, Self::Resend, Self::Mute, Self::Inner];

    /// The provider's identifier.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Automatic => "automatic",
            Self::Plain => "plain",
            Self::Resend => "resend",
            Self::Mute => "mute",
            Self::Inner => "inner",
        }
    }

    /// The provider's id in the host.
    #[must_use]
    pub fn id(self) -> String {
        format!("pp_{}_x", self.name())
    }

    /// The habit of a provider, by its id.
    #[must_use]
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|habit| habit.id() == id)
    }

    /// Whether there is a gateway whose book can be compared.
    #[must_use]
    pub fn has_gateway(self) -> bool {
        self != Self::Inner
    }

    /// Whether the host can find out by itself what became of an operation.
    #[must_use]
    pub fn can_be_known(self) -> bool {
        self != Self::Mute
    }

    fn remembers(self) -> bool {
        match self {
            Self::Keyed | Self::Automatic | Self::Resend | Self::Inner => true,
            Self::Plain | Self::Mute => false,
        }
    }

    fn finds(self) -> bool {
        match self {
            Self::Keyed | Self::Automatic | Self::Plain | Self::Inner => true,
            Self::Resend | Self::Mute => false,
        }
    }

    fn info(self) -> ProviderInfo {
        let mut info = ProviderInfo::new(self.name(), "1.0.0");
        let can = &mut info.capabilities;
        (can.partial_capture, can.multiple_captures) = (true, true);
        (can.partial_refund, can.multiple_refunds) = (true, true);
        (can.automatic_capture, can.cancel_authorized) = (true, true);
        (can.update_amount, can.webhooks) = (true, true);
        let keys = if self.remembers() { KeyMemory::Forever } else { KeyMemory::None };
        let lookup = if self.finds() { Lookup::Strong } else { Lookup::None };
        info.recovery = OperationKind::ALL.iter().map(|kind| (*kind, Recovery { keys, lookup })).collect();
        info
    }
}

/// How the gateway behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Manner {
    /// It does what it is asked and says so.
    Answers,
    /// It does it, and the reply is lost.
    LosesReplies,
    /// The request never arrives, and nobody can tell that from a lost reply.
    LosesRequests,
    /// It declines.
    Declines,
    /// Now this, now that, by a fixed sequence.
    Capricious,
}

/// The manner of all gateways of a process, and how often it was asked for.
#[derive(Debug)]
pub struct Mood {
    manner: Mutex<Manner>,
    asked: AtomicU64,
    delay_ms: AtomicU32,
}

impl Default for Mood {
    fn default() -> Self {
        Self { manner: Mutex::new(Manner::Answers), asked: AtomicU64::new(0), delay_ms: AtomicU32::new(0) }
    }
}

impl Mood {
    /// From now on.
    ///
    /// # Panics
    /// Never: nobody panics while holding it.
    pub fn set(&self, manner: Manner) {
        *self.manner.lock().expect("no holder panics") = manner;
    }

    /// How long each call takes, milliseconds.
    pub fn delay(&self, ms: u32) {
        self.delay_ms.store(ms, Ordering::SeqCst);
    }

    fn next(&self) -> Manner {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        match *self.manner.lock().expect("no holder panics") {
            // Of twenty calls one reply, one request and one decline: enough of each in a minute, not enough to stop the work.
            Manner::Capricious => match asked % 20 {
                5 => Manner::LosesReplies,
                11 => Manner::LosesRequests,
                17 => Manner::Declines,
                _ => Manner::Answers,
            },
            steady @ (Manner::Answers | Manner::LosesReplies | Manner::LosesRequests | Manner::Declines) => steady,
        }
    }
}

/// A provider of one habit.
#[derive(Debug)]
pub struct Gateway {
    habit: Habit,
    info: ProviderInfo,
    ledger: Arc<Mutex<Ledger>>,
    fate: Arc<Fate>,
    mood: Arc<Mood>,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// All of them, on one book.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn all(path: &Path, fate: &Arc<Fate>, mood: &Arc<Mood>, clock: &Arc<dyn Clock>) -> rusqlite::Result<Vec<Self>> {
        let ledger = Arc::new(Mutex::new(Ledger::open(path)?));
        let gateway = |habit: Habit| Self {
            habit,
            info: habit.info(),
            ledger: Arc::clone(&ledger),
            fate: Arc::clone(fate),
            mood: Arc::clone(mood),
            clock: Arc::clone(clock),
        };
        Ok(Habit::ALL.into_iter().map(gateway).collect())
    }

    async fn act(
        &self,
        context: &CallContext,
        kind: OperationKind,
        status: ProviderStatus,
        amount: Money,
    ) -> Call<Outcome> {
        if !self.habit.has_gateway() {
            return Call::answered(outcome(status, amount));
        }
        // What every provider owes, and the way out of the process for components: nothing is done after the deadline. Half
        // of it is left for the disk, since on a fast clock what is slow here would be done long after the lease.
        let too_late = self.clock.now().0 + i64::from(context.deadline_ms / 2);
        self.fate.step("before_effect");
        let delay = u64::from(self.mood.delay_ms.load(Ordering::SeqCst));
        if delay > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
        }
        let manner = self.mood.next();
        let status = match (manner, kind) {
            (Manner::LosesRequests, _) => return Call::fault(silence(context)),
            // Gateways decline what takes money; the rest they do or they do not.
            (Manner::Declines, OperationKind::Authorize | OperationKind::Capture | OperationKind::Refund) => {
                ProviderStatus::Declined
            }
            _ => status,
        };
        let effect = Effect {
            provider: self.habit.id(),
            key: context.idempotency_key.clone(),
            operation: Some(context.operation.to_string()),
            kind: kind.as_str().to_owned(),
            session: context.session.as_ref().expect("every call has its session").to_string(),
            status: status.as_str().to_owned(),
            amount_minor: amount.minor_units(),
        };
        let in_time = || self.clock.now().0 <= too_late;
        let done = self.ledger.lock().expect("no holder panics").act(&effect, self.habit.remembers(), in_time);
        self.fate.step("after_effect");
        match done {
            Err(error) => Call::error(unavailable(&error)),
            Ok(None) => Call::fault(silence(context)),
            Ok(_) if manner == Manner::LosesReplies => Call::fault(silence(context)),
            Ok(Some(done)) => Call::answered(answer(&done, amount)),
        }
    }

    fn known(&self, session: &str) -> Result<Vec<Effect>, ProviderError> {
        let ledger = self.ledger.lock().expect("no holder panics");
        ledger.of_session(session).map_err(|error| unavailable(&error))
    }
}

/// The reply that an effect was given at first.
fn answer(effect: &Effect, like: Money) -> Outcome {
    let status = ProviderStatus::parse(&effect.status).expect("written by its name");
    outcome(status, Money::new(effect.amount_minor, like.currency()).expect("it was an amount"))
}

fn outcome(status: ProviderStatus, amount: Money) -> Outcome {
    let declined = status == ProviderStatus::Declined;
    let decline = declined.then(|| tillbox::core::outcome::Decline {
        class: tillbox::core::outcome::DeclineClass::UseAnotherMethod,
        code: "not_today".to_owned(),
        message: "the gateway declines".to_owned(),
    });
    Outcome {
        status,
        data: Json::from_checked(r#"{"kept":"by the gateway"}"#),
        client_data: None,
        provider_reference: None,
        amount: Some(amount),
        decline,
        next_action: None,
        extensions: Json::empty(),
    }
}

/// What the host sees when a reply or a request is lost.
fn silence(context: &CallContext) -> Fault {
    Fault::Deadline { at: DeadlineAt::HostWait, deadline_ms: context.deadline_ms, frames: Vec::new() }
}

/// The book could not be written, so nothing was done.
fn unavailable(error: &rusqlite::Error) -> ProviderError {
    let (code, message) = ("gateway_down".to_owned(), error.to_string());
    ProviderError { kind: ErrorKind::Unavailable, code, message, data: None }
}

/// Where a payment stands, by what was done for it.
fn standing(effects: &[Effect]) -> ProviderStatus {
    let mut standing = ProviderStatus::Pending;
    for effect in effects {
        match (effect.kind.as_str(), effect.status.as_str()) {
            ("authorize", "authorized") => standing = ProviderStatus::Authorized,
            ("authorize" | "capture", "captured") => standing = ProviderStatus::Captured,
            ("cancel" | "delete", _) => standing = ProviderStatus::Canceled,
            _ => {}
        }
    }
    standing
}

fn total(effects: &[Effect], counts: impl Fn(&Effect) -> bool) -> i64 {
    effects
        .iter()
        .filter(|effect| effect.status == "captured" && counts(effect))
        .map(|effect| effect.amount_minor)
        .sum()
}

#[async_trait]
impl Provider for Gateway {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn reach(&self) -> Reach {
        if self.habit.has_gateway() { Reach::Network } else { Reach::Nowhere }
    }

    async fn initiate(&self, context: CallContext, request: InitiateRequest) -> Call<Outcome> {
        self.act(&context, OperationKind::Initiate, ProviderStatus::Pending, request.amount).await
    }

    async fn update(&self, context: CallContext, request: UpdateRequest) -> Call<Outcome> {
        self.act(&context, OperationKind::Update, ProviderStatus::Pending, request.amount).await
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        let taken = self.habit == Habit::Automatic;
        let status = if taken { ProviderStatus::Captured } else { ProviderStatus::Authorized };
        self.act(&context, OperationKind::Authorize, status, request.payment.amount).await
    }

    async fn capture(&self, context: CallContext, request: CaptureRequest) -> Call<Outcome> {
        self.act(&context, OperationKind::Capture, ProviderStatus::Captured, request.amount).await
    }

    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome> {
        self.act(&context, OperationKind::Refund, ProviderStatus::Captured, request.amount).await
    }

    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome> {
        self.act(&context, OperationKind::Cancel, ProviderStatus::Canceled, request.payment.amount).await
    }

    /// By the contract, only a session that was never authorized can be abandoned.
    async fn delete(&self, context: CallContext, request: DeleteRequest) -> Call<Outcome> {
        let session = context.session.as_ref().map(SessionId::to_string).unwrap_or_default();
        match self.known(&session).map(|effects| standing(&effects)) {
            Ok(ProviderStatus::Authorized | ProviderStatus::Captured) if self.habit.has_gateway() => {
                return Call::error(ProviderError {
                    kind: ErrorKind::Conflict,
                    code: "authorized".to_owned(),
                    message: "an authorized session cannot be abandoned".to_owned(),
                    data: None,
                });
            }
            Ok(_) => {}
            Err(error) => return Call::error(error),
        }
        self.act(&context, OperationKind::Delete, ProviderStatus::Canceled, request.payment.amount).await
    }

    async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        let zero = Money::zero(request.payment.amount.currency());
        if !self.habit.has_gateway() {
            let present = outcome(ProviderStatus::Authorized, request.payment.amount);
            let PaymentState { captured, refunded, .. } = request.payment;
            return Call::answered(Snapshot { outcome: present, captured, refunded, disputed: zero, operation: None });
        }
        if !self.habit.finds() {
            let error = ProviderError {
                kind: ErrorKind::NotSupported,
                code: "no_lookup".to_owned(),
                message: "this gateway finds nothing".to_owned(),
                data: None,
            };
            return Call::error(error);
        }
        let session = context.session.as_ref().map(SessionId::to_string).unwrap_or_default();
        let effects = match self.known(&session) {
            Ok(effects) => effects,
            Err(error) => return Call::error(error),
        };
        let asked = request.operation.map(|reference| reference.operation.to_string());
        let found = effects.iter().find(|effect| effect.operation.is_some() && effect.operation == asked);
        let money = |minor: i64| Money::new(minor, zero.currency()).expect("sums of amounts");
        Call::answered(Snapshot {
            outcome: outcome(standing(&effects), request.payment.amount),
            captured: money(total(&effects, |effect| effect.kind != "refund")),
            refunded: money(total(&effects, |effect| effect.kind == "refund")),
            disputed: zero,
            operation: found.map(|effect| answer(effect, zero)),
        })
    }

    async fn status(&self, _: CallContext, payment: PaymentState) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Authorized, payment.amount))
    }

    /// The body is the claim itself: `event action session amount_minor operation`, with `-` for what is absent.
    async fn receive_webhook(&self, delivery: Delivery) -> Call<Result<Vec<Evidence>, Rejection>> {
        let body = String::from_utf8_lossy(&delivery.body).into_owned();
        let words: Vec<&str> = body.split(' ').collect();
        let malformed = || Rejection::Malformed("five words are expected".to_owned());
        let claim = match words.as_slice() {
            [event, action, session, amount, operation] => {
                let currency = tillbox::currency::lookup("EUR").expect("it is in the standard");
                let amount = amount.parse().ok().and_then(|minor| Money::new(minor, currency).ok());
                let subject = SessionId::parse(session).ok().map(EvidenceSubject::Session);
                let action = EvidenceAction::parse(action);
                action.ok_or_else(malformed).map(|action| Evidence {
                    event_id: (*event).to_owned(),
                    occurred_at: None,
                    subject,
                    action,
                    amount,
                    operation: OperationId::parse(operation).ok(),
                    reason: None,
                })
            }
            _ => Err(malformed()),
        };
        Call::answered(claim.map(|claim| vec![claim]))
    }
}
