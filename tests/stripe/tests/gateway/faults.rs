//! The network and the gateway at their worst, one fault and one operation at a time: what the host says at once, what it
//! knows after it has asked, and that the gateway's ledger holds the effect once or not at all.

use std::time::Duration;

use serde_json::json;
use tillbox::Error;
use tillbox::core::id::{OperationId, PaymentId};
use tillbox::core::operation::OperationState;
use tillbox::currency::money;
use tillbox::service::NewRefund;
use tillbox_gateway::{Action, Fault};
use tillbox_stripe_tests::{Scene, Setting, movements};

/// What leaves a question, and whether the gateway has carried it out by then.
fn questions() -> Vec<(Action, bool)> {
    vec![
        (Action::Refuse, false),
        (Action::Answer { status: 409, retry_after: None }, false),
        (Action::Answer { status: 500, retry_after: None }, false),
        (Action::Answer { status: 503, retry_after: Some(1) }, false),
        (Action::Redirect("http://127.0.0.1:1/elsewhere".to_owned()), false),
        (Action::LoseReply, true),
        (Action::AnswerAfter(500), true),
        (Action::Html, true),
        (Action::Short, true),
        (Action::GzipBomb(8 * 1024 * 1024), true),
        (Action::DelayAfter(20_000), true),
    ]
}

/// The operation that is a question now.
fn unknown<T: std::fmt::Debug>(answer: Result<T, Error>, what: &str) -> OperationId {
    match answer {
        Err(Error::Unknown { operation, .. }) => operation,
        other => panic!("{what}: {other:?}"),
    }
}

fn euros(amount: &str) -> tillbox::core::Money {
    money(amount, "EUR").unwrap()
}

async fn capture(scene: &Scene, payment: &PaymentId) -> Result<(), Error> {
    scene.host.capture(payment, Some(euros("4.00"))).await.map(drop)
}

async fn refund(scene: &Scene, payment: &PaymentId) -> Result<(), Error> {
    let refund = NewRefund { amount: Some(euros("1.50")), ..NewRefund::default() };
    scene.host.refund(payment, refund).await.map(drop)
}

#[tokio::test]
async fn a_capture_is_made_once_whatever_becomes_of_the_answer() {
    let scene = Scene::new().await;
    for (action, is_done) in questions() {
        let what = format!("{action:?}");
        let payment = scene.authorized("10.00").await;
        let before = scene.ledger();
        scene.gateway.fault(Fault::once("POST", "/capture", action));
        let operation = unknown(capture(&scene, &payment).await, &what);
        assert_eq!(scene.ledger().len() - before.len(), usize::from(is_done), "{what}");
        let view = scene.host.payment(&payment).await.unwrap();
        assert_eq!(
            (view.captured, view.reserved_captures),
            (euros("0.00"), euros("4.00")),
            "{what}: nothing is guessed"
        );
        let found = scene.host.recheck(&operation).await.unwrap();
        assert_eq!(found.state, OperationState::Succeeded, "{what}: {found:?}");
        assert_eq!(scene.ledger()[before.len()..], movements(&[("capture", 400)]), "{what}");
        assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euros("4.00"), "{what}");
    }
}

#[tokio::test]
async fn a_refund_is_made_once_whatever_becomes_of_the_answer() {
    let scene = Scene::new().await;
    let payment = scene.authorized("100.00").await;
    scene.host.capture(&payment, None).await.unwrap();
    for (action, is_done) in questions() {
        let what = format!("{action:?}");
        let before = scene.ledger();
        scene.gateway.fault(Fault::once("POST", "/v1/refunds", action));
        let operation = unknown(refund(&scene, &payment).await, &what);
        assert_eq!(scene.ledger().len() - before.len(), usize::from(is_done), "{what}");
        let found = scene.host.recheck(&operation).await.unwrap();
        assert_eq!(found.state, OperationState::Succeeded, "{what}: {found:?}");
        assert_eq!(scene.ledger()[before.len()..], movements(&[("refund", 150)]), "{what}");
    }
}

