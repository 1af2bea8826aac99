//! The state of one payment collection: its sessions, payments and operations, and every figure derived from them.
//!
//! The whole collection is one unit of decision: totals, headroom and status are functions of what is here, computed when
//! asked, so there is no second book that could disagree.

use crate::currency::Currency;
use crate::id::{CollectionId, OperationId, PaymentId, ProviderId, SessionId};
use crate::money::Money;
use crate::operation::{Operation, OperationKind, OperationState};
use crate::outcome::{Decline, NextAction};
use crate::status::{CollectionStatus, SessionStatus};
use crate::text::Json;
use crate::time::Timestamp;

/// Live sessions a collection may have: several providers offered and a dozen installments fit many times over, while
/// loading a collection stays one small read.
pub const SESSIONS_MAX: usize = 64;

/// Operations a collection may have. Each decision looks at all of them; a thousand partial refunds is more than any
/// dispute desk issues, and still microseconds.
pub const OPERATIONS_MAX: usize = 1_024;

/// What a payer owes for one thing, and everything done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// What is to be collected.
    pub amount: Money,
    /// The cart it belongs to, where it does.
    pub cart_id: Option<String>,
    /// The order it belongs to, where it does.
    pub order_id: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// Its sessions, in the order they were made; deleted ones stay.
    pub sessions: Vec<Session>,
    /// Its payments, in the order they were made.
    pub payments: Vec<Payment>,
    /// Its operations, in the order they were begun.
    pub operations: Vec<Operation>,
    /// As last told to the outside; equals [`Collection::derived_status`] after every decision.
    pub status: CollectionStatus,
    /// When the amount was captured in full for the first time, or the merchant said that nothing more is expected.
    pub completed_at: Option<Timestamp>,
    /// When the merchant canceled it.
    pub canceled_at: Option<Timestamp>,
    /// When the merchant took it out of sight. It stays in the books.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One attempt to get a share of the amount through one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who is asked.
    pub provider: ProviderId,
    /// The share.
    pub amount: Money,
    /// Where it stands.
    pub status: SessionStatus,
    /// The provider's private state.
    pub data: Json,
    /// What a storefront may read.
    pub client_data: Option<Json>,
    /// The provider's id of the payment.
    pub provider_reference: Option<String>,
    /// What the payer has to do, when they have to.
    pub next_action: Option<NextAction>,
    /// The last decline.
    pub decline: Option<Decline>,
    /// Customer and locale as the provider sees them.
    pub context: Json,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// When it was authorized.
    pub authorized_at: Option<Timestamp>,
    /// When it was abandoned. It stays in the books.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An authorized share. It has no status of its own: operations and two dates tell all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The session it came from; one payment at most per session.
    pub session: SessionId,
    /// Who holds it.
    pub provider: ProviderId,
    /// What was authorized.
    pub amount: Money,
    /// The provider's private state.
    pub data: Json,
    /// The provider's id of the payment.
    pub provider_reference: Option<String>,
    /// In dispute, as far as the provider said.
    pub disputed: Money,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// When it was captured in full.
    pub captured_at: Option<Timestamp>,
    /// When it was voided.
    pub canceled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Something about a collection, a session or a payment is a question. It stands beside the status, which says what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uncertain {
    /// Since when.
    pub since: Timestamp,
    /// When the host looks next; absent where only a person can go on.
    pub next_check_at: Option<Timestamp>,
}

