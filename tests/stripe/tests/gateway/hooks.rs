//! The gateway's events over HTTP: signed, late, twice, backwards, forged.

use std::time::{Duration, Instant};

use serde_json::json;
use tillbox::core::id::ProviderId;
use tillbox::currency::money;
use tillbox::service::{IncomingWebhook, Received};
use tillbox_gateway::webhooks::{Manner, signature};
use tillbox_gateway::{Action, Fault};
use tillbox_stripe_tests::{PROVIDER, Scene, Setting, WEBHOOK_SECRET, movements};

/// For all events to be taken: many times what it takes.
const WAIT_MAX: Duration = Duration::from_secs(30);

async fn heard() -> Scene {
    Scene::with(Setting { with_webhooks: true, ..Setting::default() }).await
}

async fn all_taken(scene: &Scene) {
    let start = Instant::now();
    while scene.gateway.events_waiting().unwrap() > 0 {
        assert!(start.elapsed() < WAIT_MAX, "the host does not take the events");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    scene.host.process_open_deliveries().await.unwrap();
}

fn delivery(header: &str, body: &str) -> IncomingWebhook {
    let headers = vec![("Stripe-Signature".to_owned(), header.as_bytes().to_vec())];
    IncomingWebhook { headers, query: String::new(), body: body.as_bytes().to_vec() }
}

fn seconds() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[tokio::test]
async fn events_agree_with_the_answers_however_they_come() {
    for manner in [
        Manner::default(),
        Manner { repeats: 3, ..Manner::default() },
        Manner { backwards: true, repeats: 1, ..Manner::default() },
    ] {
        let scene = heard().await;
        scene.gateway.send_events_like(Manner { held: true, ..manner });
        let payment = scene.authorized("10.00").await;
        scene.host.capture(&payment, Some(money("4.00", "EUR").unwrap())).await.unwrap();
        for amount in ["1.00", "2.00"] {
            let amount = Some(money(amount, "EUR").unwrap());
            let refund = tillbox::service::NewRefund { amount, ..Default::default() };
            scene.host.refund(&payment, refund).await.unwrap();
        }
        let before = scene.host.payment(&payment).await.unwrap();
        scene.gateway.send_events_like(manner);
        all_taken(&scene).await;
        let after = scene.host.payment(&payment).await.unwrap();
        assert_eq!((before.captured, before.refunded), (after.captured, after.refunded), "{manner:?}");
        assert_eq!((after.captures.len(), after.refunds.len()), (1, 2), "{manner:?}");
        let ledger = [("authorize", 1_000), ("capture", 400), ("refund", 100), ("refund", 200)];
        assert_eq!(scene.ledger(), movements(&ledger));
    }
}

#[tokio::test]
async fn an_event_answers_what_a_lost_reply_left_open() {
    let scene = heard().await;
    let payment = scene.authorized("10.00").await;
    scene.gateway.fault(Fault::once("POST", "/capture", Action::LoseReply));
    assert!(scene.host.capture(&payment, None).await.is_err());
    all_taken(&scene).await;
    let view = scene.host.payment(&payment).await.unwrap();
    assert_eq!((view.captured, view.uncertain), (money("10.00", "EUR").unwrap(), None));
    scene.gateway.fault(Fault::once("POST", "/v1/refunds", Action::LoseReply));
    assert!(scene.host.refund(&payment, tillbox::service::NewRefund::default()).await.is_err());
    all_taken(&scene).await;
    let view = scene.host.payment(&payment).await.unwrap();
    assert_eq!((view.refunded, view.uncertain), (money("10.00", "EUR").unwrap(), None));
    assert_eq!(scene.ledger(), movements(&[("authorize", 1_000), ("capture", 1_000), ("refund", 1_000)]));
}

#[tokio::test]
async fn what_happens_at_the_dashboard_is_heard() {
    let scene = heard().await;
    let payment = scene.authorized("10.00").await;
    let intent = scene.host.payment(&payment).await.unwrap().payment.provider_reference.unwrap();
    scene.gateway.at_the_counter(&json!({ "do": "capture", "id": intent })).unwrap();
    all_taken(&scene).await;
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, money("10.00", "EUR").unwrap());
    scene.gateway.at_the_counter(&json!({ "do": "dispute", "id": intent, "amount": 300 })).unwrap();
    all_taken(&scene).await;
    assert_eq!(scene.host.payment(&payment).await.unwrap().payment.disputed, money("3.00", "EUR").unwrap());
    let voided = scene.authorized("5.00").await;
    let intent = scene.host.payment(&voided).await.unwrap().payment.provider_reference.unwrap();
    scene.gateway.at_the_counter(&json!({ "do": "cancel", "id": intent })).unwrap();
    all_taken(&scene).await;
    assert!(scene.host.payment(&voided).await.unwrap().payment.canceled_at.is_some());
}