#[tokio::test]
async fn an_authorization_reserves_once_whatever_becomes_of_the_answer() {
    let scene = Scene::new().await;
    for (action, is_done) in questions() {
        let what = format!("{action:?}");
        let session = scene.session("10.00", "EUR", json!({})).await.unwrap();
        let before = scene.ledger();
        scene.gateway.fault(Fault::once("POST", "/confirm", action));
        let input = json!({ "payment_method": "pm_card_visa" });
        let operation = unknown(scene.authorize(&session.id, input).await, &what);
        assert_eq!(scene.ledger().len() - before.len(), usize::from(is_done), "{what}");
        let found = scene.host.recheck(&operation).await.unwrap();
        assert_eq!(found.state, OperationState::Succeeded, "{what}: {found:?}");
        assert_eq!(scene.ledger()[before.len()..], movements(&[("authorize", 1_000)]), "{what}");
    }
}

#[tokio::test]
async fn a_decline_whose_answer_was_lost_is_still_a_decline() {
    let scene = Scene::new().await;
    for action in [Action::LoseReply, Action::AnswerAfter(500), Action::Refuse] {
        let what = format!("{action:?}");
        let session = scene.session("10.00", "EUR", json!({})).await.unwrap();
        scene.gateway.fault(Fault::once("POST", "/confirm", action));
        let input = json!({ "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds" });
        let operation = unknown(scene.authorize(&session.id, input).await, &what);
        let found = scene.host.recheck(&operation).await.unwrap();
        assert_eq!(found.state, OperationState::Declined, "{what}: {found:?}");
        assert_eq!(found.decline.unwrap().code, "insufficient_funds");
    }
    assert!(scene.ledger().is_empty());
}

#[tokio::test]
async fn a_void_is_made_once_whatever_becomes_of_the_answer() {
    let scene = Scene::new().await;
    for (action, is_done) in questions() {
        let what = format!("{action:?}");
        let payment = scene.authorized("10.00").await;
        let before = scene.ledger();
        scene.gateway.fault(Fault::once("POST", "/cancel", action));
        let operation = unknown(scene.host.cancel_payment(&payment, None).await, &what);
        assert_eq!(scene.ledger().len() - before.len(), usize::from(is_done), "{what}");
        let found = scene.host.recheck(&operation).await.unwrap();
        assert_eq!(found.state, OperationState::Succeeded, "{what}: {found:?}");
        assert_eq!(scene.ledger()[before.len()..], movements(&[("void", 1_000)]), "{what}");
    }
}

/// Intents at the gateway, told by the requests that made them under different keys.
fn opened(scene: &Scene) -> usize {
    let created = |request: &serde_json::Value| request["method"] == "POST" && request["path"] == "/v1/payment_intents";
    let requests = scene.gateway.requests();
    let keys: std::collections::BTreeSet<&str> = requests
        .iter()
        .filter(|request| created(request))
        .filter_map(|request| request["idempotency_key"].as_str())
        .collect();
    keys.len()
}

#[tokio::test]
async fn a_session_whose_answer_was_lost_is_found_by_its_operation() {
    let scene = Scene::new().await;
    for (action, _) in questions() {
        let what = format!("{action:?}");
        let before = opened(&scene);
        scene.gateway.fault(Fault::once("POST", "/v1/payment_intents", action));
        let input = json!({ "payment_method": "pm_card_visa" });
        let operation = unknown(scene.session("10.00", "EUR", input).await, &what);
        let found = scene.host.recheck(&operation).await.unwrap();
        assert_eq!(found.state, OperationState::Succeeded, "{what}: {found:?}");
        let authorized = scene.authorize(&found.session, json!({})).await.unwrap();
        assert!(authorized.payment.is_some(), "{what}");
        assert_eq!(opened(&scene) - before, 1, "{what}");
    }
}

