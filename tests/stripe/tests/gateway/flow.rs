//! Payments that go well, from the session to the last refund.

use serde_json::{Value, json};
use tillbox::core::outcome::{NextAction, ProviderStatus};
use tillbox::core::status::SessionStatus;
use tillbox::currency::money;
use tillbox::service::{NewRefund, NewRefundReason, SessionUpdate};
use tillbox_stripe_tests::{API_KEY, RETURN_URL, Scene, Setting, WEBHOOK_SECRET, movements};

fn euros(amount: &str) -> tillbox::core::Money {
    money(amount, "EUR").unwrap()
}

fn refund(amount: &str) -> NewRefund {
    NewRefund { amount: Some(euros(amount)), ..NewRefund::default() }
}

#[tokio::test]
async fn several_captures_and_refunds() {
    let scene = Scene::new().await;
    let payment = scene.authorized("10.00").await;
    for amount in ["3.00", "2.50"] {
        scene.host.capture(&payment, Some(euros(amount))).await.unwrap();
    }
    let view = scene.host.capture(&payment, None).await.unwrap().value;
    assert_eq!(view.captured, euros("10.00"));
    for amount in ["1.00", "0.25"] {
        scene.host.refund(&payment, refund(amount)).await.unwrap();
    }
    let captures = [("authorize", 1_000), ("capture", 300), ("capture", 250), ("capture", 450)];
    let refunds = [("refund", 100), ("refund", 25)];
    assert_eq!(scene.ledger(), movements(&[&captures[..], &refunds].concat()));
    let view = scene.host.payment(&payment).await.unwrap();
    assert_eq!(view.refunded, euros("1.25"));
    for refund in view.refunds {
        let reference = scene.operation(&refund.operation).await.provider_reference;
        assert!(reference.is_some_and(|id| id.starts_with("re_")));
    }
}

#[tokio::test]
async fn three_d_secure_passed_and_failed() {
    for (outcome, status) in [("pass", SessionStatus::Authorized), ("fail", SessionStatus::Error)] {
        let scene = Scene::new().await;
        let input = json!({ "payment_method": "pm_card_authenticationRequired" });
        let session = scene.session("42.00", "EUR", input).await.unwrap();
        let asked = scene.authorize(&session.id, json!({ "return_url": RETURN_URL })).await.unwrap();
        assert_eq!(asked.session.status, SessionStatus::RequiresMore);
        let Some(NextAction::ThreeDSecure { url, .. }) = asked.session.next_action else { panic!("a challenge") };
        let again = scene.authorize(&session.id, json!({})).await.unwrap();
        assert_eq!(again.session.status, SessionStatus::RequiresMore, "the payer was not there yet");
        let id = url.rsplit('/').next().unwrap();
        scene.gateway.at_the_counter(&json!({ "do": format!("3ds_{outcome}"), "id": id })).unwrap();
        let after = scene.authorize(&session.id, json!({})).await.unwrap();
        assert_eq!(after.session.status, status, "{outcome}");
        match outcome {
            "pass" => assert_eq!(scene.ledger(), movements(&[("authorize", 4_200)])),
            _ => {
                assert_eq!(after.session.decline.unwrap().code, "payment_intent_authentication_failure");
                assert!(scene.ledger().is_empty());
                let other = scene.authorize(&session.id, json!({ "payment_method": "pm_card_visa" })).await.unwrap();
                assert!(other.payment.is_some(), "another card in the same session");
            }
        }
    }
}

#[tokio::test]
async fn a_card_that_takes_one_capture_releases_the_rest() {
    let scene = Scene::with(Setting::of(json!({ "multicapture": false }))).await;
    let payment = scene.authorized("10.00").await;
    scene.host.capture(&payment, Some(euros("4.00"))).await.unwrap();
    let second = scene.host.capture(&payment, Some(euros("1.00"))).await;
    assert!(matches!(second, Err(tillbox::Error::Rejected { .. })), "{second:?}");
    assert_eq!(scene.ledger(), movements(&[("authorize", 1_000), ("capture", 400)]));
}

