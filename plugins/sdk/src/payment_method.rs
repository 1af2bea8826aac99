//! Payment methods that a payer keeps at the provider. Never a card number: only the provider's tokens.

use crate::json::Json;

/// One saved payment method (`payment-methods.payment-method`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// The provider's token, at most 255 bytes.
    pub id: String,
    /// What a payer may see to tell it from others: brand, last four digits, expiry. Never a full number.
    pub display: Json,
    /// The provider's private state of it.
    pub data: Json,
}