#[tokio::test]
async fn a_search_that_lags_proves_nothing_before_its_time() {
    let scene = Scene::with(Setting { search_lag_ms: 60_000, ..Setting::default() }).await;
    scene.gateway.fault(Fault::once("POST", "/v1/payment_intents", Action::LoseReply));
    let operation = unknown(scene.session("10.00", "EUR", json!({})).await, "lost");
    // The search does not show it yet, so the same is sent again, and the gateway knows the key.
    let found = scene.host.recheck(&operation).await.unwrap();
    assert_eq!((found.state, found.attempts), (OperationState::Succeeded, 2), "{found:?}");
    assert_eq!(opened(&scene), 1);
    // A day later the key is forgotten and the search shows everything: what it does not show was never opened.
    for (action, state) in [(Action::LoseReply, OperationState::Succeeded), (Action::Refuse, OperationState::Absent)] {
        scene.gateway.fault(Fault::once("POST", "/v1/payment_intents", action));
        let operation = unknown(scene.session("10.00", "EUR", json!({})).await, "lost");
        scene.gateway.fault(Fault::once("GET", "/search", Action::Answer { status: 500, retry_after: None }));
        assert!(scene.host.recheck(&operation).await.is_err(), "asking failed, and nothing follows from it");
        assert_eq!(scene.operation(&operation).await.state, OperationState::Unknown);
        scene.dial.pass(25 * 60 * 60);
        scene.gateway.pass(Duration::from_secs(25 * 60 * 60));
        let mut found = scene.host.recheck(&operation).await.unwrap();
        if found.state == OperationState::Unknown {
            found = scene.host.recheck(&operation).await.unwrap();
        }
        assert_eq!(found.state, state, "{found:?}");
    }
}

#[tokio::test]
async fn what_the_gateway_turned_away_did_not_happen() {
    let scene = Scene::new().await;
    let payment = scene.authorized("10.00").await;
    let ledger = scene.ledger();
    scene.gateway.fault(Fault::once("POST", "/capture", Action::Answer { status: 429, retry_after: Some(7) }));
    let error = capture(&scene, &payment).await.unwrap_err();
    assert!(matches!(&error, Error::Rejected { error, .. } if error.code == "rate_limit"), "{error:?}");
    assert_eq!(scene.ledger(), ledger);
    assert_eq!(scene.host.payment(&payment).await.unwrap().reserved_captures, euros("0.00"));
    capture(&scene, &payment).await.unwrap();
    assert_eq!(scene.ledger().len(), ledger.len() + 1);
}

#[tokio::test]
async fn a_gateway_that_lies_about_the_amount_never_reaches_the_books() {
    let scene = Scene::new().await;
    let payment = scene.authorized("10.00").await;
    let lie = Action::Lie { pointer: "/amount_received".to_owned(), value: json!(500) };
    scene.gateway.fault(Fault::once("POST", "/capture", lie));
    let answer = capture(&scene, &payment).await;
    assert!(matches!(answer, Err(Error::Review { .. })), "{answer:?}");
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euros("0.00"));
    let other = scene.authorized("10.00").await;
    let lie = Action::Lie { pointer: "/id".to_owned(), value: json!("pi_of_somebody_else") };
    scene.gateway.fault(Fault::once("POST", "/capture", lie));
    let operation = unknown(capture(&scene, &other).await, "another payment's answer");
    assert_eq!(scene.host.recheck(&operation).await.unwrap().state, OperationState::Succeeded);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_was_told_nothing() {
    // A port where nobody listens any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let away = Setting::of(json!({ "api_base": format!("http://{address}") }));
    let scene = Scene::with(away.clone()).await;
    let error = scene.session("1.00", "EUR", json!({})).await.unwrap_err();
    assert!(matches!(&error, Error::Rejected { error, .. } if error.code == "request_denied"), "{error:?}");
    assert!(error.to_string().contains("hosts = [{ host = \"127.0.0.1\""), "it says what to grant: {error}");
    let scene = Scene::with(Setting { also_granted: Some(address.port()), ..away }).await;
    let error = scene.session("1.00", "EUR", json!({})).await.unwrap_err();
    assert!(matches!(&error, Error::Rejected { error, .. } if error.code == "not_connected"), "{error:?}");
    assert!(scene.gateway.requests().is_empty());
}
