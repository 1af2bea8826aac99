//! What the service answers with: parts of a collection as the books have them after the request.

use tillbox_core::id::{CaptureId, RefundId};
use tillbox_core::operation::{Operation, OperationKind, OperationState, Product};
use tillbox_core::state::{Collection, Payment, Session};
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

/// A payment with everything captured and refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// The payment.
    pub payment: Payment,
    /// The collection it belongs to.
    pub collection: tillbox_core::id::CollectionId,
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
}

/// A capture: an operation of that kind that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its id.
    pub id: CaptureId,
    /// How much.
    pub amount: Money,
    /// When.
    pub created_at: Timestamp,
}

/// A refund: an operation of that kind that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl PaymentView {
    /// The payment as the collection has it.
    pub(crate) fn of(collection: &Collection, payment: &Payment) -> Self {
        let done = |kind: OperationKind| {
            collection.operations.iter().filter(move |operation| {
                operation.kind == kind
                    && operation.state == OperationState::Succeeded
                    && operation.payment.as_ref() == Some(&payment.id)
            })
        };
        let captures = done(OperationKind::Capture).filter_map(|operation| match &operation.product {
            Product::Capture(id) => {
                Some(Capture { id: id.clone(), amount: operation.amount?, created_at: operation.created_at })
            }
            Product::None | Product::Refund(_) | Product::Payment { .. } => None,
        });
        let refunds = done(OperationKind::Refund).filter_map(|operation| match &operation.product {
            Product::Refund(id) => Some(Refund {
                id: id.clone(),
                amount: operation.amount?,
                note: operation.note.clone(),
                created_at: operation.created_at,
            }),
            Product::None | Product::Capture(_) | Product::Payment { .. } => None,
        });
        Self {
            payment: payment.clone(),
            collection: collection.id.clone(),
            captures: captures.collect(),
            refunds: refunds.collect(),
            captured: collection.captured_of(&payment.id),
            refunded: collection.refunded_of(&payment.id),
            reserved_captures: collection.reserved_captures_of(&payment.id),
            reserved_refunds: collection.reserved_refunds_of(&payment.id),
        }
    }
}
