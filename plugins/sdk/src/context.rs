//! What every call carries beside its request: ids, the idempotency key, the payer.

use std::fmt;

use crate::json::Json;

/// Whether real money moves (`types.environment`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Sandbox credentials; no real money.
    Test,
    /// Live credentials; real money.
    Live,
}

/// A postal address (`types.address`). Every part is optional.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Street and number.
    pub line1: Option<String>,
    /// Flat, floor, building.
    pub line2: Option<String>,
    /// Town or city.
    pub city: Option<String>,
    /// State, province or county.
    pub region: Option<String>,
    /// Postal code as written in that country.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 code, upper case.
    pub country_code: Option<String>,
}

/// The payer, as far as the host knows them (`types.customer`).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Customer {
    /// The host's id of the customer. Stable; fit for the provider's metadata.
    pub id: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Name, or company name.
    pub name: Option<String>,
    /// Telephone number in E.164 form where known.
    pub phone: Option<String>,
    /// Billing address.
    pub billing_address: Option<Address>,
}

/// A customer as the provider knows them (`types.account-holder`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountHolder {
    /// The provider's id, at most 255 bytes.
    pub external_id: String,
    /// The provider's private state of the account holder, handed back untouched.
    pub data: Json,
}

/// What every call carries beside its request (`types.context`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The host's id of the operation (`payop_…`). Unique for ever. Store it at the gateway, so that
    /// [`Provider::retrieve`](crate::Provider::retrieve) can find the operation when a reply was lost.
    pub operation_id: String,
    /// Send this to the gateway with every request that changes something: constant across all attempts of one
    /// operation, different between operations.
    pub idempotency_key: String,
    /// 1 for the first attempt; grows by one each time the host asks again with the same key.
    pub attempt: u32,
    /// Milliseconds from the start of the call until the host abandons it.
    pub deadline_ms: u32,
    /// The host's id of the payment collection.
    pub collection_id: Option<String>,
    /// The host's id of the payment session.
    pub session_id: Option<String>,
    /// The host's id of the payment, once one exists.
    pub payment_id: Option<String>,
    /// Test or live.
    pub environment: Environment,
    /// BCP 47 language tag of the payer.
    pub locale: Option<String>,
    /// The payer, where known.
    pub customer: Option<Customer>,
    /// The payer's record at this provider, where one was made.
    pub account_holder: Option<AccountHolder>,
    /// Room to grow; ignore keys you do not know.
    pub extensions: Json,
}

/// Only whether there is one: a payer's address must not drift into logs through a debug print.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// Only the id: who the payer is must not drift into logs through a debug print.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Customer({}, …)", self.id)
    }
}
