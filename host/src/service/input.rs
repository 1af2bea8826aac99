//! What callers of the service hand in, one struct per use case, and the checks that do not need the books.

use tillbox_core::Money;
use tillbox_core::id::ProviderId;
use tillbox_core::text::Json;
use tillbox_runtime::json::{CONTRACT, check_object};

use super::{Error, Payer};

/// Bytes of a note or a reason: the contract's own limit on texts.
pub const NOTE_BYTES_MAX: usize = 1_024;

/// Bytes of a cart id: longer than any shop's, short enough to index.
pub const CART_ID_BYTES_MAX: usize = 255;

/// A collection to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCollection {
    /// What is to be collected.
    pub amount: Money,
    /// The cart it belongs to, at most [`CART_ID_BYTES_MAX`] bytes.
    pub cart_id: Option<String>,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
}

impl NewCollection {
    /// A collection of this amount.
    #[must_use]
    pub fn new(amount: Money) -> Self {
        Self { amount, cart_id: None, metadata: None }
    }
}

/// A session to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Who is asked.
    pub provider: ProviderId,
    /// The share; absent: all that is not authorized yet. Give it for installments.
    pub amount: Option<Money>,
    /// What the storefront sent for the provider: a JSON object.
    pub data: Option<String>,
    /// Who pays.
    pub payer: Payer,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
}

impl NewSession {
    /// A session with this provider over all that is left.
    #[must_use]
    pub fn new(provider: ProviderId) -> Self {
        Self { provider, amount: None, data: None, payer: Payer::default(), metadata: None }
    }

    /// With what the storefront sent.
    #[must_use]
    pub fn data(mut self, data: impl Into<String>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Over a share.
    #[must_use]
    pub fn amount(mut self, amount: Money) -> Self {
        self.amount = Some(amount);
        self
    }
}

/// A session to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionUpdate {
    /// The new share.
    pub amount: Option<Money>,
    /// What the storefront sent for the provider: a JSON object.
    pub data: Option<String>,
}

/// A refund to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRefund {
    /// How much; absent: all that is left.
    pub amount: Option<Money>,
    /// Why, at most [`NOTE_BYTES_MAX`] bytes.
    pub note: Option<String>,
}

/// A JSON object from outside, within the contract's limits.
pub(super) fn object(field: &str, text: Option<&str>) -> Result<Json, Error> {
    let text = text.unwrap_or("{}");
    check_object(text, CONTRACT).map_err(|error| Error::invalid(field, error.to_string()))
}

/// The same, absent when it is absent.
pub(super) fn optional_object(field: &str, text: Option<&str>) -> Result<Option<Json>, Error> {
    text.map(|text| object(field, Some(text))).transpose()
}

/// A short text from outside.
pub(super) fn text(field: &str, text: Option<String>, bytes_max: usize) -> Result<Option<String>, Error> {
    match text {
        Some(text) if text.len() > bytes_max => {
            Err(Error::invalid(field, format!("{} bytes, at most {bytes_max} are allowed", text.len())))
        }
        other => Ok(other),
    }
}
