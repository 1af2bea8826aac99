//! One delivery: signature first, translation then. The secret stays with the host, which computes the HMAC.
//!
//! Several secrets are valid at once: Stripe's own roll of a signing secret leaves the old one valid for a while, and one may
//! be written down here before Stripe uses it.

use stripe_rules::signature::Header;
use tillbox_provider::{Delivery, Error, Evidence, Rejection, Secret, SecretError, crypto};

use crate::events;
use crate::settings::Settings;

/// The signing secrets: one in use, one coming, one going.
pub(crate) const SECRETS: [&str; 3] = ["webhook_secret", "webhook_secret_2", "webhook_secret_3"];

/// Verifies a delivery and says what it claims.
///
/// # Errors
/// [`Rejection::Failed`] without a secret to verify with, [`Rejection::BadSignature`] without a signature that holds,
/// [`Rejection::Malformed`] when the signed body is no event.
pub(crate) fn receive(delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
    let settings = Settings::read()?;
    let secrets = opened()?;
    let mut headers = delivery.header_values("stripe-signature");
    let header = headers.next().ok_or_else(|| Rejection::BadSignature("there is no Stripe-Signature header".into()))?;
    if headers.next().is_some() {
        return Err(Rejection::BadSignature("there are several Stripe-Signature headers".into()));
    }
    let header = Header::parse(header).map_err(Rejection::BadSignature)?;
    header.check_age(delivery.received_at_ms, settings.webhook_tolerance_seconds).map_err(Rejection::BadSignature)?;
    let message = header.message(&delivery.body);
    // No early way out: which secret fits, if any, must not show in the time this takes.
    let mut verified = false;
    for secret in &secrets {
        let code = crypto::hmac_sha256(secret, &message);
        for candidate in &header.candidates {
            verified |= crypto::constant_time_equal(&code, candidate);
        }
    }
    if !verified {
        let what = "no signature fits the body under any of the secrets";
        return Err(Rejection::BadSignature(what.to_owned()));
    }
    events::translate(&delivery.body, settings.account.as_deref())
}

/// The secrets there are. One that is granted and has no value is skipped, as long as another one has: a rotation must not
/// close the door.
fn opened() -> Result<Vec<Secret>, Error> {
    let mut secrets = Vec::new();
    let mut missing = None;
    for name in SECRETS {
        match Secret::open(name) {
            Ok(secret) => secrets.push(secret),
            Err(SecretError::NotGranted(_)) => {}
            Err(error @ SecretError::Missing(_)) => missing = Some(error),
        }
    }
    match (secrets.is_empty(), missing) {
        (false, _) => Ok(secrets),
        (true, Some(error)) => Err(error.into()),
        (true, None) => Err(SecretError::NotGranted(SECRETS[0].to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillbox_provider::testing::{set_secret, set_setting, unset_secret};
    use tillbox_provider::{ErrorKind, Header as Field};

    const BODY: &[u8] =
        br#"{"id":"evt_1","object":"event","type":"customer.created","created":1700000000,"data":{"object":{}}}"#;
    const NOW: u64 = 1_700_000_000;

    fn signed(secrets: &[&str], seconds: u64, body: &[u8]) -> String {
        let mut header = format!("t={seconds}");
        for value in secrets {
            set_secret("signer", value);
            let message = [format!("{seconds}.").as_bytes(), body].concat();
            let code = crypto::hmac_sha256(&Secret::open("signer").unwrap(), &message);
            header.push_str(",v1=");
            header.extend(code.iter().map(|byte| format!("{byte:02x}")));
        }
        header
    }

    fn delivery(header: &str, body: &[u8]) -> Delivery {
        let field = Field { name: "Stripe-Signature".to_owned(), value: header.to_owned() };
        Delivery { headers: vec![field], query: String::new(), body: body.to_vec(), received_at_ms: NOW * 1_000 }
    }

    fn refused(header: &str, body: &[u8]) -> bool {
        matches!(receive(&delivery(header, body)), Err(Rejection::BadSignature(_)))
    }

    #[test]
    fn without_a_secret_nothing_is_verified() {
        let rejection = receive(&delivery(&signed(&["x"], NOW, BODY), BODY)).unwrap_err();
        assert!(matches!(rejection, Rejection::Failed(error) if error.kind == ErrorKind::Authentication));
        set_secret("webhook_secret", "");
        let rejection = receive(&delivery("t=1,v1=00", BODY)).unwrap_err();
        assert!(matches!(rejection, Rejection::Failed(error) if error.code == "secret_missing"));
    }

    #[test]
    fn every_secret_of_a_rotation_is_valid_and_no_other() {
        set_secret("webhook_secret", "whsec_new");
        set_secret("webhook_secret_2", "whsec_old");
        set_secret("webhook_secret_3", "");
        for secrets in [&["whsec_new"][..], &["whsec_old"], &["whsec_other", "whsec_old"]] {
            assert!(receive(&delivery(&signed(secrets, NOW, BODY), BODY)).is_ok(), "{secrets:?}");
        }
        assert!(refused(&signed(&["whsec_other"], NOW, BODY), BODY));
        unset_secret("webhook_secret_2");
        assert!(refused(&signed(&["whsec_old"], NOW, BODY), BODY), "rolled");
    }

    #[test]
    fn age_and_bytes_count() {
        set_secret("webhook_secret", "whsec_new");
        let header = signed(&["whsec_new"], NOW, BODY);
        assert!(refused(&header, &[BODY, b" "].concat()), "one byte more");
        assert!(refused(&header.replace(&format!("t={NOW}"), &format!("t={}", NOW + 1)), BODY), "another time");
        assert!(!refused(&signed(&["whsec_new"], NOW - 300, BODY), BODY));
        assert!(refused(&signed(&["whsec_new"], NOW - 301, BODY), BODY));
        assert!(refused(&signed(&["whsec_new"], NOW + 301, BODY), BODY));
        set_setting("webhook_tolerance_seconds", "600");
        assert!(!refused(&signed(&["whsec_new"], NOW - 600, BODY), BODY));
        let mut twice = delivery(&header, BODY);
        twice.headers.push(twice.headers[0].clone());
        assert!(matches!(receive(&twice), Err(Rejection::BadSignature(_))));
        twice.headers.clear();
        assert!(matches!(receive(&twice), Err(Rejection::BadSignature(_))));
    }
}
