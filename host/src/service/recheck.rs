//! Asking the provider about operations whose fate is open.
//!
//! The only ways an open operation ends: the provider knows it, or its absence is proven. A provider that cannot be reached
//! proves nothing, and neither does patience.

use tillbox_core::command::{Answer, Command, Finding, Sent};
use tillbox_core::id::OperationId;
use tillbox_core::operation::{Operation, OperationKind, OperationState};
use tillbox_core::outcome::{ErrorKind, OperationReference, Snapshot};
use tillbox_core::state::{Collection, Session};
use tillbox_runtime::info::Lookup;
use tillbox_runtime::request::{CallContext, RetrieveRequest};
use tillbox_runtime::{Failure, Provider};

use super::execute::payment_state;
use super::{Error, Host, Step};
use crate::clock::new_tail;
use crate::store::{Key, Page, StoreError};

/// How long a running operation belongs to whoever began it, milliseconds: the longest call there can be, and as much again for
/// the commit after it. Whoever holds it longer has died; its answer, should one come, loses against the lease token.
const LEASE_MS: i64 = 2 * super::DEADLINE_MS_MAX as i64;

/// Open operations looked at in one round of [`Host::reconcile`]: bounds its memory, the next round takes the next ones.
const ROUND_MAX: u32 = Page::LIMIT_MAX;

/// Added to a provider's declared lag before "not found" counts as proof, milliseconds: clocks differ, queues stall.
const LOOKUP_MARGIN_MS: i64 = 60_000;

impl Host {
    /// Asks the provider about an operation and makes what it tells durable. A settled one answers as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::UnknownProvider`], [`Error::NotAsked`], [`Error::Store`].
    pub async fn recheck(&self, id: &OperationId) -> Result<Operation, Error> {
        let key = Key::Operation(id.clone());
        let collection = self.stored(&key).await?.collection;
        let operation = collection.operation(id).expect("found by this id").clone();
        if operation.state.is_terminal() {
            return Ok(operation);
        }
        if operation.state == OperationState::Running {
            if !self.abandoned(&operation) {
                return Ok(operation);
            }
            self.give_up(&operation).await?;
        }
        let provider = self.provider(&operation.provider)?;
        let Some(finding) = self.look_up(provider.as_ref(), &collection, &operation).await? else {
            return Ok(operation);
        };
        let resolve = Command::Resolve { operation: id.clone(), finding };
        let resolved = self.change(&key, |_| Ok(resolve.clone())).await;
        let collection = match resolved {
            Err(Error::Refused(tillbox_core::refusal::Refusal::AlreadySettled { .. })) => {
                self.stored(&key).await?.collection
            }
            other => other?,
        };
        Ok(collection.operation(id).expect("operations are never deleted").clone())
    }

    /// Rechecks what is open and concerns the next operation. A provider that cannot be asked leaves things as they are: the
    /// core then refuses what would be unsafe.
    pub(super) async fn reconcile_first(
        &self,
        key: &Key,
        concerns: impl Fn(&Operation) -> bool,
    ) -> Result<Collection, Error> {
        let collection = self.stored(key).await?.collection;
        let open = collection.operations.iter().filter(|operation| {
            let held = operation.state == OperationState::Running && !self.abandoned(operation);
            operation.state.reserves() && !held && concerns(operation)
        });
        let open: Vec<OperationId> = open.map(|operation| operation.id.clone()).collect();
        if open.is_empty() {
            return Ok(collection);
        }
        for id in &open {
            if let Err(error) = self.recheck(id).await {
                tracing::warn!(operation = id.as_str(), %error, "the provider could not be asked about an open operation");
            }
        }
        Ok(self.stored(key).await?.collection)
    }

