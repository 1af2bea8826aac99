//! One look at an operation whose fate is open: what the provider tells about it, and what silence leads to.
//!
//! The only ways an open operation ends: the provider knows it, its absence is proven, or a person says so. A provider that
//! cannot be reached proves nothing, and neither does patience. When a look is due is the core's business, who looks when
//! several hosts could is `recovery`'s.

use tillbox_core::Timestamp;
use tillbox_core::command::{Answer, Command, Finding, Request, Sent};
use tillbox_core::id::OperationId;
use tillbox_core::machine;
use tillbox_core::operation::{Input, Operation, OperationKind, OperationState};
use tillbox_core::outcome::{ErrorKind, OperationReference, Outcome, Snapshot};
use tillbox_core::refusal::Refusal;
use tillbox_core::state::{Collection, Session};
use tillbox_core::text::Json;
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::info::Lookup;
use tillbox_runtime::journal::Keeping;
use tillbox_runtime::request::{CallContext, RetrieveRequest};
use tillbox_runtime::{Call, Failure, Fault, Provider, Reach};

use super::execute::{COMMIT_ATTEMPTS, Executed, applied, log_call, settle_command};
use super::idempotency::{Concluded, Guard};
use super::journal::{Beginning, Journaled, Story, Written};
use super::strategy::{Question, Silence};
use super::subject::payment_state;
use super::{Error, Host, Step};
use crate::clock::new_tail;
use crate::store::Key;

/// Milliseconds that a running operation belongs to whoever began it beyond the deadline of its call: for the commit after
/// it. Whoever holds it longer counts as dead. One that was only slow loses nothing: its answer still counts, unless
/// somebody has asked again meanwhile.
pub const LEASE_MARGIN_MS: i64 = 5_000;

/// Why somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// A request waits for it. It asks and does not send again: that has its own times.
    Request,
    /// It is due, or an operator wants to know.
    Due,
}

impl Host {
    /// Asks the provider about an operation and makes what it tells durable. A settled one answers as it is. Where asking is
    /// no way and the gateway still recognises the key, the same request is sent again with it. It is a question: a caller's
    /// key does not keep its answer, asking again asks again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::UnknownProvider`], [`Error::NotAsked`], [`Error::Store`].
    pub async fn recheck(&self, id: &OperationId) -> Result<Operation, Error> {
        Box::pin(self.look(id, Turn::Due)).await
    }

    /// Until when an operation that is begun now belongs to whoever begins it.
    pub(super) fn lease_until(&self) -> Timestamp {
        Timestamp(self.now().0.saturating_add(i64::from(self.inner.deadline_ms)).saturating_add(LEASE_MARGIN_MS))
    }

    /// Looks at what is open and concerns the next operation (rule R4). A provider that cannot be asked leaves things as they
    /// are: the core then refuses what would be unsafe.
    pub(super) async fn reconcile_first(
        &self,
        key: &Key,
        concerns: impl Fn(&Operation) -> bool,
    ) -> Result<Collection, Error> {
        let collection = self.stored(key).await?.collection;
        let open = collection
            .operations
            .iter()
            .filter(|operation| operation.state.reserves() && !self.is_held(operation) && concerns(operation));
        let open: Vec<OperationId> = open.map(|operation| operation.id.clone()).collect();
        if open.is_empty() {
            return Ok(collection);
        }
        for id in &open {
            if let Err(error) = Box::pin(self.look(id, Turn::Request)).await {
                tracing::warn!(operation = id.as_str(), %error, "the provider could not be asked about an open operation");
            }
        }
        Ok(self.stored(key).await?.collection)
    }

    /// One look. Whatever it ends with, an open operation that was due is due again later.
    pub(super) async fn look(&self, id: &OperationId, turn: Turn) -> Result<Operation, Error> {
        let key = Key::Operation(id.clone());
        let mut collection = self.stored(&key).await?.collection;
        let mut operation = found(&collection, id);
        if let Some(read) = self.read_again(&operation, turn).await? {
            return Ok(read);
        }
        if operation.state == OperationState::Running && !self.is_held(&operation) {
            collection = self.give_up(&operation).await?;
            operation = found(&collection, id);
        }
        if operation.state.is_terminal() || operation.state == OperationState::Running {
            return Ok(operation);
        }
        let provider = match self.provider_of(&operation).await {
            Ok(provider) => provider,
            Err(error) => {
                self.resolved(&operation, Finding::Nothing).await?;
                return Err(error);
            }
        };
        // One that is not called now is asked when its turn comes again, and nothing is concluded from its silence.
        if let Err(tripped) = provider.called(&operation.provider) {
            self.resolved(&operation, Finding::Nothing).await?;
            return Err(tripped);
        }
        let input = self.typed_in(&operation);
        let plan = Question::of(&operation, provider.info(), self.inner.deadline_ms, input.is_some()).plan(self.now());
        if plan.look_up {
            match self.look_up(provider.as_ref(), &collection, &operation).await {
                Ok(Some(snapshot)) => return self.resolved(&operation, Finding::Known(snapshot)).await,
                Ok(None) => {}
                // Past every way of asking, one that was never declared to be one need not answer.
                Err(_) if plan.silence.is_the_end() => {}
                Err(error) => {
                    self.resolved(&operation, Finding::Nothing).await?;
                    return Err(error);
                }
            }
        }
        match plan.silence {
            Silence::Proves => self.resolved(&operation, Finding::Absent(proof(provider.as_ref(), &operation))).await,
            Silence::Wait => self.resolved(&operation, Finding::Nothing).await,
            Silence::Resend | Silence::Void if turn == Turn::Request => Ok(operation),
            Silence::Resend => self.resend(provider.as_ref(), &operation, &input.unwrap_or_default()).await,
            Silence::Void => self.void_uncertain(&operation).await,
            Silence::Exhausted => {
                let why = exhausted(&operation, input.is_some());
                self.resolved(&operation, Finding::Exhausted(why)).await
            }
        }
    }

