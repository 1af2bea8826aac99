//! What a payer typed in, sealed for the time in which it may have to be said again: AES-256-GCM (NIST SP 800-38D).
//!
//! Each operation has a key of its own, derived from the database's and, where the operator gave one, from theirs, so a
//! sealed text opens for its own operation and for no other. Without the operator's key the seal keeps the text from
//! whoever reads rows, logs and copies of the file by eye or by search; with it, from whoever holds the whole database.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::Sha256;
use tillbox_core::id::OperationId;
use tillbox_core::text::Sealed;

/// Bytes of an operator's key.
pub const ENCRYPTION_KEY_BYTES: usize = 32;

/// Keeps this use of the database's key apart from every other.
const PURPOSE: &[u8] = b"tillbox: what a payer typed in";

/// Keeps the journal of exchanges apart from it.
const EXCHANGES: &[u8] = b"tillbox: what was exchanged with gateways";

/// Seals and opens.
pub(super) struct Seal {
    key: [u8; 32],
    exchanges: [u8; 32],
    has_operator_key: bool,
}

impl Seal {
    pub(super) fn new(host_key: &[u8; 32], operator_key: Option<&[u8; ENCRYPTION_KEY_BYTES]>) -> Self {
        let of = |purpose| {
            let ours = derived(host_key, purpose);
            operator_key.map_or(ours, |theirs| derived(&ours, theirs))
        };
        Self { key: of(PURPOSE), exchanges: of(EXCHANGES), has_operator_key: operator_key.is_some() }
    }

    /// Whether it keeps anything from whoever holds the whole database.
    pub(super) fn has_operator_key(&self) -> bool {
        self.has_operator_key
    }

    /// Bytes of an exchange, for this place and no other.
    pub(super) fn seal_at(&self, place: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = bytes.to_vec();
        let key = aead(&derived(&self.exchanges, place.as_bytes()));
        let aad = Aad::from(place.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// The same opened; nothing where it was sealed for another place, under another key, or is damaged.
    pub(super) fn open_at(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let key = aead(&derived(&self.exchanges, place.as_bytes()));
        let opened = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed).ok()?.len();
        sealed.truncate(opened);
        Some(sealed)
    }

    /// Nothing where the machine has no randomness to give: then it is not kept.
    pub(super) fn seal(&self, operation: &OperationId, text: &str) -> Option<Sealed> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut bytes = text.as_bytes().to_vec();
        let key = self.key_of(operation);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(operation), &mut bytes).ok()?;
        Some(Sealed::from_sealed(&STANDARD_NO_PAD.encode([&nonce[..], &bytes].concat())))
    }

    /// Nothing when it was sealed for another operation, under another key, or is damaged.
    pub(super) fn open(&self, operation: &OperationId, sealed: &Sealed) -> Option<String> {
        let bytes = STANDARD_NO_PAD.decode(sealed.as_str()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let text = self.key_of(operation).open_in_place(nonce, aad(operation), &mut sealed).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    fn key_of(&self, operation: &OperationId) -> LessSafeKey {
        aead(&derived(&self.key, operation.as_str().as_bytes()))
    }
}

fn aead(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("HMAC-SHA-256 has as many bytes as a key"))
}

fn aad(operation: &OperationId) -> Aad<&[u8]> {
    Aad::from(operation.as_str().as_bytes())
}

fn derived(key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_for_its_operation_under_its_keys_and_undamaged() {
        let id = |name: &str| OperationId::parse(name).unwrap();
        let (seal, text) = (Seal::new(&[1; 32], Some(&[2; 32])), r#"{"number":"4242424242424242"}"#);
        let sealed = seal.seal(&id("payop_1"), text).unwrap();
        assert_eq!(seal.open(&id("payop_1"), &sealed).as_deref(), Some(text));
        assert_eq!(seal.open(&id("payop_2"), &sealed), None);
        for other in
            [Seal::new(&[1; 32], None), Seal::new(&[1; 32], Some(&[3; 32])), Seal::new(&[3; 32], Some(&[2; 32]))]
        {
            assert_eq!(other.open(&id("payop_1"), &sealed), None);
        }
        let cut = Sealed::from_sealed(&sealed.as_str()[..sealed.as_str().len() - 4]);
        for damaged in [cut, Sealed::from_sealed(""), Sealed::from_sealed("AAAA"), Sealed::from_sealed("*")] {
            assert_eq!(seal.open(&id("payop_1"), &damaged), None);
        }
        assert!(!sealed.as_str().contains("4242"));
        let bytes = seal.seal_at("a/1", b"answer").unwrap();
        assert_eq!(seal.open_at("a/1", &bytes).as_deref(), Some(&b"answer"[..]));
        assert_eq!((seal.open_at("a/2", &bytes), seal.open_at("a/1", &bytes[1..])), (None, None));
        assert_eq!(Seal::new(&[1; 32], None).open_at("a/1", &bytes), None);
        assert_ne!(sealed, seal.seal(&id("payop_1"), text).unwrap(), "equal inputs cannot be told from each other");
    }
}
