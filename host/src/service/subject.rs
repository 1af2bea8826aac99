//! What a request is about, as its provider is told it: whose payment, in which state by the books.
//!
//! It reads the books and decides nothing.

use tillbox_core::command::Request;
use tillbox_core::id::ProviderId;
use tillbox_core::operation::{Operation, OperationKind};
use tillbox_core::state::{Collection, Payment, Session};
use tillbox_runtime::request::PaymentState;

use super::Error;

/// The payment as the books have it, for the provider.
pub(super) fn payment_state(collection: &Collection, operation: &Operation) -> PaymentState {
    let session = collection.session(&operation.session).expect("an operation has its session");
    // A session that was paid and voided is known to its provider by what the payment has become.
    let paid = || collection.payment_of(&operation.session).filter(|_| operation.kind == OperationKind::Delete);
    match operation.payment.as_ref().and_then(|id| collection.payment(id)).or_else(paid) {
        Some(payment) => state_of_payment(collection, payment),
        None => state_of_session(collection, session),
    }
}

pub(super) fn state_of_payment(collection: &Collection, payment: &Payment) -> PaymentState {
    PaymentState {
        data: payment.data.clone(),
        provider_reference: payment.provider_reference.clone(),
        amount: payment.amount,
        captured: collection.captured_of(&payment.id),
        refunded: collection.refunded_of(&payment.id),
    }
}

pub(super) fn state_of_session(collection: &Collection, session: &Session) -> PaymentState {
    let nothing = tillbox_core::Money::zero(collection.currency());
    PaymentState {
        data: session.data.clone(),
        provider_reference: session.provider_reference.clone(),
        amount: session.amount,
        captured: nothing,
        refunded: nothing,
    }
}

/// Who is asked.
pub(super) fn provider_of(collection: &Collection, request: &Request) -> Result<ProviderId, Error> {
    let of_session = |id: &tillbox_core::id::SessionId| {
        let session = collection.session(id).filter(|session| session.deleted_at.is_none());
        let missing = || Error::NotFound { entity: "PaymentSession", id: id.to_string() };
        session.map(|session| session.provider.clone()).ok_or_else(missing)
    };
    let of_payment = |id: &tillbox_core::id::PaymentId| {
        let missing = || Error::NotFound { entity: "Payment", id: id.to_string() };
        collection.payment(id).map(|payment| payment.provider.clone()).ok_or_else(missing)
    };
    match request {
        Request::CreateSession { provider, .. } => Ok(provider.clone()),
        Request::UpdateSession { session, .. }
        | Request::DeleteSession { session }
        | Request::Authorize { session, .. } => of_session(session),
        Request::Capture { payment, .. } | Request::Refund { payment, .. } | Request::Cancel { payment, .. } => {
            of_payment(payment)
        }
    }
}
