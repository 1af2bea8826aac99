//! Refunds: at once, pending first, or failing later, as the card of the testing guide says.

use serde_json::{Value, json};

use super::{methods, page};
use crate::cards::Fate;
use crate::ledger::{Books, new_id};
use crate::params::Params;
use crate::problem::Problem;

const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

pub(super) fn create(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let intent = match (params.text("payment_intent")?, params.text("charge")?) {
        (Some(id), _) => books.get("payment_intent", &id)?,
        (None, Some(charge)) => {
            let charge = books.get("charge", &charge)?;
            books.get("payment_intent", charge["payment_intent"].as_str().unwrap_or_default())?
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(Problem::invalid(Some("parameter_missing"), Some("payment_intent"), message));
        }
    };
    let amount = params.integer("amount")?;
    let reason = params.one_of("reason", REASONS)?;
    let metadata = params.metadata(&Value::Null)?;
    params.ignore(&["refund_application_fee", "reverse_transfer", "instructions_email"]);
    params.end()?;
    give_back(books, &intent, amount, reason, metadata)
}

fn give_back(
    books: &Books<'_>,
    intent: &Value,
    amount: Option<i64>,
    reason: Option<String>,
    metadata: Value,
) -> Result<Value, Problem> {
    let Some(charge) = intent["latest_charge"].as_str() else {
        let message = "This PaymentIntent does not have a successful charge to refund.";
        return Err(Problem::invalid(None, Some("payment_intent"), message));
    };
    let mut charge = books.get("charge", charge)?;
    let number = |key: &str| charge[key].as_i64().unwrap_or_default();
    let (captured, refunded) = (number("amount_captured"), number("amount_refunded"));
    let left = captured - refunded;
    if captured == 0 {
        return Err(Problem::invalid(
            None,
            Some("payment_intent"),
            "This charge has not been captured, so it cannot be refunded.",
        ));
    }
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge["id"].as_str().unwrap_or_default());
        return Err(Problem::invalid(Some("charge_already_refunded"), None, message));
    }
    let amount = amount.unwrap_or(left);
    if amount < 1 || amount > left {
        let message =
            format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}) or less than 1");
        return Err(Problem::invalid(Some("amount_too_large"), Some("amount"), message));
    }
    let method = books.get("payment_method", intent["payment_method"].as_str().unwrap_or_default())?;
    let is_pending = methods::card_of(&method).is_some_and(|card| card.fate == Fate::RefundsLater);
    let refund = json!({
        "id": new_id("re"), "object": "refund", "amount": amount, "charge": charge["id"], "created": books.now().seconds(),
        "currency": intent["currency"], "metadata": metadata, "payment_intent": intent["id"], "reason": reason,
        "status": if is_pending { "pending" } else { "succeeded" }, "failure_reason": null,
    });
    charge["amount_refunded"] = (refunded + amount).into();
    charge["refunded"] = (refunded + amount == captured).into();
    books.put(&charge, intent["id"].as_str())?;
    books.put(&refund, intent["id"].as_str())?;
    if !is_pending {
        books.moved("refund", intent, Some(&refund), amount)?;
    }
    books.tell("refund.created", &refund)?;
    books.tell("charge.refunded", &charge)?;
    Ok(refund)
}

pub(super) fn list(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let intent = params.text("payment_intent")?;
    let charge = params.text("charge")?;
    let all = books.list("refund", intent.as_deref(), 0)?;
    let wanted = |refund: &Value| charge.as_deref().is_none_or(|id| refund["charge"] == *id);
    page(all.into_iter().filter(wanted).collect(), params, "/v1/refunds")
}

pub(super) fn update(books: &Books<'_>, id: &str, mut params: Params) -> Result<Value, Problem> {
    let mut refund = books.get("refund", id)?;
    refund["metadata"] = params.metadata(&refund["metadata"])?;
    params.end()?;
    books.put(&refund, None)?;
    books.tell("refund.updated", &refund)?;
    Ok(refund)
}

/// The bank has decided about a refund: one that was pending succeeds or fails, one that seemed to succeed fails.
///
/// # Errors
/// When there is no such refund, or it has failed already.
pub(crate) fn finished(books: &Books<'_>, id: &str, succeeded: bool) -> Result<Value, Problem> {
    let mut refund = books.get("refund", id)?;
    let intent = books.get("payment_intent", refund["payment_intent"].as_str().unwrap_or_default())?;
    let amount = refund["amount"].as_i64().unwrap_or_default();
    match (refund["status"].as_str(), succeeded) {
        (Some("pending"), true) => {
            refund["status"] = "succeeded".into();
            books.moved("refund", &intent, Some(&refund), amount)?;
        }
        (Some(before @ ("pending" | "succeeded")), false) => {
            if before == "succeeded" {
                books.moved("refund_failed", &intent, Some(&refund), amount)?;
            }
            refund["status"] = "failed".into();
            refund["failure_reason"] = "expired_or_canceled_card".into();
            let mut charge = books.get("charge", refund["charge"].as_str().unwrap_or_default())?;
            charge["amount_refunded"] = (charge["amount_refunded"].as_i64().unwrap_or_default() - amount).into();
            charge["refunded"] = false.into();
            books.put(&charge, intent["id"].as_str())?;
        }
        _ => return Err(Problem::invalid(None, None, "this refund is decided already")),
    }
    books.put(&refund, None)?;
    books.tell(if succeeded { "refund.updated" } else { "refund.failed" }, &refund)?;
    Ok(refund)
}

/// A refund at the gateway's own dashboard.
///
/// # Errors
/// As the API's own.
pub(crate) fn refund_at_the_counter(books: &Books<'_>, intent: &str, amount: Option<i64>) -> Result<Value, Problem> {
    let intent = books.get("payment_intent", intent)?;
    give_back(books, &intent, amount, Some("requested_by_customer".to_owned()), json!({}))
}
