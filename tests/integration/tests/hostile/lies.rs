//! Providers that lie, through the whole host: success without a call, failure after the gateway accepted, another payment's
//! reference, another amount. The gateway's ledger is the judge: nothing is in the books that it does not know, and nothing
//! that it knows is closed as not having happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tillbox::core::Timestamp;
use tillbox::core::id::{OperationId, PaymentId, SessionId};
use tillbox::core::operation::{Operation, OperationState};
use tillbox::runtime::{Culprit, ExchangeFault};
use tillbox::service::{NewCollection, NewSession, culprit_of};
use tillbox::{Error, Host};
use tillbox_gateway::{Action, Fault, Gateway};

use crate::peers::{charge, gateway, key, line};
use crate::scene::{DOORS, GRANTED, Names, euro, granted, runtime};

/// A clock that a case moves.
#[derive(Debug, Default)]
struct Hands(AtomicI64);

impl tillbox::clock::Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Scene {
    host: Host,
    clock: Arc<Hands>,
    gateway: Gateway,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn new(component: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let gateway = gateway(&directory).await;
        let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
        let provider = granted(&runtime, component, vec![line(&gateway)], json!(["api_key"])).await;
        let clock = Arc::new(Hands::default());
        let host = Host::builder().in_memory().clock(Arc::clone(&clock) as Arc<_>).without_background_work();
        let host = host.provider("default", provider).deadline_ms(2_000).build().await.unwrap();
        Self { host, clock, gateway, _directory: directory }
    }

    /// A session that the gateway knows: 10.50 EUR, authorized there, with these orders for what comes later.
    async fn session(&self, orders: Value) -> SessionId {
        let input = json!({ "calls": [charge(&self.gateway)], "orders": orders });
        let collection = self.host.create_collection(NewCollection::new(euro(1_050))).await.unwrap().id;
        let provider = self.host.providers()[0].id.clone();
        let new = NewSession::new(provider).data(input.to_string());
        self.host.create_session(&collection, new).await.unwrap().value.id
    }

    /// The same, authorized by a provider that asks for it.
    async fn payment(&self, mut orders: Value) -> PaymentId {
        orders["authorize"] = json!({ "calls": [self.get()] });
        let session = self.session(orders).await;
        let done = self.host.authorize_session(&session, None).await.unwrap();
        done.value.payment.unwrap().payment.id
    }

    fn get(&self) -> Value {
        let url = format!("{}/v1/payment_intents/{{id}}", self.gateway.base());
        json!({ "url": url, "secrets": [["authorization", "Bearer ", "api_key"]] })
    }

    fn post(&self, tail: &str) -> Value {
        let url = format!("{}/v1/payment_intents/{{id}}{tail}", self.gateway.base());
        let secrets = json!([["authorization", "Bearer ", "api_key"]]);
        let headers = json!([["content-type", "application/x-www-form-urlencoded"]]);
        json!({ "method": "POST", "key": key(), "url": url, "secrets": secrets, "headers": headers, "body": "" })
    }

    /// Minor units that the gateway took.
    fn taken(&self) -> i64 {
        let effects = serde_json::to_value(self.gateway.effects().unwrap()).unwrap();
        let all = effects.as_array().unwrap();
        all.iter().filter(|effect| effect["kind"] == "capture").map(|effect| effect["amount"].as_i64().unwrap()).sum()
    }

    async fn operation(&self, id: &OperationId) -> Operation {
        self.host.operation(id).await.unwrap()
    }

    async fn captured(&self, payment: &PaymentId) -> i64 {
        self.host.payment(payment).await.unwrap().captured.minor_units()
    }

    /// Goes to when the operation is due, and does what is due then.
    async fn next_look(&self, id: &OperationId) -> Operation {
        let due = self.operation(id).await.next_action_at.expect("it is looked after").0;
        self.clock.0.fetch_max(due, Ordering::SeqCst);
        self.host.reconcile().await.unwrap();
        self.operation(id).await
    }
}

fn failed<T: std::fmt::Debug>(result: Result<T, Error>) -> (OperationId, Error) {
    let error = result.expect_err("it is not believed");
    (error.operation().expect("it names its operation").clone(), error)
}