    /// What the payer typed in, nothing where it is not at hand: then the same cannot be asked again.
    pub(super) fn typed_in(&self, operation: &Operation) -> Option<Json> {
        match &operation.input {
            Input::None => Some(Json::empty()),
            Input::Gone => None,
            Input::Sealed(sealed) => {
                let text = self.inner.seal.open(&operation.id, sealed);
                if text.is_none() {
                    tracing::warn!(
                        operation = operation.id.as_str(),
                        "what the payer typed in was sealed under another encryption key, so it cannot be sent again"
                    );
                }
                text.as_deref().map(Json::from_checked)
            }
        }
    }

    /// Has the session of an uncertain charge abandoned: with every way of asking gone, this one answer is left to get. The
    /// provider says that it can never be paid, then the charge did not happen; it says anything else, then a person looks.
    async fn void_uncertain(&self, operation: &Operation) -> Result<Operation, Error> {
        let session = operation.session.clone();
        let request = Request::DeleteSession { session: session.clone() };
        let said = match self.execute(Key::Session(session), request, Json::empty(), &Guard::default()).await {
            // Another call about the session is under way: it goes first.
            // Neither is a provider that is not called for a while the last word.
            Err(
                Error::Refused(Refusal::InFlight { .. })
                | Error::Contended
                | Error::Tripped { .. }
                | Error::Fault { fault: Fault::Host(HostFault::Tripped { .. }), .. },
            ) => {
                return self.resolved(operation, Finding::Nothing).await;
            }
            Err(Error::Store(error)) => return Err(Error::Store(error)),
            Ok(executed) => executed.operation.map(|void| void.state.as_str().to_owned()),
            Err(error) => Some(error.to_string()),
        };
        let present = self.operation(&operation.id).await?;
        if present.state.is_terminal() {
            tracing::warn!(
                operation = operation.id.as_str(),
                provider = operation.provider.as_str(),
                "a charge whose fate could not be found out was voided: its session can never be paid"
            );
            return Ok(present);
        }
        let why = format!(
            "nobody can tell what became of it, and the provider did not abandon its session ({}): look at the \
             provider's dashboard, then `tillbox operations resolve {}`",
            said.as_deref().unwrap_or("it was closed already"),
            operation.id
        );
        self.resolved(operation, Finding::Exhausted(why)).await
    }

    /// Whether somebody alive may be asking the provider right now.
    pub(super) fn is_held(&self, operation: &Operation) -> bool {
        operation.state == OperationState::Running && operation.next_action_at.is_some_and(|until| until > self.now())
    }

    /// Makes a finding durable, unless the operation has moved on since it was looked at: then what was found is about an
    /// earlier request, and whoever moved it knows better (rule R8).
    pub(super) async fn resolved(&self, looked_at: &Operation, finding: Finding) -> Result<Operation, Error> {
        Ok(found(&self.resolved_as(looked_at, finding, &Guard::default()).await?.collection, &looked_at.id))
    }

    /// The same as the whole of a request, under its key.
    pub(super) async fn resolved_as(&self, looked_at: &Operation, finding: Finding, guard: &Guard) -> Concluded {
        let id = &looked_at.id;
        let key = Key::Operation(id.clone());
        let resolve = Command::Resolve { operation: id.clone(), finding };
        let resolved =
            self.change_as(&key, |collection| same_lease(collection, looked_at).map(|()| resolve.clone()), guard).await;
        let executed = match resolved {
            Err(Error::Refused(Refusal::AlreadySettled { .. } | Refusal::StaleLease)) => {
                Executed::unasked(self.stored(&key).await?.collection)
            }
            other => other?,
        };
        alarm(looked_at, &found(&executed.collection, id));
        Ok(executed)
    }