#[tokio::test]
async fn a_pending_refund_counts_when_the_bank_has_decided() {
    for (decides, refunded) in [("refund_succeeds", "4.00"), ("refund_fails", "0.00")] {
        let scene = heard().await;
        let session =
            scene.session("10.00", "EUR", json!({ "payment_method": "pm_card_pendingRefund" })).await.unwrap();
        let payment = scene.authorize(&session.id, json!({})).await.unwrap().payment.unwrap().payment.id;
        scene.host.capture(&payment, None).await.unwrap();
        let amount = Some(money("4.00", "EUR").unwrap());
        let done =
            scene.host.refund(&payment, tillbox::service::NewRefund { amount, ..Default::default() }).await.unwrap();
        all_taken(&scene).await;
        let view = scene.host.payment(&payment).await.unwrap();
        assert_eq!(view.refunded, money("0.00", "EUR").unwrap(), "{decides}: it is not decided yet");
        let refund = done.operation.unwrap().provider_reference.unwrap();
        scene.gateway.at_the_counter(&json!({ "do": decides, "id": refund })).unwrap();
        all_taken(&scene).await;
        let view = scene.host.payment(&payment).await.unwrap();
        assert_eq!(view.refunded, money(refunded, "EUR").unwrap(), "{decides}");
        assert!(view.reserved_refunds.is_zero(), "{decides}");
    }
}

#[tokio::test]
async fn a_signature_counts_for_its_bytes_its_time_and_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, value: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, value).unwrap();
        path
    };
    let (old, new) = (file("old", "whsec_old"), file("new", ""));
    let key = file("key", tillbox_stripe_tests::API_KEY);
    let secrets = json!([
        { "name": "api_key", "file": key },
        { "name": "webhook_secret", "file": old },
        { "name": "webhook_secret_2", "file": new },
    ]);
    let scene = Scene::with(Setting { secrets: Some(secrets), ..Setting::default() }).await;
    let provider = ProviderId::parse(PROVIDER).unwrap();
    let body =
        json!({ "id": "evt_1", "object": "event", "type": "customer.created", "created": 1, "data": { "object": {} } })
            .to_string();
    let signed = |secrets: &[&str], at: i64| {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        signature(&secrets, at, &body)
    };
    let take = async |header: String| scene.host.receive_webhook(&provider, delivery(&header, &body)).await.unwrap();
    let now = seconds();
    assert_eq!(take(signed(&["whsec_old"], now)).await, Received::Applied);
    assert!(matches!(take(signed(&["whsec_new"], now)).await, Received::Rejected(_)));
    std::fs::write(folder.path().join("new"), "whsec_new").unwrap();
    assert_eq!(take(signed(&["whsec_new"], now)).await, Received::Applied, "rotated without a restart");
    assert_eq!(take(signed(&["whsec_old"], now)).await, Received::Applied, "both are valid");
    assert_eq!(take(signed(&["whsec_other", "whsec_new"], now)).await, Received::Applied);
    std::fs::write(folder.path().join("old"), "").unwrap();
    assert!(matches!(take(signed(&["whsec_old"], now)).await, Received::Rejected(_)), "the old one is gone");
    assert!(matches!(take(signed(&["whsec_new"], now - 400)).await, Received::Rejected(_)), "too old");
    assert!(matches!(take(signed(&["whsec_new"], now + 400)).await, Received::Rejected(_)), "from the future");
    let other = delivery(&signed(&["whsec_new"], now), &body.replace("evt_1", "evt_2"));
    assert!(
        matches!(scene.host.receive_webhook(&provider, other).await.unwrap(), Received::Rejected(_)),
        "other bytes"
    );
    assert!(matches!(take("t=1".to_owned()).await, Received::Rejected(_)));
    assert!(matches!(take(signature(&[WEBHOOK_SECRET.to_owned()], now, &body)).await, Received::Rejected(_)));
}
