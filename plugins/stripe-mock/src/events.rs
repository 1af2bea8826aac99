//! Stripe's events, translated into evidence. The signature has been verified before anything in here runs.
//!
//! Amounts in evidence are cumulative, as the contract asks: Stripe's `amount_received`, `amount_captured` and
//! `amount_refunded` are. An event that speaks of no payment, or of a type not listed here, is `not-supported`.

use serde_json::Value;
use tillbox_provider::{Action, Evidence, Money, Rejection, Subject};

use stripe_rules::units;

/// Translates one event.
///
/// # Errors
/// [`Rejection::Malformed`], naming what is missing, when the body is no event of Stripe's.
pub(crate) fn translate(body: &[u8]) -> Result<Evidence, Rejection> {
    let event: Value = serde_json::from_slice(body).map_err(|error| malformed(&format!("the body: {error}")))?;
    let id = text(&event, "id").ok_or_else(|| malformed("the event has no id"))?;
    let kind = text(&event, "type").ok_or_else(|| malformed("the event has no type"))?;
    let mut evidence = Evidence::not_supported(id);
    evidence.occurred_at_ms = event["created"].as_u64().and_then(|seconds| seconds.checked_mul(1_000));
    let Some(action) = action(kind) else { return Ok(evidence) };
    let object = &event["data"]["object"];
    if !object.is_object() {
        return Err(malformed("the event has no data.object"));
    }
    evidence.action = action;
    evidence.subject = Some(subject(kind, object)?);
    evidence.amount = cumulative(kind, object)?;
    evidence.operation_id = operation(kind, object).map(str::to_owned);
    evidence.reason = reason(kind, object).map(str::to_owned);
    Ok(evidence)
}

/// What the host understands of an event type.
fn action(kind: &str) -> Option<Action> {
    Some(match kind {
        "payment_intent.amount_capturable_updated" => Action::Authorized,
        "payment_intent.succeeded" | "charge.captured" => Action::Captured,
        "payment_intent.payment_failed" => Action::Failed,
        "payment_intent.canceled" => Action::Canceled,
        "payment_intent.processing" => Action::Pending,
        "payment_intent.requires_action" => Action::RequiresMore,
        "charge.refunded" => Action::Refunded,
        "charge.dispute.created" => Action::Disputed,
        _ => return None,
    })
}

/// The host's session where the metadata name it, the PaymentIntent otherwise.
fn subject(kind: &str, object: &Value) -> Result<Subject, Rejection> {
    if let Some(session) = text(&object["metadata"], "session_id") {
        return Ok(Subject::Session(session.to_owned()));
    }
    let key = if kind.starts_with("payment_intent.") { "id" } else { "payment_intent" };
    let intent = text(object, key).ok_or_else(|| malformed("the event names no PaymentIntent"))?;
    Ok(Subject::ProviderReference(intent.to_owned()))
}

/// The amount that belongs to the action, all that happened up to now.
fn cumulative(kind: &str, object: &Value) -> Result<Option<Money>, Rejection> {
    let amount = match kind {
        // With several captures a part of what was reserved is captured already.
        "payment_intent.amount_capturable_updated" => {
            let sum = number(object, "amount_capturable")?.checked_add(number(object, "amount_received")?);
            sum.ok_or_else(|| malformed("amount_capturable is too large"))?
        }
        "payment_intent.succeeded" => number(object, "amount_received")?,
        "charge.captured" => number(object, "amount_captured")?,
        "charge.refunded" => number(object, "amount_refunded")?,
        "charge.dispute.created" => number(object, "amount")?,
        _ => return Ok(None),
    };
    let currency = text(object, "currency").ok_or_else(|| malformed("the event has no currency"))?.to_ascii_uppercase();
    let exponent =
        units::iso_exponent(&currency).ok_or_else(|| malformed("the event's currency is none of Stripe's"))?;
    let minor_units =
        units::from_stripe(&currency, exponent, amount).map_err(|error| malformed(&format!("the amount: {error}")))?;
    Money::new(minor_units, exponent, &currency).map(Some).map_err(|error| malformed(&format!("the amount: {error}")))
}

/// The host's operation where the event speaks of one alone. An intent carries the operation that confirmed it, which
/// says nothing of a later capture or cancellation.
fn operation<'a>(kind: &str, object: &'a Value) -> Option<&'a str> {
    let metadata = match kind {
        "payment_intent.amount_capturable_updated"
        | "payment_intent.payment_failed"
        | "payment_intent.processing"
        | "payment_intent.requires_action" => &object["metadata"],
        "payment_intent.succeeded" if object["capture_method"] == "automatic" => &object["metadata"],
        // Newest first.
        "charge.refunded" => &object["refunds"]["data"][0]["metadata"],
        _ => return None,
    };
    text(metadata, "operation_id")
}

/// A short word for operators.
fn reason<'a>(kind: &str, object: &'a Value) -> Option<&'a str> {
    match kind {
        "payment_intent.payment_failed" => {
            let error = &object["last_payment_error"];
            text(error, "decline_code").or_else(|| text(error, "code"))
        }
        "payment_intent.canceled" => text(object, "cancellation_reason"),
        "charge.dispute.created" => text(object, "reason"),
        _ => None,
    }
}

fn number(object: &Value, key: &str) -> Result<i64, Rejection> {
    object[key].as_i64().ok_or_else(|| malformed(&format!("{key} is no whole number")))
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object[key].as_str().filter(|text| !text.is_empty())
}

fn malformed(what: &str) -> Rejection {
    Rejection::Malformed(what.to_owned())
}
