//! Carrying out an operation: decide, make the intent durable if anything could leave the process, ask the provider, decide
//! what the answer means, make that durable.
//!
//! No transaction is open while a provider runs. A provider that can send nothing needs no intent: its call changes nothing
//! outside, so operation and outcome share one commit, and a crash before it leaves nothing behind.

use tillbox_core::command::{Answer, Command, Request, Sent};
use tillbox_core::event::Event;
use tillbox_core::id::OperationId;
use tillbox_core::machine;
use tillbox_core::operation::{Input, Operation, OperationKind, OperationState, Product};
use tillbox_core::outcome::{Outcome, ProviderError};
use tillbox_core::refusal::Refusal;
use tillbox_core::state::Collection;
use tillbox_core::text::Json;
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::journal::Keeping;
use tillbox_runtime::request::{
    AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, RefundRequest,
    UpdateRequest,
};
use tillbox_runtime::{Call, CallReport, Failure, Fault, Left, MoneyImplication, Provider, Reach};

use super::doubt::vouched;
use super::idempotency::{Concluded, Guard};
use super::journal::{Beginning, Journaled, Written};
use super::keys::{STEP_ONLY, idempotency_key};
use super::providers::abilities;
use super::subject::{payment_state, provider_of};
use super::turned_away::with_refused;
use super::{Error, Host, Payer, Step};
use crate::clock::new_tail;
use crate::store::{Key, Stored};

/// How often a decision is made anew because somebody else changed the collection first. Each round, one of the contenders
/// gets through, so this is also how many may contend.
pub(super) const COMMIT_ATTEMPTS: usize = 64;

/// What came of an operation, after it is durable.
#[derive(Debug)]
pub(super) struct Executed {
    pub(super) collection: Collection,
    /// Absent when the core said that there is nothing to do.
    pub(super) operation: Option<Operation>,
    pub(super) report: Option<CallReport>,
}

/// One operation to carry out: its id, what the storefront sent for the provider, and the key of the request.
#[derive(Debug, Clone, Copy)]
struct Asking<'a> {
    id: &'a OperationId,
    input: &'a Json,
    guard: &'a Guard,
}

impl Executed {
    /// Nothing was asked of a provider.
    pub(super) fn unasked(collection: Collection) -> Self {
        Self { collection, operation: None, report: None }
    }
}

impl Host {
    /// Carries out one request against a provider.
    pub(super) async fn execute(
        &self,
        key: Key,
        request: Request,
        input: Json,
        guard: &Guard,
    ) -> Result<Executed, Error> {
        // Made once: however often the decision is repeated, the provider sees one operation and one key.
        let id = OperationId::from_tail(&new_tail());
        for _ in 0..COMMIT_ATTEMPTS {
            let stored = self.stored(&key).await?;
            let provider_id = provider_of(&stored.collection, &request)?;
            let provider = self.serving(&provider_id)?;
            let command = Command::Begin {
                operation: id.clone(),
                request: request.clone(),
                abilities: abilities(provider.info()),
                input: self.kept_input(provider.reach(), &id, &input),
                lease_until: self.lease_until(),
                component: provider.component(),
            };
            let begun = machine::decide(Some(&stored.collection), &command, self.now())?;
            self.step(Step::Decided);
            let started = applied(&stored.collection, &begun);
            if begun.is_empty() {
                return Ok(Executed::unasked(stored.collection));
            }
            // Before anything is written: a call that is not made leaves no operation behind.
            provider.called(&provider_id)?;
            let asking = Asking { id: &id, input: &input, guard };
            let asks = started.operation(&id).is_some();
            let executed = match provider.reach() {
                Reach::Nowhere | Reach::Network if !asks => self.commit_unasked(stored, started, &begun, guard).await?,
                Reach::Nowhere => Box::pin(self.call_then_commit(provider.as_ref(), stored, begun, asking)).await?,
                Reach::Network if provider.is_watched() => {
                    Box::pin(self.call_with_journal(provider.as_ref(), stored, begun, asking)).await?
                }
                Reach::Network => Box::pin(self.commit_then_call(provider.as_ref(), stored, begun, asking)).await?,
            };
            if let Some(executed) = executed {
                return executed;
            }
            if guard.lost(self).await? {
                break;
            }
        }
        Err(Error::Contended)
    }

