//! What a person decides about an open operation: that it happened, that it did not, or that it shall not have.
//!
//! The host voids an uncertain charge by itself when no way of asking is left. A person need not wait for that: rule R3 keeps
//! every other session of the collection from charging until it is decided.

use tillbox_core::command::{Finding, Request};
use tillbox_core::id::OperationId;
use tillbox_core::operation::{Operation, OperationKind, OperationState};
use tillbox_core::refusal::Refusal;
use tillbox_core::text::Json;

use super::idempotency::{Concluded, Guard};
use super::recheck::found;
use super::{Error, Host, NOTE_BYTES_MAX};
use crate::store::Key;

/// What a person vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It happened, as asked.
    Succeeded,
    /// It did not happen, and will not.
    Absent,
}

impl Verdict {
    /// Both of them.
    pub const ALL: &'static [Self] = &[Self::Succeeded, Self::Absent];

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Absent => "absent",
        }
    }

    /// The verdict of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verdict| verdict.as_str() == text)
    }
}

/// A charge that was voided, and the operation that voided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voided {
    /// The charge, as it stands now.
    pub operation: Operation,
    /// The void.
    pub void: Option<Operation>,
}

impl Host {
    /// Closes an open operation on a person's word. The note says what was seen and where; it stays with the operation.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a note; [`Error::Refused`] when it is settled, or its provider is being asked right now.
    pub async fn resolve_operation(&self, id: &OperationId, verdict: Verdict, note: &str) -> Result<Operation, Error> {
        let note = note.trim();
        if note.is_empty() || note.len() > NOTE_BYTES_MAX {
            let what = format!("say what was seen, and where, in 1 to {NOTE_BYTES_MAX} bytes; it is kept for good");
            return Err(Error::invalid("note", what));
        }
        let finding = match verdict {
            Verdict::Succeeded => Finding::MarkedSucceeded(note.to_owned()),
            Verdict::Absent => Finding::MarkedAbsent(note.to_owned()),
        };
        let guard = self.guard("resolve_operation", id.as_str(), |print| {
            print.text("verdict", Some(verdict.as_str())).text("note", Some(note))
        });
        let work = async {
            let operation = self.open_operation(id).await?;
            tracing::warn!(operation = id.as_str(), ?verdict, note, "a person says what became of an operation");
            self.resolved_as(&operation, finding, &guard).await
        };
        Ok(found(&self.once(&guard, work).await?.collection, id))
    }

    /// Asks the provider to abandon the session of an uncertain charge, as an operation of its own. Once it says that the
    /// session can never be paid, the charge did not happen. A provider that refuses because the session is authorized has
    /// answered the question: then [`Host::recheck`] or [`Host::resolve_operation`] makes it a payment, which can be canceled.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no charge; [`Error::Refused`] as [`Host::resolve_operation`]; what the provider call may
    /// end with.
    pub async fn void_operation(&self, id: &OperationId) -> Result<Voided, Error> {
        let guard = self.guard("void_operation", id.as_str(), |print| print);
        let executed = self.once(&guard, self.void(id, &guard)).await?;
        Ok(Voided { operation: found(&executed.collection, id), void: executed.operation })
    }

    async fn void(&self, id: &OperationId, guard: &Guard) -> Concluded {
        let operation = self.open_operation(id).await?;
        match operation.kind {
            OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => {}
            OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete => {
                let what = format!(
                    "a {} cannot be voided; `recheck` asks what became of it, `resolve` says it",
                    operation.kind.as_str()
                );
                return Err(Error::invalid("id", what));
            }
        }
        let session = operation.session;
        let request = Request::DeleteSession { session: session.clone() };
        Box::pin(self.execute(Key::Session(session), request, Json::empty(), guard)).await
    }

    /// An operation that is open and that nobody holds.
    async fn open_operation(&self, id: &OperationId) -> Result<Operation, Error> {
        let operation = self.operation(id).await?;
        if operation.state.is_terminal() {
            return Err(Refusal::AlreadySettled { state: operation.state.as_str() }.into());
        }
        if self.is_held(&operation) {
            return Err(Refusal::InFlight { operation: id.clone() }.into());
        }
        if operation.state == OperationState::Running {
            self.give_up(&operation).await?;
            return self.operation(id).await;
        }
        Ok(operation)
    }
}
