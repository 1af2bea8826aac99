//! Whole payments: every way one can go from its beginning to its end.

use stripe_mock::testing::set_time_ms;
use tillbox_provider::testing::{money, set_setting};
use tillbox_provider::{DeclineClass, ErrorKind, NextAction, Outcome, Status};

use crate::shop::{NOW_MS, Shop, declined, refused, told, with_method};

#[test]
fn authorize_capture_in_parts_refund_in_parts() {
    let (mut shop, opened) = Shop::try_open(money(1_050, 2, "EUR"), &with_method("pm_card_visa")).unwrap();
    assert_eq!(told(&Ok(opened.clone())), (Status::Pending, Some(1_050)));
    assert!(opened.provider_reference.as_ref().unwrap().starts_with("pi_"));
    assert_eq!(told(&shop.authorize("{}")), (Status::Authorized, Some(1_050)));
    let first = shop.capture(400, false);
    assert_eq!(told(&first), (Status::Captured, Some(400)));
    assert_eq!(shop.status().unwrap().status, Status::Authorized, "650 are still reserved");
    assert_eq!(told(&shop.refund(150)), (Status::Captured, Some(150)));
    let last = shop.capture(650, true);
    assert_eq!(told(&last), (Status::Captured, Some(650)));
    assert_ne!(first.unwrap().provider_reference, last.unwrap().provider_reference);
    assert_eq!(told(&shop.refund(900)), (Status::Captured, Some(900)));
    let snapshot = shop.snapshot();
    assert_eq!((snapshot.captured.minor_units(), snapshot.refunded.minor_units()), (1_050, 1_050));
    assert_eq!(snapshot.disputed.minor_units(), 0);
    assert_eq!(refused(shop.refund(1)).code, "charge_already_refunded");
    assert_eq!(refused(shop.capture(1, true)).code, "charge_already_captured");
}

#[test]
fn automatic_capture() {
    set_setting("capture_method", "automatic");
    let mut shop = Shop::open("EUR", &with_method("pm_card_visa"));
    assert_eq!(told(&shop.authorize("{}")), (Status::Captured, Some(1_050)));
    assert_eq!(told(&shop.authorize("{}")), (Status::Captured, Some(1_050)), "asking again takes nothing more");
    assert_eq!(shop.snapshot().captured.minor_units(), 1_050);
    assert_eq!(refused(shop.cancel()).kind, ErrorKind::Conflict);
}

#[test]
fn a_decline_and_another_card_in_the_same_session() {
    let mut shop = Shop::open("EUR", "{}");
    for (method, code, class) in [
        ("pm_card_visa_chargeDeclined", "generic_decline", DeclineClass::UseAnotherMethod),
        ("pm_card_chargeDeclined", "generic_decline", DeclineClass::UseAnotherMethod),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds", DeclineClass::UseAnotherMethod),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", DeclineClass::UseAnotherMethod),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", DeclineClass::TryAgainLater),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", DeclineClass::CorrectDetails),
        ("pm_card_radarBlock", "fraudulent", DeclineClass::SuspectedFraud),
    ] {
        let outcome = shop.authorize(&with_method(method));
        assert_eq!(told(&outcome), (Status::Declined, None));
        assert_eq!(declined(&outcome), code);
        assert_eq!(outcome.unwrap().decline.unwrap().class, class);
        assert_eq!(shop.status().unwrap().status, Status::Declined);
    }
    assert_eq!(refused(shop.authorize("{}")).code, "parameter_missing");
    assert_eq!(told(&shop.update(1_050, &with_method("pm_card_visa"))), (Status::Pending, Some(1_050)));
    assert_eq!(told(&shop.authorize("{}")), (Status::Authorized, Some(1_050)));
}

