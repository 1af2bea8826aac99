//! The `Stripe-Signature` header: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, HMAC-SHA-256 over `<seconds>.<raw body>`.
//!
//! Source: Stripe's documentation, "Resolve webhook signature verification errors" and "Verify manually". It looks at
//! bytes only and computes no HMAC: whoever holds the secret does.

/// Signatures looked at in one header. Stripe sends one for each secret in use, and never more than a few.
pub const SIGNATURES_MAX: usize = 8;

/// Characters of a header looked at: eight signatures of both schemes and a time.
pub const HEADER_LENGTH_MAX: usize = 2_048;

/// A header, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The time as it stands there: it is part of what is signed.
    time: &'a str,
    seconds: u64,
    /// The `v1` signatures. Other schemes are ignored, as Stripe asks for.
    pub candidates: Vec<Vec<u8>>,
}

impl<'a> Header<'a> {
    /// Takes a header apart.
    ///
    /// # Errors
    /// One sentence for operators.
    pub fn parse(header: &'a str) -> Result<Self, String> {
        if header.len() > HEADER_LENGTH_MAX {
            return Err("the Stripe-Signature header is longer than 2,048 bytes".to_owned());
        }
        let mut time = None;
        let mut candidates = Vec::new();
        for element in header.split(',') {
            match element.trim().split_once('=') {
                Some(("t", seconds)) if time.is_none() => time = Some(seconds),
                Some(("t", _)) => return Err("the Stripe-Signature header holds two times".to_owned()),
                Some(("v1", hex)) => candidates.push(bytes(hex).ok_or("a v1 signature is not hexadecimal")?),
                Some(_) | None => {}
            }
        }
        let time = time.ok_or("the Stripe-Signature header holds no time")?;
        let wrong = || "the signature's time is no number of seconds".to_owned();
        if time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let seconds = time.parse().map_err(|_| wrong())?;
        match candidates.len() {
            0 => Err("the Stripe-Signature header holds no v1 signature".to_owned()),
            1..=SIGNATURES_MAX => Ok(Self { time, seconds, candidates }),
            _ => Err("the Stripe-Signature header holds more than 8 signatures".to_owned()),
        }
    }

    /// Checks the time against when the delivery came, milliseconds since 1970.
    ///
    /// # Errors
    /// One sentence for operators, when both are further apart than the tolerance.
    pub fn check_age(&self, received_at_ms: u64, tolerance_seconds: u64) -> Result<(), String> {
        let age = (received_at_ms / 1_000).abs_diff(self.seconds);
        if age > tolerance_seconds {
            return Err(format!(
                "the signature is {age} seconds away from the time of receipt, more than {tolerance_seconds}"
            ));
        }
        Ok(())
    }

    /// What is signed with this body.
    #[must_use]
    pub fn message(&self, body: &[u8]) -> Vec<u8> {
        [self.time.as_bytes(), b".", body].concat()
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_apart() {
        let header = Header::parse("t=1700000000, v1=00ff,v0=zz,v1=01").unwrap();
        assert_eq!((header.seconds, header.candidates.as_slice()), (1_700_000_000, &[vec![0, 255], vec![1]][..]));
        assert_eq!(header.message(b"{}"), b"1700000000.{}");
        assert!(header.check_age(1_700_000_300_999, 300).is_ok() && header.check_age(1_700_000_301_000, 300).is_err());
        assert!(header.check_age(1_699_999_700_000, 300).is_ok() && header.check_age(1_699_999_699_999, 300).is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        let many = format!("t=1{}", ",v1=00".repeat(SIGNATURES_MAX + 1));
        let long = "t=1,".repeat(HEADER_LENGTH_MAX / 4 + 1);
        for header in
            ["", "t=1", "v1=00", "t=,v1=00", "t=-1,v1=00", "t=1,t=1,v1=00", "t=1,v1=0", "t=1,v1=zz", &many, &long]
        {
            assert!(Header::parse(header).is_err(), "{header}");
        }
    }
}
