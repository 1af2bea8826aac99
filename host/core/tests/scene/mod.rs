//! One collection on a stage: short words for commands and answers, and the laws every state has to keep.
//!
//! It knows no test's expectation. Ids are counted, time is a counter: a scene played twice is the same scene.

#![allow(dead_code, reason = "each test binary plays other parts of the scene")]

pub(crate) mod laws;

use tillbox_core::command::{
    Abilities, Answer, Asked, AuthorizationIds, Command, Fault, Finding, ObservedIds, Request, Sent,
};
use tillbox_core::event::Event;
use tillbox_core::id::{CaptureId, CollectionId, OperationId, PaymentId, ProviderId, RefundId, SessionId};
use tillbox_core::machine;
use tillbox_core::operation::{Input, Operation, OperationKind, OperationState};
use tillbox_core::outcome::{
    Decline, DeclineClass, ErrorKind, Evidence, EvidenceAction, EvidenceSubject, NextAction, Outcome, ProviderError,
    ProviderStatus, Snapshot,
};
use tillbox_core::refusal::Refusal;
use tillbox_core::state::{Collection, Payment, Session};
use tillbox_core::text::Json;
use tillbox_core::{Currency, Money, Timestamp};

/// How long a lease of the stage lasts.
pub(crate) const LEASE_MS: i64 = 15_000;

/// The stage.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) state: Collection,
    pub(crate) log: Vec<Event>,
    pub(crate) abilities: Abilities,
    /// Counts ids and milliseconds alike.
    count: i64,
}

pub(crate) fn eur(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR", 2).unwrap()).unwrap()
}

pub(crate) fn jpy(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("JPY", 0).unwrap()).unwrap()
}

impl Scene {
    /// A collection of so many cents.
    pub(crate) fn new(minor_units: i64) -> Self {
        let command = Command::CreateCollection {
            id: CollectionId::from_tail("1"),
            amount: eur(minor_units),
            cart_id: None,
            order_id: None,
            metadata: None,
        };
        let log = machine::decide(None, &command, Timestamp(0)).unwrap();
        let state = machine::replay(&log).unwrap();
        Self { state, log, abilities: Abilities::ALL, count: 0 }
    }

    /// A collection with one session of all of it, opened at the provider.
    pub(crate) fn with_session(minor_units: i64) -> (Self, SessionId) {
        let mut scene = Self::new(minor_units);
        let session = scene.open_session(minor_units);
        (scene, session)
    }

    /// A collection with one authorized payment of all of it.
    pub(crate) fn with_payment(minor_units: i64) -> (Self, PaymentId) {
        let (mut scene, session) = Self::with_session(minor_units);
        let payment = scene.authorized(&session);
        (scene, payment)
    }

    /// A collection with one payment, captured in full by command.
    pub(crate) fn with_captured(minor_units: i64) -> (Self, PaymentId) {
        let (mut scene, payment) = Self::with_payment(minor_units);
        scene.captured(&payment, minor_units);
        (scene, payment)
    }