    /// The core knows the answer without the provider; nothing when somebody else was faster.
    async fn commit_unasked(
        &self,
        stored: Stored,
        after: Collection,
        events: &[Event],
        guard: &Guard,
    ) -> Result<Option<Concluded>, Error> {
        let write = guard.end(self, None, &after, || Ok(Executed::unasked(after.clone())));
        if !self.committed_as(stored, &after, events, write.as_ref()).await? {
            return Ok(None);
        }
        guard.written(write.as_ref());
        Ok(Some(Ok(Executed::unasked(after))))
    }

    /// What the books keep of what a payer typed in. What can reach no gateway is never asked twice.
    fn kept_input(&self, reach: Reach, id: &OperationId, input: &Json) -> Input {
        if input.is_empty() {
            return Input::None;
        }
        match reach {
            Reach::Nowhere => Input::Gone,
            Reach::Network => self.inner.seal.seal(id, input.as_str()).map_or(Input::Gone, Input::Sealed),
        }
    }

    /// Nothing can leave the process: one commit for everything; nothing when somebody else was faster.
    async fn call_then_commit(
        &self,
        provider: &dyn Provider,
        stored: Stored,
        events: Vec<Event>,
        asking: Asking<'_>,
    ) -> Result<Option<Concluded>, Error> {
        let started = applied(&stored.collection, &events);
        let call = self.ask(provider, &started, asking.id, asking.input, Keeping::default()).await;
        self.commit_call(provider, stored, events, call, asking).await
    }

    /// The operation and what came of it, after a call that sent nothing.
    async fn commit_call(
        &self,
        provider: &dyn Provider,
        stored: Stored,
        mut events: Vec<Event>,
        call: Call<Outcome>,
        Asking { id, guard, .. }: Asking<'_>,
    ) -> Result<Option<Concluded>, Error> {
        let started = applied(&stored.collection, &events);
        let settle = settle_command(&started, id, self.believed(provider, &started, id, &call).await?);
        events.extend(machine::decide(Some(&started), &settle, self.now())?);
        let after = applied(&stored.collection, &events);
        let write = guard.end(self, Some(id), &after, || conclude(after.clone(), id, &call));
        if !self.committed_as(stored, &after, &events, write.as_ref()).await? {
            return Ok(None);
        }
        guard.written(write.as_ref());
        log_call(after.operation(id).expect("settled just now"), &call);
        Ok(Some(conclude(after, id, &call)))
    }

    /// Something may leave the process, and the host sees it coming: the operation becomes durable with the first intent.
    /// A call that sends nothing costs one commit, like one that could not.
    async fn call_with_journal(
        &self,
        provider: &dyn Provider,
        stored: Stored,
        begun: Vec<Event>,
        asking: Asking<'_>,
    ) -> Result<Option<Concluded>, Error> {
        let Asking { id, input, guard } = asking;
        let started = applied(&stored.collection, &begun);
        let key = guard.intent(self, id);
        let beginning = Beginning {
            before: stored.clone(),
            after: started.clone(),
            events: begun.clone(),
            key: key.clone(),
            take_over: None,
            may_send: true,
        };
        let journal = Journaled::begin(self, provider, id, beginning);
        let call = self.ask(provider, &started, id, input, journal.keeping()).await;
        match journal.written().await {
            Written::Nothing => self.commit_call(provider, stored, begun, call, asking).await,
            Written::Lost => Ok(None),
            Written::Failed(error) => Err(error),
            Written::Kept => {
                guard.written(key.as_ref());
                self.settle_call(provider, &started, call, asking).await.map(Some)
            }
        }
    }

