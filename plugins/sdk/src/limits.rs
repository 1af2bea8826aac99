//! The contract's limits on what a provider says, as numbers to check against before the host does.
//!
//! The host has the last word; these are the numbers of `wit/`, repeated so that a provider gets an error it can read
//! instead of a fault. Nothing here knows the operator's own, stricter limits.

/// Bytes of any JSON object (`types.json`): room for the state of a payment with a long history, far from the memory limit.
pub const JSON_BYTES_MAX: usize = 65_536;

/// Levels of nesting of a JSON object (`types.json`): what every language's parser takes without a deep stack.
pub const JSON_DEPTH_MAX: usize = 32;

/// Bytes of an outcome's client data (`outcome.client-data`): it travels to a browser with every page.
pub const CLIENT_DATA_BYTES_MAX: usize = 16_384;

/// Bytes of a provider's reference, token or event id: the widest column gateways themselves use.
pub const REFERENCE_BYTES_MAX: usize = 255;

/// Bytes of a code for operators: decline codes, error codes, reasons.
pub const CODE_BYTES_MAX: usize = 64;

/// Bytes of a sentence for operators.
pub const MESSAGE_BYTES_MAX: usize = 1_024;

/// Bytes of a log field's name.
pub const LOG_FIELD_NAME_BYTES_MAX: usize = 64;

/// Minor units of an amount, 2^53 − 1: guests whose numbers are IEEE 754 doubles round silently above it.
pub const MINOR_UNITS_MAX: i64 = (1 << 53) - 1;

/// Digits behind the decimal point: the most that ISO 4217 uses (CLF, UYW).
pub const EXPONENT_MAX: u8 = 4;

/// Claims in the answer to one webhook delivery.
pub const EVIDENCE_MAX: usize = 64;

/// Payment methods in one list.
pub const PAYMENT_METHODS_MAX: usize = 100;

/// The longest start of `text` that has at most `bytes_max` bytes and ends between two characters.
pub(crate) fn shorten(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    &text[..text.floor_char_boundary(bytes_max)]
}
