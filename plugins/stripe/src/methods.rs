//! Saved payment methods: Stripe's PaymentMethods, kept for a customer by a SetupIntent, so that the bank has agreed to later
//! payments before there are any.

use serde::Deserialize;
use serde_json::{Value, json};
use tillbox_provider::http::{Form, segment};
use tillbox_provider::{Error, Json, NextAction, PaymentMethod, Result};

use crate::api::{Call, Failure, Page};
use crate::customers;
use crate::input::Saving;
use crate::intent::{self, Expandable, Method, Named, OPERATION};
use crate::lookup::PAGE;
use crate::settings::FutureUsage;

#[derive(Debug, Deserialize)]
struct Setup {
    id: String,
    status: String,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    customer: Option<Expandable<Named>>,
    #[serde(default)]
    payment_method: Option<Expandable<Method>>,
    #[serde(default)]
    next_action: Option<Value>,
}

/// What the customer has saved, newest first.
pub(crate) fn list(call: &Call<'_>) -> Result<Vec<PaymentMethod>> {
    let path = format!("/v1/customers/{}/payment_methods", segment(customers::id(call)?));
    let page: Page<Method> = call.get(&path, &Form::new().pair("limit", PAGE))?;
    page.data.iter().map(|method| kept(method, json!({}))).collect()
}

/// Saves one: by a setup that its bank agrees to, by attaching it, or by taking over a setup that the browser has finished.
pub(crate) fn save(call: &Call<'_>, input: &Json) -> Result<PaymentMethod> {
    let saving = Saving::read(input)?;
    let customer = customers::id(call)?;
    match (&saving.setup_intent, &saving.payment_method) {
        (Some(id), _) => finished(call, customer, id),
        (None, Some(method)) if saving.attach == Some(true) => {
            let form = Form::new().pair("customer", customer);
            let method: Method = call.post(&format!("/v1/payment_methods/{}/attach", segment(method)), &form)?;
            kept(&method, json!({}))
        }
        (None, method) => set_up(call, customer, method.as_deref(), saving.return_url.as_deref()),
    }
}

fn set_up(call: &Call<'_>, customer: &str, method: Option<&str>, return_url: Option<&str>) -> Result<PaymentMethod> {
    let usage = call.settings.setup_future_usage.unwrap_or(FutureUsage::OffSession);
    let form = Form::new()
        .pair("customer", customer)
        .pair("usage", usage.as_str())
        .pair("automatic_payment_methods[enabled]", true)
        .pair("automatic_payment_methods[allow_redirects]", call.settings.allow_redirects.as_str())
        .maybe("payment_method", method)
        .maybe("confirm", method.map(|_| true))
        .maybe("return_url", return_url.filter(|_| method.is_some()))
        .pair(format!("metadata[{OPERATION}]"), &call.context.operation_id)
        .pair("expand[]", "payment_method");
    told(&call.post::<Setup>("/v1/setup_intents", &form)?)
}

fn finished(call: &Call<'_>, customer: &str, id: &str) -> Result<PaymentMethod> {
    let path = format!("/v1/setup_intents/{}", segment(id));
    let setup: Setup = call.get(&path, &Form::new().pair("expand[]", "payment_method"))?;
    let owner = setup.customer.as_ref().map(|owner| match owner {
        Expandable::Id(id) => id.as_str(),
        Expandable::Object(named) => named.id.as_str(),
    });
    if owner != Some(customer) {
        return Err(Error::not_found("this customer has no such setup").code("resource_missing"));
    }
    told(&setup)
}

/// A setup that is not done yet is told as a method without a bank's consent: the display says what is left to do.
fn told(setup: &Setup) -> Result<PaymentMethod> {
    let data = json!({ "setup_intent": setup.id });
    let method = setup.payment_method.as_ref().and_then(Expandable::object);
    if let ("succeeded", Some(method)) = (setup.status.as_str(), method) {
        return kept(method, data);
    }
    let mut display = method.map_or_else(|| json!({}), intent::shown);
    display["status"] = setup.status.as_str().into();
    display["setup_intent"] = setup.id.as_str().into();
    display["client_secret"] = setup.client_secret.as_deref().into();
    if let Some(action) = &setup.next_action {
        display["next_action"] = shown(&intent::next_action(action, true, setup.client_secret.as_deref())?)?;
    }
    let id = method.map_or(&setup.id, |method| &method.id);
    Ok(PaymentMethod { id: id.clone(), display: Json::of(&display)?, data: Json::of(&data)? })
}

fn shown(action: &NextAction) -> Result<Value> {
    Ok(match action {
        NextAction::ThreeDSecure { url, .. } => json!({ "type": "three_d_secure", "url": url }),
        NextAction::Redirect { url } => json!({ "type": "redirect", "url": url }),
        NextAction::Display { instructions } => json!({ "type": "display", "payload": instructions.read::<Value>()? }),
        NextAction::Other { payload } => json!({ "type": "other", "payload": payload.read::<Value>()? }),
    })
}

/// Removes one. Only the context's customer's own: ids come from outside.
pub(crate) fn delete(call: &Call<'_>, id: &str) -> Result<()> {
    let customer = customers::id(call)?;
    let path = format!("/v1/payment_methods/{}", segment(id));
    let method: Method = match call.get(&path, &Form::new()) {
        Err(error) if error.kind == tillbox_provider::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    let owner = match &method.customer {
        None => return Ok(()),
        Some(Expandable::Id(id)) => id.as_str(),
        Some(Expandable::Object(named)) => named.id.as_str(),
    };
    if owner != customer {
        return Err(Error::not_found("this customer has no such payment method").code("resource_missing"));
    }
    match call.post::<Method>(&format!("{path}/detach"), &Form::new()) {
        Ok(_) => Ok(()),
        Err(Failure::Problem(problem)) if problem.is_missing() => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

fn kept(method: &Method, data: Value) -> Result<PaymentMethod> {
    Ok(PaymentMethod { id: method.id.clone(), display: Json::of(&intent::shown(method))?, data: Json::of(&data)? })
}
