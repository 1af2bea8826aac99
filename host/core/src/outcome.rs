//! What a provider answers, once its text was checked: outcomes, declines, errors, snapshots and webhook evidence.
//!
//! These are the contract's words (`wit/types.wit`) as the core understands them. A decline is an outcome; an error means
//! that there is no answer; anything that is neither is a [`Fault`](crate::command::Fault).

use crate::id::{OperationId, SessionId};
use crate::money::Money;
use crate::operation::OperationKind;
use crate::status::names;
use crate::text::Json;
use crate::time::Timestamp;

names! {
    /// Where a payment stands at the provider (`types.status`).
    ProviderStatus {
        /// Nothing is decided and nothing is asked of the payer.
        Pending = "pending",
        /// The payer has to act.
        RequiresMore = "requires_more",
        /// The payment method decides later.
        PendingAuthorization = "pending_authorization",
        /// Reserved.
        Authorized = "authorized",
        /// Taken.
        Captured = "captured",
        /// Voided or abandoned.
        Canceled = "canceled",
        /// Refused by the issuer or the provider.
        Declined = "declined",
        /// Broken at the provider's side; nothing was taken.
        Error = "error",
    }
}

names! {
    /// What the host may do about a decline (`types.decline-class`).
    DeclineClass {
        /// A later try with the same method may pass.
        TryAgainLater = "try_again_later",
        /// The payer can correct what they entered.
        CorrectDetails = "correct_details",
        /// Only another method can help.
        UseAnotherMethod = "use_another_method",
        /// The issuer wants authentication first.
        AuthenticationRequired = "authentication_required",
        /// Authentication failed.
        AuthenticationFailed = "authentication_failed",
        /// Suspected fraud: the payer is not told why.
        SuspectedFraud = "suspected_fraud",
        /// None of the above.
        Unspecified = "unspecified",
    }
}

/// A refusal by the issuer or the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// What the host acts on.
    pub class: DeclineClass,
    /// The provider's code, for operators.
    pub code: String,
    /// One sentence for operators; never shown raw to a payer.
    pub message: String,
}

/// What the payer has to do before the session is authorized again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextAction {
    /// Send the browser to this URL.
    Redirect {
        /// Absolute `https:` URL.
        url: String,
    },
    /// A 3-D Secure challenge.
    ThreeDSecure {
        /// Absolute `https:` URL.
        url: String,
        /// Milliseconds until it expires, where known.
        expires_in_ms: Option<u64>,
    },
    /// Show instructions.
    Display {
        /// The instructions.
        instructions: Json,
    },
    /// For the storefront's own provider script.
    Other {
        /// Whatever the script understands.
        payload: Json,
    },
}

/// The answer to a function that moves or may move money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where the payment stands now.
    pub status: ProviderStatus,
    /// The provider's private state; replaces the earlier one.
    pub data: Json,
    /// The only part a storefront may read.
    pub client_data: Option<Json>,
    /// The gateway's id of what was done.
    pub provider_reference: Option<String>,
    /// What the provider says happened.
    pub amount: Option<Money>,
    /// Present exactly when declined.
    pub decline: Option<Decline>,
    /// Present exactly when the payer has to act.
    pub next_action: Option<NextAction>,
    /// Room to grow.
    pub extensions: Json,
}

/// Why there is no answer (`types.error-kind`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be right.
    InvalidRequest,
    /// Credentials or settings were refused.
    Authentication,
    /// Not known to the gateway.
    NotFound,
    /// The payment's state forbids it.
    Conflict,
    /// Too many requests.
    RateLimited {
        /// Milliseconds to wait, 0 where unknown.
        retry_after_ms: u64,
    },
    /// The gateway did not take the request.
    Unavailable,
    /// The provider cannot do this.
    NotSupported,
    /// A request was sent and no usable answer came.
    OutcomeUnknown,
    /// Anything else.
    Other(String),
}

impl ErrorKind {
    /// Whether the provider vouches that nothing happened. The host's own record of the bytes that left must agree.
    #[must_use]
    pub fn proves_nothing_happened(&self) -> bool {
        match self {
            Self::InvalidRequest
            | Self::Authentication
            | Self::NotFound
            | Self::Conflict
            | Self::RateLimited { .. }
            | Self::Unavailable
            | Self::NotSupported => true,
            Self::OutcomeUnknown | Self::Other(_) => false,
        }
    }
}

/// A call that ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// What the host acts on.
    pub kind: ErrorKind,
    /// The provider's code, for operators.
    pub code: String,
    /// One sentence for operators.
    pub message: String,
    /// New private state, where the failure changed it.
    pub data: Option<Json>,
}

/// What a provider knows of a payment (`payments.snapshot`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The present state.
    pub outcome: Outcome,
    /// Captured so far at the provider.
    pub captured: Money,
    /// Refunded so far at the provider.
    pub refunded: Money,
    /// In dispute.
    pub disputed: Money,
    /// The operation asked for; absent when the provider does not know it.
    pub operation: Option<Outcome>,
}

/// What a webhook claim speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceSubject {
    /// Our session.
    Session(SessionId),
    /// The provider's own reference.
    ProviderReference(String),
}

names! {
    /// What happened, by a webhook's claim (`webhooks.action`).
    EvidenceAction {
        /// Reserved.
        Authorized = "authorized",
        /// Taken; the amount is cumulative.
        Captured = "captured",
        /// Given back; the amount is cumulative.
        Refunded = "refunded",
        /// Failed or declined.
        Failed = "failed",
        /// Under way.
        Pending = "pending",
        /// The payer has to act.
        RequiresMore = "requires_more",
        /// Voided, expired or abandoned.
        Canceled = "canceled",
        /// A dispute was opened.
        Disputed = "disputed",
        /// Valid, of no interest.
        NotSupported = "not_supported",
    }
}

/// One verified claim about one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The provider's event id: the dedupe key.
    pub event_id: String,
    /// When it happened at the provider.
    pub occurred_at: Option<Timestamp>,
    /// What it speaks of.
    pub subject: Option<EvidenceSubject>,
    /// What happened.
    pub action: EvidenceAction,
    /// Cumulative amount.
    pub amount: Option<Money>,
    /// Our operation, where the provider's metadata holds it.
    pub operation: Option<OperationId>,
    /// A short reason for operators.
    pub reason: Option<String>,
}

/// An operation as the provider is asked for it when a reply was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationReference {
    /// Our id of it.
    pub operation: OperationId,
    /// The key the lost call carried.
    pub idempotency_key: String,
    /// Which function it was.
    pub kind: OperationKind,
    /// What it asked for.
    pub amount: Option<Money>,
}
