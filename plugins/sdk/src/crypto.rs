//! Digests and comparisons: the contract's import `crypto`. Nothing here is computed by the SDK itself; on native targets
//! the same functions of the RustCrypto crates stand in for the host.

use crate::secret::Secret;

/// SHA-256 (FIPS 180-4) of the bytes.
#[must_use]
pub fn sha256(message: &[u8]) -> Vec<u8> {
    source::sha256(message)
}

/// HMAC-SHA-256 (RFC 2104) of the bytes under a secret.
///
/// In a component the call ends with a fault when the operator granted the secret for headers alone.
#[must_use]
pub fn hmac_sha256(key: &Secret, message: &[u8]) -> Vec<u8> {
    source::hmac_sha256(key, message)
}

/// Whether both are equal, in a time that depends on the lengths only.
#[must_use]
pub fn constant_time_equal(a: &[u8], b: &[u8]) -> bool {
    source::constant_time_equal(a, b)
}

/// Random bytes, at most 1,024. The host records them with the operation: a re-run sees the same.
///
/// On native targets they are zeros: tests have to be repeatable.
#[must_use]
pub fn random_bytes(length: u32) -> Vec<u8> {
    source::random_bytes(length)
}

#[cfg(target_family = "wasm")]
mod source {
    use super::Secret;
    use crate::bindings::provider::tillbox::provider::crypto as import;

    pub(super) fn sha256(message: &[u8]) -> Vec<u8> {
        import::sha256(message)
    }

    pub(super) fn hmac_sha256(key: &Secret, message: &[u8]) -> Vec<u8> {
        import::hmac_sha256(key.handle(), message)
    }

    pub(super) fn constant_time_equal(a: &[u8], b: &[u8]) -> bool {
        import::constant_time_equal(a, b)
    }

    pub(super) fn random_bytes(length: u32) -> Vec<u8> {
        import::random_bytes(length)
    }
}

#[cfg(not(target_family = "wasm"))]
mod source {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};

    use super::Secret;

    pub(super) fn sha256(message: &[u8]) -> Vec<u8> {
        Sha256::digest(message).to_vec()
    }

    pub(super) fn hmac_sha256(key: &Secret, message: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.handle()).expect("HMAC takes keys of any length");
        mac.update(message);
        mac.finalize().into_bytes().to_vec()
    }

    pub(super) fn constant_time_equal(a: &[u8], b: &[u8]) -> bool {
        a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }

    pub(super) fn random_bytes(length: u32) -> Vec<u8> {
        vec![0; usize::try_from(length).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::set_secret;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// FIPS 180-4's "abc", and test case 2 of RFC 4231.
    #[test]
    fn published_vectors() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        set_secret("jefe", "Jefe");
        let key = Secret::open("jefe").unwrap();
        let code = hmac_sha256(&key, b"what do ya want for nothing?");
        assert_eq!(hex(&code), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(constant_time_equal(b"ab", b"ab"));
        assert!(!constant_time_equal(b"ab", b"ac") && !constant_time_equal(b"ab", b"abc"));
        assert_eq!(random_bytes(3).len(), 3);
    }
}
