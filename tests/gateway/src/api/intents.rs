//! Payment intents: created, confirmed with a card, captured, canceled, searched.

use serde_json::{Value, json};

use super::currency::checked_amount;
use super::{Account, methods, page};
use crate::cards::{Card, Fate};
use crate::ledger::{Books, Reply, new_id};
use crate::params::Params;
use crate::problem::Problem;

/// Characters of a statement descriptor, by the card networks.
const DESCRIPTOR_CHARS_MAX: usize = 22;

/// What a request may say and nothing here depends on.
const INDIFFERENT: &[&str] = &[
    "shipping",
    "mandate_data",
    "use_stripe_sdk",
    "radar_options",
    "application_fee_amount",
    "mandate",
    "capture_method_options",
    "payment_method_configuration",
];

const CANCELLATION_REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

pub(super) fn create(account: &Account, books: &Books<'_>, mut params: Params) -> Result<Reply, Problem> {
    let id = new_id("pi");
    let missing =
        |key| Problem::invalid(Some("parameter_missing"), Some(key), format!("Missing required param: {key}."));
    let amount = params.integer("amount")?.ok_or_else(|| missing("amount"))?;
    let currency = params.required("currency")?.to_ascii_lowercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(Problem::invalid(None, Some("currency"), format!("Invalid currency: {currency}")));
    }
    let amount = checked_amount(amount, &currency, "amount")?;
    let mut intent = json!({
        "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": 0,
        "automatic_payment_methods": null, "canceled_at": null, "cancellation_reason": null,
        "capture_method": "automatic", "client_secret": format!("{id}_secret_{}", new_id("s")),
        "confirmation_method": "automatic", "created": books.now().seconds(), "currency": currency, "customer": null,
        "description": null, "last_payment_error": null, "latest_charge": null, "livemode": false, "metadata": {},
        "next_action": null, "payment_method": null, "payment_method_types": ["card"], "receipt_email": null,
        "setup_future_usage": null, "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
    });
    if let Some(method) = params.one_of("capture_method", &["automatic", "automatic_async", "manual"])? {
        intent["capture_method"] = method.into();
    }
    if let Some(method) = params.one_of("confirmation_method", &["automatic", "manual"])? {
        intent["confirmation_method"] = method.into();
    }
    let confirm = params.truth("confirm")?.unwrap_or(false);
    change(books, &mut intent, &mut params)?;
    if confirm {
        books.put(&intent, None)?;
        books.tell("payment_intent.created", &intent)?;
        return confirm_with(account, books, intent, params);
    }
    params.ignore(&["return_url", "off_session"]);
    params.end()?;
    books.put(&intent, None)?;
    books.tell("payment_intent.created", &intent)?;
    Ok(Reply::ok(intent))
}

pub(super) fn show(books: &Books<'_>, id: &str, mut params: Params) -> Result<Value, Problem> {
    params.ignore(&["client_secret"]);
    params.end()?;
    books.get("payment_intent", id)
}

pub(super) fn list(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let customer = params.text("customer")?;
    let all = books.list("payment_intent", None, 0)?;
    let wanted = |intent: &Value| customer.as_deref().is_none_or(|id| intent["customer"] == *id);
    page(all.into_iter().filter(wanted).collect(), params, "/v1/payment_intents")
}

pub(super) fn update(books: &Books<'_>, id: &str, mut params: Params) -> Result<Value, Problem> {
    let mut intent = books.get("payment_intent", id)?;
    let open = ["requires_payment_method", "requires_confirmation", "requires_action"];
    let is_open = open.contains(&intent["status"].as_str().unwrap_or_default());
    if let Some(amount) = params.integer("amount")? {
        if !is_open {
            return Err(Problem::unexpected_state(&intent, "updated"));
        }
        intent["amount"] = checked_amount(amount, intent["currency"].as_str().unwrap_or_default(), "amount")?.into();
    }
    if let Some(currency) = params.text("currency")? {
        if !is_open {
            return Err(Problem::unexpected_state(&intent, "updated"));
        }
        intent["currency"] = currency.to_ascii_lowercase().into();
    }
    params.ignore(&["capture_method"]);
    change(books, &mut intent, &mut params)?;
    params.end()?;
    books.put(&intent, None)?;
    Ok(intent)
}

