//! The journal of a call's exchanges: the operation and its first intent in one change, every answer before the provider sees
//! it, and what recovery finds of them.
//!
//! | exchange rows of the last run | meaning | what follows |
//! |---|---|---|
//! | none | nothing was sent, or nobody watched | a provider that is watched has no operation without a row; of others nothing is claimed |
//! | about to send | it may have been sent | the recovery declaration decides |
//! | ended, each of them | the gateway answered | the provider is run again from here, without a network |
//! | ended, and the provider breaks again | a fault of the provider | the answer stays, and a person, or the provider's next version, looks |
//!
//! Every row is written under the operation's lease: whoever lost it sends nothing more.

use std::sync::Arc;

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::event::Event;
use tillbox_core::id::{OperationId, ProviderId};
use tillbox_core::operation::Operation;
use tillbox_core::state::Collection;
use tillbox_runtime::info::KeyFormat;
use tillbox_runtime::journal::{Ended, Intent, Journal, Keeping, Moment, NotKept, Recorded};
use tillbox_runtime::{Left, Provider, Reach};
use tokio::sync::Mutex;

use super::exchanges;
use super::keys::idempotency_key;
use super::{Error, Host, Step};
use crate::store::{ExchangeState, ExchangeWrite, KeptExchange, KeyWrite, StoreError, Stored};

/// What the first intent of a call is written with.
pub(super) struct Beginning {
    pub(super) before: Stored,
    pub(super) after: Collection,
    pub(super) events: Vec<Event>,
    pub(super) key: Option<KeyWrite>,
    /// What an earlier run has left, where this one goes on with it.
    pub(super) take_over: Option<ExchangeWrite>,
    /// Whether anything may be sent at all.
    pub(super) may_send: bool,
}

/// How far the writing has come.
enum Stage {
    /// Nothing is durable, and nothing was sent.
    Begun(Box<Beginning>),
    /// The operation is running under this lease.
    Kept { lease_token: u64 },
    /// Somebody else was faster with the collection; nothing was sent.
    Lost,
    /// The first intent could not be written; nothing was sent.
    Failed(Error),
}

/// What the journal of a call has come to.
pub(super) enum Written {
    Nothing,
    Kept,
    Lost,
    Failed(Error),
}

/// The journal of one call.
pub(super) struct Journaled {
    host: Host,
    operation: OperationId,
    provider: ProviderId,
    component: Option<String>,
    format: KeyFormat,
    lease_until: Timestamp,
    stage: Mutex<Stage>,
}

impl Journaled {
    pub(super) fn begin(host: &Host, provider: &dyn Provider, id: &OperationId, beginning: Beginning) -> Arc<Self> {
        let operation = beginning.after.operation(id).expect("begun just now");
        Arc::new(Self {
            host: host.without_key(),
            operation: id.clone(),
            provider: operation.provider.clone(),
            component: provider.inspection().map(|inspection| inspection.report.digest_sha256.clone()),
            format: provider.info().key_format,
            lease_until: operation.next_action_at.unwrap_or_default(),
            stage: Mutex::new(Stage::Begun(Box::new(beginning))),
        })
    }

    /// What a call is given of it.
    pub(super) fn keeping(self: &Arc<Self>) -> Keeping {
        Keeping::new(Arc::clone(self) as Arc<dyn Journal>)
    }

    /// The same for a call that was made before.
    pub(super) fn again(self: &Arc<Self>, recorded: Vec<Recorded>) -> Keeping {
        Keeping::again(Arc::clone(self) as Arc<dyn Journal>, recorded)
    }

    /// What was written, once the call is over.
    pub(super) async fn written(&self) -> Written {
        match std::mem::replace(&mut *self.stage.lock().await, Stage::Lost) {
            Stage::Begun(_) => Written::Nothing,
            Stage::Kept { .. } => Written::Kept,
            Stage::Lost => Written::Lost,
            Stage::Failed(error) => Written::Failed(error),
        }
    }

    fn row(&self, intent: &Intent, lease_token: u64) -> Result<KeptExchange, NotKept> {
        row(&self.host, (&self.operation, &self.provider, self.component.as_deref()), intent, lease_token)
    }