    /// Something may leave the process, and the host does not see what: the intent is durable first, and whoever loses the race
    /// for it has sent nothing.
    async fn commit_then_call(
        &self,
        provider: &dyn Provider,
        stored: Stored,
        begun: Vec<Event>,
        asking: Asking<'_>,
    ) -> Result<Option<Concluded>, Error> {
        let Asking { id, input, guard } = asking;
        let started = applied(&stored.collection, &begun);
        let write = guard.intent(self, id);
        if !self.committed_as(stored, &started, &begun, write.as_ref()).await? {
            return Ok(None);
        }
        guard.written(write.as_ref());
        let call = self.ask(provider, &started, id, input, Keeping::default()).await;
        self.settle_call(provider, &started, call, asking).await.map(Some)
    }

    /// What came of a call whose intent is durable.
    async fn settle_call(
        &self,
        provider: &dyn Provider,
        started: &Collection,
        call: Call<Outcome>,
        Asking { id, guard, .. }: Asking<'_>,
    ) -> Result<Concluded, Error> {
        let answer = match self.believed(provider, started, id, &call).await {
            Ok(answer) => answer,
            Err(error) => return Err(Error::Unknown { operation: id.clone(), detail: error.to_string() }),
        };
        let settle = settle_command(started, id, answer);
        match Box::pin(self.settle_as(id, &settle, &call, guard)).await {
            Ok(after) => {
                log_call(after.operation(id).expect("settled just now"), &call);
                Ok(conclude(after, id, &call))
            }
            // The provider was asked, and what it said cannot be written down: a question, however good the answer was.
            Err(Error::Store(error)) => {
                let detail = format!("the provider was asked, and its answer could not be kept: {error}");
                Err(Error::Unknown { operation: id.clone(), detail })
            }
            Err(error) => Err(error),
        }
    }

    /// The answer counts however much the collection changed meanwhile; only an older lease loses.
    pub(super) async fn settle(&self, id: &OperationId, settle: &Command) -> Result<Collection, Error> {
        match self.change(&Key::Operation(id.clone()), |_| Ok(settle.clone())).await {
            // Somebody else found out first what this call was about to say.
            Err(Error::Refused(Refusal::AlreadySettled { .. } | Refusal::StaleLease)) => {
                Ok(self.stored(&Key::Operation(id.clone())).await?.collection)
            }
            other => other,
        }
    }

    /// The same for the request that began it: its key is written with the answer, as long as nobody has taken it over.
    async fn settle_as(
        &self,
        id: &OperationId,
        settle: &Command,
        call: &Call<Outcome>,
        guard: &Guard,
    ) -> Result<Collection, Error> {
        let mut keyed = true;
        for _ in 0..COMMIT_ATTEMPTS {
            let stored = self.stored(&Key::Operation(id.clone())).await?;
            let events = match machine::decide(Some(&stored.collection), settle, self.now()) {
                // Somebody else found out first what this call was about to say.
                Err(Refusal::AlreadySettled { .. } | Refusal::StaleLease) => return Ok(stored.collection),
                Err(refusal) => return Err(refusal.into()),
                Ok(events) if events.is_empty() => return Ok(stored.collection),
                Ok(events) => events,
            };
            let after = applied(&stored.collection, &events);
            let write = guard.end(self, Some(id), &after, || conclude(after.clone(), id, call)).filter(|_| keyed);
            if self.committed_as(stored, &after, &events, write.as_ref()).await? {
                guard.written(write.as_ref());
                return Ok(after);
            }
            keyed = keyed && !guard.lost(self).await?;
        }
        Err(Error::Contended)
    }

