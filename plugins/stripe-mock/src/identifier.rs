//! Ids in Stripe's form, made from the idempotency key: the same key gives the same id, with no memory and no chance.
//!
//! Only SHA-256 makes an id out of a key. That is enough: keys come from the host, unguessable and different for every
//! operation.

use sha2::{Digest, Sha256};

/// Characters behind the prefix, as many as Stripe uses: 24 of 62 kinds, about 142 bits.
const LENGTH: usize = 24;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters and digits out of the SHA-256 of the parts, each with its length in front so that no two lists collide.
///
/// One part, an idempotency key, gives what every id made under that key ends in; a purpose in front gives something
/// that cannot be told from the ids; the fields of a request give a digest to tell two requests apart.
pub(crate) fn characters(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    // One byte a character; 62 does not divide 256, and a slightly uneven choice harms no id.
    hash.finalize().iter().take(LENGTH).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_id_and_another_key_another() {
        let id = characters(&["0123456789abcdef"]);
        assert_eq!(id, characters(&["0123456789abcdef"]));
        assert_eq!(id.len(), LENGTH);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(id, characters(&["0123456789abcdee"]));
        assert_ne!(id, characters(&["client secret", "0123456789abcdef"]));
        assert_ne!(characters(&["ab", "c"]), characters(&["a", "bc"]));
    }
}
