//! Stripe's events, translated into evidence. The signature has been verified before anything in here runs.
//!
//! An account may hold more than this host's payments: what does not carry the host's metadata is of no interest. Amounts in
//! evidence are cumulative. An intent's are; a refund's event tells one refund alone, so each refund carries in its metadata
//! what had been given back before it. `charge.refunded` is not used: its sum holds refunds that are pending and may fail.

use serde_json::Value;
use stripe_rules::units;
use tillbox_provider::{Action, Evidence, Money, Rejection, Subject};

use crate::intent::{OPERATION, SESSION};
use crate::refunds::BEFORE;

/// Bytes of a reason that a claim may carry.
const REASON_BYTES_MAX: usize = 64;

/// Translates one event. `account` is the connected account that is acted for, where there is one.
///
/// # Errors
/// [`Rejection::Malformed`], naming what is missing, when the body is no event of Stripe's.
pub(crate) fn translate(body: &[u8], account: Option<&str>) -> Result<Vec<Evidence>, Rejection> {
    let event: Value = serde_json::from_slice(body).map_err(|error| malformed(&format!("the body: {error}")))?;
    let id = text(&event, "id").ok_or_else(|| malformed("the event has no id"))?;
    let kind = text(&event, "type").ok_or_else(|| malformed("the event has no type"))?;
    let object = &event["data"]["object"];
    if !object.is_object() {
        return Err(malformed("the event has no data.object"));
    }
    // An endpoint may hear of every connected account; each provider of the host is for one.
    let is_ours = account.is_none() || text(&event, "account") == account;
    let occurred_at_ms = event["created"].as_u64().and_then(|seconds| seconds.checked_mul(1_000));
    let claims = if is_ours { claims(id, kind, object)? } else { Vec::new() };
    if claims.is_empty() {
        return Ok(vec![Evidence { occurred_at_ms, ..Evidence::not_supported(id) }]);
    }
    Ok(claims.into_iter().map(|claim| Evidence { occurred_at_ms, ..claim }).collect())
}

fn claims(id: &str, kind: &str, object: &Value) -> Result<Vec<Evidence>, Rejection> {
    if let Some(what) = kind.strip_prefix("payment_intent.") {
        let Some(session) = text(&object["metadata"], SESSION) else { return Ok(Vec::new()) };
        return of_intent(id, what, object, session);
    }
    match kind {
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => of_refund(id, object),
        "charge.captured" => {
            let Some(session) = text(&object["metadata"], SESSION) else { return Ok(Vec::new()) };
            let amount = money(object, number(object, "amount_captured")?)?;
            Ok(vec![Evidence::new(id, Action::Captured, of_session(session)).amount(amount)])
        }
        "charge.dispute.created" | "charge.dispute.funds_withdrawn" => of_dispute(id, object),
        _ => Ok(Vec::new()),
    }
}

fn of_intent(id: &str, what: &str, object: &Value, session: &str) -> Result<Vec<Evidence>, Rejection> {
    let claim = |action| Evidence::new(id, action, of_session(session));
    Ok(match what {
        "amount_capturable_updated" => {
            let (capturable, received) = (number(object, "amount_capturable")?, number(object, "amount_received")?);
            let sum = capturable.checked_add(received).ok_or_else(|| malformed("amount_capturable is too large"))?;
            let mut claims = Vec::new();
            // What several captures have left is released by a last one of nothing: then nothing is reserved any more.
            if capturable > 0 {
                claims.push(claim(Action::Authorized).amount(money(object, sum)?));
            }
            if received > 0 {
                let captured = Evidence::new(format!("{id}#captured"), Action::Captured, of_session(session));
                claims.push(captured.amount(money(object, received)?));
            }
            claims
        }
        "succeeded" => {
            vec![claim(Action::Captured).amount(money(object, number(object, "amount_received")?)?)]
        }
        "payment_failed" => {
            let error = &object["last_payment_error"];
            let reason = text(error, "decline_code").or_else(|| text(error, "code"));
            vec![because(claim(Action::Failed), reason)]
        }
        "canceled" => vec![because(claim(Action::Canceled), text(object, "cancellation_reason"))],
        "processing" => vec![claim(Action::Pending)],
        "requires_action" => vec![claim(Action::RequiresMore)],
        _ => Vec::new(),
    })
}

fn of_refund(id: &str, object: &Value) -> Result<Vec<Evidence>, Rejection> {
    let metadata = &object["metadata"];
    let (Some(session), Some(operation)) = (text(metadata, SESSION), text(metadata, OPERATION)) else {
        return Ok(Vec::new());
    };
    let claim = |action| Evidence::new(id, action, of_session(session)).operation_id(operation);
    match text(object, "status") {
        Some("succeeded") => {
            let before = text(metadata, BEFORE).and_then(|text| text.parse::<i64>().ok());
            let sum = before.and_then(|before| before.checked_add(object["amount"].as_i64()?));
            let sum = sum.ok_or_else(|| malformed("the refund does not say what was given back before it"))?;
            Ok(vec![claim(Action::Refunded).amount(money(object, sum)?)])
        }
        Some("failed" | "canceled") => {
            Ok(vec![because(claim(Action::Failed), text(object, "failure_reason").or(Some("refund_failed")))])
        }
        Some(_) | None => Ok(Vec::new()),
    }
}

/// A dispute has no metadata of ours: it names the intent.
fn of_dispute(id: &str, object: &Value) -> Result<Vec<Evidence>, Rejection> {
    let Some(intent) = text(object, "payment_intent") else { return Ok(Vec::new()) };
    let amount = money(object, number(object, "amount")?)?;
    let claim = Evidence::new(id, Action::Disputed, Subject::ProviderReference(intent.to_owned())).amount(amount);
    Ok(vec![because(claim, text(object, "reason"))])
}

fn of_session(session: &str) -> Subject {
    Subject::Session(session.to_owned())
}

fn because(claim: Evidence, reason: Option<&str>) -> Evidence {
    match reason {
        Some(reason) => claim.reason(&reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]),
        None => claim,
    }
}

/// An amount in the currency of its object, as ISO 4217 writes it.
fn money(object: &Value, amount: i64) -> Result<Money, Rejection> {
    let currency = text(object, "currency").ok_or_else(|| malformed("the event has no currency"))?.to_ascii_uppercase();
    let exponent =
        units::iso_exponent(&currency).ok_or_else(|| malformed("the event's currency is none of Stripe's"))?;
    let minor_units =
        units::from_stripe(&currency, exponent, amount).map_err(|error| malformed(&format!("the amount: {error}")))?;
    Money::new(minor_units, exponent, &currency).map_err(|error| malformed(&format!("the amount: {error}")))
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

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
