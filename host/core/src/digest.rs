//! Which code carries out an operation: the digest of a provider's component.
//!
//! The core computes none and compares them only for being the same. A provider without a component has none.

use std::fmt;

/// Bytes of a digest: SHA-256 (FIPS 180-4).
const DIGEST_BYTES: usize = 32;

/// The SHA-256 of a component's bytes. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentDigest([u8; DIGEST_BYTES]);

impl ComponentDigest {
    /// Takes what somebody has computed.
    #[must_use]
    pub fn from_bytes(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, lower case; nothing when they are not that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let text = text.as_bytes();
        if text.len() != 2 * DIGEST_BYTES {
            return None;
        }
        let mut bytes = [0; DIGEST_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }
}

impl fmt::Display for ComponentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ComponentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComponentDigest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = ComponentDigest::from_bytes(std::array::from_fn(|index| u8::try_from(index * 8).unwrap()));
        let text = digest.to_string();
        assert_eq!((text.len(), &text[..6]), (64, "000810"));
        assert_eq!(ComponentDigest::parse(&text), Some(digest));
        for wrong in ["", "00", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace('0', "g")] {
            assert_eq!(ComponentDigest::parse(wrong), None, "{wrong}");
        }
    }
}