/// What create and update share.
fn change(books: &Books<'_>, intent: &mut Value, params: &mut Params) -> Result<(), Problem> {
    if let Some(customer) = params.text("customer")? {
        books.get("customer", &customer)?;
        intent["customer"] = customer.into();
    }
    for key in ["description", "receipt_email"] {
        if let Some(text) = params.text(key)? {
            intent[key] = text.into();
        }
    }
    for key in ["statement_descriptor", "statement_descriptor_suffix"] {
        if let Some(text) = params.text(key)? {
            if text.chars().count() > DESCRIPTOR_CHARS_MAX || text.contains(['<', '>', '\\', '\'', '"', '*']) {
                let message = format!(
                    "The statement descriptor must be at most {DESCRIPTOR_CHARS_MAX} characters without <>\\'\"*."
                );
                return Err(Problem::invalid(None, Some(key), message));
            }
            intent[key] = text.into();
        }
    }
    if let Some(usage) = params.one_of("setup_future_usage", &["on_session", "off_session"])? {
        intent["setup_future_usage"] = usage.into();
    }
    if let Some(types) = params.texts("payment_method_types")? {
        intent["payment_method_types"] = types.into();
    }
    if let Some(mut automatic) = params.nested("automatic_payment_methods")? {
        let enabled = automatic.truth("enabled")?;
        let redirects = automatic.one_of("allow_redirects", &["always", "never"])?;
        automatic.end()?;
        let redirects = redirects.unwrap_or_else(|| "always".to_owned());
        intent["automatic_payment_methods"] = json!({ "enabled": enabled, "allow_redirects": redirects });
    }
    if let Some(mut options) = params.nested("payment_method_options")? {
        if let Some(mut card) = options.nested("card")? {
            let asked = card.one_of("request_multicapture", &["if_available", "never"])?;
            intent["multicapture"] = (asked.as_deref() == Some("if_available")).into();
        }
        options.ignore(&["link"]);
        options.end()?;
    }
    params.ignore(INDIFFERENT);
    intent["metadata"] = params.metadata(&intent["metadata"])?;
    if let Some(name) = params.text("payment_method")? {
        intent["payment_method"] = methods::named(books, &name)?["id"].clone();
    } else if let Some(data) = params.nested("payment_method_data")? {
        intent["payment_method"] = methods::described(books, data)?["id"].clone();
    }
    if !intent["payment_method"].is_null() && intent["status"] == "requires_payment_method" {
        intent["status"] = "requires_confirmation".into();
    }
    Ok(())
}

pub(super) fn confirm(account: &Account, books: &Books<'_>, id: &str, mut params: Params) -> Result<Reply, Problem> {
    let mut intent = books.get("payment_intent", id)?;
    match intent["status"].as_str() {
        Some("requires_payment_method" | "requires_confirmation" | "requires_action") => {}
        _ => return Err(Problem::unexpected_state(&intent, "confirmed")),
    }
    params.ignore(&["client_secret", "capture_method"]);
    if let Some(token) = params.text("confirmation_token")? {
        intent["payment_method"] = books.get("confirmation_token", &token)?["payment_method"].clone();
    }
    change(books, &mut intent, &mut params)?;
    confirm_with(account, books, intent, params)
}

