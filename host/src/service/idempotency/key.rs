//! The key a caller gives a request, and the handle of a host that carries one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::keys::digest;
use super::super::{Error, Host};
use crate::clock::new_tail;

/// Bytes of a key, and of a caller's name: what the large gateways allow, short enough to index.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Milliseconds a key is kept after its first use: 30 days, longer than any queue retries. After that the same key is a new
/// one; the operation it led to stays in the books for ever.
pub const IDEMPOTENCY_KEY_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// A key, unique per caller. Make a new one for each thing you want to happen, and send it again with every retry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    caller: String,
    key: String,
}

impl IdempotencyKey {
    /// A key of a caller. Callers never meet each other's keys.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless both are 1 to [`IDEMPOTENCY_KEY_BYTES_MAX`] visible ASCII characters.
    pub fn new(caller: impl Into<String>, key: impl Into<String>) -> Result<Self, Error> {
        let (caller, key) = (caller.into(), key.into());
        for (field, text) in [("caller", &caller), ("Idempotency-Key", &key)] {
            let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
            if text.is_empty() || text.len() > IDEMPOTENCY_KEY_BYTES_MAX || !visible {
                let rule = format!("must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters, without spaces");
                return Err(Error::invalid(field, format!("{rule}; a random UUID is a good one")));
            }
        }
        Ok(Self { caller, key })
    }

    /// Whose key it is.
    #[must_use]
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A key in use, with what came of it.
#[derive(Debug)]
pub(in crate::service) struct Carried {
    pub(super) key: IdempotencyKey,
    replayed: AtomicBool,
}

impl Carried {
    pub(super) fn replay(&self) {
        self.replayed.store(true, Ordering::Relaxed);
    }
}

impl Host {
    /// The same host for one request that has one effect, however often it is made with this key: the first answer is given
    /// again, also when the state has changed since. Reading ignores the key.
    ///
    /// What is refused before a provider was asked, and what failed without an answer, is not kept: the same request with the
    /// same key goes on from where it stands.
    #[must_use]
    pub fn with_key(&self, key: IdempotencyKey) -> Self {
        let carried = Carried { key, replayed: AtomicBool::new(false) };
        Self { inner: Arc::clone(&self.inner), key: Some(Arc::new(carried)) }
    }

    /// Whether the answer of a handle from [`Host::with_key`] was one that had been given before, errors included.
    #[must_use]
    pub fn replayed(&self) -> bool {
        self.key.as_ref().is_some_and(|carried| carried.replayed.load(Ordering::Relaxed))
    }

    /// Whether this handle carries a key.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The end of a step's name where no row gives one: that of the request's key, so that the provider is asked again under
    /// the same key when the request is made again; else one of its own.
    pub(in crate::service) fn step_tail(&self) -> String {
        match &self.key {
            Some(carried) => digest(&format!("{}\n{}", carried.key.caller, carried.key.key)),
            None => new_tail(),
        }
    }

    /// The same host without a key: for the steps inside of a request.
    pub(in crate::service) fn without_key(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), key: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_length_and_an_alphabet() {
        let key = |text: &str| IdempotencyKey::new("till", text).map_err(|error| error.to_string());
        let longest = "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX);
        assert_eq!(key(&longest).unwrap().key(), longest);
        for wrong in ["", &format!("{longest}k"), "a b", "é", "a\n", "\u{7f}"] {
            assert!(key(wrong).unwrap_err().starts_with("Idempotency-Key: must be 1 to 255"), "{wrong:?}");
        }
        assert!(IdempotencyKey::new("", "k").is_err());
    }
}
