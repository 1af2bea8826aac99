//! Running a provider again from the journal: after a crash between an answer and its end, after a provider that broke over an
//! answer, and after its next version came.
//!
//! What is written down is not sent again. A provider that goes on where its last run was cut off sends what is left, under the
//! lease of a new run. One that breaks again, or asks for something else, leaves the answer where it is and a person to look.

use tillbox_core::command::{Command, Finding, Sent};
use tillbox_core::machine;
use tillbox_core::operation::{Operation, OperationState};
use tillbox_core::outcome::Outcome;
use tillbox_core::refusal::Refusal;
use tillbox_core::state::Collection;
use tillbox_core::text::Json;
use tillbox_runtime::{Call, Failure, Fault, Provider, Reach};

use super::doubt::{UNPROVEN, vouched};
use super::execute::{applied, log_call};
use super::journal::{Beginning, Journaled, Run, Story, Written};
use super::recheck::{Turn, found, same_lease};
use super::{Error, Host, Step};
use crate::store::{ExchangeWrite, Key, Page};

impl Host {
    /// What the journal makes of an operation that nobody holds; nothing when the journal cannot tell, and others have to be
    /// asked.
    pub(super) async fn read_again(&self, operation: &Operation, turn: Turn) -> Result<Option<Operation>, Error> {
        let wanted = match operation.state {
            OperationState::Running => !self.is_held(operation),
            // A provider that said by itself that it does not know would say so again, and so would one that was not believed.
            OperationState::Unknown => !matches!(operation.reason.as_deref(), Some("outcome_unknown" | UNPROVEN)),
            OperationState::NeedsReview => operation.reason.as_deref() == Some(UNREADABLE),
            OperationState::Pending
            | OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => false,
        };
        if !wanted {
            return Ok(None);
        }
        // What broke over an answer is not asked to read it again where another version can; anything else goes on as it began.
        let provider = match operation.state {
            OperationState::NeedsReview => self.serving(&operation.provider),
            OperationState::Running
            | OperationState::Unknown
            | OperationState::Pending
            | OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => self.provider_of(operation).await,
        };
        let Ok(provider) = provider else { return Ok(None) };
        if provider.refuses().is_some() {
            return Ok(None);
        }
        if !provider.is_watched() || provider.reach() != Reach::Network {
            return Ok(None);
        }
        let Some(input) = self.typed_in(operation) else { return Ok(None) };
        match self.recorded(operation).await? {
            Story::Whole(run) => self.rerun(provider.as_ref(), operation, run, &input, turn).await,
            Story::Nothing | Story::Open => Ok(None),
        }
    }