#[tokio::test]
async fn a_void_gives_a_reason_that_the_gateway_knows_or_none() {
    let scene = Scene::new().await;
    for (note, reason) in [("requested_by_customer", Some("requested_by_customer")), ("any words", None)] {
        let payment = scene.authorized("5.00").await;
        scene.host.cancel_payment(&payment, Some(note.to_owned())).await.unwrap();
        assert_eq!(scene.ledger().last().unwrap(), &("void".to_owned(), 500));
        let request = scene.gateway.requests().pop().unwrap();
        let body = request["body"].as_str().unwrap();
        assert_eq!(body.contains("cancellation_reason"), reason.is_some(), "{body}");
    }
}

#[tokio::test]
async fn automatic_capture_takes_the_money_at_once() {
    let scene = Scene::with(Setting::of(json!({ "capture_method": "automatic" }))).await;
    let payment = scene.authorized("10.00").await;
    let view = scene.host.payment(&payment).await.unwrap();
    assert_eq!((view.captured, view.payment.captured_at.is_some()), (euros("10.00"), true));
    assert_eq!(scene.ledger(), movements(&[("capture", 1_000)]));
}

#[tokio::test]
async fn a_session_changes_and_is_abandoned() {
    let scene = Scene::new().await;
    let session = scene.session("10.00", "EUR", json!({})).await.unwrap();
    let update = SessionUpdate { amount: Some(euros("8.00")), ..SessionUpdate::default() };
    scene.host.update_session(&session.id, update).await.unwrap();
    let authorized = scene.authorize(&session.id, json!({ "payment_method": "pm_card_visa" })).await.unwrap();
    assert_eq!(authorized.payment.unwrap().payment.amount, euros("8.00"));
    assert_eq!(scene.ledger(), movements(&[("authorize", 800)]));
    let other = scene.session("3.00", "EUR", json!({ "payment_method": "pm_card_visa" })).await.unwrap();
    scene.host.delete_session(&other.id).await.unwrap();
    let reference = other.provider_reference.unwrap();
    let canceled = scene.gateway.requests().into_iter().filter(|request| {
        request["method"] == "POST" && request["path"] == format!("/v1/payment_intents/{reference}/cancel")
    });
    assert_eq!(canceled.count(), 1);
}

#[tokio::test]
async fn a_merchants_reason_and_note_arrive() {
    let scene = Scene::new().await;
    let payment = scene.authorized("10.00").await;
    scene.host.capture(&payment, None).await.unwrap();
    let new = |label: &str, code: &str| NewRefundReason {
        label: label.to_owned(),
        code: Some(code.to_owned()),
        ..NewRefundReason::default()
    };
    let known = scene.host.create_refund_reason(new("Twice", "duplicate")).await.unwrap();
    let own = scene.host.create_refund_reason(new("Too small", "wrong_size")).await.unwrap();
    let note = Some("size 9 & not 10".to_owned());
    for reason in [known.id, own.id] {
        let refund = NewRefund { reason: Some(reason), note: note.clone(), ..refund("1.00") };
        scene.host.refund(&payment, refund).await.unwrap();
    }
    let bodies: Vec<String> = scene
        .gateway
        .requests()
        .iter()
        .filter(|request| request["path"] == "/v1/refunds" && request["method"] == "POST")
        .map(|request| request["body"].as_str().unwrap().to_owned())
        .collect();
    assert!(bodies[0].contains("&reason=duplicate&") && bodies[0].contains("=size+9+%26+not+10"), "{}", bodies[0]);
    assert!(!bodies[1].contains("&reason=") && bodies[1].contains("tillbox_reason%5D=wrong_size"), "{}", bodies[1]);
}

#[tokio::test]
async fn a_refund_that_takes_its_time() {
    for (decides, refunded) in [("refund_succeeds", "4.00"), ("refund_fails", "0.00")] {
        let scene = Scene::new().await;
        let session =
            scene.session("10.00", "EUR", json!({ "payment_method": "pm_card_pendingRefund" })).await.unwrap();
        let payment = scene.authorize(&session.id, json!({})).await.unwrap().payment.unwrap().payment.id;
        scene.host.capture(&payment, None).await.unwrap();
        let done = scene.host.refund(&payment, refund("4.00")).await.unwrap();
        let operation = done.operation.unwrap();
        assert_eq!(done.value.reserved_refunds, euros("4.00"));
        let reference = operation.provider_reference.clone().unwrap();
        scene.gateway.at_the_counter(&json!({ "do": decides, "id": reference })).unwrap();
        scene.host.recheck(&operation.id).await.unwrap();
        let view = scene.host.payment(&payment).await.unwrap();
        assert_eq!((view.refunded, view.reserved_refunds), (euros(refunded), euros("0.00")), "{decides}");
    }
}

