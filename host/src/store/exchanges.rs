//! What was sent to gateways and what they answered, as the store keeps it. It does not read what is sealed, and does not know
//! what an intent without an answer means.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{OperationId, ProviderId};

use super::StoreError;

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExchangeState {
    /// The intent is kept; whether anything was sent is not known.
    AboutToSend,
    /// A complete answer came.
    Answered,
    /// An answer came, with more than the limit.
    TooLarge,
    /// Sent, in whole or in part, and no complete answer came.
    Lost,
    /// No connection; nothing was sent.
    NotConnected,
    /// Not granted any more; nothing was sent.
    Denied,
    /// The granted name led to where nothing may go; nothing was sent.
    Astray,
    /// It was no request; nothing was sent.
    Invalid,
}

impl ExchangeState {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::AboutToSend,
        Self::Answered,
        Self::TooLarge,
        Self::Lost,
        Self::NotConnected,
        Self::Denied,
        Self::Astray,
        Self::Invalid,
    ];

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AboutToSend => "about_to_send",
            Self::Answered => "answered",
            Self::TooLarge => "too_large",
            Self::Lost => "lost",
            Self::NotConnected => "not_connected",
            Self::Denied => "denied",
            Self::Astray => "astray",
            Self::Invalid => "invalid",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text)
    }
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptExchange {
    /// Whose.
    pub operation: OperationId,
    /// Of which run of it.
    pub lease_token: u64,
    /// Its place in the run, from 1.
    pub sequence: u32,
    /// Who sent it.
    pub provider: ProviderId,
    /// The digest of its component.
    pub component: Option<String>,
    /// `POST`, …
    pub method: String,
    /// The host.
    pub host: String,
    /// The path, without a query.
    pub path: String,
    /// SHA-256 of all that was asked.
    pub digest: String,
    /// The idempotency key that went with it; nothing with a `GET`.
    pub provider_key: Option<String>,
    /// Bytes of the body that was to be sent.
    pub sent_bytes: u64,
    /// What was asked, sealed.
    pub asked: Vec<u8>,
    /// When it was about to be sent.
    pub created_at: Timestamp,
    /// What came of it; nothing as long as that is not known.
    pub end: Option<ExchangeEnd>,
}

/// What came of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeEnd {
    /// How it ended, anything but [`ExchangeState::AboutToSend`].
    pub state: ExchangeState,
    /// What left, by the name of the runtime's `Left`.
    pub sent: String,
    /// The status, where an answer began.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// Bytes of the body that came.
    pub received_bytes: u64,
    /// What was answered, sealed; nothing once it is forgotten.
    pub answered: Option<Vec<u8>>,
    /// When.
    pub at: Timestamp,
}

impl KeptExchange {
    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> ExchangeState {
        self.end.as_ref().map_or(ExchangeState::AboutToSend, |end| end.state)
    }
}

/// What a change of a collection does to exchanges, with it or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeWrite {
    /// Keeps an intent. It belongs to a run that the same change begins.
    Intend(Box<KeptExchange>),
    /// Makes what a run has left behind part of the next one: rows up to `known`, of which nobody may have added any since.
    TakeOver {
        /// Whose.
        operation: OperationId,
        /// The run before.
        from: u64,
        /// The run that goes on.
        to: u64,
        /// Rows up to this sequence are told again.
        through: u32,
        /// The last row there was when it was looked at. A further one is a conflict.
        known: u32,
    },
    /// Forgets what was answered.
    Forget(OperationId),
}

/// A place where exchanges survive.
#[async_trait]
pub trait Exchanges {
    /// Keeps a further intent of a run.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the operation is not running under this lease any more: nothing was written.
    /// [`StoreError::Unavailable`] otherwise.
    async fn intend_exchange(&self, exchange: KeptExchange) -> Result<(), StoreError>;

    /// Keeps what came of an exchange.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else took the operation over, or it is kept already; [`StoreError::Unavailable`].
    async fn end_exchange(
        &self,
        operation: OperationId,
        lease_token: u64,
        sequence: u32,
        end: ExchangeEnd,
    ) -> Result<(), StoreError>;

    /// Keeps an exchange of a call that has no operation in the books, or what came of it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn note_exchange(&self, exchange: KeptExchange) -> Result<(), StoreError>;

    /// All exchanges of an operation, run by run, in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn exchanges(&self, operation: OperationId) -> Result<Vec<KeptExchange>, StoreError>;
}