fn confirm_with(account: &Account, books: &Books<'_>, mut intent: Value, mut params: Params) -> Result<Reply, Problem> {
    let return_url = params.text("return_url")?;
    let off_session = params.text("off_session")?.is_some_and(|text| text != "false");
    let error_on_action = params.truth("error_on_requires_action")?.unwrap_or(false);
    params.end()?;
    let Some(method) = intent["payment_method"].as_str().map(str::to_owned) else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(
            Problem::invalid(Some("payment_intent_unexpected_state"), None, message).with("payment_intent", intent)
        );
    };
    let automatic = &intent["automatic_payment_methods"];
    if return_url.is_none() && automatic["enabled"] == true && automatic["allow_redirects"] == "always" {
        let message = "This PaymentIntent accepts payment methods that redirect: provide a `return_url`, or set \
                       automatic_payment_methods[allow_redirects] to never.";
        return Err(Problem::invalid(None, Some("return_url"), message));
    }
    let method = books.get("payment_method", &method)?;
    match methods::card_of(&method).map_or(Fate::Succeeds, |card: &Card| card.fate) {
        Fate::Declines(code, decline) => declined(books, intent, code, decline, "Your card was declined."),
        Fate::Authenticates if off_session || error_on_action => {
            let message = "Your card was declined. This transaction requires authentication.";
            declined(books, intent, "authentication_required", Some("authentication_required"), message)
        }
        Fate::Authenticates => {
            let id = intent["id"].as_str().unwrap_or_default();
            let url = format!("{}/_gateway/3ds/{id}", account.base);
            intent["status"] = "requires_action".into();
            intent["next_action"] =
                json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": return_url } });
            books.put(&intent, None)?;
            books.tell("payment_intent.requires_action", &intent)?;
            Ok(Reply::ok(intent))
        }
        Fate::Succeeds | Fate::RefundsLater | Fate::RefundsFail | Fate::Disputes => {
            charged(books, &mut intent)?;
            Ok(Reply::ok(intent))
        }
    }
}

/// An attempt to charge the intent's card.
fn charge_of(books: &Books<'_>, intent: &Value, status: &str, captured: bool) -> Result<Value, Problem> {
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let method = books.get("payment_method", intent["payment_method"].as_str().unwrap_or_default())?;
    let mut card = method["card"].clone();
    let multicapture = if intent["multicapture"] == true { "available" } else { "unavailable" };
    card["multicapture"] = json!({ "status": multicapture });
    Ok(json!({
        "id": new_id("ch"), "object": "charge", "amount": amount, "amount_captured": if captured { amount } else { 0 },
        "amount_refunded": 0, "captured": captured, "created": books.now().seconds(), "currency": intent["currency"],
        "customer": intent["customer"], "disputed": false, "livemode": false, "metadata": intent["metadata"],
        "payment_intent": intent["id"], "payment_method": intent["payment_method"], "refunded": false, "status": status,
        "payment_method_details": { "type": method["type"], "card": card },
    }))
}

/// The card is charged, or the amount reserved.
fn charged(books: &Books<'_>, intent: &mut Value) -> Result<(), Problem> {
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let manual = intent["capture_method"] == "manual";
    let charge = charge_of(books, intent, "succeeded", !manual)?;
    intent["latest_charge"] = charge["id"].clone();
    (intent["next_action"], intent["last_payment_error"]) = (Value::Null, Value::Null);
    if manual {
        intent["status"] = "requires_capture".into();
        intent["amount_capturable"] = amount.into();
    } else {
        intent["status"] = "succeeded".into();
        intent["amount_received"] = amount.into();
    }
    books.put(&charge, intent["id"].as_str())?;
    books.put(intent, None)?;
    books.moved(if manual { "authorize" } else { "capture" }, intent, None, amount)?;
    let kind = if manual { "payment_intent.amount_capturable_updated" } else { "payment_intent.succeeded" };
    books.tell(kind, intent)
}

