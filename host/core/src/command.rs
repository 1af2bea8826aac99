//! What can be asked of a collection, and what a provider call came back with.

use crate::digest::ComponentDigest;
use crate::id::{CaptureId, CollectionId, OperationId, PaymentId, ProviderId, RefundId, SessionId};
use crate::money::Money;
use crate::operation::{GivenReason, Input};
use crate::outcome::{Evidence, Outcome, ProviderError, Snapshot};
use crate::text::Json;
use crate::time::Timestamp;

/// A command. Ids are made by the caller: the core has no randomness.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one command exists at a time; boxing would only clutter its making")]
pub enum Command {
    /// Make a collection.
    CreateCollection {
        /// Its id to be.
        id: CollectionId,
        /// What is to be collected; zero is allowed (nothing will be payable).
        amount: Money,
        /// The cart it belongs to.
        cart_id: Option<String>,
        /// The order it belongs to.
        order_id: Option<String>,
        /// The owner's own notes.
        metadata: Option<Json>,
    },
    /// Change amount or notes. What is authorized or may be authorized stays covered.
    UpdateCollection {
        /// The new amount, same currency.
        amount: Option<Money>,
        /// New notes, replacing the old.
        metadata: Option<Json>,
    },
    /// Cancel a collection whose payments are voided or captured.
    CancelCollection,
    /// Note that nothing more is expected of a collection. Its status says what was paid and stays as it is.
    CompleteCollection,
    /// Take a collection without money and without live sessions out of sight. It stays in the books.
    DeleteCollection,
    /// Replace somebody's notes. No provider hears of it, and no status forbids it.
    Annotate {
        /// Whose notes.
        subject: Subject,
        /// The new notes, replacing the old.
        metadata: Json,
    },
    /// Begin an operation: the provider is about to be asked.
    Begin {
        /// The operation's id to be.
        operation: OperationId,
        /// What is asked.
        request: Request,
        /// What the provider can do.
        abilities: Abilities,
        /// What the payer typed in, for when it has to be handed over again.
        input: Input,
        /// Until when the operation belongs to whoever begins it. Past it, the holder counts as dead.
        lease_until: Timestamp,
        /// The code that is about to be asked, where it is a component.
        component: Option<ComponentDigest>,
    },
    /// The provider is about to be asked again, with the same key.
    Retry {
        /// The operation.
        operation: OperationId,
        /// As in `Begin`.
        lease_until: Timestamp,
    },
    /// A call came back.
    Settle {
        /// The operation.
        operation: OperationId,
        /// The token it was leased under; a late holder of an old one changes nothing.
        lease_token: u64,
        /// What came back.
        answer: Answer,
    },
    /// What was unknown, pending or under review was found out.
    Resolve {
        /// The operation.
        operation: OperationId,
        /// What was found.
        finding: Finding,
    },
    /// A verified webhook claim arrived.
    Observe {
        /// The session it speaks of; the caller has resolved the provider's reference.
        session: SessionId,
        /// The claim.
        evidence: Evidence,
        /// Ids for what the claim may add to the books.
        ids: ObservedIds,
    },
}

/// What can carry notes beside the collection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A live session.
    Session(SessionId),
    /// A payment.
    Payment(PaymentId),
    /// A capture that is done.
    Capture(CaptureId),
    /// A refund that is done.
    Refund(RefundId),
}

/// What the merchant adds to something they ask for. No provider hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Who at the merchant's asks.
    pub created_by: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
}

