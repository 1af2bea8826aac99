//! The payer of a session, as providers are told of them, and how they are kept with the session.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tillbox_core::text::Json;
use tillbox_runtime::request::{AccountHolder, Address, Customer};

use super::Error;

/// Bytes of one field: the contract's limit.
pub const FIELD_BYTES_MAX: usize = 512;

/// Who pays. Everything is optional; nothing of it ever goes to a storefront or into an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payer {
    /// The customer, where known.
    pub customer: Option<Customer>,
    /// BCP 47 language tag.
    pub locale: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    customer: Option<CustomerRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    locale: Option<String>,
    /// The payer's record at the session's provider, as it was when the payer was told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    account_holder: Option<HolderRow>,
}

#[derive(Serialize, Deserialize)]
struct HolderRow {
    external_id: String,
    data: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
struct CustomerRow {
    id: String,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    billing_address: Option<AddressRow>,
}

#[derive(Serialize, Deserialize)]
struct AddressRow {
    line1: Option<String>,
    line2: Option<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    country_code: Option<String>,
}

impl Payer {
    /// The text kept with the session.
    pub(super) fn to_json(&self, holder: Option<AccountHolder>) -> Result<Json, Error> {
        self.check()?;
        let customer = self.customer.clone().map(|customer| CustomerRow {
            id: customer.id,
            email: customer.email,
            name: customer.name,
            phone: customer.phone,
            billing_address: customer.billing_address.map(|address| AddressRow {
                line1: address.line1,
                line2: address.line2,
                city: address.city,
                region: address.region,
                postal_code: address.postal_code,
                country_code: address.country_code,
            }),
        });
        let raw = |holder: AccountHolder| {
            let data = RawValue::from_string(holder.data.as_str().to_owned()).unwrap_or_default();
            HolderRow { external_id: holder.external_id, data }
        };
        let row = Row { customer, locale: self.locale.clone(), account_holder: holder.map(raw) };
        let text = serde_json::to_string(&row).expect("strings and JSON only");
        Ok(Json::from_checked(&text))
    }

    /// Reads it back, and the payer's record at the provider beside it; what cannot be read is nobody.
    pub(super) fn from_json(json: &Json) -> (Self, Option<AccountHolder>) {
        let row: Row = serde_json::from_str(json.as_str()).unwrap_or_default();
        let customer = row.customer.map(|customer| Customer {
            id: customer.id,
            email: customer.email,
            name: customer.name,
            phone: customer.phone,
            billing_address: customer.billing_address.map(|address| Address {
                line1: address.line1,
                line2: address.line2,
                city: address.city,
                region: address.region,
                postal_code: address.postal_code,
                country_code: address.country_code,
            }),
        });
        let holder = row.account_holder.map(|holder| AccountHolder {
            external_id: holder.external_id,
            data: Json::from_checked(holder.data.get()),
        });
        (Self { customer, locale: row.locale }, holder)
    }

    /// Whether every field is within the contract's limit.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut fields: Vec<(&str, Option<&String>)> = vec![("locale", self.locale.as_ref())];
        if let Some(customer) = &self.customer {
            fields.extend([
                ("customer.id", Some(&customer.id)),
                ("customer.email", customer.email.as_ref()),
                ("customer.name", customer.name.as_ref()),
                ("customer.phone", customer.phone.as_ref()),
            ]);
            if let Some(address) = &customer.billing_address {
                fields.extend([
                    ("customer.billing_address.line1", address.line1.as_ref()),
                    ("customer.billing_address.line2", address.line2.as_ref()),
                    ("customer.billing_address.city", address.city.as_ref()),
                    ("customer.billing_address.region", address.region.as_ref()),
                    ("customer.billing_address.postal_code", address.postal_code.as_ref()),
                    ("customer.billing_address.country_code", address.country_code.as_ref()),
                ]);
            }
        }
        match fields.into_iter().find(|(_, value)| value.is_some_and(|value| value.len() > FIELD_BYTES_MAX)) {
            Some((field, _)) => Err(Error::invalid(field, format!("at most {FIELD_BYTES_MAX} bytes are allowed"))),
            None => Ok(()),
        }
    }
}

/// A question about a payer, kept word for word so that it can be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Asking {
    pub(super) payer: Payer,
    pub(super) input: Json,
}

#[derive(Serialize, Deserialize)]
struct AskingRow {
    payer: Box<RawValue>,
    input: Box<RawValue>,
}

impl Asking {
    pub(super) fn to_json(&self) -> Result<Json, Error> {
        let raw = |json: &Json| RawValue::from_string(json.as_str().to_owned()).unwrap_or_default();
        let row = AskingRow { payer: raw(&self.payer.to_json(None)?), input: raw(&self.input) };
        Ok(Json::from_checked(&serde_json::to_string(&row).expect("JSON only")))
    }

    /// Reads it back; what cannot be read asks about nobody, and no provider makes a record of that.
    pub(super) fn from_json(json: &Json) -> Self {
        let Ok(row) = serde_json::from_str::<AskingRow>(json.as_str()) else { return Self::default() };
        let payer = Payer::from_json(&Json::from_checked(row.payer.get())).0;
        Self { payer, input: Json::from_checked(row.input.get()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payer_is_read_as_it_was_written() {
        let customer = Customer { id: "cus_1".into(), email: Some("a@example.com".into()), ..Customer::default() };
        let payer = Payer { customer: Some(customer), locale: Some("de".into()) };
        let holder = AccountHolder { external_id: "x_1".into(), data: Json::from_checked(r#"{"n": 1.50}"#) };
        let json = payer.to_json(Some(holder.clone())).unwrap();
        assert_eq!(Payer::from_json(&json), (payer.clone(), Some(holder)));
        assert_eq!(Payer::from_json(&payer.to_json(None).unwrap()), (payer.clone(), None));
        let asking = Asking { payer, input: Json::from_checked(r#"{"a": [1.10]}"#) };
        assert_eq!(Asking::from_json(&asking.to_json().unwrap()), asking);
    }
}