    /// The end of a lease taken now.
    fn lease(&self) -> Timestamp {
        Timestamp(self.count + LEASE_MS)
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, ms: i64) {
        self.count += ms;
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.count)
    }

    fn tail(&mut self) -> String {
        self.count += 1;
        self.count.to_string()
    }

    /// Does a command, keeps the laws, and answers the new events.
    pub(crate) fn run(&mut self, command: &Command) -> Result<Vec<Event>, Refusal> {
        self.count += 1;
        let events = machine::decide(Some(&self.state), command, Timestamp(self.count))?;
        let before = self.state.clone();
        self.state = events.iter().fold(Some(self.state.clone()), machine::apply).unwrap();
        self.log.extend(events.iter().cloned());
        laws::state(&self.state);
        laws::step(&before, &self.state, &events, command);
        Ok(events)
    }

    pub(crate) fn begin(&mut self, request: Request) -> Result<OperationId, Refusal> {
        let operation = OperationId::from_tail(&self.tail());
        let abilities = self.abilities;
        self.run(&Command::Begin {
            operation: operation.clone(),
            request,
            abilities,
            input: Input::None,
            lease_until: self.lease(),
            component: None,
        })?;
        Ok(operation)
    }

    /// Settles under the operation's present lease.
    pub(crate) fn settle(&mut self, id: &OperationId, answer: Answer) -> Result<Vec<Event>, Refusal> {
        let lease_token = self.op(id).lease_token;
        self.run(&Command::Settle { operation: id.clone(), lease_token, answer })
    }

    pub(crate) fn resolve(&mut self, id: &OperationId, finding: Finding) -> Result<Vec<Event>, Refusal> {
        self.run(&Command::Resolve { operation: id.clone(), finding })
    }

    pub(crate) fn retry(&mut self, id: &OperationId) -> Result<Vec<Event>, Refusal> {
        self.run(&Command::Retry { operation: id.clone(), lease_until: self.lease() })
    }

    pub(crate) fn observe(&mut self, session: &SessionId, evidence: Evidence) -> Result<Vec<Event>, Refusal> {
        let tail = self.tail();
        let ids = ObservedIds {
            operation: OperationId::from_tail(&tail),
            capture: CaptureId::from_tail(&tail),
            refund: RefundId::from_tail(&tail),
        };
        self.run(&Command::Observe { session: session.clone(), evidence, ids })
    }

    pub(crate) fn authorization_ids(&mut self) -> AuthorizationIds {
        let tail = self.tail();
        AuthorizationIds {
            payment: PaymentId::from_tail(&tail),
            capture: CaptureId::from_tail(&tail),
            capture_operation: OperationId::from_tail(&format!("auto-{tail}")),
        }
    }

    // Requests, with ids of their own.

    pub(crate) fn create_session(&mut self, amount: Option<Money>) -> Result<OperationId, Refusal> {
        self.new_session(amount, false)
    }

    pub(crate) fn new_session(&mut self, amount: Option<Money>, is_sole: bool) -> Result<OperationId, Refusal> {
        let (session, products) = (SessionId::from_tail(&self.tail()), self.authorization_ids());
        let provider = ProviderId::from_tail("manual_default");
        self.begin(Request::CreateSession {
            session,
            provider,
            amount,
            context: Json::empty(),
            metadata: None,
            is_sole,
            products,
        })
    }

    pub(crate) fn update_session(&mut self, session: &SessionId, amount: Money) -> Result<OperationId, Refusal> {
        let products = self.authorization_ids();
        self.begin(Request::UpdateSession {
            session: session.clone(),
            amount: Some(amount),
            context: None,
            metadata: None,
            products,
        })
    }

    pub(crate) fn delete_session(&mut self, session: &SessionId) -> Result<OperationId, Refusal> {
        self.begin(Request::DeleteSession { session: session.clone() })
    }

    pub(crate) fn authorize(&mut self, session: &SessionId) -> Result<OperationId, Refusal> {
        let products = self.authorization_ids();
        self.begin(Request::Authorize { session: session.clone(), products })
    }

    pub(crate) fn capture(&mut self, payment: &PaymentId, amount: Option<Money>) -> Result<OperationId, Refusal> {
        let capture = CaptureId::from_tail(&self.tail());
        self.begin(Request::Capture { payment: payment.clone(), capture, amount, asked: Asked::default() })
    }

    pub(crate) fn refund(&mut self, payment: &PaymentId, amount: Option<Money>) -> Result<OperationId, Refusal> {
        let refund = RefundId::from_tail(&self.tail());
        self.begin(Request::Refund {
            payment: payment.clone(),
            refund,
            amount,
            reason: None,
            note: None,
            asked: Asked::default(),
        })
    }

    pub(crate) fn cancel(&mut self, payment: &PaymentId) -> Result<OperationId, Refusal> {
        self.begin(Request::Cancel { payment: payment.clone(), note: None })
    }

    // Whole steps that go well.

    pub(crate) fn open_session(&mut self, minor_units: i64) -> SessionId {
        let operation = self.create_session(Some(eur(minor_units))).unwrap();
        self.settle(&operation, outcome(ProviderStatus::Pending, None)).unwrap();
        self.op(&operation).session.clone()
    }

    pub(crate) fn authorized(&mut self, session: &SessionId) -> PaymentId {
        let operation = self.authorize(session).unwrap();
        let amount = self.op(&operation).amount;
        self.settle(&operation, outcome(ProviderStatus::Authorized, amount)).unwrap();
        self.state.payment_of(session).unwrap().id.clone()
    }

    pub(crate) fn captured(&mut self, payment: &PaymentId, minor_units: i64) {
        let operation = self.capture(payment, Some(eur(minor_units))).unwrap();
        self.settle(&operation, outcome(ProviderStatus::Captured, Some(eur(minor_units)))).unwrap();
    }

    pub(crate) fn refunded(&mut self, payment: &PaymentId, minor_units: i64) {
        let operation = self.refund(payment, Some(eur(minor_units))).unwrap();
        self.settle(&operation, outcome(ProviderStatus::Captured, Some(eur(minor_units)))).unwrap();
    }

    /// Leaves the operation without an answer.
    pub(crate) fn lose_reply(&mut self, operation: &OperationId) {
        self.settle(operation, fault(Sent::Maybe)).unwrap();
    }

    /// Brings a running operation to a state in which it holds its amount.
    pub(crate) fn leave(&mut self, id: &OperationId, state: OperationState) {
        match state {
            OperationState::Running => {}
            OperationState::Pending => {
                // While a session is being opened, plain "pending" is all that was asked for.
                let status = match self.op(id).kind {
                    OperationKind::Initiate | OperationKind::Update => ProviderStatus::PendingAuthorization,
                    OperationKind::Authorize
                    | OperationKind::Capture
                    | OperationKind::Refund
                    | OperationKind::Cancel
                    | OperationKind::Delete => ProviderStatus::Pending,
                };
                self.settle(id, outcome(status, None)).unwrap();
            }
            OperationState::Unknown => self.lose_reply(id),
            OperationState::NeedsReview => {
                self.lose_reply(id);
                self.resolve(id, Finding::Exhausted("no way of asking".into())).unwrap();
            }
            OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => panic!("{state:?} holds nothing"),
        }
        assert_eq!(self.op(id).state, state);
    }

    // Views.

    pub(crate) fn op(&self, id: &OperationId) -> &Operation {
        self.state.operation(id).unwrap()
    }

    pub(crate) fn state_of(&self, id: &OperationId) -> (OperationState, Option<&str>) {
        let operation = self.op(id);
        (operation.state, operation.reason.as_deref())
    }

    pub(crate) fn session(&self, id: &SessionId) -> &Session {
        self.state.session(id).unwrap()
    }

    pub(crate) fn payment(&self, id: &PaymentId) -> &Payment {
        self.state.payment(id).unwrap()
    }

    /// Captured, refunded, held by captures, held by refunds: minor units.
    pub(crate) fn figures(&self, payment: &PaymentId) -> [i64; 4] {
        let state = &self.state;
        [
            state.captured_of(payment),
            state.refunded_of(payment),
            state.reserved_captures_of(payment),
            state.reserved_refunds_of(payment),
        ]
        .map(|money| money.minor_units())
    }
}

