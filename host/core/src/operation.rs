//! Operations: everything asked of a provider, each with one key, one state and what came of it.
//!
//! A capture *is* an operation of kind capture, a refund one of kind refund. There is no second book.

use crate::digest::ComponentDigest;
use crate::id::{CaptureId, OperationId, PaymentId, ProviderId, RefundId, RefundReasonId, SessionId};
use crate::money::Money;
use crate::outcome::Decline;
use crate::status::names;
use crate::text::{Json, Sealed};
use crate::time::Timestamp;

names! {
    /// What is asked.
    OperationKind {
        /// Open a payment.
        Initiate = "initiate",
        /// Change it before authorization.
        Update = "update",
        /// Reserve the amount.
        Authorize = "authorize",
        /// Take money.
        Capture = "capture",
        /// Give money back.
        Refund = "refund",
        /// Void.
        Cancel = "cancel",
        /// Abandon a session.
        Delete = "delete",
    }
}

names! {
    /// How far an operation has come.
    OperationState {
        /// The provider is being asked, or was being asked when the host died.
        Running = "running",
        /// Done as asked.
        Succeeded = "succeeded",
        /// The issuer or the provider said no.
        Declined = "declined",
        /// The payer has to act; a new operation follows.
        NeedsAction = "needs_action",
        /// Accepted; the provider decides later.
        Pending = "pending",
        /// The provider did not take the request, and says why. Nothing happened.
        Rejected = "rejected",
        /// Asked, and no answer came. Whether it happened is a question, not a failure.
        Unknown = "unknown",
        /// Proven not to have happened.
        Absent = "absent",
        /// Only a person can tell: the answer contradicts the books, or no way of asking is left.
        NeedsReview = "needs_review",
    }
}

impl OperationState {
    /// Whether it holds its amount: what may still happen counts as if it had.
    #[must_use]
    pub fn reserves(self) -> bool {
        match self {
            Self::Running | Self::Pending | Self::Unknown | Self::NeedsReview => true,
            Self::Succeeded | Self::Declined | Self::NeedsAction | Self::Rejected | Self::Absent => false,
        }
    }

    /// Whether no further evidence is awaited.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !self.reserves()
    }

    /// Whether nobody knows if it happened.
    #[must_use]
    pub fn is_uncertain(self) -> bool {
        match self {
            Self::Running | Self::Unknown | Self::NeedsReview => true,
            Self::Succeeded | Self::Declined | Self::NeedsAction | Self::Pending | Self::Rejected | Self::Absent => {
                false
            }
        }
    }

    /// Whether the host itself goes on with it (invariant I7): then there is a time at which it does.
    #[must_use]
    pub fn is_looked_after(self) -> bool {
        match self {
            Self::Running | Self::Pending | Self::Unknown => true,
            Self::NeedsReview
            | Self::Succeeded
            | Self::Declined
            | Self::NeedsAction
            | Self::Rejected
            | Self::Absent => false,
        }
    }
}

/// What an operation makes beside changing its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Product {
    /// Nothing of its own.
    None,
    /// A capture.
    Capture(CaptureId),
    /// A refund.
    Refund(RefundId),
    /// A payment, should the authorization succeed, and its capture, should the provider capture at once.
    Payment {
        /// The payment's id to be.
        payment: PaymentId,
        /// The capture's id to be.
        capture: CaptureId,
        /// The id of the capture's own operation, should there be one.
        capture_operation: OperationId,
    },
}

names! {
    /// Who brought an operation about.
    Origin {
        /// A command.
        Command = "command",
        /// The provider captured at authorization: no call of its own.
        AutomaticCapture = "automatic_capture",
        /// The provider reported it by itself: done at the provider's dashboard, for one.
        Observed = "observed",
    }
}

/// What a payer typed in for an operation, as far as the books have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// There was none: the books hold all that the provider was handed.
    None,
    /// Kept under seal for as long as the very same may have to be asked again, and no longer.
    Sealed(Sealed),
    /// It is not in the books, or not any more.
    Gone,
}

impl Input {
    /// What is left of it in a state: the same is only ever asked again while nobody knows whether it arrived.
    #[must_use]
    pub fn in_state(self, state: OperationState) -> Self {
        let kept = match state {
            OperationState::Running | OperationState::Unknown => true,
            OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Pending
            | OperationState::Rejected
            | OperationState::Absent
            | OperationState::NeedsReview => false,
        };
        if kept { self } else { self.without_seal() }
    }

    /// The same without what is sealed.
    #[must_use]
    pub fn without_seal(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Sealed(_) | Self::Gone => Self::Gone,
        }
    }
}

/// A reason for a refund as it was when it was given. The provider is told the code, and every attempt has to say the same,
/// so the code is kept here whatever becomes of the reason, and what people read with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenReason {
    /// Which reason.
    pub id: RefundReasonId,
    /// Its code at that time.
    pub code: String,
    /// Its label at that time; absent on refunds that are older than this field.
    pub label: Option<String>,
}

/// One thing asked of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id; the provider stores it as our reference.
    pub id: OperationId,
    /// What is asked.
    pub kind: OperationKind,
    /// Who is asked.
    pub provider: ProviderId,
    /// The code that it began with and that finishes it; absent for a provider without a component, and where no call was made.
    pub component: Option<ComponentDigest>,
    /// The session it belongs to.
    pub session: SessionId,
    /// The payment, for capture, refund and cancel.
    pub payment: Option<PaymentId>,
    /// What it makes.
    pub product: Product,
    /// How much, where an amount is part of it.
    pub amount: Option<Money>,
    /// How far it has come.
    pub state: OperationState,
    /// Who brought it about.
    pub origin: Origin,
    /// How often the provider was asked.
    pub attempts: u32,
    /// Grows with each lease; a result counts only with the token it was leased under (fencing).
    pub lease_token: u64,
    /// The gateway's id of what was done.
    pub provider_reference: Option<String>,
    /// The decline, when declined.
    pub decline: Option<Decline>,
    /// Why it is rejected, unknown, absent or under review: a stable code.
    pub reason: Option<String>,
    /// One sentence to the reason, for operators.
    pub detail: Option<String>,
    /// The merchant's note or reason: refund note, cancel reason.
    pub note: Option<String>,
    /// Why money is given back, by the merchant's own list of reasons.
    pub refund_reason: Option<GivenReason>,
    /// Who at the merchant's asked for it.
    pub created_by: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// What the payer typed in for it. The very same can be asked again unless it is gone.
    pub input: Input,
    /// How often the host has looked what became of it.
    pub checks: u32,
    /// When the host looks at it next: for a running one the end of its lease. Absent when there is nothing left to find
    /// out, or only a person can.
    pub next_action_at: Option<Timestamp>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When its state or its notes last changed.
    pub updated_at: Timestamp,
}

impl Operation {
    /// Since when it is a question: since it was first asked where it was asked again, else since its state last changed.
    #[must_use]
    pub fn uncertain_since(&self) -> Timestamp {
        if self.attempts > 1 { self.created_at } else { self.updated_at }
    }
}
