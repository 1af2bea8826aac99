//! The idempotency key a provider is given: derived, never chosen by anybody outside.
//!
//! HMAC-SHA-256 (RFC 2104) under the database's own key over provider, account, operation and step. Constant across attempts,
//! different between operations, and worthless to a provider that would like to guess another's.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tillbox_core::id::{OperationId, ProviderId};
use tillbox_runtime::info::{KeyAlphabet, KeyFormat};

/// Characters of a full key: 32 bytes in hexadecimal. Every alphabet a provider can declare holds these.
const KEY_LENGTH: usize = 64;

/// The step of an operation that asks its provider once.
pub(super) const STEP_ONLY: &str = "";

/// The key of an operation's step for a provider, in the form it declared. `account` is the provider's account it is asked
/// for, empty as long as a provider has one.
pub(super) fn idempotency_key(
    host_key: &[u8; 32],
    provider: &ProviderId,
    account: &str,
    operation: &OperationId,
    step: &str,
    format: KeyFormat,
) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(host_key).expect("HMAC takes keys of any length");
    for part in [provider.as_str(), account, operation.as_str(), step] {
        // Lengths first: no two lists of parts give the same bytes.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let mut key = String::with_capacity(KEY_LENGTH);
    for byte in mac.finalize().into_bytes() {
        key.push_str(&format!("{byte:02x}"));
    }
    // Both alphabets hold the sixteen hexadecimal digits, so one spelling serves both.
    match format.alphabet {
        KeyAlphabet::Hexadecimal | KeyAlphabet::Alphanumeric => {}
    }
    key.truncate(usize::try_from(format.length_max).unwrap_or(KEY_LENGTH));
    key
}

/// Any text as letters that an id may hold: the same for the same text, another for another (FIPS 180-4).
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_host_provider_account_operation_and_step_and_on_nothing_else() {
        let format = KeyFormat::default();
        let provider = |name: &str| ProviderId::parse(name).unwrap();
        let operation = |name: &str| OperationId::parse(name).unwrap();
        let key = |host, p: &str, account, o: &str, step| {
            idempotency_key(&[host; 32], &provider(p), account, &operation(o), step, format)
        };
        let first = key(1, "pp_a_x", "a", "payop_1", "s");
        assert_eq!(first, key(1, "pp_a_x", "a", "payop_1", "s"));
        assert_eq!(first.len(), KEY_LENGTH);
        for other in [
            key(2, "pp_a_x", "a", "payop_1", "s"),
            key(1, "pp_a_y", "a", "payop_1", "s"),
            key(1, "pp_a_x", "", "payop_1", "s"),
            key(1, "pp_a_x", "a", "payop_2", "s"),
            key(1, "pp_a_x", "a", "payop_1", STEP_ONLY),
        ] {
            assert_ne!(first, other);
        }
        let short = KeyFormat { length_max: 32, ..format };
        let cut = idempotency_key(&[1; 32], &provider("pp_a_x"), "a", &operation("payop_1"), "s", short);
        assert_eq!(cut, first[..32]);
    }
}
