//! A provider that keeps the contract in the dullest way: every answer echoes what was asked.
//!
//! It refuses to keep state, except in `data`, where `initiate` puts its input.

use crate::payments::{
    AuthorizeRequest, CancelRequest, Capabilities, CaptureRequest, DeleteRequest, Guest, InitiateRequest, KeyAlphabet,
    KeyFormat, KeyMemory, Lookup, PaymentState, ProviderInfo, Recovery, RefundRequest, RetrieveRequest, Snapshot,
    UpdateRequest,
};
use crate::types::{Context, Error, Money, OperationKind, Outcome, Status};

/// What a mutating function answers.
pub type Answer = Result<Outcome, Error>;

/// Every function of the contract, with an honest body.
#[allow(missing_docs, reason = "the functions are those of wit/payments.wit")]
pub trait Provider {
    fn describe() -> ProviderInfo {
        honest_info("echo")
    }

    fn initiate(_context: Context, request: InitiateRequest) -> Answer {
        Ok(honest_outcome(Status::Pending, request.input, request.amount))
    }

    fn update(_context: Context, request: UpdateRequest) -> Answer {
        Ok(honest_outcome(Status::Pending, request.payment.data, request.amount))
    }

    fn authorize(_context: Context, request: AuthorizeRequest) -> Answer {
        Ok(honest_outcome(Status::Authorized, request.payment.data, request.payment.amount))
    }

    fn capture(_context: Context, request: CaptureRequest) -> Answer {
        Ok(honest_outcome(Status::Captured, request.payment.data, request.amount))
    }

    fn refund(_context: Context, request: RefundRequest) -> Answer {
        Ok(honest_outcome(Status::Captured, request.payment.data, request.amount))
    }

    fn cancel(_context: Context, request: CancelRequest) -> Answer {
        Ok(honest_outcome(Status::Canceled, request.payment.data, request.payment.amount))
    }

    fn delete(_context: Context, request: DeleteRequest) -> Answer {
        Ok(honest_outcome(Status::Canceled, request.payment.data, request.payment.amount))
    }

    fn retrieve(_context: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
        let PaymentState { data, amount, captured, refunded, .. } = request.payment;
        let disputed = Money { minor_units: 0, ..amount.clone() };
        Ok(Snapshot {
            outcome: honest_outcome(Status::Authorized, data, amount),
            captured,
            refunded,
            disputed,
            operation: None,
        })
    }

    fn status(_context: Context, payment: PaymentState) -> Answer {
        Ok(honest_outcome(Status::Authorized, payment.data, payment.amount))
    }
}

/// What an honest provider of this name says of itself: every payment ability, no optional interface.
#[must_use]
pub fn honest_info(identifier: &str) -> ProviderInfo {
    let recovery = |operation| Recovery { operation, keys: KeyMemory::Forever, lookup: Lookup::None };
    ProviderInfo {
        identifier: identifier.into(),
        display_name: identifier.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        capabilities: Capabilities::PARTIAL_CAPTURE
            | Capabilities::MULTIPLE_CAPTURES
            | Capabilities::PARTIAL_REFUND
            | Capabilities::MULTIPLE_REFUNDS
            | Capabilities::CANCEL_AUTHORIZED
            | Capabilities::UPDATE_AMOUNT,
        currencies: Vec::new(),
        settings_schema: "{}".into(),
        hosts: Vec::new(),
        secrets: Vec::new(),
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
        key_format: KeyFormat { length_max: 64, alphabet: KeyAlphabet::Hexadecimal },
        docs_url: None,
        extensions: "{}".into(),
    }
}

/// An answer without anything special in it.
#[must_use]
pub fn honest_outcome(status: Status, data: String, amount: Money) -> Outcome {
    Outcome {
        status,
        data,
        client_data: None,
        provider_reference: Some("echo-1".into()),
        amount: Some(amount),
        decline: None,
        next_action: None,
        extensions: "{}".into(),
    }
}

impl<P: Provider> Guest for P {
    fn describe() -> ProviderInfo {
        P::describe()
    }
    fn initiate(context: Context, request: InitiateRequest) -> Answer {
        P::initiate(context, request)
    }
    fn update(context: Context, request: UpdateRequest) -> Answer {
        P::update(context, request)
    }
    fn authorize(context: Context, request: AuthorizeRequest) -> Answer {
        P::authorize(context, request)
    }
    fn capture(context: Context, request: CaptureRequest) -> Answer {
        P::capture(context, request)
    }
    fn refund(context: Context, request: RefundRequest) -> Answer {
        P::refund(context, request)
    }
    fn cancel(context: Context, request: CancelRequest) -> Answer {
        P::cancel(context, request)
    }
    fn delete(context: Context, request: DeleteRequest) -> Answer {
        P::delete(context, request)
    }
    fn retrieve(context: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
        P::retrieve(context, request)
    }
    fn status(context: Context, payment: PaymentState) -> Answer {
        P::status(context, payment)
    }
}