    /// Rechecks every open operation once, newest first, looks at webhooks that wait, and tells how many of both came to an
    /// end. The server does this at its start and from then on; an embedder calls it when it likes.
    ///
    /// # Errors
    /// [`Error::Store`]. A provider that cannot be asked is logged and asked again in the next round.
    pub async fn reconcile(&self) -> Result<usize, Error> {
        let open: Vec<OperationState> = OperationState::ALL.iter().copied().filter(|state| state.reserves()).collect();
        let mut ended = 0;
        let mut offset = 0;
        loop {
            let page = Page { offset, limit: ROUND_MAX };
            let entries = self.operations(&open, page).await?.items;
            let last = entries.len() < ROUND_MAX as usize;
            for entry in entries {
                match self.recheck(&entry.id).await {
                    Ok(operation) if operation.state.is_terminal() => ended += 1,
                    Ok(_) => offset += 1,
                    // A row that cannot be read is somebody's to repair; the others do not wait for that.
                    Err(Error::Store(error)) if !matches!(error, StoreError::Corrupt { .. }) => {
                        return Err(error.into());
                    }
                    Err(error) => {
                        offset += 1;
                        tracing::warn!(operation = entry.id.as_str(), %error, "an operation could not be looked at");
                    }
                }
            }
            if last {
                return Ok(ended + self.process_open_deliveries().await?);
            }
        }
    }

    /// Whether whoever began a running operation must have died.
    fn abandoned(&self, operation: &Operation) -> bool {
        self.now().0.saturating_sub(operation.updated_at.0) > LEASE_MS
    }

    /// Whether a running operation is still its holder's when a call that begins now has ended.
    pub(super) fn holds(&self, operation: &Operation) -> bool {
        let ends_at = self.now().0.saturating_add(i64::from(self.inner.deadline_ms));
        ends_at.saturating_sub(operation.updated_at.0) <= LEASE_MS
    }

    /// Takes a running operation from a holder that died: from now on it is a question.
    async fn give_up(&self, operation: &Operation) -> Result<(), Error> {
        let fault = tillbox_core::command::Fault {
            code: "host_stopped".to_owned(),
            detail: "the host stopped while the provider was being asked".to_owned(),
            sent: Sent::Maybe,
        };
        let settle = Command::Settle {
            operation: operation.id.clone(),
            lease_token: operation.lease_token,
            answer: Answer::Fault(fault),
        };
        match self.change(&Key::Operation(operation.id.clone()), |_| Ok(settle.clone())).await {
            Ok(_) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn look_up(
        &self,
        provider: &dyn Provider,
        collection: &Collection,
        operation: &Operation,
    ) -> Result<Option<Finding>, Error> {
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
        let silence_proves = self.silence_proves(provider, operation);
        match call.answer {
            Ok(snapshot) => Ok(reading(snapshot, operation, silence_proves)),
            Err(Failure::Error(error)) if error.kind == ErrorKind::NotFound => {
                Ok(silence_proves.then(|| absent("the provider does not know the payment")))
            }
            Err(failure) => Err(not_asked(failure)),
        }
    }

    /// Whether "I do not know it" is proof, by the provider's declared lookup.
    fn silence_proves(&self, provider: &dyn Provider, operation: &Operation) -> bool {
        match provider.info().recovery(operation.kind).lookup {
            Lookup::Strong => true,
            Lookup::None => false,
            Lookup::EventualSeconds(seconds) => {
                let lag_ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
                let wait_ms = lag_ms.saturating_add(i64::from(self.inner.deadline_ms)).saturating_add(LOOKUP_MARGIN_MS);
                self.now().0.saturating_sub(operation.updated_at.0) > wait_ms
            }
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

/// What a snapshot says of the operation, if anything.
fn reading(snapshot: Snapshot, operation: &Operation, silence_proves: bool) -> Option<Finding> {
    if snapshot.operation.is_some() {
        return Some(Finding::Known(snapshot));
    }
    // The provider accepted a pending one, so its silence about it means nothing; the payment's own state may tell.
    let accepted = operation.state == OperationState::Pending;
    let about_the_payment = match operation.kind {
        OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => true,
        OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete => false,
    };
    match (accepted, silence_proves) {
        (true, _) => about_the_payment.then_some(Finding::Known(snapshot)),
        (false, true) => Some(absent("the provider knows the payment and not the operation")),
        (false, false) => None,
    }
}

fn absent(proof: &str) -> Finding {
    Finding::Absent(proof.to_owned())
}

/// A reading call without an answer.
pub(super) fn not_asked(failure: Failure) -> Error {
    Error::NotAsked(match failure {
        Failure::Error(error) => format!("{}: {}", error.code, error.message),
        Failure::Fault(fault) => fault.to_string(),
    })
}