    /// Whether the operation is still ours when a call that ends after so long has ended.
    fn is_in_time(&self, intent: &Intent) -> bool {
        let left = i64::try_from(intent.left_of_call.as_millis()).unwrap_or(i64::MAX);
        self.host.now().0.saturating_add(left) <= self.lease_until.0
    }

    /// The operation and its first intent, together or not at all.
    async fn first(&self, beginning: &mut Beginning, row: KeptExchange) -> Result<Stage, Stage> {
        let lease_token = row.lease_token;
        let mut writes: Vec<ExchangeWrite> = beginning.take_over.take().into_iter().collect();
        writes.push(ExchangeWrite::Intend(Box::new(row)));
        let Beginning { before, after, events, key, .. } = beginning;
        match self.host.committed_with(before.clone(), after, events, key.as_ref(), writes).await {
            Ok(true) => Ok(Stage::Kept { lease_token }),
            Ok(false) => Err(Stage::Lost),
            Err(error) => Err(Stage::Failed(error)),
        }
    }
}

#[async_trait]
impl Journal for Journaled {
    async fn about_to_send(&self, intent: Intent) -> Result<(), NotKept> {
        let mut stage = self.stage.lock().await;
        self.host.step(Step::BeforeIntent);
        // Whoever looks after the lease takes "the provider does not know it" for proof. Nothing may be sent after that.
        if !self.is_in_time(&intent) && !matches!(&*stage, Stage::Begun(beginning) if !beginning.may_send) {
            return Err(NotKept::Lost);
        }
        match &mut *stage {
            Stage::Begun(beginning) if !beginning.may_send => {
                let why =
                    format!("{} {}{} is not in it, and may not be sent now", intent.method, intent.host, intent.path);
                return Err(NotKept::Failed(why));
            }
            Stage::Begun(beginning) => {
                let lease_token = beginning.after.operation(&self.operation).expect("begun just now").lease_token;
                let row = self.row(&intent, lease_token)?;
                let first = self.first(beginning, row).await;
                let kept = first.is_ok();
                *stage = first.unwrap_or_else(|failed| failed);
                if !kept {
                    return Err(match &*stage {
                        Stage::Failed(error) => NotKept::Failed(error.to_string()),
                        Stage::Begun(_) | Stage::Kept { .. } | Stage::Lost => NotKept::Lost,
                    });
                }
            }
            Stage::Kept { lease_token } => {
                let row = self.row(&intent, *lease_token)?;
                self.host.inner.store.intend_exchange(row).await.map_err(not_kept)?;
            }
            Stage::Lost | Stage::Failed(_) => return Err(NotKept::Lost),
        }
        self.host.step(Step::IntentKept);
        if self.is_in_time(&intent) { Ok(()) } else { Err(NotKept::Lost) }
    }

    async fn ended(&self, ended: Ended) -> Result<(), NotKept> {
        let stage = self.stage.lock().await;
        let Stage::Kept { lease_token } = &*stage else { return Err(NotKept::Lost) };
        let host = &self.host;
        let end = exchanges::end(&host.inner.seal, &self.operation, &ended, host.now()).ok_or_else(no_seal)?;
        let written = host.inner.store.end_exchange(self.operation.clone(), *lease_token, ended.sequence, end).await;
        written.map_err(not_kept)?;
        host.step(Step::AnswerKept);
        Ok(())
    }

    fn key(&self, step: u32) -> String {
        let (host_key, step) = (&self.host.inner.host_key, step.to_string());
        idempotency_key(host_key, &self.provider, "", &self.operation, &step, self.format)
    }

    fn passed(&self, moment: Moment) {
        self.host.step(step_of(moment));
    }
}

/// An intent as it is kept.
pub(super) fn row(
    host: &Host,
    (operation, provider, component): (&OperationId, &ProviderId, Option<&str>),
    intent: &Intent,
    lease_token: u64,
) -> Result<KeptExchange, NotKept> {
    Ok(KeptExchange {
        operation: operation.clone(),
        lease_token,
        sequence: intent.sequence,
        provider: provider.clone(),
        component: component.map(str::to_owned),
        method: intent.method.clone(),
        host: intent.host.clone(),
        path: intent.path.clone(),
        digest: intent.digest.clone(),
        provider_key: intent.idempotency_key.clone(),
        sent_bytes: intent.sent_bytes,
        asked: exchanges::seal_asked(&host.inner.seal, operation, intent).ok_or_else(no_seal)?,
        created_at: host.now(),
        end: None,
    })
}

