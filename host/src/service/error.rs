//! Why a request has no result. Each kind is something a caller does something else about.
//!
//! A decline is none of them: it is an answer, and comes back as the session's state.

use thiserror::Error;
use tillbox_core::ComponentDigest;
use tillbox_core::id::{IdError, OperationId, ProviderId, SessionId};
use tillbox_core::money::MoneyError;
use tillbox_core::outcome::ProviderError;
use tillbox_core::refusal::Refusal;
use tillbox_runtime::Fault;

use super::{CartFailure, VersionRefusal};
use crate::currency::UnknownCurrency;
use crate::store::StoreError;

/// A request without a result.
#[derive(Debug, Error)]
pub enum Error {
    /// The core turned it down before any provider was asked. Nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The input can never be right. Nothing changed.
    #[error("{field}: {message}")]
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// There is no such thing.
    #[error("{entity} with id: {id} was not found")]
    NotFound {
        /// `Payment`, `PaymentSession` …
        entity: &'static str,
        /// The id asked for.
        id: String,
    },
    /// There is such a thing already.
    #[error("{entity} with {field}: {value}, already exists.")]
    Duplicate {
        /// `RefundReason` …
        entity: &'static str,
        /// What two of them cannot share.
        field: &'static str,
        /// The value that is taken.
        value: String,
    },
    /// No provider of that id is installed.
    #[error(
        "provider_id: no provider `{id}` is installed; installed are: {}. Payments that were made with it can be read; to go \
         on with them, install it again under this id",
        installed.join(", ")
    )]
    UnknownProvider {
        /// The id asked for.
        id: String,
        /// Those that are.
        installed: Vec<String>,
    },
    /// The component that an operation began with is not installed any more, and nothing else may finish it. It stays open.
    #[error(
        "the operation began with the component {digest} of {provider}, which this host does not have: {why}. Install it again \
         under this id, or close the operation with `tillbox operations resolve`"
    )]
    ComponentGone {
        /// Whose component.
        provider: ProviderId,
        /// Which.
        digest: ComponentDigest,
        /// Why it is not to be had.
        why: String,
    },
    /// The provider broke in call after call and is not called for a while. Nothing was asked of it, nothing was written.
    #[error("{provider} breaks in call after call and is not called for another {retry_after_ms} ms; nothing was sent")]
    Tripped {
        /// Which.
        provider: ProviderId,
        /// Milliseconds until it is tried again.
        retry_after_ms: u64,
    },
    /// A version of a provider is not installed, or not moved. What serves goes on.
    #[error(transparent)]
    Version(#[from] VersionRefusal),
    /// The provider takes no new sessions: it is switched off, or does not serve the region.
    #[error("Payment provider {provider} is not enabled{}", region.as_ref().map(|region| format!(" in the region {region}")).unwrap_or_default())]
    NotEnabled {
        /// Who was asked for.
        provider: ProviderId,
        /// Where, when it is about a region.
        region: Option<String>,
    },
    /// The provider has no such interface.
    #[error("provider {provider} has no `{interface}` interface; `tillbox provider inspect` says what one has")]
    NotSupported {
        /// Who was asked for.
        provider: ProviderId,
        /// The interface's name in the contract.
        interface: &'static str,
    },
    /// A provider did not take a request that is no operation, and says why. Nothing happened.
    #[error("{what}: the provider did not take the request: {}: {}", error.code, error.message)]
    NotTaken {
        /// What was asked.
        what: &'static str,
        /// What the provider said.
        error: ProviderError,
    },
    /// A call that is no operation broke, and provably nothing left the host. Nothing happened.
    #[error("{what}: {fault}")]
    Broken {
        /// What was asked.
        what: &'static str,
        /// What broke, and whose fault it is.
        fault: Fault,
    },
    /// A request that is no operation was not answered, and it may have happened. Asking again is safe: it carries the same
    /// key.
    #[error("whether {what} happened is not known: {detail}; ask again, it will not happen twice")]
    Unanswered {
        /// What was asked.
        what: &'static str,
        /// Why there is no answer.
        detail: String,
    },
    /// The provider did not take the request and says why. It happened not.
    #[error("the provider did not take the request: {}: {}", error.code, error.message)]
    Rejected {
        /// The operation, kept in the books.
        operation: OperationId,
        /// What the provider said.
        error: ProviderError,
    },
    /// The call broke, and provably nothing left the host. It happened not.
    #[error("{fault}")]
    Fault {
        /// The operation, kept in the books.
        operation: OperationId,
        /// What broke, and whose fault it is.
        fault: Fault,
    },
    /// No answer came, and it may have happened. The amount stays reserved until the provider tells.
    #[error(
        "whether operation {operation} happened is not known yet: {detail}; it keeps its amount reserved, and \
         `tillbox operations recheck {operation}` asks the provider"
    )]
    Unknown {
        /// The operation.
        operation: OperationId,
        /// Why there is no answer.
        detail: String,
    },
    /// The answer contradicts what was asked. A person has to look; the books are untouched.
    #[error("operation {operation} needs a review ({reason}): {detail}")]
    Review {
        /// The operation.
        operation: OperationId,
        /// A stable code.
        reason: String,
        /// What contradicts what.
        detail: String,
    },
    /// The call was for reading, and the provider gave no answer. Nothing was asked to change.
    #[error("the provider could not be asked: {0}")]
    NotAsked(String),
    /// The shop did not tell what a cart is worth, or in which currency an order is. Nothing changed.
    #[error(transparent)]
    Cart(#[from] CartFailure),
    /// A session that had to be authorized was not.
    #[error("Session: {session} was not authorized with the provider; it is {status}")]
    NotAuthorized {
        /// Which.
        session: SessionId,
        /// Where it stands now.
        status: &'static str,
    },
    /// The idempotency key was used for another request. Nothing was done.
    #[error(
        "{field}: differs from the request that used this idempotency key before; take a new key for a new request"
    )]
    KeyReused {
        /// The first field that differs: `route` for what is done, `id` for what the path names, or a field of the body.
        field: String,
    },
    /// The same request with the same key is under way.
    #[error(
        "the same request with the same idempotency key is under way, as operation {operation}; ask again in a moment"
    )]
    KeyInUse {
        /// Its operation.
        operation: OperationId,
    },
    /// So many requests change the same collection that this one never came to its turn.
    #[error("the collection is being changed by many requests at once; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// A stable code, part of the API.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Invalid { .. } => "invalid_data",
            Self::NotFound { .. } => "not_found",
            Self::Duplicate { .. } => "duplicate_error",
            Self::UnknownProvider { .. } => "unknown_provider",
            Self::ComponentGone { .. } => "component_gone",
            Self::Tripped { .. } => "provider_tripped",
            Self::Version(refusal) => refusal.code(),
            Self::NotEnabled { .. } => "provider_not_enabled",
            Self::NotSupported { .. } => "not_supported",
            Self::Rejected { .. } | Self::NotTaken { .. } => "provider_rejected",
            Self::Fault { fault, .. } | Self::Broken { fault, .. } => fault.code(),
            Self::Unknown { .. } | Self::Unanswered { .. } => "outcome_unknown",
            Self::Review { .. } => "needs_review",
            Self::NotAsked(_) => "provider_unavailable",
            Self::Cart(CartFailure::Unavailable(_)) => "cart_source_unavailable",
            Self::Cart(CartFailure::Wrong(_)) => "cart_source_wrong",
            Self::NotAuthorized { .. } => "not_authorized",
            Self::KeyReused { .. } => "idempotency_key_reused",
            Self::KeyInUse { .. } => "idempotency_key_in_use",
            Self::Contended => "contended",
            Self::Store(StoreError::Conflict | StoreError::Unavailable(_)) => "store_unavailable",
            Self::Store(StoreError::Disk(_)) => "store_disk_failed",
            Self::Store(StoreError::Corrupt { .. } | StoreError::Foreign(_)) => "store_unusable",
        }
    }

    /// The operation it is about, where one was begun.
    #[must_use]
    pub fn operation(&self) -> Option<&OperationId> {
        match self {
            Self::Rejected { operation, .. }
            | Self::Fault { operation, .. }
            | Self::Unknown { operation, .. }
            | Self::Review { operation, .. }
            | Self::KeyInUse { operation } => Some(operation),
            Self::Refused(_)
            | Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::Duplicate { .. }
            | Self::UnknownProvider { .. }
            | Self::ComponentGone { .. }
            | Self::Tripped { .. }
            | Self::Version(_)
            | Self::NotEnabled { .. }
            | Self::NotSupported { .. }
            | Self::NotTaken { .. }
            | Self::Broken { .. }
            | Self::Unanswered { .. }
            | Self::NotAsked(_)
            | Self::NotAuthorized { .. }
            | Self::Cart(_)
            | Self::KeyReused { .. }
            | Self::Contended
            | Self::Store(_) => None,
        }
    }

    /// Whether money may have moved. `false` is proof; everything else is `true`.
    #[must_use]
    pub fn request_may_have_been_sent(&self) -> bool {
        match self {
            Self::Unknown { .. } | Self::Review { .. } | Self::Unanswered { .. } | Self::KeyInUse { .. } => true,
            // A store that fails after a provider was asked leaves its operation open; that is its own state, not this error.
            Self::Refused(_)
            | Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::Duplicate { .. }
            | Self::UnknownProvider { .. }
            | Self::ComponentGone { .. }
            | Self::Tripped { .. }
            | Self::Version(_)
            | Self::NotEnabled { .. }
            | Self::NotSupported { .. }
            | Self::NotTaken { .. }
            | Self::Broken { .. }
            | Self::Rejected { .. }
            | Self::Fault { .. }
            | Self::NotAsked(_)
            | Self::NotAuthorized { .. }
            | Self::Cart(_)
            | Self::KeyReused { .. }
            | Self::Contended => false,
            Self::Store(error) => match error {
                StoreError::Conflict | StoreError::Corrupt { .. } | StoreError::Foreign(_) => false,
                StoreError::Unavailable(_) | StoreError::Disk(_) => true,
            },
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }
}

impl From<UnknownCurrency> for Error {
    fn from(error: UnknownCurrency) -> Self {
        Self::invalid("currency_code", error.to_string())
    }
}

impl From<MoneyError> for Error {
    fn from(error: MoneyError) -> Self {
        Self::invalid("amount", error.to_string())
    }
}

impl From<IdError> for Error {
    fn from(error: IdError) -> Self {
        Self::invalid("id", error.to_string())
    }
}
