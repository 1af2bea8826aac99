//! Customers.

use serde_json::{Value, json};

use super::page;
use crate::ledger::{Books, new_id};
use crate::params::Params;
use crate::problem::Problem;

/// The texts of a customer, and the characters that each may have, as published.
const TEXTS: &[(&str, usize)] = &[("email", 512), ("name", 256), ("phone", 20), ("description", 5_000)];

pub(super) fn create(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let mut customer = json!({
        "id": new_id("cus"), "object": "customer", "created": books.now().seconds(), "email": null, "name": null,
        "phone": null, "description": null, "address": null, "metadata": {}, "livemode": false, "balance": 0,
        "invoice_settings": { "default_payment_method": null },
    });
    change(&mut customer, &mut params)?;
    params.end()?;
    books.put(&customer, None)?;
    books.tell("customer.created", &customer)?;
    Ok(customer)
}

pub(super) fn update(books: &Books<'_>, id: &str, mut params: Params) -> Result<Value, Problem> {
    let mut customer = living(books, id)?;
    change(&mut customer, &mut params)?;
    params.end()?;
    books.put(&customer, None)?;
    books.tell("customer.updated", &customer)?;
    Ok(customer)
}

pub(super) fn delete(books: &Books<'_>, id: &str, params: Params) -> Result<Value, Problem> {
    params.end()?;
    living(books, id)?;
    let gone = json!({ "id": id, "object": "customer", "deleted": true });
    books.put(&gone, None)?;
    books.tell("customer.deleted", &gone)?;
    Ok(gone)
}

pub(super) fn list(books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let email = params.text("email")?;
    let all = books.list("customer", None, 0)?;
    let wanted = |customer: &Value| {
        customer["deleted"].is_null() && email.as_deref().is_none_or(|email| customer["email"] == *email)
    };
    page(all.into_iter().filter(wanted).collect(), params, "/v1/customers")
}

fn living(books: &Books<'_>, id: &str) -> Result<Value, Problem> {
    let customer = books.get("customer", id)?;
    if customer["deleted"] == true { Err(Problem::missing("customer", id)) } else { Ok(customer) }
}

fn change(customer: &mut Value, params: &mut Params) -> Result<(), Problem> {
    for (key, chars_max) in TEXTS {
        if let Some(text) = params.text(key)? {
            if text.chars().count() > *chars_max {
                let message = format!("Invalid string: {key} must be at most {chars_max} characters");
                return Err(Problem::invalid(Some("parameter_invalid"), Some(key), message));
            }
            customer[*key] = if text.is_empty() { Value::Null } else { text.into() };
        }
    }
    params.ignore(&["address", "shipping", "preferred_locales", "invoice_settings"]);
    customer["metadata"] = params.metadata(&customer["metadata"])?;
    Ok(())
}
