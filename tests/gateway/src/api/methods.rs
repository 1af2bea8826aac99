//! Payment methods: cards of the testing guide, new or kept by a customer.

use serde_json::{Value, json};

use super::page;
use crate::cards::Card;
use crate::ledger::{Books, new_id};
use crate::params::Params;
use crate::problem::Problem;

/// The method as it is named, kept or made from the given card.
pub(super) fn named(books: &Books<'_>, name: &str) -> Result<Value, Problem> {
    match Card::by_method(name) {
        Some(card) => made(books, card),
        None => books.get("payment_method", name),
    }
}

/// What `payment_method_data` describes.
pub(super) fn described(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    params
        .one_of("type", &["card"])?
        .ok_or_else(|| Problem::invalid(Some("parameter_missing"), Some("type"), "Missing required param: type."))?;
    let mut fields = params
        .nested("card")?
        .ok_or_else(|| Problem::invalid(Some("parameter_missing"), Some("card"), "Missing required param: card."))?;
    let card = match fields.text("token")? {
        Some(token) => Card::by_method(&token).ok_or_else(|| Problem::missing("token", &token))?,
        None => {
            let number = fields.required("number")?;
            fields.ignore(&["exp_month", "exp_year", "cvc"]);
            let wrong = || Problem::declined("incorrect_number", None, "Your card number is incorrect.");
            Card::by_number(&number).ok_or_else(wrong)?
        }
    };
    fields.end()?;
    params.ignore(&["billing_details", "allow_redisplay", "metadata"]);
    params.end()?;
    made(books, card)
}

/// What Stripe's script would have collected: a test helper of the published API makes one without a browser.
pub(super) fn collected(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let method = named(books, &params.required("payment_method")?)?;
    params.end()?;
    let token = json!({
        "id": new_id("ctoken"), "object": "confirmation_token", "created": books.now().seconds(), "livemode": false,
        "payment_method": method["id"],
    });
    books.put(&token, None)?;
    Ok(token)
}

fn made(books: &Books<'_>, card: &Card) -> Result<Value, Problem> {
    let method = json!({
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": { "address": null, "email": null, "name": null, "phone": null },
        "card": {
            "brand": card.brand, "country": "US", "exp_month": 12, "exp_year": 2040, "fingerprint": card.method,
            "funding": "credit", "last4": card.last4(),
        },
        "created": books.now().seconds(),
        "customer": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
        "test_card": card.method,
    });
    books.put(&method, None)?;
    Ok(method)
}

/// The test card behind a method.
pub(super) fn card_of(method: &Value) -> Option<&'static Card> {
    method["test_card"].as_str().and_then(Card::by_method)
}

pub(super) fn create(books: &Books<'_>, params: Params) -> Result<Value, Problem> {
    described(books, params)
}

pub(super) fn list(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let customer = params.text("customer")?;
    let all = books.list("payment_method", None, 0)?;
    let kept =
        all.into_iter().filter(|method| customer.as_deref().is_some_and(|id| method["customer"] == *id)).collect();
    page(kept, params, "/v1/payment_methods")
}

pub(super) fn of_customer(books: &Books<'_>, customer: &str, params: Params) -> Result<Value, Problem> {
    books.get("customer", customer)?;
    let all = books.list("payment_method", None, 0)?;
    let kept = all.into_iter().filter(|method| method["customer"] == *customer).collect();
    page(kept, params, &format!("/v1/customers/{customer}/payment_methods"))
}

pub(super) fn attach(books: &Books<'_>, name: &str, mut params: Params) -> Result<Value, Problem> {
    let customer = params.required("customer")?;
    params.end()?;
    let mut method = named(books, name)?;
    books.get("customer", &customer)?;
    if method["customer"].as_str().is_some_and(|owner| owner != customer) {
        return Err(Problem::invalid(
            None,
            None,
            "The payment method you provided has already been attached to a customer.",
        ));
    }
    method["customer"] = customer.into();
    books.put(&method, None)?;
    books.tell("payment_method.attached", &method)?;
    Ok(method)
}

pub(super) fn detach(books: &Books<'_>, id: &str, params: Params) -> Result<Value, Problem> {
    params.end()?;
    let mut method = books.get("payment_method", id)?;
    if method["customer"].is_null() {
        return Err(Problem::invalid(
            None,
            None,
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    }
    method["customer"] = Value::Null;
    books.put(&method, None)?;
    books.tell("payment_method.detached", &method)?;
    Ok(method)
}
