//! The `Stripe-Signature` header: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, HMAC-SHA-256 over `<seconds>.<raw body>`.
//!
//! Source: Stripe's documentation, "Resolve webhook signature verification errors" and "Verify manually". It looks at
//! bytes only (`stripe_rules::signature` takes the header apart); what the body says is nobody's business until the signature holds.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stripe_rules::signature::Header;

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
    let header = Header::parse(header)?;
    header.check_age(received_at_ms, tolerance_seconds)?;
    let message = header.message(body);
    // No early way out: which secret fits, if any, must not show in the time this takes.
    let mut verified = false;
    for secret in secrets {
        for candidate in &header.candidates {
            verified |= mac(secret, &message).verify_slice(candidate).is_ok();
        }
    }
    if verified { Ok(()) } else { Err("no signature fits the body under any of the secrets".to_owned()) }
}

/// The header for a body, as Stripe sends it.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn sign(body: &[u8], secret: &str, seconds: u64) -> String {
    let message = [format!("{seconds}.").as_bytes(), body].concat();
    let code = mac(secret, &message).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

fn mac(secret: &str, message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    use stripe_rules::signature::SIGNATURES_MAX;

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