    /// Looks at every answer that a provider could not read and of which another version is installed by now; tells how many
    /// operations came to an end.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(super) async fn read_unreadable(&self) -> Result<usize, Error> {
        let (mut read, mut offset) = (0, 0);
        loop {
            let page = Page { offset, limit: super::PAGE };
            let entries = self.operations(&[OperationState::NeedsReview], page).await?.items;
            if entries.is_empty() {
                return Ok(read);
            }
            let mut left = 0;
            for entry in entries {
                let operation = self.operation(&entry.id).await?;
                let ended = match self.is_read_by_another(&operation).await? {
                    true => self.read_again(&operation, Turn::Request).await?,
                    false => None,
                };
                match ended.is_some_and(|operation| operation.state.is_terminal()) {
                    true => read += 1,
                    false => left += 1,
                }
            }
            offset += left;
        }
    }

    /// Whether the provider is another one than that which got the answer.
    async fn is_read_by_another(&self, operation: &Operation) -> Result<bool, Error> {
        if operation.reason.as_deref() != Some(UNREADABLE) {
            return Ok(false);
        }
        let rows = self.inner.store.exchanges(operation.id.clone()).await?;
        let before = rows.last().and_then(|row| row.component.clone());
        let now = self.provider(&operation.provider).ok().and_then(|provider| provider.inspection());
        Ok(now.is_some_and(|now| before.as_ref() != Some(&now.report.digest_sha256)))
    }

    async fn rerun(
        &self,
        provider: &dyn Provider,
        operation: &Operation,
        run: Run,
        input: &Json,
        turn: Turn,
    ) -> Result<Option<Operation>, Error> {
        let id = &operation.id;
        let before = self.stored(&Key::Operation(id.clone())).await?;
        if same_lease(&before.collection, operation).is_err() {
            return Ok(Some(found(&before.collection, id)));
        }
        // What goes beyond the journal is a further attempt; where none may be made now, nothing is sent.
        let retry = Command::Retry { operation: id.clone(), lease_until: self.lease_until() };
        let decided = machine::decide(Some(&before.collection), &retry, self.now());
        let may_send = turn == Turn::Due && decided.is_ok();
        let events = match decided {
            Ok(events) => events,
            Err(Refusal::InFlight { .. }) => Vec::new(),
            Err(refusal) => return Err(refusal.into()),
        };
        let after = applied(&before.collection, &events);
        let Run { recorded, through, known } = run;
        let to = found(&after, id).lease_token;
        let take_over =
            ExchangeWrite::TakeOver { operation: id.clone(), from: operation.lease_token, to, through, known };
        let collection = before.collection.clone();
        let beginning =
            Beginning { before, after: after.clone(), events, key: None, take_over: Some(take_over), may_send };
        let journal = Journaled::begin(self, provider, id, beginning);
        self.step(Step::BeforeRerun);
        let call = self.ask(provider, &collection, id, input, journal.again(recorded)).await;
        self.step(Step::Rerun);
        match journal.written().await {
            Written::Kept => self.settled(provider, &after, operation, &call).await.map(Some),
            Written::Lost => Ok(Some(self.operation(id).await?)),
            Written::Failed(error) => Err(error),
            Written::Nothing => self.reread(provider, &collection, operation, &call).await,
        }
    }

    /// What a run that sent nothing means.
    async fn reread(
        &self,
        provider: &dyn Provider,
        collection: &Collection,
        operation: &Operation,
        call: &Call<Outcome>,
    ) -> Result<Option<Operation>, Error> {
        log_call(operation, call);
        match &call.answer {
            Ok(_) => self.settled(provider, collection, operation, call).await.map(Some),
            Err(Failure::Error(_)) if operation.state == OperationState::Running => {
                self.settled(provider, collection, operation, call).await.map(Some)
            }
            // It was a question before this answer was understood, and the answer says that nothing happened.
            Err(Failure::Error(error))
                if error.kind.proves_nothing_happened()
                    && operation.attempts <= 1
                    && vouched(&call.report) != Sent::Maybe =>
            {
                let proof = format!("the gateway's answer says so: {}: {}", error.code, error.message);
                self.resolved(operation, Finding::Absent(proof)).await.map(Some)
            }
            Err(Failure::Error(_)) => Ok(None),
            Err(Failure::Fault(fault)) if is_the_providers(fault) => {
                let detail = format!("the gateway answered, and {fault}; the answer is kept");
                self.resolved(operation, Finding::Unreadable(detail)).await.map(Some)
            }
            Err(Failure::Fault(fault)) => {
                tracing::warn!(operation = operation.id.as_str(), %fault, "a provider could not be run again");
                Ok(None)
            }
        }
    }
}

/// The reason of an operation whose answer is kept and was not understood.
const UNREADABLE: &str = "answer_unreadable";

/// Whether it breaks over the answer, and not over what the host could not do.
fn is_the_providers(fault: &Fault) -> bool {
    match fault {
        Fault::Trap { .. }
        | Fault::Contract { .. }
        | Fault::Limit { .. }
        | Fault::Deadline { .. }
        | Fault::Diverged { .. } => true,
        Fault::Denied { .. } | Fault::Operator { .. } | Fault::Host(_) => false,
    }
}