#[test]
fn a_challenge_passed_failed_or_left_for_another_card() {
    let mut shop = Shop::open("EUR", &with_method("pm_card_authenticationRequired"));
    let outcome = shop.authorize("{}").unwrap();
    assert_eq!((outcome.status, outcome.amount), (Status::RequiresMore, None));
    let Some(NextAction::ThreeDSecure { url, .. }) = outcome.next_action else { panic!("a challenge") };
    assert!(url.starts_with("https://") && url.contains(".example/"));
    assert_eq!(told(&shop.authorize("{}")).0, Status::RequiresMore, "it goes on waiting");
    assert_eq!(told(&shop.clone().authorize(r#"{"three_d_secure":"complete"}"#)), (Status::Authorized, Some(1_050)));
    let mut other = shop.clone();
    assert_eq!(told(&other.authorize(&with_method("pm_card_visa"))).0, Status::Authorized);
    let failed = shop.authorize(r#"{"three_d_secure":"fail"}"#);
    assert_eq!(declined(&failed), "payment_intent_authentication_failure");
    assert_eq!(failed.unwrap().decline.unwrap().class, DeclineClass::AuthenticationFailed);
    assert_eq!(refused(shop.authorize(r#"{"three_d_secure":"complete"}"#)).kind, ErrorKind::Conflict);
    assert_eq!(told(&shop.authorize(&with_method("pm_card_visa"))).0, Status::Authorized);
}

#[test]
fn a_challenge_passed_and_declined_all_the_same() {
    let mut shop = Shop::authorized("EUR", "pm_card_threeDSecureRequiredChargeDeclined");
    assert_eq!(declined(&shop.authorize(r#"{"three_d_secure":"complete"}"#)), "generic_decline");
    let both = r#"{"three_d_secure":"complete","payment_method":"pm_card_visa"}"#;
    let mut shop = Shop::authorized("EUR", "pm_card_threeDSecure2Required");
    assert_eq!(refused(shop.authorize(both)).kind, ErrorKind::InvalidRequest);
    let same = r#"{"three_d_secure":"complete","payment_method":"pm_card_threeDSecure2Required"}"#;
    assert_eq!(told(&shop.authorize(same)).0, Status::Authorized);
}

#[test]
fn a_debit_settles_later() {
    set_setting("async_settle_ms", "5000");
    let mut shop = Shop::open("USD", "{}");
    let outcome = shop.authorize(&with_method("pm_usBankAccount_success"));
    assert_eq!(told(&outcome), (Status::PendingAuthorization, None));
    set_time_ms(NOW_MS + 4_999);
    assert_eq!(shop.status().unwrap().status, Status::PendingAuthorization);
    assert_eq!(told(&shop.authorize("{}")).0, Status::PendingAuthorization);
    assert_eq!(refused(shop.authorize(&with_method("pm_card_visa"))).kind, ErrorKind::Conflict);
    assert_eq!(refused(shop.capture(1, false)).kind, ErrorKind::Conflict);
    set_time_ms(NOW_MS + 5_000);
    assert_eq!(told(&shop.status()), (Status::Captured, Some(1_050)));
    assert_eq!(shop.snapshot().captured.minor_units(), 1_050);
    assert_eq!(told(&shop.authorize("{}")), (Status::Captured, Some(1_050)));
    assert_eq!(told(&shop.refund(50)), (Status::Captured, Some(50)));
}

#[test]
fn a_debit_fails_later() {
    let mut shop = Shop::open("USD", "{}");
    let outcome = shop.authorize(&with_method("pm_usBankAccount_insufficientFunds"));
    assert_eq!(told(&outcome).0, Status::PendingAuthorization);
    assert_eq!(declined(&shop.status()), "insufficient_funds");
    assert_eq!(declined(&shop.clone().authorize("{}")), "insufficient_funds");
    assert_eq!(told(&shop.authorize(&with_method("pm_card_visa"))).0, Status::Authorized);
    let mut stuck = Shop::authorized("USD", "pm_usBankAccount_processing");
    set_time_ms(u64::MAX);
    assert_eq!(stuck.status().unwrap().status, Status::PendingAuthorization);
    assert_eq!(told(&stuck.cancel()), (Status::Canceled, None));
}

#[test]
fn a_dispute_after_the_capture() {
    let mut shop = Shop::authorized("EUR", "pm_card_createDispute");
    assert_eq!(shop.snapshot().disputed.minor_units(), 0);
    shop.capture(1_050, true).unwrap();
    assert_eq!(shop.snapshot().disputed.minor_units(), 1_050);
    assert_eq!(refused(shop.refund(1)).code, "charge_disputed");
}

#[test]
fn canceling_and_deleting() {
    let mut shop = Shop::authorized("EUR", "pm_card_visa");
    assert_eq!(refused(shop.delete()).kind, ErrorKind::Conflict);
    assert_eq!(told(&shop.cancel()), (Status::Canceled, Some(1_050)));
    assert_eq!(told(&shop.cancel()), (Status::Canceled, Some(1_050)), "again under another key");
    assert_eq!(told(&shop.delete()), (Status::Canceled, None));
    assert_eq!(told(&shop.authorize(&with_method("pm_card_visa"))), (Status::Canceled, None));
    assert_eq!(refused(shop.capture(1, false)).kind, ErrorKind::Conflict);
    assert_eq!(refused(shop.update(1_000, "{}")).kind, ErrorKind::Conflict);
    let mut shop = Shop::open("EUR", &with_method("pm_card_visa"));
    assert_eq!(told(&shop.delete()), (Status::Canceled, None));
    assert_eq!(shop.status().unwrap().status, Status::Canceled);
}

#[test]
fn updating_before_confirmation_only() {
    let mut shop = Shop::authorized("EUR", "pm_card_authenticationRequired");
    assert_eq!(told(&shop.update(1_200, "{}")), (Status::Pending, Some(1_200)));
    assert_eq!(refused(shop.update(1_200, r#"{"three_d_secure":"complete"}"#)).kind, ErrorKind::Conflict);
    assert_eq!(told(&shop.authorize("{}")).0, Status::RequiresMore, "a new challenge for the new amount");
    assert_eq!(told(&shop.authorize(r#"{"three_d_secure":"complete"}"#)), (Status::Authorized, Some(1_200)));
    assert_eq!(refused(shop.update(1_300, "{}")).kind, ErrorKind::Conflict);
}

#[test]
fn without_multicapture_the_rest_is_released() {
    set_setting("multicapture", "false");
    let mut shop = Shop::authorized("EUR", "pm_card_visa");
    assert_eq!(told(&shop.capture(400, false)), (Status::Captured, Some(400)));
    assert_eq!(refused(shop.capture(650, true)).code, "charge_already_captured");
}

#[test]
fn a_storefront_sees_what_a_publishable_key_would_show() {
    let (_, outcome) = Shop::try_open(money(1_050, 2, "EUR"), &with_method("pm_card_mastercard")).unwrap();
    let seen: serde_json::Value = outcome.client_data.unwrap().read().unwrap();
    assert_eq!(seen["status"], "requires_confirmation");
    assert_eq!(seen["payment_method"]["brand"], "mastercard");
    assert_eq!(seen["payment_method"]["last4"], "4444");
    assert!(seen["client_secret"].as_str().unwrap().starts_with(seen["id"].as_str().unwrap()));
    assert!(seen.get("ledger").is_none() && seen.get("metadata").is_none());
}

#[test]
fn the_checkout_page_offers_what_works_in_this_currency_and_lets_a_challenge_be_answered() {
    let shown =
        |outcome: Outcome| outcome.client_data.unwrap().read::<serde_json::Value>().unwrap()["checkout"].clone();
    let values = |checkout: &serde_json::Value| -> Vec<String> {
        let options = checkout["fields"][0]["options"].as_array().unwrap();
        options.iter().map(|option| option["value"].as_str().unwrap().to_owned()).collect()
    };
    for (currency, bank) in
        [("EUR", Some("pm_sepaDebit_success_de")), ("USD", Some("pm_usBankAccount_processing")), ("GBP", None)]
    {
        let (shop, opened) = Shop::try_open(money(1_050, 2, currency), "{}").unwrap();
        let offered = values(&shown(opened));
        let banks: Vec<&str> = offered.iter().map(String::as_str).filter(|id| !id.starts_with("pm_card_")).collect();
        assert_eq!(banks, bank.into_iter().collect::<Vec<_>>());
        for method in &offered {
            shop.clone().authorize(&with_method(method)).unwrap();
        }
    }
    let mut shop = Shop::open("EUR", "{}");
    let challenged = shown(shop.authorize(&with_method("pm_card_authenticationRequired")).unwrap());
    let answer = &challenged["challenge"]["answers"][0]["data"];
    let passed = shop.authorize(&answer.to_string()).unwrap();
    assert_eq!(passed.status, Status::Authorized);
    assert_eq!(shown(passed), serde_json::Value::Null, "nothing is asked any more");
}