    pub(super) fn context(
        &self,
        provider: &dyn Provider,
        collection: &Collection,
        operation: &Operation,
    ) -> CallContext {
        let format = provider.info().key_format;
        let key = idempotency_key(&self.inner.host_key, &operation.provider, "", &operation.id, STEP_ONLY, format);
        let payer = collection.session(&operation.session).map(|session| Payer::from_json(&session.context));
        let (payer, account_holder) = payer.unwrap_or_default();
        CallContext {
            attempt: operation.attempts.max(1),
            deadline_ms: self.inner.deadline_ms,
            collection: Some(collection.id.clone()),
            session: Some(operation.session.clone()),
            payment: operation.payment.clone(),
            environment: self.inner.environment,
            locale: payer.locale,
            customer: payer.customer,
            account_holder,
            ..CallContext::new(operation.id.clone(), key)
        }
    }

    pub(super) async fn ask(
        &self,
        provider: &dyn Provider,
        collection: &Collection,
        id: &OperationId,
        input: &Json,
        keeping: Keeping,
    ) -> Call<Outcome> {
        let operation = collection.operation(id).expect("begun just now");
        let context = CallContext { keeping, ..self.context(provider, collection, operation) };
        let state = payment_state(collection, operation);
        let amount = operation.amount.unwrap_or(state.amount);
        let input = input.clone();
        let note = operation.note.clone();
        self.step(Step::BeforeCall);
        // Whoever looks after the lease takes "the provider does not know it" for proof. Nothing may be sent after that. Of what
        // a provider sends through the host, the journal sees to it.
        if provider.reach() == Reach::Network && !provider.is_watched() && !self.holds(operation) {
            return Call::fault(Fault::Host(HostFault::Late));
        }
        let call = match (operation.kind, &operation.product) {
            (OperationKind::Initiate, _) => provider.initiate(context, InitiateRequest { amount, input }).await,
            (OperationKind::Update, _) => {
                provider.update(context, UpdateRequest { payment: state, amount, input }).await
            }
            (OperationKind::Authorize, _) => {
                provider.authorize(context, AuthorizeRequest { payment: state, input }).await
            }
            (OperationKind::Capture, Product::Capture(capture)) => {
                let rest = state.amount.checked_sub(state.captured).and_then(|left| left.checked_sub(amount));
                let is_final = rest.is_ok_and(|rest| rest.is_zero());
                let request = CaptureRequest { payment: state, amount, capture: capture.clone(), is_final };
                provider.capture(context, request).await
            }
            (OperationKind::Refund, Product::Refund(refund)) => {
                let reason = operation.refund_reason.as_ref().map(|reason| reason.code.clone());
                let request = RefundRequest { payment: state, amount, refund: refund.clone(), reason, note };
                provider.refund(context, request).await
            }
            (OperationKind::Cancel, _) => {
                provider.cancel(context, CancelRequest { payment: state, reason: note }).await
            }
            (OperationKind::Delete, _) => provider.delete(context, DeleteRequest { payment: state }).await,
            (OperationKind::Capture | OperationKind::Refund, _) => {
                unreachable!("the core gives a capture its capture id and a refund its refund id")
            }
        };
        self.step(Step::Answered);
        call
    }
}

/// The state after a list of events.
pub(super) fn applied(collection: &Collection, events: &[Event]) -> Collection {
    let state = events.iter().fold(Some(collection.clone()), machine::apply);
    state.expect("events change a collection and never unmake it")
}

pub(super) fn settle_command(started: &Collection, id: &OperationId, answer: Answer) -> Command {
    let lease_token = started.operation(id).expect("begun just now").lease_token;
    Command::Settle { operation: id.clone(), lease_token, answer }
}