/// A decline is kept: the intent waits for another card, and says why.
fn declined(
    books: &Books<'_>,
    mut intent: Value,
    code: &str,
    decline: Option<&str>,
    message: &str,
) -> Result<Reply, Problem> {
    let method = intent["payment_method"].as_str().map(|id| books.get("payment_method", id)).transpose()?;
    let mut problem = Problem::declined(code, decline, message).with("payment_method", method.into());
    // A check that was not passed is no attempt to charge.
    if code != "payment_intent_authentication_failure" {
        let charge = charge_of(books, &intent, "failed", false)?;
        books.put(&charge, intent["id"].as_str())?;
        problem = problem.with("charge", charge["id"].clone());
        intent["latest_charge"] = charge["id"].clone();
    }
    intent["status"] = "requires_payment_method".into();
    (intent["payment_method"], intent["next_action"]) = (Value::Null, Value::Null);
    intent["last_payment_error"] = Value::Object(problem.error.clone());
    books.put(&intent, None)?;
    books.tell("payment_intent.payment_failed", &intent)?;
    Ok(problem.with("payment_intent", intent).into())
}

/// The payer came back from the issuer's page. What is no longer waiting for them stays as it is.
///
/// # Errors
/// 404 for an intent that there is not.
pub(crate) fn authenticated(books: &Books<'_>, id: &str, passed: bool) -> Result<Value, Problem> {
    if id.starts_with("seti_") {
        let mut intent = books.get("setup_intent", id)?;
        if intent["status"] == "requires_action" {
            if passed {
                super::setup::succeeded(books, &mut intent)?;
            } else {
                intent["status"] = "requires_payment_method".into();
                intent["next_action"] = Value::Null;
            }
            books.put(&intent, None)?;
        }
        return Ok(intent);
    }
    let mut intent = books.get("payment_intent", id)?;
    if intent["status"] != "requires_action" {
        return Ok(intent);
    }
    if passed {
        charged(books, &mut intent)?;
        return Ok(intent);
    }
    let message = "We are unable to authenticate your payment method.";
    declined(books, intent, "payment_intent_authentication_failure", None, message)?;
    books.get("payment_intent", id)
}

pub(super) fn capture(books: &Books<'_>, id: &str, mut params: Params) -> Result<Value, Problem> {
    let mut intent = books.get("payment_intent", id)?;
    let asked = params.integer("amount_to_capture")?;
    let is_final = params.truth("final_capture")?.unwrap_or(true);
    params.ignore(&["statement_descriptor", "statement_descriptor_suffix", "application_fee_amount", "transfer_data"]);
    intent["metadata"] = params.metadata(&intent["metadata"])?;
    params.end()?;
    if intent["status"] != "requires_capture" {
        return Err(Problem::unexpected_state(&intent, "captured"));
    }
    if !is_final && intent["multicapture"] != true {
        return Err(Problem::invalid(None, Some("final_capture"), "This PaymentIntent does not support multicapture."));
    }
    let received = intent["amount_received"].as_i64().unwrap_or_default();
    if asked == Some(0) && is_final && intent["multicapture"] == true && received > 0 {
        return release(books, intent);
    }
    take(books, intent, asked, is_final)
}

/// The last of several captures takes nothing: what is left is the payer's again.
fn release(books: &Books<'_>, mut intent: Value) -> Result<Value, Problem> {
    let left = intent["amount_capturable"].as_i64().unwrap_or_default();
    intent["amount_capturable"] = 0.into();
    intent["status"] = "succeeded".into();
    books.put(&intent, None)?;
    books.moved("void", &intent, None, left)?;
    books.tell("payment_intent.succeeded", &intent)?;
    Ok(intent)
}