#[tokio::test]
async fn a_look_at_the_provider_moves_nothing_and_only_reads() {
    let scene = Scene::new().await;
    let payment = scene.authorized("10.00").await;
    scene.host.capture(&payment, Some(euros("4.00"))).await.unwrap();
    scene.host.refund(&payment, refund("1.00")).await.unwrap();
    let view = scene.host.payment(&payment).await.unwrap();
    let (ledger, asked) = (scene.ledger(), scene.gateway.requests().len());
    let intent = view.payment.provider_reference.clone().unwrap();
    scene.gateway.at_the_counter(&json!({ "do": "dispute", "id": intent, "amount": 150 })).unwrap();
    let snapshot = scene.host.retrieve_from_provider(&payment).await.unwrap().value;
    assert_eq!(snapshot.outcome.status, ProviderStatus::Authorized);
    assert_eq!(
        (snapshot.captured, snapshot.refunded, snapshot.disputed),
        (euros("4.00"), euros("1.00"), euros("1.50"))
    );
    let status = scene.host.session_status(&view.payment.session).await.unwrap().value;
    assert_eq!(status.status, ProviderStatus::Authorized);
    assert_eq!(scene.ledger(), ledger);
    assert!(scene.gateway.requests()[asked..].iter().all(|request| request["method"] == "GET"));
}

#[tokio::test]
async fn currencies_of_every_shape_are_charged_exactly() {
    let scene = Scene::new().await;
    for (amount, currency, charged) in
        [("500", "JPY", 500), ("5", "ISK", 500), ("5", "UGX", 500), ("5.120", "KWD", 5_120), ("10.45", "HUF", 1_045)]
    {
        let session = scene.session(amount, currency, json!({ "payment_method": "pm_card_visa" })).await.unwrap();
        let payment = scene.authorize(&session.id, json!({})).await.unwrap().payment.unwrap().payment;
        assert_eq!(payment.amount, money(amount, currency).unwrap());
        assert_eq!(scene.ledger().last().unwrap().1, charged, "{currency}");
    }
    let refused = scene.session("5.124", "KWD", json!({})).await;
    assert!(matches!(refused, Err(tillbox::Error::Rejected { .. })), "{refused:?}");
}

#[tokio::test]
async fn every_change_carries_a_key_of_its_own_and_the_pinned_version() {
    let scene = Scene::new().await;
    let payment = scene.authorized("10.00").await;
    scene.host.capture(&payment, Some(euros("4.00"))).await.unwrap();
    scene.host.refund(&payment, refund("1.00")).await.unwrap();
    let requests = scene.gateway.requests();
    let keys: Vec<&Value> = requests
        .iter()
        .filter(|request| request["method"] == "POST")
        .map(|request| &request["idempotency_key"])
        .collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| key.as_str().is_some_and(|key| key.len() == 64)), "{keys:?}");
    let distinct: std::collections::BTreeSet<&str> = keys.iter().filter_map(|key| key.as_str()).collect();
    assert_eq!(distinct.len(), 4);
    assert!(requests.iter().all(|request| request["version"] == stripe::API_VERSION));
}

#[tokio::test]
async fn no_secret_is_written_down() {
    let scene = Scene::with(Setting { with_webhooks: true, ..Setting::default() }).await;
    let payment = scene.authorized("10.00").await;
    scene.host.capture(&payment, None).await.unwrap();
    scene.host.refund(&payment, refund("1.00")).await.unwrap();
    let mut looked_at = 0;
    for entry in std::fs::read_dir(scene.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        looked_at += bytes.len();
        for secret in [API_KEY, WEBHOOK_SECRET] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
    assert!(looked_at > 10_000, "the books are not where they are looked for");
}