impl Collection {
    /// The currency, the exponent included, as it was when the collection was made.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.amount.currency()
    }

    /// The live session with this id.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == *id)
    }

    /// The payment with this id.
    #[must_use]
    pub fn payment(&self, id: &PaymentId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == *id)
    }

    /// The payment a session led to.
    #[must_use]
    pub fn payment_of(&self, session: &SessionId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.session == *session)
    }

    /// The operation with this id.
    #[must_use]
    pub fn operation(&self, id: &OperationId) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == *id)
    }

    /// Sessions that were not deleted.
    pub fn live_sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| session.deleted_at.is_none())
    }

    /// Authorized and not voided, captured or not. Of a voided payment, what was captured before counts.
    #[must_use]
    pub fn authorized(&self) -> Money {
        self.sum(self.payments.iter().map(|payment| match payment.canceled_at {
            None => payment.amount,
            Some(_) => self.captured_of(&payment.id),
        }))
    }

    /// Captured over all payments.
    #[must_use]
    pub fn captured(&self) -> Money {
        self.sum(self.payments.iter().map(|payment| self.captured_of(&payment.id)))
    }

    /// Refunded over all payments.
    #[must_use]
    pub fn refunded(&self) -> Money {
        self.sum(self.payments.iter().map(|payment| self.refunded_of(&payment.id)))
    }

    /// What may still be authorized: the amount less what is authorized and what may be.
    #[must_use]
    pub fn authorizable(&self) -> Money {
        let undecided = self.operations.iter().filter(|operation| {
            operation.kind == OperationKind::Authorize
                && operation.state.reserves()
                && self.payment_of(&operation.session).is_none()
        });
        let held = self.sum(undecided.filter_map(|operation| operation.amount));
        self.left(self.left(self.amount, self.authorized()), held)
    }

    /// Captured of one payment.
    #[must_use]
    pub fn captured_of(&self, payment: &PaymentId) -> Money {
        self.amounts(payment, OperationKind::Capture, |state| state == OperationState::Succeeded)
    }

    /// Refunded of one payment.
    #[must_use]
    pub fn refunded_of(&self, payment: &PaymentId) -> Money {
        self.amounts(payment, OperationKind::Refund, |state| state == OperationState::Succeeded)
    }

    /// Held by captures whose fate is open.
    #[must_use]
    pub fn reserved_captures_of(&self, payment: &PaymentId) -> Money {
        self.amounts(payment, OperationKind::Capture, OperationState::reserves)
    }

    /// Held by refunds whose fate is open.
    #[must_use]
    pub fn reserved_refunds_of(&self, payment: &PaymentId) -> Money {
        self.amounts(payment, OperationKind::Refund, OperationState::reserves)
    }

    /// What may still be captured of a payment: authorized − captured − reserved; nothing once it is voided.
    #[must_use]
    pub fn capturable(&self, payment: &Payment) -> Money {
        if payment.canceled_at.is_some() {
            return Money::zero(self.currency());
        }
        let after_captured = self.left(payment.amount, self.captured_of(&payment.id));
        self.left(after_captured, self.reserved_captures_of(&payment.id))
    }

    /// What may still be refunded of a payment: captured − refunded − reserved.
    #[must_use]
    pub fn refundable(&self, payment: &PaymentId) -> Money {
        let after_refunded = self.left(self.captured_of(payment), self.refunded_of(payment));
        self.left(after_refunded, self.reserved_refunds_of(payment))
    }

    /// What is a question about these operations, if anything is.
    #[must_use]
    pub fn uncertain(&self, concerns: impl Fn(&Operation) -> bool) -> Option<Uncertain> {
        let uncertain = |operation: &&Operation| operation.state.is_uncertain() && concerns(operation);
        let uncertain: Vec<&Operation> = self.operations.iter().filter(uncertain).collect();
        let since = uncertain.iter().map(|operation| operation.uncertain_since()).min()?;
        Some(Uncertain {
            since,
            next_check_at: uncertain.iter().filter_map(|operation| operation.next_action_at).min(),
        })
    }

    /// The status that follows from sessions, payments and operations.
    #[must_use]
    pub fn derived_status(&self) -> CollectionStatus {
        let (authorized, captured) = (self.authorized(), self.captured());
        let covers = |part: Money| !self.amount.is_zero() && part.minor_units() >= self.amount.minor_units();
        if self.canceled_at.is_some() && captured.is_zero() {
            return CollectionStatus::Canceled;
        }
        if covers(captured) {
            return CollectionStatus::Completed;
        }
        if !captured.is_zero() {
            return CollectionStatus::PartiallyCaptured;
        }
        if covers(authorized) {
            return CollectionStatus::Authorized;
        }
        if !authorized.is_zero() {
            return CollectionStatus::PartiallyAuthorized;
        }
        self.status_without_money()
    }

    fn status_without_money(&self) -> CollectionStatus {
        let mut any = false;
        let mut failed = false;
        for session in self.live_sessions() {
            any = true;
            match session.status {
                SessionStatus::Error => failed = true,
                SessionStatus::Canceled => {}
                SessionStatus::Pending
                | SessionStatus::RequiresMore
                | SessionStatus::PendingAuthorization
                | SessionStatus::Authorized
                | SessionStatus::Captured => return CollectionStatus::Awaiting,
            }
        }
        match (any, failed) {
            (false, _) => CollectionStatus::NotPaid,
            (true, true) => CollectionStatus::Failed,
            (true, false) => CollectionStatus::Awaiting,
        }
    }

    fn amounts(&self, payment: &PaymentId, kind: OperationKind, counts: impl Fn(OperationState) -> bool) -> Money {
        let matching = self.operations.iter().filter(|operation| {
            operation.kind == kind && operation.payment.as_ref() == Some(payment) && counts(operation.state)
        });
        self.sum(matching.filter_map(|operation| operation.amount))
    }

    /// Every part was checked against the collection's amount before it came in, so the sum stays within `Money`.
    fn sum(&self, parts: impl Iterator<Item = Money>) -> Money {
        parts.fold(Money::zero(self.currency()), |total, part| {
            total.checked_add(part).expect("parts are of one currency and bounded by the collection's amount")
        })
    }

    /// What is left of `whole`, nothing when more than all of it is taken.
    fn left(&self, whole: Money, taken: Money) -> Money {
        whole.checked_sub(taken).unwrap_or_else(|_| Money::zero(self.currency()))
    }
}
