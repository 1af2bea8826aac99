//! What is kept of an exchange: as much as the operator's key allows, no secrets in it, and no more commits than it takes.

use serde_json::json;
use tillbox::core::id::{OperationId, ProviderId};
use tillbox::core::operation::OperationState;
use tillbox::runtime::request::Customer;
use tillbox::service::{Exchange, NewAccountHolder};
use tillbox::store::ExchangeState;
use tillbox_store_tests::place::{Database, File, Place};

use crate::scene::{KEY, Scene, counted, id, next_version, only, open, shared};

async fn everywhere<F: Future<Output = ()>>(test: impl Fn(Box<dyn Place>) -> F) {
    test(Box::new(File::new().await)).await;
    test(Box::new(Database::new().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_is_kept_and_shown_without_secrets() {
    everywhere(|place| async move {
        let scene = Scene::new().await;
        let host =
            scene.builder(json!({})).await.encryption_key([7; 32]).database_url(place.url()).build().await.unwrap();
        let mut post = scene.post();
        let body = post["body"].as_str().unwrap().to_owned();
        post["body"] = format!("{body}&metadata[card]=4242424242424242").into();
        let operation = open(&host, &json!({ "calls": [post] })).await.unwrap();
        let exchanges = host.exchanges(&operation.id).await.unwrap();
        let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
        let Exchange { state, method, status, request_may_have_been_sent, .. } = exchange;
        assert_eq!((*state, method.as_str(), *status), (ExchangeState::Answered, "POST", Some(200)));
        assert!(*request_may_have_been_sent && exchange.ended_at.is_some() && exchange.component.is_some());
        assert_eq!(scene.effects(), [exchange.idempotency_key.clone().unwrap()], "the host's own key");
        let (request, response) = (exchange.request.as_ref().unwrap(), exchange.response.as_ref().unwrap());
        assert!(request.body.contains("amount=1050") && response.body.contains("requires_capture"), "{exchange:?}");
        let shown = format!("{exchange:?}");
        assert!(!shown.contains(KEY) && !shown.contains("4242424242424242") && !shown.contains("_secret_"), "{shown}");
        drop(host);
        for row in place.texts("select path || digest || coalesce(error, '') || host from exchange").await {
            assert!(!row.contains(KEY) && !row.contains("4242"), "{row}");
        }
        // Under another key nothing of it can be read, and what is no secret still can.
        let other =
            scene.builder(json!({})).await.encryption_key([8; 32]).database_url(place.url()).build().await.unwrap();
        let exchanges = other.exchanges(&operation.id).await.unwrap();
        assert!(exchanges[0].request.is_none() && exchanges[0].response.is_none() && exchanges[0].status == Some(200));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_an_answer_is_kept_for_as_long_as_it_may_be_needed() {
    everywhere(|place| async move {
        let scene = Scene::new().await;
        let host = scene.host(place.as_ref()).await;
        let done = open(&host, &json!({ "calls": [scene.post()] })).await.unwrap();
        assert_eq!(done.state, OperationState::Succeeded);
        let exchanges = host.exchanges(&done.id).await.unwrap();
        assert!(exchanges[0].request.is_none() && exchanges[0].response.is_none());
        assert!(exchanges[0].received_bytes > 0 && exchanges[0].status == Some(200));
        // A question keeps it, and forgets it when it is answered.
        let error = open(&host, &json!({ "calls": [scene.post()], "then": "trap" })).await.unwrap_err();
        assert!(error.request_may_have_been_sent() && error.code() == "outcome_unknown", "{error}");
        let id = id(&error);
        let exchanges = host.exchanges(&id).await.unwrap();
        assert!(exchanges[0].request.is_none() && exchanges[0].response.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_call_costs_a_commit_and_each_exchange_two() {
    for (calls, commits) in [(0, 1), (1, 3), (2, 5)] {
        let scene = Scene::new().await;
        let store = counted();
        let host = scene.builder(json!({})).await.store(shared(&store)).build().await.unwrap();
        let order = json!({ "calls": vec![scene.post(); calls] });
        let collections = 1;
        let before = store.commits().changes;
        open(&host, &order).await.unwrap();
        assert_eq!(store.commits().changes - before - collections, commits, "{calls} exchanges");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_its_provider_waits_for_the_next_version() {
    everywhere(|place| async move {
        let scene = Scene::new().await;
        let host = scene.host(place.as_ref()).await;
        let order = json!({ "calls": [scene.post()], "then": "trap" });
        let id = id(&open(&host, &order).await.unwrap_err());
        scene.pass();
        let reviewed = host.recheck(&id).await.unwrap();
        assert_eq!(
            (reviewed.state, reviewed.reason.as_deref()),
            (OperationState::NeedsReview, Some("answer_unreadable"))
        );
        assert!(reviewed.detail.unwrap().contains("trapped"));
        assert_eq!(scene.requests(), 1, "it was read again, and not sent again");
        drop(host);
        // Its next version reads what is kept, by itself, and sends nothing.
        let next = scene.provider_of(&next_version(), json!({ "calm": true })).await;
        let clock = std::sync::Arc::clone(&scene.clock) as std::sync::Arc<_>;
        let host = tillbox::Host::builder().clock(clock).provider("x", next).database_url(place.url());
        let host = host.build().await.unwrap();
        let mut following = host.follow(Some(0), tillbox::service::EventFilter::default()).await.unwrap();
        while only(&host).await.unwrap().state != OperationState::Succeeded {
            following.next().await.unwrap();
        }
        assert_eq!((scene.requests(), scene.effects().len()), (1, 1));
        assert!(host.exchanges(&id).await.unwrap()[0].response.is_none(), "and is forgotten");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_has_no_operation_and_leaves_rows_all_the_same() {
    let (scene, place) = (Scene::new().await, File::new().await);
    let stripe = scene.provider_of(tillbox::bundled::STRIPE, json!({ "api_base": scene.gateway.base() })).await;
    let host = scene.builder(json!({})).await.provider("x", stripe).database_url(place.url()).build().await.unwrap();
    let customer = Customer { id: "cus_1".to_owned(), email: Some("a@example.com".to_owned()), ..Customer::default() };
    let new = NewAccountHolder::new(ProviderId::parse("pp_stripe_x").unwrap(), customer);
    let held = host.create_account_holder(new).await.unwrap();
    let exchanges = host.exchanges(&OperationId::from_tail(&format!("{}-create", held.id))).await.unwrap();
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    assert_eq!(
        (exchange.path.as_str(), exchange.status, exchange.response.is_none()),
        ("/v1/customers", Some(200), true)
    );
    let heard = scene.gateway.requests();
    assert_eq!(heard[0]["idempotency_key"].as_str(), exchange.idempotency_key.as_deref(), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_course_than_the_one_written_down_is_for_a_person() {
    let (scene, place) = (Scene::new().await, File::new().await);
    let host = scene.host(&place).await;
    let id = id(&open(&host, &json!({ "calls": [scene.post()], "then": "trap" })).await.unwrap_err());
    drop(host);
    scene.pass();
    let bent = scene.builder(json!({ "bent": true })).await.database_url(place.url()).build().await.unwrap();
    let reviewed = bent.recheck(&id).await.unwrap();
    assert_eq!(reviewed.state, OperationState::NeedsReview);
    let detail = reviewed.detail.unwrap();
    assert!(detail.contains("/v1/payment_intentsbent") && detail.contains("is written down"), "{detail}");
    assert_eq!(scene.requests(), 1);
}
