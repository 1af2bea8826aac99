//! Signatures of the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA-256 over `id.timestamp.body`, in
//! Base64 behind `v1,`; several with spaces between them while a secret is being replaced.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::store::Secret;

/// What a secret starts with where people see it.
const SECRET_PREFIX: &str = "whsec_";

/// A secret as its receiver needs it.
pub(crate) fn secret_text(secret: &Secret) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(&secret.0))
}

/// The header's value: a signature by each secret.
pub(crate) fn signatures<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> String {
    let signed = secrets.into_iter().map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    });
    signed.collect::<Vec<_>>().join(" ")
}

/// A secret from the text that people see.
pub(crate) fn read_secret(text: &str) -> Option<Secret> {
    STANDARD.decode(text.trim().strip_prefix(SECRET_PREFIX)?).ok().map(Secret)
}

/// Whether one of the signatures is by this secret. Compared in constant time.
pub(crate) fn is_signed(secret: &Secret, id: &str, timestamp: i64, body: &[u8], signatures: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).any(|signature| {
        // Each try needs a state of its own.
        mac.clone().verify_slice(&signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries are tested with.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = Secret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let body = br#"{"test": 2432232314}"#;
        let (id, timestamp) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let once = signatures([&secret], id, timestamp, body);
        assert_eq!(once, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other = Secret(vec![7; 32]);
        let both = signatures([&other, &secret], id, timestamp, body);
        assert!(both.starts_with("v1,") && both.ends_with(&format!(" {once}")), "{both}");
        assert_eq!(secret_text(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap().0, secret.0);
        assert!(read_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none() && read_secret("whsec_é").is_none());
        assert!(is_signed(&secret, id, timestamp, body, &both) && is_signed(&secret, id, timestamp, body, &once));
        for (id, timestamp, body, by) in [
            ("msg_other", timestamp, &body[..], once.as_str()),
            (id, timestamp + 1, body, &once),
            (id, timestamp, b"{}", &once),
            (id, timestamp, body, "v1,AAAA"),
            (id, timestamp, body, ""),
            (id, timestamp, body, &once[3..]),
        ] {
            assert!(!is_signed(&secret, id, timestamp, body, by), "{by}");
        }
    }
}
