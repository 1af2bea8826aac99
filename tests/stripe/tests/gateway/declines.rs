//! What an issuer says no with, and what becomes of the session.

use serde_json::json;
use tillbox::core::outcome::DeclineClass;
use tillbox::core::status::SessionStatus;
use tillbox_stripe_tests::{Scene, movements};

#[tokio::test]
async fn published_declines_keep_their_codes_and_the_session_takes_another_card() {
    let scene = Scene::new().await;
    for (method, class, code) in [
        ("pm_card_visa_chargeDeclined", DeclineClass::UseAnotherMethod, "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", DeclineClass::UseAnotherMethod, "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", DeclineClass::SuspectedFraud, "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", DeclineClass::UseAnotherMethod, "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", DeclineClass::CorrectDetails, "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", DeclineClass::TryAgainLater, "processing_error"),
    ] {
        let session = scene.session("10.00", "EUR", json!({})).await.unwrap();
        let before = scene.ledger();
        let declined = scene.authorize(&session.id, json!({ "payment_method": method })).await.unwrap();
        assert_eq!(declined.session.status, SessionStatus::Error, "{method}");
        let decline = declined.session.decline.unwrap();
        assert_eq!((decline.class, decline.code.as_str()), (class, code));
        assert_eq!(scene.ledger(), before);
        let again = scene.authorize(&session.id, json!({ "payment_method": method })).await.unwrap();
        assert_eq!(again.session.decline.unwrap().code, code, "the same card, the same answer");
        let paid = scene.authorize(&session.id, json!({ "payment_method": "pm_card_visa" })).await.unwrap();
        assert!(paid.payment.is_some(), "{method}");
        assert_eq!(scene.ledger().len(), before.len() + 1);
    }
}

#[tokio::test]
async fn a_session_without_a_method_says_what_is_missing() {
    let scene = Scene::new().await;
    let session = scene.session("10.00", "EUR", json!({})).await.unwrap();
    let error = scene.authorize(&session.id, json!({})).await.unwrap_err();
    assert!(error.to_string().contains("payment_method"), "{error}");
    let error = scene.authorize(&session.id, json!({ "payment_method": "pm_card_nobody" })).await.unwrap_err();
    assert!(matches!(error, tillbox::Error::Rejected { .. }), "{error}");
    let error = scene.authorize(&session.id, json!({ "capture_method": "automatic" })).await.unwrap_err();
    assert!(error.to_string().contains("capture_method"), "{error}");
    let card = json!({ "payment_method": "4242 4242 4242 4242" });
    let error = scene.authorize(&session.id, card).await.unwrap_err().to_string();
    assert!(error.contains("never send card data") && !error.contains("4242"), "{error}");
    assert!(scene.ledger().is_empty());
}

#[tokio::test]
async fn a_key_that_the_gateway_refuses_is_the_operators_matter() {
    let secrets = json!([{ "name": "api_key", "env": "TILLBOX_TEST_NO_SUCH_KEY" }]);
    let scene = Scene::with(tillbox_stripe_tests::Setting { secrets: Some(secrets), ..Default::default() }).await;
    let error = scene.session("10.00", "EUR", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("api_key"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "sk_test_of_another_account").unwrap();
    let secrets = json!([{ "name": "api_key", "file": path }]);
    let scene = Scene::with(tillbox_stripe_tests::Setting { secrets: Some(secrets), ..Default::default() }).await;
    let error = scene.session("10.00", "EUR", json!({})).await.unwrap_err();
    assert!(
        matches!(&error, tillbox::Error::Rejected { error, .. } if error.code == "invalid_request_error"),
        "{error}"
    );
    std::fs::write(&path, tillbox_stripe_tests::API_KEY).unwrap();
    let payment = scene.authorized("1.00").await;
    assert!(scene.host.payment(&payment).await.is_ok(), "a new key counts without a restart");
    assert_eq!(scene.ledger(), movements(&[("authorize", 100)]));
}