/// What is asked of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Open a session.
    CreateSession {
        /// Its id to be.
        session: SessionId,
        /// Who is asked.
        provider: ProviderId,
        /// The share; absent: what is not authorized yet.
        amount: Option<Money>,
        /// Customer and locale.
        context: Json,
        /// The owner's own notes.
        metadata: Option<Json>,
        /// Whether it is refused beside a session that could still be paid. Sessions that were never opened make way.
        is_sole: bool,
        /// Ids of what may follow at once.
        products: AuthorizationIds,
    },
    /// Change a session before it is authorized.
    UpdateSession {
        /// The session.
        session: SessionId,
        /// The new share; absent: the present one.
        amount: Option<Money>,
        /// New customer and locale, replacing the old.
        context: Option<Json>,
        /// New notes, replacing the old.
        metadata: Option<Json>,
        /// Ids of what may follow at once.
        products: AuthorizationIds,
    },
    /// Abandon a session.
    DeleteSession {
        /// The session.
        session: SessionId,
    },
    /// Authorize a session.
    Authorize {
        /// The session.
        session: SessionId,
        /// Ids of what may follow.
        products: AuthorizationIds,
    },
    /// Capture.
    Capture {
        /// The payment.
        payment: PaymentId,
        /// The capture's id to be.
        capture: CaptureId,
        /// How much; absent: all that is left.
        amount: Option<Money>,
        /// Who asks, and their notes.
        asked: Asked,
    },
    /// Refund.
    Refund {
        /// The payment.
        payment: PaymentId,
        /// The refund's id to be.
        refund: RefundId,
        /// How much; absent: all that is left.
        amount: Option<Money>,
        /// Why, from the merchant's own list of reasons.
        reason: Option<GivenReason>,
        /// Why, in words.
        note: Option<String>,
        /// Who asks, and their notes.
        asked: Asked,
    },
    /// Void.
    Cancel {
        /// The payment.
        payment: PaymentId,
        /// Why.
        note: Option<String>,
    },
}

/// Ids for the payment an authorization may make, and for its capture when the provider captures at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationIds {
    /// The payment's id to be.
    pub payment: PaymentId,
    /// The capture's id to be.
    pub capture: CaptureId,
    /// The id of the capture's own operation.
    pub capture_operation: OperationId,
}

/// Ids for a capture or a refund that was made without us, and for its operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedIds {
    /// The operation's id to be.
    pub operation: OperationId,
    /// The capture's id to be.
    pub capture: CaptureId,
    /// The refund's id to be.
    pub refund: RefundId,
}

/// What a provider can do, as far as a decision depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Capture less than what is authorized.
    pub partial_capture: bool,
    /// Capture more than once.
    pub multiple_captures: bool,
    /// Refund less than what was captured.
    pub partial_refund: bool,
    /// Refund more than once.
    pub multiple_refunds: bool,
    /// Change the amount of a session.
    pub update_amount: bool,
    /// Void an authorization.
    pub cancel_authorized: bool,
}

impl Abilities {
    /// Everything.
    pub const ALL: Self = Self {
        partial_capture: true,
        multiple_captures: true,
        partial_refund: true,
        multiple_refunds: true,
        update_amount: true,
        cancel_authorized: true,
    };
}

/// What the host itself knows of the bytes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Nothing left the process: proof that nothing happened.
    Nothing,
    /// Something may have left, and no complete answer came.
    Maybe,
    /// The gateway answered; what the answer means was not understood.
    Answered,
}

/// A call that gave neither an outcome nor an error: trap, limit, time-out, broken contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A stable code.
    pub code: String,
    /// One sentence for operators.
    pub detail: String,
    /// What the host knows of the bytes.
    pub sent: Sent,
}

/// How a provider call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With an outcome.
    Outcome(Outcome),
    /// With an error.
    Error {
        /// The error.
        error: ProviderError,
        /// What the host knows of the bytes; it overrules what the provider vouches for.
        sent: Sent,
    },
    /// With neither.
    Fault(Fault),
    /// With an outcome that the host's own record contradicts. The text says how; a person has to look.
    Contradicted(String),
}

/// What asking about an open operation found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one finding exists at a time; boxing would only clutter its making")]
pub enum Finding {
    /// The provider knows the operation.
    Known(Snapshot),
    /// Nothing, neither way: it is looked at again later.
    Nothing,
    /// It provably did not happen. The text says what the proof is.
    Absent(String),
    /// No way of asking is left. The text says why; a person has to look.
    Exhausted(String),
    /// The gateway's answer is kept, and the provider's code breaks over it. The text says how; a person, or the next version of
    /// the code, has to look.
    Unreadable(String),
    /// An operator looked and vouches that it happened.
    MarkedSucceeded(String),
    /// An operator looked and vouches that it did not.
    MarkedAbsent(String),
}
