//! Events on their way out: signed as published (`Stripe-Signature: t=…,v1=…`), late, twice or backwards when told so.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct Manner {
    /// Nothing is sent until it is taken back.
    #[serde(default)]
    pub held: bool,
    /// Each is sent so many times more.
    #[serde(default)]
    pub repeats: u32,
    /// The newest first.
    #[serde(default)]
    pub backwards: bool,
}

/// The signature header of a body, under each of these secrets.
#[must_use]
pub fn signature(secrets: &[String], seconds: i64, body: &str) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(format!("{seconds}.{body}").as_bytes());
        header.push_str(",v1=");
        for byte in mac.finalize().into_bytes() {
            header.push_str(&format!("{byte:02x}"));
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `printf '1614556800.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`.
    #[test]
    fn a_signature_is_that_of_the_published_scheme() {
        let header = signature(&["whsec_test".to_owned()], 1_614_556_800, r#"{"id":"evt_1"}"#);
        assert_eq!(header, "t=1614556800,v1=e326b9127f526dab808bd39e79a44ab61b0dc0517386b06a7abf563ce203409b");
        let two = signature(&["a".to_owned(), "b".to_owned()], 1, "x");
        assert_eq!(two.matches("v1=").count(), 2, "two secrets while one is being replaced");
    }
}