/// The step of a host that a moment is.
pub(super) fn step_of(moment: Moment) -> Step {
    match moment {
        Moment::BeforeFirstByte => Step::BeforeFirstByte,
        Moment::RequestSent => Step::RequestSent,
        Moment::AnswerRead => Step::AnswerRead,
        Moment::BeforeGuest => Step::BeforeGuest,
    }
}

pub(super) fn no_seal() -> NotKept {
    NotKept::Failed("the machine has no randomness to seal it with".to_owned())
}

pub(super) fn not_kept(error: StoreError) -> NotKept {
    match error {
        StoreError::Conflict => NotKept::Lost,
        StoreError::Unavailable(_) | StoreError::Disk(_) | StoreError::Corrupt { .. } | StoreError::Foreign(_) => {
            NotKept::Failed(error.to_string())
        }
    }
}

/// What the rows of an operation's last run tell.
pub(super) enum Story {
    /// There are none.
    Nothing,
    /// Something may have been sent, and no answer is kept.
    Open,
    /// Whatever was sent was answered, or provably not sent.
    Whole(Run),
}

/// A run that can be told again.
pub(super) struct Run {
    pub(super) recorded: Vec<Recorded>,
    /// Its rows up to here.
    pub(super) through: u32,
    /// The last of its rows, told again or not.
    pub(super) known: u32,
}

impl Host {
    /// What was recorded of the operation's last run.
    pub(super) async fn recorded(&self, operation: &Operation) -> Result<Story, Error> {
        let mut rows = self.inner.store.exchanges(operation.id.clone()).await?;
        rows.retain(|row| row.lease_token == operation.lease_token);
        let Some(known) = rows.last().map(|row| row.sequence) else { return Ok(Story::Nothing) };
        let mut run = Run { recorded: Vec::with_capacity(rows.len()), through: 0, known };
        for row in rows {
            let may_change = row.provider_key.is_some();
            match row.state() {
                ExchangeState::AboutToSend | ExchangeState::Lost if may_change => return Ok(Story::Open),
                // What only reads may be asked again.
                ExchangeState::AboutToSend => break,
                ExchangeState::Lost
                | ExchangeState::Answered
                | ExchangeState::TooLarge
                | ExchangeState::NotConnected
                | ExchangeState::Denied
                | ExchangeState::Astray
                | ExchangeState::Invalid => {}
            }
            let Some(recorded) = exchanges::recorded(&self.inner.seal, &row) else {
                tracing::warn!(
                    operation = operation.id.as_str(),
                    "what was exchanged with the gateway was sealed under another encryption key, or is forgotten"
                );
                return Ok(Story::Open);
            };
            run.through = row.sequence;
            run.recorded.push(recorded);
        }
        Ok(Story::Whole(run))
    }
}

impl Host {
    /// Answers of operations that have come to an end: without an operator's key they are kept no longer.
    pub(super) fn forgotten(&self, before: &Collection, after: &Collection) -> Vec<ExchangeWrite> {
        if self.inner.seal.has_operator_key() {
            return Vec::new();
        }
        let sends = |operation: &&Operation| {
            let provider = self.inner.registry.carries(operation);
            provider.is_some_and(|provider| provider.is_watched() && provider.reach() == Reach::Network)
        };
        let ended = after
            .operations
            .iter()
            .filter(|operation| operation.state.is_terminal())
            .filter(|operation| before.operation(&operation.id).is_none_or(|earlier| !earlier.state.is_terminal()));
        ended.filter(sends).map(|operation| ExchangeWrite::Forget(operation.id.clone())).collect()
    }
}

/// The runtime's record of what left, by its stable name.
pub(super) fn left(name: &str) -> Left {
    [Left::Nothing, Left::Answered].into_iter().find(|left| left.as_str() == name).unwrap_or(Left::Something)
}