#[tokio::test]
async fn success_without_a_call_waits_for_a_person_and_is_asked_about() {
    for (door, component) in DOORS {
        let scene = Scene::new(component).await;
        // Says that it captured, and asked nobody; the lookup asks nobody either.
        let payment = scene.payment(json!({ "capture": {}, "retrieve": {} })).await;
        let (id, error) = failed(scene.host.capture(&payment, None).await);
        assert!(matches!(&error, Error::Review { reason, .. } if reason == "integrity"), "{door}: {error:?}");
        let operation = scene.operation(&id).await;
        assert_eq!(operation.state, OperationState::NeedsReview, "{door}");
        let detail = operation.detail.unwrap_or_default();
        assert!(detail.contains("the provider says captured, and not a byte left"), "{door}: {detail}");
        let asked = scene.host.recheck(&id).await;
        assert!(matches!(asked, Err(Error::NotAsked(_))), "{door}: a lookup that asked nobody was believed: {asked:?}");
        assert_eq!((scene.captured(&payment).await, scene.taken()), (0, 0), "{door}");
        // One that asks is heard: nobody captured, so the capture did not happen.
        let retrieve = json!({ "calls": [scene.get()], "answer": { "error": "not-found" } });
        let payment = scene.payment(json!({ "capture": {}, "retrieve": retrieve })).await;
        let (id, _) = failed(scene.host.capture(&payment, None).await);
        assert_eq!(scene.host.recheck(&id).await.unwrap().state, OperationState::Absent, "{door}");
    }
}

/// What a provider asks for and may not have: in the operation's own words, in its provider's health, with the culprit.
#[tokio::test]
async fn what_was_refused_is_told_to_the_operator_with_the_culprit() {
    for (door, component) in DOORS {
        let scene = Scene::new(component).await;
        let evil = json!({ "url": "https://collector.example/keys", "times": 2 });
        let capture = json!({ "calls": [evil], "answer": { "error": "odd" } });
        let payment = scene.payment(json!({ "capture": capture })).await;
        let (id, _) = failed(scene.host.capture(&payment, None).await);
        let operation = scene.operation(&id).await;
        // Not a byte left: whatever the error is called, nothing happened.
        assert_eq!(operation.state, OperationState::Rejected, "{door}: {operation:?}");
        let detail = operation.detail.unwrap_or_default();
        assert!(detail.contains("refused 2 of its requests: GET collector.example/keys (denied)"), "{door}: {detail}");
        let provider = scene.host.providers()[0].id.clone();
        let health = scene.host.provider_health(&provider).unwrap();
        let last = health.last_refused.expect("it is remembered");
        assert_eq!(
            (health.requests_refused, last.call, last.host.as_str()),
            (2, "capture", "collector.example"),
            "{door}"
        );
        assert_eq!((last.fault, last.fault.culprit()), (ExchangeFault::Denied, Culprit::Guest), "{door}");
        // More than allowed is a fault, and the operation names whose.
        let many = json!({ "url": "https://collector.example/keys", "times": 9 });
        let payment = scene.payment(json!({ "capture": { "calls": [many] } })).await;
        let (id, error) = failed(scene.host.capture(&payment, None).await);
        assert!(matches!(&error, Error::Fault { fault, .. } if fault.culprit() == Culprit::Guest), "{door}: {error:?}");
        let operation = scene.operation(&id).await;
        assert_eq!((operation.state, operation.reason.as_deref()), (OperationState::Absent, Some("guest_contract")));
        assert_eq!(operation.reason.as_deref().and_then(culprit_of), Some(Culprit::Guest), "{door}");
    }
}

#[tokio::test]
async fn an_authorization_nobody_asked_the_gateway_for_makes_no_payment() {
    for (door, component) in DOORS {
        let scene = Scene::new(component).await;
        let session = scene.session(json!({ "authorize": {} })).await;
        let (id, _) = failed(scene.host.authorize_session(&session, None).await);
        assert_eq!(scene.operation(&id).await.state, OperationState::NeedsReview, "{door}");
        let collection = scene.host.collection_of_session(&session).await.unwrap();
        assert!(collection.payments.is_empty(), "{door}");
    }
}