    /// Whether a running operation is still its holder's when a call that begins now has ended.
    pub(super) fn holds(&self, operation: &Operation) -> bool {
        let ends_at = self.now().0.saturating_add(i64::from(self.inner.deadline_ms));
        operation.next_action_at.is_some_and(|until| ends_at <= until.0)
    }

    /// Takes a running operation from a holder that died: from now on it is a question.
    pub(super) async fn give_up(&self, operation: &Operation) -> Result<Collection, Error> {
        let sent = match self.recorded(operation).await? {
            Story::Nothing | Story::Open => Sent::Maybe,
            Story::Whole(_) => Sent::Answered,
        };
        let fault = tillbox_core::command::Fault {
            code: "host_stopped".to_owned(),
            detail: "the host stopped while the provider was being asked".to_owned(),
            sent,
        };
        let settle = Command::Settle {
            operation: operation.id.clone(),
            lease_token: operation.lease_token,
            answer: Answer::Fault(fault),
        };
        self.settle(&operation.id, &settle).await
    }

    /// Asks the very same once more, with the same key: intent, call, answer, as at the first time. Whoever loses the race
    /// for the intent has sent nothing.
    async fn resend(&self, provider: &dyn Provider, looked_at: &Operation, input: &Json) -> Result<Operation, Error> {
        let id = &looked_at.id;
        let key = Key::Operation(id.clone());
        let retry = Command::Retry { operation: id.clone(), lease_until: self.lease_until() };
        if provider.is_watched() && provider.reach() == Reach::Network {
            return self.resend_with_journal(provider, looked_at, retry, input).await;
        }
        let begun = self.change(&key, |collection| same_lease(collection, looked_at).map(|()| retry.clone())).await;
        let started = match begun {
            // Another call about the same payment is under way: it goes first.
            Err(Error::Refused(Refusal::InFlight { .. })) => return self.resolved(looked_at, Finding::Nothing).await,
            Err(Error::Refused(Refusal::AlreadySettled { .. } | Refusal::StaleLease)) => {
                return Ok(found(&self.stored(&key).await?.collection, id));
            }
            other => other?,
        };
        let call = self.ask(provider, &started, id, input, Keeping::default()).await;
        self.settled(provider, &started, looked_at, &call).await
    }

