//! Setup intents: a card that is kept for later without being charged.

use serde_json::{Value, json};

use super::{Account, methods};
use crate::cards::Fate;
use crate::ledger::{Books, new_id};
use crate::params::Params;
use crate::problem::Problem;

pub(super) fn create(account: &Account, books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let id = new_id("seti");
    let customer = params.text("customer")?;
    if let Some(customer) = &customer {
        books.get("customer", customer)?;
    }
    let usage = params.one_of("usage", &["on_session", "off_session"])?.unwrap_or_else(|| "off_session".to_owned());
    let metadata = params.metadata(&Value::Null)?;
    let confirm = params.truth("confirm")?.unwrap_or(false);
    params.ignore(&["automatic_payment_methods", "description", "payment_method_types"]);
    let intent = json!({
        "id": id, "object": "setup_intent", "client_secret": format!("{id}_secret_{}", new_id("s")),
        "created": books.now().seconds(), "customer": customer, "usage": usage, "metadata": metadata, "livemode": false,
        "next_action": null, "payment_method": null, "payment_method_types": ["card"], "last_setup_error": null,
        "status": "requires_payment_method",
    });
    books.put(&intent, None)?;
    if confirm {
        return confirm_with(account, books, intent, params);
    }
    if let Some(name) = params.text("payment_method")? {
        let mut intent = intent;
        intent["payment_method"] = methods::named(books, &name)?["id"].clone();
        intent["status"] = "requires_confirmation".into();
        params.end()?;
        books.put(&intent, None)?;
        return Ok(intent);
    }
    params.end()?;
    Ok(intent)
}

pub(super) fn confirm(account: &Account, books: &Books<'_>, id: &str, params: Params) -> Result<Value, Problem> {
    let intent = books.get("setup_intent", id)?;
    confirm_with(account, books, intent, params)
}

fn confirm_with(account: &Account, books: &Books<'_>, mut intent: Value, mut params: Params) -> Result<Value, Problem> {
    let return_url = params.text("return_url")?;
    let described = params.nested("payment_method_data")?;
    let method = match (params.text("payment_method")?, described) {
        (Some(name), _) => methods::named(books, &name)?,
        (None, Some(data)) => methods::described(books, data)?,
        (None, None) => match intent["payment_method"].as_str() {
            Some(id) => books.get("payment_method", id)?,
            None => {
                return Err(Problem::invalid(
                    Some("parameter_missing"),
                    Some("payment_method"),
                    "Missing required param: payment_method.",
                ));
            }
        },
    };
    params.ignore(&["mandate_data"]);
    params.end()?;
    intent["payment_method"] = method["id"].clone();
    match methods::card_of(&method).map(|card| card.fate) {
        Some(Fate::Declines(code, decline)) => return Err(Problem::declined(code, decline, "Your card was declined.")),
        Some(Fate::Authenticates) => {
            let id = intent["id"].as_str().unwrap_or_default();
            let url = format!("{}/_gateway/3ds/{id}", account.base);
            intent["status"] = "requires_action".into();
            intent["next_action"] =
                json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": return_url } });
        }
        Some(Fate::Succeeds | Fate::RefundsLater | Fate::RefundsFail | Fate::Disputes) | None => {
            succeeded(books, &mut intent)?
        }
    }
    books.put(&intent, None)?;
    Ok(intent)
}

/// The card is kept: attached to the customer, where there is one.
pub(super) fn succeeded(books: &Books<'_>, intent: &mut Value) -> Result<(), Problem> {
    intent["status"] = "succeeded".into();
    intent["next_action"] = Value::Null;
    if let (Some(method), Some(customer)) = (intent["payment_method"].as_str(), intent["customer"].as_str()) {
        let mut method = books.get("payment_method", method)?;
        method["customer"] = customer.into();
        books.put(&method, None)?;
    }
    books.tell("setup_intent.succeeded", intent)
}
