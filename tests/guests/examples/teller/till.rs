//! What every version of the teller does: it takes any payment, and signs each answer with its own version.
//!
//! A capture whose amount ends in 77 minor units is answered `pending`, and what became of it is told by `retrieve`, so that a
//! test can see which version was asked. It keeps nothing.

use tillbox_guests::payments::{
    AuthorizeRequest, CaptureRequest, KeyMemory, Lookup, ProviderInfo, Recovery, RefundRequest, RetrieveRequest,
    Snapshot,
};
use tillbox_guests::types::{Error, Money, OperationKind, Outcome, Status};
use tillbox_guests::{Answer, honest_info, honest_outcome};

/// Milliseconds that an authorization takes, so that many are under way at once.
const AUTHORIZE_MS: u64 = 20;

/// The minor units that a capture waits for.
const WAITS: i64 = 77;

/// What the teller of a version says of itself.
pub(crate) fn info(version: &str) -> ProviderInfo {
    let recovery = |operation| Recovery { operation, keys: KeyMemory::Forever, lookup: Lookup::Strong };
    ProviderInfo {
        version: version.into(),
        recovery: [
            OperationKind::Initiate,
            OperationKind::Update,
            OperationKind::Authorize,
            OperationKind::Capture,
            OperationKind::Refund,
            OperationKind::Cancel,
            OperationKind::Delete,
        ]
        .map(recovery)
        .into(),
        ..honest_info("teller")
    }
}

fn signed(version: &str, outcome: Outcome) -> Outcome {
    Outcome { provider_reference: Some(format!("teller-{version}")), ..outcome }
}

pub(crate) fn authorize(version: &str, request: AuthorizeRequest) -> Answer {
    std::thread::sleep(std::time::Duration::from_millis(AUTHORIZE_MS));
    Ok(signed(version, honest_outcome(Status::Authorized, request.payment.data, request.payment.amount)))
}

pub(crate) fn capture(version: &str, request: CaptureRequest) -> Answer {
    let waits = request.amount.minor_units % 100 == WAITS;
    let status = if waits { Status::Pending } else { Status::Captured };
    Ok(signed(version, honest_outcome(status, request.payment.data, request.amount)))
}

pub(crate) fn refund(version: &str, request: RefundRequest) -> Answer {
    Ok(signed(version, honest_outcome(Status::Captured, request.payment.data, request.amount)))
}

pub(crate) fn retrieve(version: &str, request: RetrieveRequest) -> Result<Snapshot, Error> {
    let payment = request.payment;
    let disputed = Money { minor_units: 0, ..payment.amount.clone() };
    let asked = request.operation.and_then(|operation| operation.amount);
    let operation = asked.map(|amount| signed(version, honest_outcome(Status::Captured, payment.data.clone(), amount)));
    Ok(Snapshot {
        outcome: signed(version, honest_outcome(Status::Authorized, payment.data, payment.amount)),
        captured: payment.captured,
        refunded: payment.refunded,
        disputed,
        operation,
    })
}
