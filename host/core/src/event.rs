//! What happened: the only way a collection's state changes, and what the outside is told.

use crate::id::{CollectionId, OperationId, PaymentId, SessionId};
use crate::money::Money;
use crate::operation::{Operation, OperationState};
use crate::outcome::{Decline, NextAction};
use crate::state::{Payment, Session};
use crate::status::{CollectionStatus, SessionStatus};
use crate::text::Json;
use crate::time::Timestamp;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A collection was made.
    CollectionCreated {
        /// Its id.
        id: CollectionId,
        /// What is to be collected.
        amount: Money,
        /// The cart it belongs to.
        cart_id: Option<String>,
        /// The order it belongs to.
        order_id: Option<String>,
        /// The owner's own notes.
        metadata: Option<Json>,
    },
    /// Amount or notes changed.
    CollectionUpdated {
        /// The new amount.
        amount: Option<Money>,
        /// The new notes.
        metadata: Option<Json>,
    },
    /// The merchant canceled it.
    CollectionCanceled,
    /// The merchant said that nothing more is expected of it.
    CollectionCompleted,
    /// The merchant took it out of sight.
    CollectionDeleted,
    /// Money was heard of after it had been deleted: it is in sight again.
    CollectionRestored,
    /// Its derived status became another one.
    CollectionStatusChanged {
        /// The new status.
        status: CollectionStatus,
    },
    /// A session was made.
    SessionCreated(Box<Session>),
    /// The provider answered about a session.
    SessionProgressed(Box<SessionProgress>),
    /// The payer or the notes of a session changed.
    SessionNoted {
        /// The session.
        session: SessionId,
        /// The new customer and locale, where they changed.
        context: Option<Json>,
        /// The new notes, where they changed.
        metadata: Option<Json>,
    },
    /// A session was abandoned.
    SessionDeleted {
        /// The session.
        session: SessionId,
    },
    /// An authorization made a payment.
    PaymentCreated(Box<Payment>),
    /// The provider's state of a payment changed.
    PaymentProgressed {
        /// The payment.
        payment: PaymentId,
        /// The new private state.
        data: Json,
        /// The provider's id of the payment, where it is news.
        provider_reference: Option<String>,
    },
    /// The notes of a payment changed.
    PaymentNoted {
        /// The payment.
        payment: PaymentId,
        /// The new notes.
        metadata: Json,
    },
    /// A payment is captured in full.
    PaymentCaptured {
        /// The payment.
        payment: PaymentId,
    },
    /// A payment was voided.
    PaymentCanceled {
        /// The payment.
        payment: PaymentId,
    },
    /// A dispute was opened or grew.
    PaymentDisputed {
        /// The payment.
        payment: PaymentId,
        /// What is in dispute now.
        amount: Money,
    },
    /// An operation began.
    OperationBegun(Box<Operation>),
    /// The provider is asked again.
    OperationRetried {
        /// The operation.
        operation: OperationId,
        /// The new lease token.
        lease_token: u64,
        /// Which attempt this is.
        attempts: u32,
        /// How often the host has looked, this time included.
        checks: u32,
        /// Until when it belongs to whoever asks.
        lease_until: Timestamp,
    },
    /// A look at an open operation found nothing out. Nobody outside is told, and the time of its last change stays: proofs
    /// count from there.
    OperationPostponed {
        /// The operation.
        operation: OperationId,
        /// How often the host has looked.
        checks: u32,
        /// When it looks again; absent where only a person can go on.
        next_action_at: Option<Timestamp>,
    },
    /// The reply to a call came after a webhook had told how it ended, and agrees: what only the reply knew is kept.
    ReplyMerged {
        /// The operation.
        operation: OperationId,
        /// The gateway's id of what was done.
        provider_reference: Option<String>,
        /// Why it stands as it does, from now on: nothing, when the reply says all that the webhook said.
        reason: Option<String>,
    },
    /// The notes of a capture or refund changed.
    OperationNoted {
        /// The operation that is the capture or refund.
        operation: OperationId,
        /// The new notes.
        metadata: Json,
    },
    /// An operation came to a state.
    OperationSettled(Box<Settlement>),
    /// Something happened at the provider after the operation was closed as not having happened, or authorized more than
    /// the collection wants. It is in the books; somebody should look.
    LateSuccess {
        /// The operation.
        operation: OperationId,
    },
    /// A webhook claim was kept but changed nothing: it says less than what is known, or contradicts it.
    EvidenceSetAside {
        /// The session it speaks of.
        session: SessionId,
        /// The provider's event id.
        event_id: String,
        /// Why.
        why: SetAside,
    },
}

/// Why a claim changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetAside {
    /// It repeats or precedes what is known.
    Known,
    /// It fits no operation and no amount in the books: somebody should look.
    Unmatched,
    /// It is of another currency than the collection.
    Currency,
}

/// A session's new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionProgress {
    /// The session.
    pub session: SessionId,
    /// Its new status.
    pub status: SessionStatus,
    /// Its new share, where that changed.
    pub amount: Option<Money>,
    /// New private state, where the provider gave one.
    pub data: Option<Json>,
    /// What a storefront may read, where the provider gave new state.
    pub client_data: Option<Json>,
    /// The provider's id of the payment, where given.
    pub provider_reference: Option<String>,
    /// What the payer has to do.
    pub next_action: Option<NextAction>,
    /// The decline.
    pub decline: Option<Decline>,
}

/// An operation's new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The operation.
    pub operation: OperationId,
    /// Its new state.
    pub state: OperationState,
    /// The gateway's id of what was done.
    pub provider_reference: Option<String>,
    /// The decline.
    pub decline: Option<Decline>,
    /// A stable code for why.
    pub reason: Option<String>,
    /// One sentence to it.
    pub detail: Option<String>,
    /// How often the host has looked; a question of another kind is counted anew.
    pub checks: u32,
    /// When the host looks at it next; absent when it is settled, or only a person can go on.
    pub next_action_at: Option<Timestamp>,
}
