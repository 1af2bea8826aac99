//! For tests and demonstrations, native only: the events Stripe would send for a payment, signed, and a clock to stop.
//!
//! A real gateway sends its webhooks by itself. This provider has no network, so whoever plays the gateway builds the
//! event from the payment's private `data` and delivers it.

use serde_json::{Value, json};
use tillbox_provider::{Delivery, Error, Header, Json, Result};

use crate::identifier::characters;
use crate::payment::Payment;
use crate::{clock, signature};

/// Stops this thread's clock at this time: milliseconds since 1970-01-01T00:00:00Z.
pub fn set_time_ms(time_ms: u64) {
    clock::stopped::set(time_ms);
}

/// The value of the `Stripe-Signature` header for a body, signed at `seconds` since 1970.
#[must_use]
pub fn sign(body: &[u8], secret: &str, seconds: u64) -> String {
    signature::sign(body, secret, seconds)
}

/// The body of the event `kind` (`payment_intent.succeeded`, `charge.refunded`, …) about the payment with this private
/// `data`, created at `seconds` since 1970. The same arguments give the same event, its id included.
///
/// For a payment in `processing`, the events of success and failure first bring it to its end.
///
/// # Errors
/// An invalid request when `data` is not this provider's.
pub fn event(kind: &str, data: &Json, seconds: u64) -> Result<String> {
    let mut payment: Payment = serde_json::from_str(data.as_str())
        .map_err(|error| Error::invalid_request(format_args!("the payment's data: {error}")))?;
    if matches!(kind, "payment_intent.succeeded" | "payment_intent.payment_failed") {
        payment.settle(u64::MAX);
    }
    let object = if kind.starts_with("charge.dispute.") {
        dispute(&payment)
    } else if kind.starts_with("charge.") {
        charge(&payment)
    } else {
        intent(&payment)
    };
    let id = format!("evt_{}", characters(&[kind, data.as_str(), &seconds.to_string()]));
    let event = json!({
        "id": id,
        "object": "event",
        "type": kind,
        "created": seconds,
        "livemode": false,
        "data": { "object": object },
    });
    Ok(event.to_string())
}

/// The delivery of a body with one valid signature, received in the second it was signed.
#[must_use]
pub fn delivery(body: &str, secret: &str, seconds: u64) -> Delivery {
    Delivery {
        headers: vec![
            Header { name: "Content-Type".to_owned(), value: "application/json".to_owned() },
            Header { name: "Stripe-Signature".to_owned(), value: sign(body.as_bytes(), secret, seconds) },
        ],
        query: String::new(),
        body: body.as_bytes().to_vec(),
        received_at_ms: seconds.saturating_mul(1_000),
    }
}

fn intent(payment: &Payment) -> Value {
    let intent = &payment.intent;
    let error = intent.last_payment_error.map(|reason| {
        let (code, decline_code) = reason.codes();
        json!({ "type": "card_error", "code": code, "decline_code": decline_code })
    });
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "currency": intent.currency,
        "capture_method": intent.capture_method,
        "status": intent.status.name(),
        "last_payment_error": error,
        "latest_charge": charge_id(payment),
        "metadata": intent.metadata,
    })
}

fn charge(payment: &Payment) -> Value {
    let intent = &payment.intent;
    let refunds: Vec<Value> = payment
        .ledger
        .latest_refund()
        .map(|refund| {
            json!({
                "id": format!("re_{}", refund.key),
                "object": "refund",
                "amount": refund.amount,
                "metadata": { "operation_id": refund.operation },
            })
        })
        .into_iter()
        .collect();
    json!({
        "id": charge_id(payment),
        "object": "charge",
        "payment_intent": intent.id,
        "amount": intent.amount,
        "amount_captured": intent.amount_received,
        "amount_refunded": intent.amount_refunded,
        "currency": intent.currency,
        "captured": intent.amount_received > 0,
        "disputed": intent.amount_disputed() > 0,
        "metadata": intent.metadata,
        "refunds": { "object": "list", "data": refunds },
    })
}

/// Stripe copies no metadata into a dispute.
fn dispute(payment: &Payment) -> Value {
    json!({
        "id": payment.intent.id.replace("pi_", "du_"),
        "object": "dispute",
        "payment_intent": payment.intent.id,
        "charge": charge_id(payment),
        "amount": payment.intent.amount_disputed(),
        "currency": payment.intent.currency,
        "reason": "fraudulent",
        "status": "needs_response",
        "metadata": {},
    })
}

fn charge_id(payment: &Payment) -> String {
    payment.intent.id.replace("pi_", "ch_")
}