    /// The same of a provider that the host watches: the attempt becomes durable with its first intent.
    async fn resend_with_journal(
        &self,
        provider: &dyn Provider,
        looked_at: &Operation,
        retry: Command,
        input: &Json,
    ) -> Result<Operation, Error> {
        let id = &looked_at.id;
        for _ in 0..COMMIT_ATTEMPTS {
            let before = self.stored(&Key::Operation(id.clone())).await?;
            if same_lease(&before.collection, looked_at).is_err() {
                return Ok(found(&before.collection, id));
            }
            let events = match machine::decide(Some(&before.collection), &retry, self.now()) {
                // Another call about the same payment is under way: it goes first.
                Err(Refusal::InFlight { .. }) => return self.resolved(looked_at, Finding::Nothing).await,
                Err(Refusal::AlreadySettled { .. }) => return Ok(found(&before.collection, id)),
                other => other?,
            };
            let started = applied(&before.collection, &events);
            let beginning = Beginning {
                before: before.clone(),
                after: started.clone(),
                events: events.clone(),
                key: None,
                take_over: None,
                may_send: true,
            };
            let journal = Journaled::begin(self, provider, id, beginning);
            let call = self.ask(provider, &started, id, input, journal.keeping()).await;
            match journal.written().await {
                Written::Kept => return self.settled(provider, &started, looked_at, &call).await,
                Written::Failed(error) => return Err(error),
                Written::Lost => {}
                // It sent nothing this time: that says nothing of the time before, and is a look like any other.
                Written::Nothing => {
                    if self.committed_as(before, &started, &events, None).await? {
                        return self.settled(provider, &started, looked_at, &call).await;
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// What came of asking again.
    pub(super) async fn settled(
        &self,
        provider: &dyn Provider,
        started: &Collection,
        looked_at: &Operation,
        call: &Call<Outcome>,
    ) -> Result<Operation, Error> {
        let id = &looked_at.id;
        let settle = settle_command(started, id, self.believed(provider, started, id, call).await?);
        let operation = found(&self.settle(id, &settle).await?, id);
        log_call(&operation, call);
        alarm(looked_at, &operation);
        Ok(operation)
    }

    /// What the provider knows of the operation; nothing when it is silent about it.
    async fn look_up(
        &self,
        provider: &dyn Provider,
        collection: &Collection,
        operation: &Operation,
    ) -> Result<Option<Snapshot>, Error> {
        let context = self.context(provider, collection, operation);
        let reference = OperationReference {
            operation: operation.id.clone(),
            idempotency_key: context.idempotency_key.clone(),
            kind: operation.kind,
            amount: operation.amount,
        };
        let request = RetrieveRequest { payment: payment_state(collection, operation), operation: Some(reference) };
        self.step(Step::BeforeLookup);
        let call = provider.retrieve(context, request).await;
        self.step(Step::LookedUp);
        super::turned_away::log(operation, &call.report);
        let is_told = match &call.answer {
            Ok(_) => true,
            Err(Failure::Error(error)) => error.kind == ErrorKind::NotFound,
            Err(Failure::Fault(_)) => false,
        };
        if is_told {
            self.is_evidence(provider, operation, &call).await?.map_err(Error::NotAsked)?;
        }
        match call.answer {
            Ok(snapshot) => Ok(tells(&snapshot, operation).then_some(snapshot)),
            Err(Failure::Error(error)) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(failure) => Err(not_asked(failure)),
        }
    }

    /// What a call that only reads carries: an operation of its own that never enters the books.
    pub(super) fn reading_context(&self, collection: &Collection, session: &Session) -> CallContext {
        let id = OperationId::from_tail(&new_tail());
        let payment = collection.payment_of(&session.id).map(|payment| payment.id.clone());
        let (payer, account_holder) = super::Payer::from_json(&session.context);
        CallContext {
            deadline_ms: self.inner.deadline_ms,
            collection: Some(collection.id.clone()),
            session: Some(session.id.clone()),
            payment,
            environment: self.inner.environment,
            locale: payer.locale,
            customer: payer.customer,
            account_holder,
            ..CallContext::new(id.clone(), id.as_str())
        }
    }
}

pub(super) fn found(collection: &Collection, id: &OperationId) -> Operation {
    collection.operation(id).expect("operations are never deleted").clone()
}

/// Refuses when the operation is not as it was looked at.
pub(super) fn same_lease(collection: &Collection, looked_at: &Operation) -> Result<(), Error> {
    let present = found(collection, &looked_at.id);
    match present.lease_token == looked_at.lease_token && present.state == looked_at.state {
        true => Ok(()),
        false => Err(Refusal::StaleLease.into()),
    }
}

/// Whether a snapshot says anything of the operation. The provider accepted a pending one, so its silence about it means
/// nothing; the payment's own state may tell.
fn tells(snapshot: &Snapshot, operation: &Operation) -> bool {
    let about_the_payment = match operation.kind {
        OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => true,
        OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete => false,
    };
    snapshot.operation.is_some() || (operation.state == OperationState::Pending && about_the_payment)
}

/// The proof in words.
fn proof(provider: &dyn Provider, operation: &Operation) -> String {
    match provider.info().recovery(operation.kind).lookup {
        Lookup::EventualSeconds(seconds) => {
            format!("the provider does not know it, and what it knows is at most {seconds} seconds old")
        }
        Lookup::Strong | Lookup::None => "the provider does not know it".to_owned(),
    }
}

/// Why nothing is left, and what a person can do.
fn exhausted(operation: &Operation, is_repeatable: bool) -> String {
    let why = match is_repeatable {
        true => "its key is no longer recognised",
        false => "what the payer had typed in is not at hand, so the same cannot be sent again",
    };
    format!(
        "the provider cannot be asked for it, and {why}: look at the provider's dashboard, then \
         `tillbox operations resolve {}`",
        operation.id
    )
}

/// Calls for a person, once.
pub(super) fn alarm(before: &Operation, after: &Operation) {
    if after.state == OperationState::NeedsReview && before.state != OperationState::NeedsReview {
        tracing::error!(
            operation = after.id.as_str(),
            kind = after.kind.as_str(),
            provider = after.provider.as_str(),
            reason = after.reason.as_deref(),
            detail = after.detail.as_deref(),
            "an operation needs a person: its amount stays reserved until somebody says what became of it"
        );
    }
}

/// A reading that a provider did not give. One that says why has been asked: it does not know what it was asked about, or
/// does not tell it.
pub(super) fn not_told(what: &'static str, failure: Failure) -> Error {
    match failure {
        Failure::Error(error) => match error.kind {
            ErrorKind::InvalidRequest | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::NotSupported => {
                Error::NotTaken { what, error }
            }
            ErrorKind::Authentication
            | ErrorKind::RateLimited { .. }
            | ErrorKind::Unavailable
            | ErrorKind::OutcomeUnknown
            | ErrorKind::Other(_) => not_asked(Failure::Error(error)),
        },
        Failure::Fault(_) => not_asked(failure),
    }
}

/// A reading call without an answer.
pub(super) fn not_asked(failure: Failure) -> Error {
    Error::NotAsked(match failure {
        Failure::Error(error) => format!("{}: {}", error.code, error.message),
        Failure::Fault(fault) => fault.to_string(),
    })
}
