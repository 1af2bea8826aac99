//! A payment provider without a gateway: a person takes the money (cash, a bank transfer, an invoice) and tells the host
//! what happened; this provider checks it and keeps the record.
//!
//! It is the smallest complete provider, and the template for new ones. Copy the directory, rename the crate, and replace
//! the module `ledger` by calls to your gateway. The parts, in reading order:
//!
//! - this file: one `impl Provider`, one `register!` line. Each function reads the state out of `data`, does one thing,
//!   and answers with the new state;
//! - `ledger`: what is kept in `data`, and the rules of what may follow what;
//! - `instructions`: what the payer is shown, from the operator's settings;
//! - `settings.schema.json` and `provider.toml`: what operators configure and grant;
//! - `tests`: all of it, natively, by `cargo test`.
//!
//! It refuses to know who confirms, and who may: the host's own doors ask for that.
#![deny(missing_docs)]

mod instructions;
mod ledger;
#[cfg(test)]
mod tests;

use tillbox_provider::{
    AuthorizeRequest, CancelRequest, Capabilities, CaptureRequest, Context, DeleteRequest, Error, InitiateRequest,
    KeyMemory, Lookup, OperationKind, Outcome, PaymentState, Provider, ProviderInfo, RefundRequest, Result,
    RetrieveRequest, Snapshot, UpdateRequest, log,
};

use ledger::{Entry, Ledger, Request};

/// The provider. There is never a value of it: a call starts with nothing but its arguments.
#[derive(Debug)]
pub struct Manual;

// The optional interfaces would be named behind the type: `register!(Manual, webhooks)`. There is no gateway that could
// send webhooks or keep cards, so the component has none of them.
tillbox_provider::register!(Manual);

impl Provider for Manual {
    /// Constant: a host compares the answers of two instances, and nothing may be read or logged here.
    fn describe() -> ProviderInfo {
        ProviderInfo::new("manual", "Payment by hand", env!("CARGO_PKG_VERSION"))
            .capabilities(Capabilities {
                partial_capture: true,
                multiple_captures: true,
                partial_refund: true,
                multiple_refunds: true,
                automatic_capture: false,
                cancel_authorized: true,
                update_amount: true,
            })
            .settings_schema(include_str!("../settings.schema.json"))
            // `data` is the only ledger there is. It remembers every key, so the same request may always be sent again;
            // and an operation that is not in it did not happen. A provider with a gateway declares what its gateway
            // documents, and less where in doubt.
            .recovery_of_all(KeyMemory::Forever, Lookup::Strong)
    }

    fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome> {
        // The reference comes from the operation id, so that a replay makes the same one. Never draw it at random.
        let ledger = Ledger::open(format!("manual_{}", context.operation_id), request.amount);
        record(ledger, context, Request::plain(OperationKind::Initiate, request.amount))
    }

    fn update(context: &Context, request: &UpdateRequest) -> Result<Outcome> {
        record(load(&request.payment)?, context, Request::plain(OperationKind::Update, request.amount))
    }

    fn authorize(context: &Context, request: &AuthorizeRequest) -> Result<Outcome> {
        let ledger = load(&request.payment)?;
        let amount = ledger.amount();
        record(ledger, context, Request::plain(OperationKind::Authorize, amount))
    }

    fn capture(context: &Context, request: &CaptureRequest) -> Result<Outcome> {
        let ledger = load(&request.payment)?;
        record(ledger, context, Request::named(OperationKind::Capture, request.amount, &request.capture_id))
    }

    fn refund(context: &Context, request: &RefundRequest) -> Result<Outcome> {
        let ledger = load(&request.payment)?;
        record(ledger, context, Request::named(OperationKind::Refund, request.amount, &request.refund_id))
    }

    fn cancel(context: &Context, request: &CancelRequest) -> Result<Outcome> {
        let ledger = load(&request.payment)?;
        let amount = ledger.amount();
        record(ledger, context, Request::plain(OperationKind::Cancel, amount))
    }

    fn delete(context: &Context, request: &DeleteRequest) -> Result<Outcome> {
        let ledger = load(&request.payment)?;
        let amount = ledger.amount();
        record(ledger, context, Request::plain(OperationKind::Delete, amount))
    }

    fn retrieve(_: &Context, request: &RetrieveRequest) -> Result<Snapshot> {
        let ledger = load(&request.payment)?;
        let asked = request.operation.as_ref().and_then(|operation| ledger.find(operation));
        Ok(Snapshot {
            outcome: present(&ledger)?,
            captured: ledger.captured()?,
            refunded: ledger.refunded()?,
            disputed: ledger.amount().zeroed(),
            operation: asked.map(|entry| answer(&ledger, entry)).transpose()?,
        })
    }

    fn status(_: &Context, payment: &PaymentState) -> Result<Outcome> {
        present(&load(payment)?)
    }
}

/// The state as the host keeps it. After a lost reply to `initiate` the host has `{}`: nothing was opened.
fn load(payment: &PaymentState) -> Result<Ledger> {
    if payment.data.as_str() == "{}" {
        return Err(Error::not_found("there is no record of this payment"));
    }
    payment.data()
}

/// Records one operation, or finds it recorded already, and answers with what the record says. Both ways end in the same
/// line, so that a replay cannot answer otherwise than the first call did.
fn record(mut ledger: Ledger, context: &Context, request: Request<'_>) -> Result<Outcome> {
    let kind = request.kind;
    let entry = ledger.record(&context.operation_id, &context.idempotency_key, request)?;
    let outcome = answer(&ledger, &entry)?;
    // Amounts and our own ids are fit for a log. What a payer or a storefront sent is not.
    log::info("recorded", &[("kind", &ledger::name(kind)), ("amount", &entry.amount)]);
    Ok(outcome)
}

/// What the operation answered when it was recorded, beside the state as it is now.
fn answer(ledger: &Ledger, entry: &Entry) -> Result<Outcome> {
    let outcome = Outcome::new(ledger::status_after(entry.kind), ledger.to_json()?)
        .amount(entry.amount)
        .reference(entry.reference.as_str());
    instructions::attach(outcome, ledger.reference())
}

/// Where the payment stands, as `authorize` would answer it.
fn present(ledger: &Ledger) -> Result<Outcome> {
    let outcome = Outcome::new(ledger.status()?, ledger.to_json()?)
        .amount(ledger.present_amount()?)
        .reference(ledger.reference());
    instructions::attach(outcome, ledger.reference())
}
