//! Account holders: Stripe's Customer, kept as a whole in the account holder's own `data`.
//!
//! The record lives with the host, and nothing is kept here: a deleted record is gone because the host drops it, and
//! deleting it twice is success. Saved payment methods are deliberately absent. `save` cannot hand changed account holder
//! data back, so a later `list` could not know what was saved, and a list that makes things up would be a lie.

use serde::{Deserialize, Serialize};
use tillbox_provider::{AccountHolder, Context, Customer, Error, Json, Result};

use crate::identifier::characters;

/// What Stripe's Customer holds of what the host knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    id: String,
    object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Metadata {
    customer_id: String,
}

/// Makes a record for the context's customer; its id comes from the idempotency key, so that a replay makes the same.
pub(crate) fn create(context: &Context, input: &Json) -> Result<AccountHolder> {
    no_input(input)?;
    let id = format!("cus_{}", characters(&[&context.idempotency_key]));
    write(&id, customer(context)?)
}

/// Brings the record up to date with the context's customer.
pub(crate) fn update(context: &Context, input: &Json) -> Result<AccountHolder> {
    no_input(input)?;
    let record = read(context)?;
    let customer = customer(context)?;
    if customer.id != record.metadata.customer_id {
        return Err(Error::invalid_request("the account holder belongs to another customer").code("customer_mismatch"));
    }
    write(&record.id, customer)
}

/// Reads the record.
pub(crate) fn retrieve(context: &Context) -> Result<AccountHolder> {
    read(context)?;
    context.account_holder.clone().ok_or_else(unknown)
}

/// Drops the record: nothing is left to do here.
pub(crate) fn delete() {}

fn customer(context: &Context) -> Result<&Customer> {
    context
        .customer
        .as_ref()
        .filter(|customer| !customer.id.is_empty())
        .ok_or_else(|| Error::invalid_request("the context holds no customer").code("customer_missing"))
}

fn read(context: &Context) -> Result<Record> {
    let holder = context.account_holder.as_ref().ok_or_else(unknown)?;
    let record: Record = holder.data.read().map_err(|_| unknown())?;
    if record.id == holder.external_id { Ok(record) } else { Err(unknown()) }
}

fn write(id: &str, customer: &Customer) -> Result<AccountHolder> {
    let record = Record {
        id: id.to_owned(),
        object: "customer".to_owned(),
        email: customer.email.clone(),
        name: customer.name.clone(),
        phone: customer.phone.clone(),
        metadata: Metadata { customer_id: customer.id.clone() },
    };
    Ok(AccountHolder { external_id: record.id.clone(), data: Json::of(&record)? })
}

fn no_input(input: &Json) -> Result<()> {
    if *input == Json::empty() {
        return Ok(());
    }
    Err(Error::invalid_request("an account holder takes no input; the customer comes with the context")
        .code("parameter_unknown"))
}

fn unknown() -> Error {
    Error::not_found("there is no such account holder").code("resource_missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillbox_provider::ErrorKind;
    use tillbox_provider::testing::context;

    fn with_customer(email: &str) -> Context {
        let customer = Customer { id: "cus_1".to_owned(), email: Some(email.to_owned()), ..Customer::default() };
        Context { customer: Some(customer), ..context("payop_1") }
    }

    #[test]
    fn the_life_of_a_record() {
        let mut context = with_customer("a@example.com");
        let holder = create(&context, &Json::empty()).unwrap();
        assert_eq!(holder, create(&context, &Json::empty()).unwrap(), "replay");
        assert!(holder.external_id.starts_with("cus_"));
        context.account_holder = Some(holder.clone());
        assert_eq!(retrieve(&context).unwrap(), holder);
        let mut changed = with_customer("b@example.com");
        changed.account_holder = Some(holder.clone());
        let updated = update(&changed, &Json::empty()).unwrap();
        assert_eq!(updated, update(&changed, &Json::empty()).unwrap(), "replay");
        assert_eq!(updated.external_id, holder.external_id);
        assert!(updated.data.as_str().contains("b@example.com"));
        delete();
    }

    #[test]
    fn refusals() {
        let context = context("payop_1");
        assert_eq!(create(&context, &Json::empty()).unwrap_err().kind, ErrorKind::InvalidRequest);
        assert_eq!(retrieve(&context).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(update(&context, &Json::empty()).unwrap_err().kind, ErrorKind::NotFound);
        let known = with_customer("a@example.com");
        let input = Json::parse(r#"{"a":1}"#).unwrap();
        assert_eq!(create(&known, &input).unwrap_err().code, "parameter_unknown");
        let holder = create(&known, &Json::empty()).unwrap();
        let foreign = AccountHolder { external_id: "cus_x".to_owned(), ..holder.clone() };
        let mut context = Context { account_holder: Some(foreign), ..known };
        assert_eq!(retrieve(&context).unwrap_err().kind, ErrorKind::NotFound);
        context.account_holder = Some(holder);
        context.customer.as_mut().unwrap().id = "cus_2".to_owned();
        assert_eq!(update(&context, &Json::empty()).unwrap_err().code, "customer_mismatch");
    }
}
