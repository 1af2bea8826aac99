//! Account holders: Stripe's Customer, with the host's id of the customer in its metadata.

use serde::Deserialize;
use serde_json::json;
use tillbox_provider::http::{Form, segment};
use tillbox_provider::{AccountHolder, Address, Customer, Error, Json, Result};

use crate::api::{Call, Failure};
use crate::intent::OPERATION;
use crate::lookup::Metadata;

/// The host's id of the customer, in the metadata.
const CUSTOMER: &str = "tillbox_customer";

/// Characters that Stripe takes, by the description of its API. What is longer is refused before it is sent, and not cut: a name
/// or a number with its end missing is another one.
const EMAIL_CHARS_MAX: usize = 512;
/// See [`EMAIL_CHARS_MAX`].
const NAME_CHARS_MAX: usize = 256;
/// See [`EMAIL_CHARS_MAX`].
const PHONE_CHARS_MAX: usize = 20;
/// See [`EMAIL_CHARS_MAX`].
const METADATA_CHARS_MAX: usize = 500;

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    livemode: bool,
    #[serde(default)]
    metadata: Metadata,
}

/// Makes a record for the context's customer.
pub(crate) fn create(call: &Call<'_>, input: &Json) -> Result<AccountHolder> {
    no_input(input)?;
    let form = described(call, customer(call)?)?.pair(format!("metadata[{OPERATION}]"), &call.context.operation_id);
    let record: Record = call.post("/v1/customers", &form)?;
    told(&record)
}

/// Brings the record up to date.
pub(crate) fn update(call: &Call<'_>, input: &Json) -> Result<AccountHolder> {
    no_input(input)?;
    let form = described(call, customer(call)?)?;
    let record: Record = call.post(&path(call)?, &form)?;
    told(&record)
}

/// Reads the record.
pub(crate) fn retrieve(call: &Call<'_>) -> Result<AccountHolder> {
    let record: Record = call.get(&path(call)?, &Form::new())?;
    told(&record)
}

/// Removes the record. One that is already gone is success.
pub(crate) fn delete(call: &Call<'_>) -> Result<()> {
    match call.delete::<Record>(&path(call)?) {
        Ok(record) if record.deleted => Ok(()),
        Ok(_) => Err(Error::outcome_unknown("Stripe was told to delete the customer, and it is still there")),
        Err(Failure::Problem(problem)) if problem.is_missing() => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// The customer's id at Stripe.
pub(crate) fn id<'a>(call: &Call<'a>) -> Result<&'a str> {
    let holder = call.context.account_holder.as_ref();
    holder
        .map(|holder| holder.external_id.as_str())
        .ok_or_else(|| Error::not_found("there is no account holder in the context").code("account_holder_missing"))
}

fn path(call: &Call<'_>) -> Result<String> {
    Ok(format!("/v1/customers/{}", segment(id(call)?)))
}

fn customer<'a>(call: &Call<'a>) -> Result<&'a Customer> {
    call.context
        .customer
        .as_ref()
        .filter(|customer| !customer.id.is_empty())
        .ok_or_else(|| Error::invalid_request("the context holds no customer").code("customer_missing"))
}

/// What is not known is not said, and stays at Stripe as it is.
fn described(call: &Call<'_>, customer: &Customer) -> Result<Form> {
    let Customer { id, email, name, phone, billing_address } = customer;
    let form = Form::new()
        .maybe("email", fitting("email", email.as_deref(), EMAIL_CHARS_MAX)?)
        .maybe("name", fitting("name", name.as_deref(), NAME_CHARS_MAX)?)
        .maybe("phone", fitting("phone", phone.as_deref(), PHONE_CHARS_MAX)?)
        .maybe("preferred_locales[]", call.context.locale.as_deref())
        .maybe(format!("metadata[{CUSTOMER}]"), fitting("id", Some(id), METADATA_CHARS_MAX)?);
    Ok(match billing_address {
        Some(address) => form.and(written(address)),
        None => form,
    })
}

fn fitting<'a>(what: &str, text: Option<&'a str>, chars_max: usize) -> Result<Option<&'a str>> {
    match text {
        Some(text) if text.chars().count() > chars_max => {
            let message =
                format!("the customer's {what} has more than {chars_max} characters, which Stripe does not take");
            Err(Error::invalid_request(message).code("customer_too_long"))
        }
        text => Ok(text),
    }
}

fn written(address: &Address) -> Form {
    Form::new()
        .maybe("address[line1]", address.line1.as_deref())
        .maybe("address[line2]", address.line2.as_deref())
        .maybe("address[city]", address.city.as_deref())
        .maybe("address[state]", address.region.as_deref())
        .maybe("address[postal_code]", address.postal_code.as_deref())
        .maybe("address[country]", address.country_code.as_deref())
}

fn told(record: &Record) -> Result<AccountHolder> {
    if record.deleted {
        return Err(Error::not_found("the customer was deleted at Stripe").code("resource_missing"));
    }
    let data = json!({ "id": record.id, "livemode": record.livemode, "customer": record.metadata.get(CUSTOMER) });
    Ok(AccountHolder { external_id: record.id.clone(), data: Json::of(&data)? })
}

fn no_input(input: &Json) -> Result<()> {
    if *input == Json::empty() {
        return Ok(());
    }
    Err(Error::invalid_request("an account holder takes no input; the customer comes with the context")
        .code("parameter_unknown"))
}
