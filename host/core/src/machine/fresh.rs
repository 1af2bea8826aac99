//! Operations as they begin: what all of them have in common, before the rules say what each is about.
//!
//! It knows no rule.

use super::Draft;
use crate::command::{Asked, AuthorizationIds};
use crate::digest::ComponentDigest;
use crate::id::OperationId;
use crate::operation::{Input, Operation, OperationKind, OperationState, Origin, Product};
use crate::state::{Payment, Session};
use crate::time::Timestamp;

/// What every operation begins with: its id, until when it belongs to whoever begins it, what the payer typed in, and which
/// code is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease<'a> {
    pub(super) operation: &'a OperationId,
    pub(super) until: Timestamp,
    pub(super) input: &'a Input,
    pub(super) component: Option<ComponentDigest>,
}

pub(super) fn asked_by(asked: &Asked, operation: Operation) -> Operation {
    Operation { created_by: asked.created_by.clone(), metadata: asked.metadata.clone(), ..operation }
}

pub(super) fn payment_product(ids: &AuthorizationIds) -> Product {
    Product::Payment {
        payment: ids.payment.clone(),
        capture: ids.capture.clone(),
        capture_operation: ids.capture_operation.clone(),
    }
}

pub(super) fn on_session(draft: &Draft, lease: Lease<'_>, kind: OperationKind, session: &Session) -> Operation {
    Operation {
        id: lease.operation.clone(),
        kind,
        provider: session.provider.clone(),
        component: lease.component,
        session: session.id.clone(),
        payment: None,
        product: Product::None,
        amount: Some(session.amount),
        state: OperationState::Running,
        origin: Origin::Command,
        attempts: 1,
        lease_token: 1,
        provider_reference: None,
        decline: None,
        reason: None,
        detail: None,
        note: None,
        refund_reason: None,
        created_by: None,
        metadata: None,
        input: lease.input.clone(),
        checks: 0,
        next_action_at: Some(lease.until),
        created_at: draft.at,
        updated_at: draft.at,
    }
}

pub(super) fn on_payment(draft: &Draft, lease: Lease<'_>, kind: OperationKind, payment: &Payment) -> Operation {
    let session = draft.state.session(&payment.session).expect("a payment has its session");
    Operation { payment: Some(payment.id.clone()), ..on_session(draft, lease, kind, session) }
}
