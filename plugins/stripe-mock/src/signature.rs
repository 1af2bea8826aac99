//! The `Stripe-Signature` header: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, HMAC-SHA-256 over `<seconds>.<raw body>`.
//!
//! Source: Stripe's documentation, "Resolve webhook signature verification errors" and "Verify manually". It looks at
//! bytes only; what the body says is nobody's business until the signature holds.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signatures looked at in one header. Stripe sends one for each secret in use, and never more than a few.
const SIGNATURES_MAX: usize = 8;

/// Characters of a header looked at: eight signatures of both schemes and a time.
const HEADER_LENGTH_MAX: usize = 2_048;

/// Checks a header against a body, for every secret.
///
/// # Errors
/// One sentence for operators. It never says how near a wrong signature was.
pub(crate) fn verify(
    header: &str,
    body: &[u8],
    secrets: &[String],
    received_at_ms: u64,
    tolerance_seconds: u64,
) -> Result<(), String> {
    let (seconds, candidates) = parse(header)?;
    let time: u64 = seconds.parse().map_err(|_| "the signature's time is no number of seconds".to_owned())?;
    let age = (received_at_ms / 1_000).abs_diff(time);
    if age > tolerance_seconds {
        return Err(format!(
            "the signature is {age} seconds away from the time of receipt, more than {tolerance_seconds}"
        ));
    }
    // No early way out: which secret fits, if any, must not show in the time this takes.
    let mut verified = false;
    for secret in secrets {
        for candidate in &candidates {
            verified |= mac(secret, seconds, body).verify_slice(candidate).is_ok();
        }
    }
    if verified { Ok(()) } else { Err("no signature fits the body under any of the secrets".to_owned()) }
}

/// The header for a body, as Stripe sends it.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn sign(body: &[u8], secret: &str, seconds: u64) -> String {
    let seconds = seconds.to_string();
    let code = mac(secret, &seconds, body).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

fn mac(secret: &str, seconds: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

/// The time as it stands there, and the `v1` signatures. Other schemes are ignored, as Stripe asks for.
fn parse(header: &str) -> Result<(&str, Vec<Vec<u8>>), String> {
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
    if time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the signature's time is no number of seconds".to_owned());
    }
    match candidates.len() {
        0 => Err("the Stripe-Signature header holds no v1 signature".to_owned()),
        1..=SIGNATURES_MAX => Ok((time, candidates)),
        _ => Err("the Stripe-Signature header holds more than 8 signatures".to_owned()),
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

    const SECRET: &str = "whsec_0123456789abcdef";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const NOW_MS: u64 = 1_700_000_000_999;
    const NOW: u64 = 1_700_000_000;

    fn check(header: &str, secrets: &[&str]) -> Result<(), String> {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        verify(header, BODY, &secrets, NOW_MS, 300)
    }

    #[test]
    fn a_known_vector() {
        // HMAC-SHA-256 by another program: printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_…
        let header = sign(BODY, SECRET, NOW);
        assert_eq!(header, "t=1700000000,v1=dea1657bd5053cb0f8a75ebf0bd3d22e0cdeb79563b44db6b88864e522fb8bc4");
    }

    #[test]
    fn good_ones() {
        let header = sign(BODY, SECRET, NOW);
        assert_eq!(check(&header, &[SECRET]), Ok(()));
        assert_eq!(check(&header, &["whsec_another_secret_0", SECRET]), Ok(()), "rotation");
        let wrong = "0".repeat(64);
        assert_eq!(check(&header.replace("v1=", &format!("v1={wrong},v1=")), &[SECRET]), Ok(()), "one of two fits");
        assert_eq!(check(&format!("{header},v1={wrong}"), &[SECRET]), Ok(()), "whichever comes first");
        assert_eq!(check(&header, &[SECRET, "whsec_another_secret_0"]), Ok(()));
        assert_eq!(check(&format!("{header},v0={wrong},v9=x,noise"), &[SECRET]), Ok(()), "other schemes are ignored");
        assert_eq!(check(&sign(BODY, SECRET, NOW - 300), &[SECRET]), Ok(()), "just within the tolerance");
        assert_eq!(check(&sign(BODY, SECRET, NOW + 300), &[SECRET]), Ok(()));
    }

    #[test]
    fn bad_ones() {
        let header = sign(BODY, SECRET, NOW);
        let digits = header.split_once("v1=").unwrap().1;
        let bad = [
            sign(b"{\"id\":\"evt_2\"}", SECRET, NOW),
            sign(BODY, "whsec_another_secret_0", NOW),
            sign(BODY, SECRET, NOW - 301),
            sign(BODY, SECRET, NOW + 301),
            header.replace("t=1700000000", "t=1700000001"),
            header.replace("v1=", "v0="),
            header.replace("t=1700000000,", ""),
            format!("t=1700000000,{header}"),
            format!("t=1700000000,v1={}", &digits[..62]),
            format!("t=1700000000,v1={}zz", &digits[..62]),
            format!("t=1700000000,v1={digits}0"),
            "t=-1,v1=00".to_owned(),
            "t=,v1=00".to_owned(),
            "t=99999999999999999999,v1=00".to_owned(),
            String::new(),
            ",,,===".to_owned(),
            format!("t=1700000000{}", ",v1=00".repeat(SIGNATURES_MAX + 1)),
            "t=1,".repeat(600),
        ];
        for header in bad {
            assert!(check(&header, &[SECRET]).is_err(), "{header}");
        }
        assert!(check(&header, &[]).is_err(), "no secret");
    }
}
