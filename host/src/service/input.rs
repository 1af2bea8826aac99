//! What callers of the service hand in, one struct per use case, and the checks that do not need the books.

use tillbox_core::Money;
use tillbox_core::command::Asked;
use tillbox_core::id::{CollectionId, ProviderId, RefundReasonId};
use tillbox_core::text::Json;
use tillbox_runtime::json::{CONTRACT, check_object};

use super::{Error, Payer};

/// Bytes of a note or a reason: the contract's own limit on texts.
pub const NOTE_BYTES_MAX: usize = 1_024;

/// Bytes of a cart id: longer than any shop's, short enough to index.
pub const CART_ID_BYTES_MAX: usize = 255;

/// Bytes of an order id, for the same reason.
pub const ORDER_ID_BYTES_MAX: usize = 255;

/// Bytes of the name of who asks: a user's id or an e-mail address of any shop.
pub const CREATED_BY_BYTES_MAX: usize = 255;

/// Collections that one request may make, change or delete: a day's import goes in a few requests, and each of them stays a
/// short transaction.
pub const COLLECTIONS_AT_ONCE_MAX: usize = 100;

/// A collection to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCollection {
    /// What is to be collected.
    pub amount: Money,
    /// The cart it belongs to, at most [`CART_ID_BYTES_MAX`] bytes.
    pub cart_id: Option<String>,
    /// The order it belongs to, at most [`ORDER_ID_BYTES_MAX`] bytes.
    pub order_id: Option<String>,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
    /// The customer it is for, by your own id, at most [`FIELD_BYTES_MAX`](super::FIELD_BYTES_MAX) bytes. Their token opens
    /// it to them.
    pub customer: Option<String>,
}

impl NewCollection {
    /// A collection of this amount.
    #[must_use]
    pub fn new(amount: Money) -> Self {
        Self { amount, cart_id: None, order_id: None, metadata: None, customer: None }
    }
}

/// A collection to be changed. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectionUpdate {
    /// The new amount, in the collection's currency.
    pub amount: Option<Money>,
    /// New notes, replacing the old: a JSON object.
    pub metadata: Option<String>,
}

/// A collection to be changed, where an id is given, and made otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectionUpsert {
    /// Which one to change.
    pub id: Option<CollectionId>,
    /// The amount; a new collection needs one.
    pub amount: Option<Money>,
    /// The cart a new collection belongs to. It never changes.
    pub cart_id: Option<String>,
    /// Notes, replacing the old: a JSON object.
    pub metadata: Option<String>,
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
    /// The region it is for: the provider has to be on its list, where it has one.
    pub region: Option<String>,
    /// Whether every other session that could still be paid is abandoned first, so that this one is the only one. One whose
    /// charge is a question is never abandoned: then this one is refused.
    pub replaces_others: bool,
}

impl NewSession {
    /// A session with this provider over all that is left.
    #[must_use]
    pub fn new(provider: ProviderId) -> Self {
        let (payer, replaces_others) = (Payer::default(), false);
        Self { provider, amount: None, data: None, payer, metadata: None, region: None, replaces_others }
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
    /// Who pays, replacing who did.
    pub payer: Option<Payer>,
    /// New notes, replacing the old: a JSON object. Notes alone change without the provider, whatever the status.
    pub metadata: Option<String>,
}

/// A capture to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewCapture {
    /// How much; absent: all that is left.
    pub amount: Option<Money>,
    /// Who asks, at most [`CREATED_BY_BYTES_MAX`] bytes.
    pub created_by: Option<String>,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
}

impl From<Option<Money>> for NewCapture {
    fn from(amount: Option<Money>) -> Self {
        Self { amount, ..Self::default() }
    }
}

/// A refund to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRefund {
    /// How much; absent: all that is left.
    pub amount: Option<Money>,
    /// Why, from the merchant's own list. The provider is told its code.
    pub reason: Option<RefundReasonId>,
    /// Why, in words, at most [`NOTE_BYTES_MAX`] bytes.
    pub note: Option<String>,
    /// Who asks, at most [`CREATED_BY_BYTES_MAX`] bytes.
    pub created_by: Option<String>,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
}

/// Who asks, and their notes.
pub(super) fn asked(created_by: Option<String>, metadata: Option<&str>) -> Result<Asked, Error> {
    Ok(Asked {
        created_by: text("created_by", created_by, CREATED_BY_BYTES_MAX)?,
        metadata: optional_object("metadata", metadata)?,
    })
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
