//! What the service answers with: parts of a collection as the books have them after the request.

use tillbox_core::id::{CaptureId, CollectionId, OperationId, PaymentId, RefundId};
use tillbox_core::operation::{GivenReason, Operation, OperationKind, OperationState, Product};
use tillbox_core::state::{Collection, Payment, Session, Uncertain};
use tillbox_core::status::CollectionStatus;
use tillbox_core::text::Json;
use tillbox_core::{Money, Timestamp};
use tillbox_runtime::CallReport;

/// A result, the operation that led to it, and what the provider call cost.
#[derive(Debug)]
pub struct Done<T> {
    /// The result.
    pub value: T,
    /// The operation; absent when nothing had to be asked.
    pub operation: Option<Operation>,
    /// What the call cost; absent when nothing had to be asked.
    pub report: Option<CallReport>,
}

/// What an authorization led to. A session that needs the payer is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The session: its status, its next action, its decline.
    pub session: Session,
    /// The payment, when authorized.
    pub payment: Option<PaymentView>,
}

/// A session, and what is a question about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// The collection it belongs to.
    pub collection: CollectionId,
    /// What is a question about it, if anything is.
    pub uncertain: Option<Uncertain>,
}

impl SessionView {
    /// The session as the collection has it.
    pub(crate) fn of(collection: &Collection, session: &Session) -> Self {
        let uncertain = collection.uncertain(|operation| operation.session == session.id);
        Self { session: session.clone(), collection: collection.id.clone(), uncertain }
    }
}

/// A payment with everything captured and refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// The payment.
    pub payment: Payment,
    /// The collection it belongs to.
    pub collection: CollectionId,
    /// What was captured, oldest first.
    pub captures: Vec<Capture>,
    /// What was refunded, oldest first.
    pub refunds: Vec<Refund>,
    /// Captured in all.
    pub captured: Money,
    /// Refunded in all.
    pub refunded: Money,
    /// Held by captures whose fate is open.
    pub reserved_captures: Money,
    /// Held by refunds whose fate is open.
    pub reserved_refunds: Money,
    /// What is a question about it, if anything is.
    pub uncertain: Option<Uncertain>,
    /// The session it came from.
    pub session: SessionView,
    /// The collection, without what is in it.
    pub summary: CollectionSummary,
}

/// A collection without its sessions, payments and operations: what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionSummary {
    /// Its id.
    pub id: CollectionId,
    /// What is to be collected.
    pub amount: Money,
    /// Its status.
    pub status: CollectionStatus,
    /// Authorized and not voided, captured or not.
    pub authorized: Money,
    /// Captured over all payments.
    pub captured: Money,
    /// Refunded over all payments.
    pub refunded: Money,
    /// The cart it belongs to.
    pub cart_id: Option<String>,
    /// The order it belongs to.
    pub order_id: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// What is a question about it, if anything is.
    pub uncertain: Option<Uncertain>,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// When it was canceled.
    pub canceled_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl CollectionSummary {
    /// What the collection comes to.
    #[must_use]
    pub fn of(collection: &Collection) -> Self {
        Self {
            id: collection.id.clone(),
            amount: collection.amount,
            status: collection.status,
            authorized: collection.authorized(),
            captured: collection.captured(),
            refunded: collection.refunded(),
            cart_id: collection.cart_id.clone(),
            order_id: collection.order_id.clone(),
            metadata: collection.metadata.clone(),
            uncertain: collection.uncertain(|_| true),
            completed_at: collection.completed_at,
            canceled_at: collection.canceled_at,
            deleted_at: collection.deleted_at,
            created_at: collection.created_at,
            updated_at: collection.updated_at,
        }
    }
}

/// A capture: an operation of that kind that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its id.
    pub id: CaptureId,
    /// What was captured.
    pub payment: PaymentId,
    /// The operation that it is.
    pub operation: OperationId,
    /// How much.
    pub amount: Money,
    /// Who asked for it.
    pub created_by: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done, or its notes last changed.
    pub updated_at: Timestamp,
}

/// A refund: an operation of that kind that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// What was refunded.
    pub payment: PaymentId,
    /// The operation that it is.
    pub operation: OperationId,
    /// How much.
    pub amount: Money,
    /// Why, from the merchant's own list, with the code it had then.
    pub reason: Option<GivenReason>,
    /// Why, in words.
    pub note: Option<String>,
    /// Who asked for it.
    pub created_by: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done, or its notes last changed.
    pub updated_at: Timestamp,
}

impl Capture {
    /// The capture that an operation is, if it is one and done.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let Product::Capture(id) = &operation.product else { return None };
        let done = operation.kind == OperationKind::Capture && operation.state == OperationState::Succeeded;
        done.then_some(())?;
        Some(Self {
            id: id.clone(),
            payment: operation.payment.clone()?,
            operation: operation.id.clone(),
            amount: operation.amount?,
            created_by: operation.created_by.clone(),
            metadata: operation.metadata.clone(),
            created_at: operation.created_at,
            updated_at: operation.updated_at,
        })
    }
}

impl Refund {
    /// The refund that an operation is, if it is one and done.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let Product::Refund(id) = &operation.product else { return None };
        let done = operation.kind == OperationKind::Refund && operation.state == OperationState::Succeeded;
        done.then_some(())?;
        Some(Self {
            id: id.clone(),
            payment: operation.payment.clone()?,
            operation: operation.id.clone(),
            amount: operation.amount?,
            reason: operation.refund_reason.clone(),
            note: operation.note.clone(),
            created_by: operation.created_by.clone(),
            metadata: operation.metadata.clone(),
            created_at: operation.created_at,
            updated_at: operation.updated_at,
        })
    }
}

impl PaymentView {
    /// The payment as the collection has it.
    pub(crate) fn of(collection: &Collection, payment: &Payment) -> Self {
        Self::of_summed(collection, payment, CollectionSummary::of(collection))
    }

    /// The same where the collection is summed up already: that looks at everything in it.
    pub(crate) fn of_summed(collection: &Collection, payment: &Payment, summary: CollectionSummary) -> Self {
        let captures = collection.operations.iter().filter_map(Capture::of);
        let refunds = collection.operations.iter().filter_map(Refund::of);
        Self {
            payment: payment.clone(),
            collection: collection.id.clone(),
            captures: captures.filter(|capture| capture.payment == payment.id).collect(),
            refunds: refunds.filter(|refund| refund.payment == payment.id).collect(),
            captured: collection.captured_of(&payment.id),
            refunded: collection.refunded_of(&payment.id),
            reserved_captures: collection.reserved_captures_of(&payment.id),
            reserved_refunds: collection.reserved_refunds_of(&payment.id),
            uncertain: collection.uncertain(|operation| operation.session == payment.session),
            session: SessionView::of(collection, collection.session(&payment.session).expect("it has its session")),
            summary,
        }
    }
}
