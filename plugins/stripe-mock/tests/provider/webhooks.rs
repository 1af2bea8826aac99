//! Deliveries: signed as Stripe signs them, altered, stale, garbage; and what each event claims.

use stripe_mock::StripeMock;
use stripe_mock::testing::{delivery, event, sign};
use tillbox_provider::testing::{money, set_setting, unset_setting};
use tillbox_provider::{Action, Delivery, Evidence, Header, Json, Provider, Rejection, Subject};

use crate::shop::{Shop, with_method};

const SECRET: &str = "whsec_0123456789abcdef";
const NOW: u64 = 1_700_000_000;

fn secrets(list: &str) {
    set_setting("webhook_secrets", list);
}

/// The one claim of an event about this payment.
fn claim(kind: &str, data: &Json) -> Evidence {
    secrets(&format!(r#"["{SECRET}"]"#));
    let delivery = delivery(&event(kind, data, NOW).unwrap(), SECRET, NOW);
    let mut claims = StripeMock::receive_webhook(&delivery).unwrap();
    assert_eq!(Ok(claims.clone()), StripeMock::receive_webhook(&delivery), "replay");
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

fn check(kind: &str, shop: &Shop, action: Action, minor_units: Option<i64>, operation: Option<&str>) -> Evidence {
    let claim = claim(kind, &shop.payment.data);
    assert_eq!(claim.action, action, "{kind}");
    assert_eq!(claim.amount, minor_units.map(|minor_units| shop.money(minor_units)), "{kind}");
    assert_eq!(claim.operation_id.as_deref(), operation, "{kind}");
    assert_eq!(claim.occurred_at_ms, Some(NOW * 1_000));
    assert!(claim.event_id.starts_with("evt_"));
    if action != Action::Disputed {
        assert_eq!(claim.subject, Some(Subject::Session("payses_1".to_owned())), "{kind}");
    }
    claim
}

#[test]
fn every_event_says_what_happened() {
    let mut shop = Shop::open("EUR", "{}");
    let declined = shop.authorize(&with_method("pm_card_visa_chargeDeclinedInsufficientFunds"));
    assert!(declined.is_ok());
    let failed = check("payment_intent.payment_failed", &shop, Action::Failed, None, Some("payop_1"));
    assert_eq!(failed.reason.as_deref(), Some("insufficient_funds"));
    shop.authorize(&with_method("pm_card_authenticationRequired")).unwrap();
    check("payment_intent.requires_action", &shop, Action::RequiresMore, None, Some("payop_2"));
    shop.authorize(r#"{"three_d_secure":"complete"}"#).unwrap();
    let kind = "payment_intent.amount_capturable_updated";
    check(kind, &shop, Action::Authorized, Some(1_050), Some("payop_3"));
    shop.capture(400, false).unwrap();
    check(kind, &shop, Action::Authorized, Some(1_050), Some("payop_3"));
    check("charge.captured", &shop, Action::Captured, Some(400), None);
    shop.capture(650, true).unwrap();
    check("payment_intent.succeeded", &shop, Action::Captured, Some(1_050), None);
    shop.refund(100).unwrap();
    shop.refund(50).unwrap();
    check("charge.refunded", &shop, Action::Refunded, Some(150), Some("payop_7"));
    let mut shop = Shop::open("EUR", "{}");
    shop.cancel().unwrap();
    check("payment_intent.canceled", &shop, Action::Canceled, None, None);
}

#[test]
fn debits_and_disputes() {
    let shop = Shop::authorized("USD", "pm_usBankAccount_success");
    check("payment_intent.processing", &shop, Action::Pending, None, Some("payop_1"));
    check("payment_intent.succeeded", &shop, Action::Captured, Some(1_050), None);
    let shop = Shop::authorized("USD", "pm_usBankAccount_accountClosed");
    let failed = check("payment_intent.payment_failed", &shop, Action::Failed, None, Some("payop_1"));
    assert_eq!(failed.reason.as_deref(), Some("account_closed"));
    let mut shop = Shop::authorized("EUR", "pm_card_createDispute");
    shop.capture(1_050, true).unwrap();
    let dispute = check("charge.dispute.created", &shop, Action::Disputed, Some(1_050), None);
    let reference = shop.payment.provider_reference.clone().unwrap();
    assert_eq!(dispute.subject, Some(Subject::ProviderReference(reference)));
    assert_eq!(dispute.reason.as_deref(), Some("fraudulent"));
}

#[test]
fn an_automatic_capture_names_its_operation() {
    set_setting("capture_method", "automatic");
    let shop = Shop::authorized("EUR", "pm_card_visa");
    check("payment_intent.succeeded", &shop, Action::Captured, Some(1_050), Some("payop_1"));
}

#[test]
fn amounts_come_back_in_the_hosts_unit() {
    for (minor_units, exponent, currency) in [(5, 0, "ISK"), (500, 2, "MGA"), (5_120, 3, "KWD"), (500, 0, "JPY")] {
        let (mut shop, _) = Shop::try_open(money(minor_units, exponent, currency), "{}").unwrap();
        shop.authorize(&with_method("pm_card_visa")).unwrap();
        shop.capture(minor_units, true).unwrap();
        let claim = claim("payment_intent.succeeded", &shop.payment.data);
        assert_eq!(claim.amount, Some(money(minor_units, exponent, currency)));
    }
}

#[test]
fn other_events_are_none_of_the_hosts_business() {
    let shop = Shop::open("EUR", "{}");
    let claim = claim("payment_intent.created", &shop.payment.data);
    assert_eq!((claim.action, claim.subject, claim.amount), (Action::NotSupported, None, None));
}

fn good() -> Delivery {
    secrets(&format!(r#"["{SECRET}"]"#));
    let shop = Shop::authorized("EUR", "pm_card_visa");
    let body = event("payment_intent.amount_capturable_updated", &shop.payment.data, NOW).unwrap();
    delivery(&body, SECRET, NOW)
}

fn bad_signature(delivery: &Delivery) {
    let rejection = StripeMock::receive_webhook(delivery).unwrap_err();
    assert!(matches!(rejection, Rejection::BadSignature(_)), "{rejection:?}");
}

#[test]
fn altered_stale_and_unsigned_deliveries_prove_nothing() {
    let good = good();
    assert!(StripeMock::receive_webhook(&good).is_ok());
    for index in [0, good.body.len() / 2, good.body.len() - 1] {
        let mut altered = good.clone();
        altered.body[index] ^= 1;
        bad_signature(&altered);
    }
    let stale = Delivery { received_at_ms: (NOW + 301) * 1_000, ..good.clone() };
    bad_signature(&stale);
    set_setting("webhook_tolerance_seconds", "600");
    assert!(StripeMock::receive_webhook(&stale).is_ok());
    unset_setting("webhook_tolerance_seconds");
    bad_signature(&Delivery { headers: Vec::new(), ..good.clone() });
    let mut twice = good.clone();
    twice.headers.push(twice.headers[1].clone());
    bad_signature(&twice);
    let mut garbage = good;
    garbage.headers[1].value = "\u{ff}\u{0}=,t=,v1".to_owned();
    bad_signature(&garbage);
}

#[test]
fn rotation_and_two_signatures() {
    let mut delivery = good();
    secrets(&format!(r#"["whsec_fedcba9876543210","{SECRET}"]"#));
    assert!(StripeMock::receive_webhook(&delivery).is_ok(), "any of the secrets");
    let value = delivery.headers[1].value.replace("v1=", &format!("v1={},v1=", "ab".repeat(32)));
    delivery.headers[1] = Header { name: "stripe-signature".to_owned(), value };
    assert!(StripeMock::receive_webhook(&delivery).is_ok(), "one of two signatures, and a header in lower case");
    secrets(r#"["whsec_fedcba9876543210"]"#);
    bad_signature(&delivery);
}

#[test]
fn without_a_secret_nothing_can_be_verified() {
    let delivery = good();
    unset_setting("webhook_secrets");
    let Err(Rejection::Failed(error)) = StripeMock::receive_webhook(&delivery) else { panic!("a failure") };
    assert_eq!(error.code, "webhook_secret_missing");
}

#[test]
fn signed_but_not_understood() {
    secrets(&format!(r#"["{SECRET}"]"#));
    let object = |object: &str| {
        format!(r#"{{"id":"evt_1","type":"payment_intent.succeeded","created":1,"data":{{"object":{object}}}}}"#)
    };
    for body in [
        "garbage".to_owned(),
        "[]".to_owned(),
        r#"{"type":"payment_intent.succeeded"}"#.to_owned(),
        r#"{"id":"evt_1"}"#.to_owned(),
        r#"{"id":"evt_1","type":"payment_intent.succeeded"}"#.to_owned(),
        object("{}"),
        object(r#"{"id":"pi_1","amount_received":10}"#),
        object(r#"{"id":"pi_1","amount_received":10.5,"currency":"eur"}"#),
        object(r#"{"id":"pi_1","amount_received":-1,"currency":"eur"}"#),
        object(r#"{"id":"pi_1","amount_received":550,"currency":"isk"}"#),
        object(r#"{"id":"pi_1","amount_received":10,"currency":"xau"}"#),
        object(r#"{"id":"pi_1","amount_received":9223372036854775807,"currency":"eur"}"#),
    ] {
        let rejection = StripeMock::receive_webhook(&delivery(&body, SECRET, NOW)).unwrap_err();
        assert!(matches!(rejection, Rejection::Malformed(_)), "{body}: {rejection:?}");
    }
    let invalid_utf8 = b"{\"id\":\"\xff\"}";
    let headers = vec![Header { name: "Stripe-Signature".to_owned(), value: sign(invalid_utf8, SECRET, NOW) }];
    let delivery = Delivery { headers, query: String::new(), body: invalid_utf8.to_vec(), received_at_ms: NOW * 1_000 };
    assert!(matches!(StripeMock::receive_webhook(&delivery), Err(Rejection::Malformed(_))));
}