/// An outcome as a provider would give it: with a decline or a next action exactly where the contract wants one.
pub(crate) fn plain_outcome(status: ProviderStatus, amount: Option<Money>) -> Outcome {
    let decline = Decline { class: DeclineClass::UseAnotherMethod, code: "card_declined".into(), message: "no".into() };
    let next_action = NextAction::Redirect { url: "https://bank.test/".into() };
    Outcome {
        status,
        data: Json::from_checked(&format!(r#"{{"status":"{}"}}"#, status.as_str())),
        client_data: None,
        provider_reference: Some("pi_1".into()),
        amount,
        decline: (status == ProviderStatus::Declined).then_some(decline),
        next_action: (status == ProviderStatus::RequiresMore).then_some(next_action),
        extensions: Json::empty(),
    }
}

pub(crate) fn outcome(status: ProviderStatus, amount: Option<Money>) -> Answer {
    Answer::Outcome(plain_outcome(status, amount))
}

pub(crate) fn fault(sent: Sent) -> Answer {
    Answer::Fault(Fault { code: "deadline".into(), detail: "out of time".into(), sent })
}

pub(crate) fn error(kind: ErrorKind, sent: Sent) -> Answer {
    let error = ProviderError { kind, code: "code".into(), message: "message".into(), data: None };
    Answer::Error { error, sent }
}

/// The status by which a provider says that an operation of this kind is done.
pub(crate) fn done(kind: OperationKind) -> ProviderStatus {
    match kind {
        OperationKind::Initiate | OperationKind::Update => ProviderStatus::Pending,
        OperationKind::Authorize => ProviderStatus::Authorized,
        OperationKind::Capture | OperationKind::Refund => ProviderStatus::Captured,
        OperationKind::Cancel | OperationKind::Delete => ProviderStatus::Canceled,
    }
}

pub(crate) fn snapshot(whole: ProviderStatus, operation: Option<Outcome>) -> Finding {
    Finding::Known(Snapshot {
        outcome: plain_outcome(whole, None),
        captured: eur(0),
        refunded: eur(0),
        disputed: eur(0),
        operation,
    })
}

pub(crate) fn claim(session: &SessionId, action: EvidenceAction, amount: Option<Money>) -> Evidence {
    Evidence {
        event_id: "evt".into(),
        occurred_at: None,
        subject: Some(EvidenceSubject::Session(session.clone())),
        action,
        amount,
        operation: None,
        reason: Some("reason".into()),
    }
}