/// What a call says, seen with what the host knows of the bytes.
pub(super) fn answer_of(call: &Call<Outcome>, reach: Reach) -> Answer {
    let sent = |implied: MoneyImplication| match (reach, implied, call.report.left) {
        // The host saw every byte that could leave, and none did: proof, whatever the guest says.
        (Reach::Nowhere, ..)
        | (Reach::Network, MoneyImplication::NothingSent, None)
        | (Reach::Network, _, Some(Left::Nothing)) => Sent::Nothing,
        // A request left and no answer came: whatever the guest vouches for, it cannot know.
        (Reach::Network, _, Some(Left::Something)) | (Reach::Network, MoneyImplication::MayHaveBeenSent, None) => {
            Sent::Maybe
        }
        (Reach::Network, _, Some(Left::Answered)) | (Reach::Network, MoneyImplication::Answered, None) => {
            Sent::Answered
        }
    };
    match &call.answer {
        Ok(outcome) => Answer::Outcome(outcome.clone()),
        // A provider's own error is its answer; what it vouches for depends on the kind.
        Err(Failure::Error(error)) => {
            let sent = if reach == Reach::Nowhere { Sent::Nothing } else { vouched(&call.report) };
            let message = with_refused(error.message.clone(), &call.report);
            Answer::Error { error: ProviderError { message, ..error.clone() }, sent }
        }
        Err(Failure::Fault(fault)) => Answer::Fault(tillbox_core::command::Fault {
            code: fault.code().to_owned(),
            detail: with_refused(fault.to_string(), &call.report),
            sent: sent(fault.implies()),
        }),
    }
}

/// The caller's result, by the state the operation came to.
fn conclude(collection: Collection, id: &OperationId, call: &Call<Outcome>) -> Concluded {
    let operation = collection.operation(id).expect("settled just now");
    let report = Some(call.report.clone());
    match (operation.state, &call.answer) {
        (OperationState::Rejected | OperationState::Absent, Err(Failure::Error(error))) => {
            Err(Error::Rejected { operation: id.clone(), error: error.clone() })
        }
        (OperationState::Rejected | OperationState::Absent, Err(Failure::Fault(fault))) => {
            Err(Error::Fault { operation: id.clone(), fault: fault.clone() })
        }
        // The provider answered that the payment is void or broken: the session shows it.
        (OperationState::Rejected | OperationState::Absent, Ok(_)) => {
            Ok(Executed { operation: Some(operation.clone()), collection, report })
        }
        (
            OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Pending
            | OperationState::NeedsReview
            | OperationState::Running
            | OperationState::Unknown,
            _,
        ) => conclude_state(collection, id).map(|executed| Executed { report, ..executed }),
    }
}

/// The same without a call, for an operation that is not closed as not having happened.
pub(super) fn conclude_state(collection: Collection, id: &OperationId) -> Concluded {
    let operation = collection.operation(id).expect("operations are never deleted").clone();
    let detail = || operation.detail.clone().unwrap_or_default();
    match operation.state {
        OperationState::NeedsReview => {
            let reason = operation.reason.clone().unwrap_or_default();
            Err(Error::Review { operation: id.clone(), reason, detail: detail() })
        }
        OperationState::Running | OperationState::Unknown => {
            Err(Error::Unknown { operation: id.clone(), detail: detail() })
        }
        OperationState::Succeeded
        | OperationState::Declined
        | OperationState::NeedsAction
        | OperationState::Pending
        | OperationState::Rejected
        | OperationState::Absent => Ok(Executed { collection, operation: Some(operation), report: None }),
    }
}

pub(super) fn log_call(operation: &Operation, call: &Call<Outcome>) {
    let report = &call.report;
    tracing::info!(
        operation = operation.id.as_str(),
        kind = operation.kind.as_str(),
        provider = operation.provider.as_str(),
        state = operation.state.as_str(),
        reason = operation.reason.as_deref(),
        micros = u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX),
        memory_bytes_peak = report.memory_bytes_peak,
        request_may_have_been_sent = call.request_may_have_been_sent(),
        "provider called"
    );
    super::turned_away::log(operation, report);
    for line in &report.log {
        let fields: Vec<String> = line.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        tracing::info!(
            operation = operation.id.as_str(),
            provider = operation.provider.as_str(),
            level = ?line.level,
            fields = fields.join(" "),
            "{}",
            line.message
        );
    }
}