#[tokio::test]
async fn failure_after_the_gateway_accepted_is_a_question_that_the_gateway_answers() {
    for (door, component) in DOORS {
        for (what, answer) in [
            ("an error that vouches", json!({ "error": "invalid-request" })),
            ("not found", json!({ "error": "not-found" })),
        ] {
            let scene = Scene::new(component).await;
            let retrieve = json!({ "calls": [scene.get()], "answer": { "status": "captured" } });
            let orders =
                json!({ "capture": { "calls": [scene.post("/capture")], "answer": answer }, "retrieve": retrieve });
            let payment = scene.payment(orders).await;
            let (id, error) = failed(scene.host.capture(&payment, None).await);
            assert!(matches!(error, Error::Unknown { .. }), "{door} {what}: {error:?}");
            assert_eq!(scene.taken(), 1_050, "{door} {what}: the gateway did it");
            let after = scene.next_look(&id).await;
            assert_eq!(after.state, OperationState::Succeeded, "{door} {what}: {after:?}");
            assert_eq!(scene.captured(&payment).await, 1_050, "{door} {what}");
        }
    }
}

#[tokio::test]
async fn a_no_is_believed_when_the_gateway_said_it() {
    for (door, component) in DOORS {
        let scene = Scene::new(component).await;
        // 404 at the gateway, and the provider says so: proof.
        let nobody = format!("{}/v1/payment_intents/pi_nobody/capture", scene.gateway.base());
        let mut call = scene.post("/capture");
        call["url"] = nobody.into();
        let orders = json!({ "capture": { "calls": [call], "answer": { "error": "not-found" } } });
        let payment = scene.payment(orders).await;
        let (id, error) = failed(scene.host.capture(&payment, None).await);
        assert!(matches!(error, Error::Rejected { .. }), "{door}: {error:?}");
        assert_eq!(scene.operation(&id).await.state, OperationState::Rejected, "{door}");
        // A reply that was lost is no "no", whatever the provider makes of it.
        let scene = Scene::new(component).await;
        let capture = json!({ "calls": [scene.post("/capture")], "answer": { "error": "invalid-request" } });
        // A lookup that was answered with a breakdown knows nothing of absence.
        let retrieve = json!({ "calls": [scene.get()], "answer": { "error": "not-found" } });
        let payment = scene.payment(json!({ "capture": capture, "retrieve": retrieve })).await;
        scene.gateway.fault(Fault::once("POST", "/capture", Action::LoseReply));
        let (id, error) = failed(scene.host.capture(&payment, None).await);
        assert!(matches!(error, Error::Unknown { .. }), "{door}: {error:?}");
        let fault = |times| Fault {
            method: Some("GET".to_owned()),
            path: None,
            ends: None,
            after: 0,
            times: Some(times),
            action: Action::Answer { status: 503, retry_after: None },
        };
        scene.gateway.fault(fault(1));
        assert_eq!(scene.next_look(&id).await.state, OperationState::Unknown, "{door}: 503 was taken for proof");
        assert_eq!(scene.taken(), 1_050, "{door}");
    }
}

#[tokio::test]
async fn another_payments_reference_and_another_amount_reach_no_books() {
    for (door, component) in DOORS {
        let scene = Scene::new(component).await;
        let first = scene.payment(json!({})).await;
        let reference = scene.host.payment(&first).await.unwrap().payment.provider_reference.unwrap();
        for (what, answer, says) in [
            ("another's reference", json!({ "reference": reference }), reference.as_str()),
            ("more", json!({ "minor_units": 9_900 }), "asked for"),
            ("less", json!({ "minor_units": 1 }), "asked for"),
        ] {
            let capture = json!({ "calls": [scene.post("/capture")], "answer": answer });
            let payment = scene.payment(json!({ "capture": capture })).await;
            let (id, error) = failed(scene.host.capture(&payment, None).await);
            assert!(
                matches!(&error, Error::Review { reason, .. } if reason == "integrity"),
                "{door} {what}: {error:?}"
            );
            let operation = scene.operation(&id).await;
            assert_eq!(operation.state, OperationState::NeedsReview, "{door} {what}");
            assert!(operation.detail.as_deref().is_some_and(|detail| detail.contains(says)), "{door} {what}");
            assert_eq!(scene.captured(&payment).await, 0, "{door} {what}");
        }
        // The same at the very beginning: a session that lives on another one's payment.
        let session =
            scene.session(json!({ "authorize": { "calls": [scene.get()], "answer": { "reference": reference } } }));
        let session = session.await;
        let (id, _) = failed(scene.host.authorize_session(&session, None).await);
        assert_eq!(scene.operation(&id).await.state, OperationState::NeedsReview, "{door}");
    }
}
