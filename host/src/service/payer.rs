//! The payer of a session, as providers are told of them, and how they are kept with the session.

use serde::{Deserialize, Serialize};
use tillbox_core::text::Json;
use tillbox_runtime::request::{Address, Customer};

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
    pub(super) fn to_json(&self) -> Result<Json, Error> {
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
        let text = serde_json::to_string(&Row { customer, locale: self.locale.clone() }).expect("strings only");
        Ok(Json::from_checked(&text))
    }

    /// Reads it back; what cannot be read is nobody.
    pub(super) fn from_json(json: &Json) -> Self {
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
        Self { customer, locale: row.locale }
    }

    fn check(&self) -> Result<(), Error> {
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