fn take(books: &Books<'_>, mut intent: Value, asked: Option<i64>, is_final: bool) -> Result<Value, Problem> {
    let left = intent["amount_capturable"].as_i64().unwrap_or_default();
    let amount = asked.unwrap_or(left);
    if amount > left {
        let message =
            format!("The amount_to_capture ({amount}) is greater than the amount that can be captured ({left}).");
        return Err(Problem::invalid(Some("amount_too_large"), Some("amount_to_capture"), message));
    }
    let amount = checked_amount(amount, intent["currency"].as_str().unwrap_or_default(), "amount_to_capture")?;
    let received = intent["amount_received"].as_i64().unwrap_or_default() + amount;
    let ends = is_final || amount == left;
    intent["amount_received"] = received.into();
    intent["amount_capturable"] = if ends { 0 } else { left - amount }.into();
    if ends {
        intent["status"] = "succeeded".into();
    }
    let mut charge = books.get("charge", intent["latest_charge"].as_str().unwrap_or_default())?;
    charge["amount_captured"] = received.into();
    charge["captured"] = true.into();
    books.put(&charge, intent["id"].as_str())?;
    books.put(&intent, None)?;
    books.moved("capture", &intent, None, amount)?;
    books.tell("charge.captured", &charge)?;
    books.tell(if ends { "payment_intent.succeeded" } else { "payment_intent.amount_capturable_updated" }, &intent)?;
    Ok(intent)
}

pub(super) fn cancel(books: &Books<'_>, id: &str, mut params: Params) -> Result<Value, Problem> {
    let intent = books.get("payment_intent", id)?;
    let reason = params.one_of("cancellation_reason", CANCELLATION_REASONS)?;
    params.end()?;
    void(books, intent, reason)
}

fn void(books: &Books<'_>, mut intent: Value, reason: Option<String>) -> Result<Value, Problem> {
    if intent["status"] == "succeeded" || intent["status"] == "canceled" || intent["status"] == "processing" {
        return Err(Problem::unexpected_state(&intent, "canceled"));
    }
    let released = intent["amount_capturable"].as_i64().unwrap_or_default();
    intent["status"] = "canceled".into();
    intent["canceled_at"] = books.now().seconds().into();
    intent["cancellation_reason"] = reason.into();
    (intent["amount_capturable"], intent["next_action"]) = (0.into(), Value::Null);
    books.put(&intent, None)?;
    if released > 0 {
        books.moved("void", &intent, None, released)?;
    }
    books.tell("payment_intent.canceled", &intent)?;
    Ok(intent)
}

/// What somebody does at the gateway's own dashboard, behind everybody's back.
///
/// # Errors
/// As the API's own.
pub(crate) fn intent_at_the_counter(
    books: &Books<'_>,
    id: &str,
    what: &str,
    amount: Option<i64>,
) -> Result<Value, Problem> {
    let intent = books.get("payment_intent", id)?;
    match what {
        "capture" if intent["status"] == "requires_capture" => take(books, intent, amount, true),
        "capture" => Err(Problem::unexpected_state(&intent, "captured")),
        "cancel" => void(books, intent, Some("requested_by_customer".to_owned())),
        "dispute" => {
            let mut charge = books.get("charge", intent["latest_charge"].as_str().unwrap_or_default())?;
            charge["disputed"] = true.into();
            books.put(&charge, Some(id))?;
            let dispute = json!({
                "id": new_id("dp"), "object": "dispute", "amount": amount.unwrap_or_else(|| charge["amount_captured"].as_i64().unwrap_or_default()),
                "charge": charge["id"], "currency": intent["currency"], "created": books.now().seconds(),
                "payment_intent": id, "reason": "fraudulent", "status": "needs_response", "livemode": false, "metadata": {},
            });
            books.put(&dispute, Some(id))?;
            books.tell("charge.dispute.created", &dispute)?;
            Ok(dispute)
        }
        _ => Err(Problem::invalid(None, Some("do"), "known are capture, cancel, dispute and refund")),
    }
}

/// Disputes, of an intent where one is named.
pub(super) fn disputes(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let intent = params.text("payment_intent")?;
    let all = books.list("dispute", intent.as_deref(), 0)?;
    page(all, params, "/v1/disputes")
}
