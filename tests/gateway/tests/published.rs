//! The gateway over real HTTP: what its clients rely on, what survives its death, and that each fault does what it says.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tillbox_gateway::webhooks::{Manner, signature};
use tillbox_gateway::{Action, Fault, Gateway, Options};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

struct Scene {
    gateway: Gateway,
    client: Client<HttpConnector, Full<bytes::Bytes>>,
    folder: tempfile::TempDir,
}

fn options(ledger: &Path) -> Options {
    Options {
        ledger: ledger.to_owned(),
        secret_keys: vec!["sk_test_1".to_owned()],
        webhook: None,
        webhook_secrets: vec!["whsec_test".to_owned()],
        search_lag_ms: 0,
    }
}

impl Scene {
    async fn new() -> Self {
        Self::with(|options| options).await
    }

    async fn with(change: impl FnOnce(Options) -> Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::start(listener, change(options(&folder.path().join("gateway.db")))).unwrap();
        Self { gateway, client: Client::builder(TokioExecutor::new()).build_http(), folder }
    }

    async fn say(
        &self,
        method: &str,
        path: &str,
        form: &str,
        key: Option<&str>,
    ) -> Option<(StatusCode, HeaderMap, Value)> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.gateway.base()));
        request = request.header("authorization", "Bearer sk_test_1");
        request = request.header("content-type", "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(bytes::Bytes::from(form.to_owned()))).unwrap();
        let response = self.client.request(request).await.ok()?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some((head.status, head.headers, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    async fn post(&self, path: &str, form: &str) -> (StatusCode, Value) {
        let (status, _, body) = self.say("POST", path, form, None).await.unwrap();
        (status, body)
    }

    async fn get(&self, path: &str) -> Value {
        self.say("GET", path, "", None).await.unwrap().2
    }

    /// An intent that is authorized.
    async fn authorized(&self, amount: u32) -> String {
        let form =
            format!("amount={amount}&currency=eur&capture_method=manual&confirm=true&payment_method=pm_card_visa");
        let (status, intent) = self.post("/v1/payment_intents", &form).await;
        assert_eq!((status, intent["status"].as_str()), (StatusCode::OK, Some("requires_capture")), "{intent}");
        intent["id"].as_str().unwrap().to_owned()
    }

    fn kinds(&self) -> Vec<(String, i64)> {
        self.gateway.effects().unwrap().into_iter().map(|effect| (effect.kind, effect.amount)).collect()
    }
}

fn movements(list: &[(&str, i64)]) -> Vec<(String, i64)> {
    list.iter().map(|(kind, amount)| ((*kind).to_owned(), *amount)).collect()
}

#[tokio::test]
async fn a_payment_from_the_card_to_the_refund() {
    let scene = Scene::new().await;
    let id = scene.authorized(1_050).await;
    let (_, captured) = scene.post(&format!("/v1/payment_intents/{id}/capture"), "amount_to_capture=400").await;
    assert_eq!((captured["status"].as_str(), captured["amount_received"].as_i64()), (Some("succeeded"), Some(400)));
    let (_, refund) = scene.post("/v1/refunds", &format!("payment_intent={id}&amount=250&reason=duplicate")).await;
    assert_eq!((refund["status"].as_str(), refund["amount"].as_i64()), (Some("succeeded"), Some(250)));
    let (status, over) = scene.post("/v1/refunds", &format!("payment_intent={id}&amount=151")).await;
    assert_eq!((status, over["error"]["code"].as_str()), (StatusCode::BAD_REQUEST, Some("amount_too_large")));
    assert_eq!(scene.kinds(), movements(&[("authorize", 1_050), ("capture", 400), ("refund", 250)]));
    let refunds = scene.get(&format!("/v1/refunds?payment_intent={id}")).await;
    assert_eq!(refunds["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn several_captures_where_they_were_asked_for() {
    let scene = Scene::new().await;
    let id = scene.authorized(1_000).await;
    let path = format!("/v1/payment_intents/{id}/capture");
    assert_eq!(scene.post(&path, "amount_to_capture=1&final_capture=false").await.0, StatusCode::BAD_REQUEST);
    let multi = "amount=1000&currency=eur&capture_method=manual&confirm=true&payment_method=pm_card_visa\
                 &payment_method_options[card][request_multicapture]=if_available";
    let id = scene.post("/v1/payment_intents", multi).await.1["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}/capture");
    let (_, first) = scene.post(&path, "amount_to_capture=300&final_capture=false").await;
    assert_eq!((first["status"].as_str(), first["amount_capturable"].as_i64()), (Some("requires_capture"), Some(700)));
    let (_, last) = scene.post(&path, "amount_to_capture=100").await;
    assert_eq!((last["status"].as_str(), last["amount_received"].as_i64()), (Some("succeeded"), Some(400)));
}

#[tokio::test]
async fn declines_say_why_and_are_kept() {
    let scene = Scene::new().await;
    for (card, code, decline) in [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ] {
        let form = format!("amount=100&currency=usd&confirm=true&payment_method={card}");
        let (status, body) = scene.post("/v1/payment_intents", &form).await;
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
        let error = &body["error"];
        assert_eq!((error["code"].as_str(), error["decline_code"].as_str()), (Some(code), Some(decline)));
        let id = error["payment_intent"]["id"].as_str().unwrap();
        let kept = scene.get(&format!("/v1/payment_intents/{id}")).await;
        assert_eq!(
            (kept["status"].as_str(), kept["last_payment_error"]["code"].as_str()),
            (Some("requires_payment_method"), Some(code))
        );
    }
    assert!(scene.kinds().is_empty());
}

#[tokio::test]
async fn a_challenge_is_passed_or_failed_and_leads_back() {
    for (outcome, status, effects) in [("pass", "requires_capture", 1), ("fail", "requires_payment_method", 0)] {
        let scene = Scene::new().await;
        let form = "amount=100&currency=eur&capture_method=manual&confirm=true&return_url=https://shop.example/back?a=1\
                    &payment_method_data[type]=card&payment_method_data[card][number]=4000002760003184";
        let (_, intent) = scene.post("/v1/payment_intents", form).await;
        assert_eq!(intent["status"], "requires_action", "{intent}");
        let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
        let path = url.strip_prefix(scene.gateway.base()).unwrap();
        let (answered, headers, _) = scene.say("POST", path, &format!("outcome={outcome}"), None).await.unwrap();
        assert_eq!(answered, StatusCode::SEE_OTHER);
        let back = headers["location"].to_str().unwrap();
        assert!(back.starts_with("https://shop.example/back?a=1&payment_intent=pi_"), "{back}");
        let id = intent["id"].as_str().unwrap();
        assert_eq!(scene.get(&format!("/v1/payment_intents/{id}")).await["status"], status);
        assert_eq!(scene.kinds().len(), effects);
    }
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer_and_outlives_the_gateway() {
    let scene = Scene::new().await;
    let id = scene.authorized(500).await;
    let path = format!("/v1/payment_intents/{id}/capture");
    let (_, _, first) = scene.say("POST", &path, "", Some("key-1")).await.unwrap();
    let (status, headers, second) = scene.say("POST", &path, "", Some("key-1")).await.unwrap();
    assert_eq!((status, &second, headers["idempotent-replayed"].to_str().unwrap()), (StatusCode::OK, &first, "true"));
    let (status, _, other) = scene.say("POST", &path, "amount_to_capture=1", Some("key-1")).await.unwrap();
    assert_eq!((status, other["error"]["type"].as_str()), (StatusCode::BAD_REQUEST, Some("idempotency_error")));
    // Another process on the same ledger.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let again = Gateway::start(listener, options(&scene.folder.path().join("gateway.db"))).unwrap();
    let reborn = Scene {
        gateway: again,
        client: Client::builder(TokioExecutor::new()).build_http(),
        folder: tempfile::tempdir().unwrap(),
    };
    assert_eq!(reborn.say("POST", &path, "", Some("key-1")).await.unwrap().2, first);
    assert_eq!(reborn.kinds(), movements(&[("authorize", 500), ("capture", 500)]));
    reborn.gateway.pass(Duration::from_secs(24 * 60 * 60 + 1));
    assert_eq!(
        reborn.say("POST", &path, "", Some("key-1")).await.unwrap().0,
        StatusCode::BAD_REQUEST,
        "the key is forgotten"
    );
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_named() {
    let scene = Scene::new().await;
    for (form, param) in [
        ("currency=eur", "amount"),
        ("amount=0&currency=eur", "amount"),
        ("amount=100000000&currency=eur", "amount"),
        ("amount=1.5&currency=eur", "amount"),
        ("amount=100", "currency"),
        ("amount=100&currency=euro", "currency"),
        ("amount=100&currency=eur&nmae=x", "nmae"),
        ("amount=100&currency=eur&capture_method=later", "capture_method"),
        ("amount=100&currency=eur&statement_descriptor=<", "statement_descriptor"),
    ] {
        let (status, body) = scene.post("/v1/payment_intents", form).await;
        assert_eq!((status, body["error"]["param"].as_str()), (StatusCode::BAD_REQUEST, Some(param)), "{form}: {body}");
    }
    assert_eq!(scene.say("GET", "/v1/payment_intents/pi_none", "", None).await.unwrap().0, StatusCode::NOT_FOUND);
    assert_eq!(scene.say("GET", "/v1/nothing", "", None).await.unwrap().0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn searches_find_by_metadata_and_lag_as_told() {
    let scene = Scene::with(|options| Options { search_lag_ms: 60_000, ..options }).await;
    let (_, intent) = scene.post("/v1/payment_intents", "amount=100&currency=eur&metadata[order]=7").await;
    let path = "/v1/payment_intents/search?query=metadata%5B%22order%22%5D%3A%227%22";
    assert_eq!(scene.get(path).await["data"], json!([]));
    scene.gateway.pass(Duration::from_secs(61));
    assert_eq!(scene.get(path).await["data"][0]["id"], intent["id"]);
}

#[tokio::test]
async fn a_customer_keeps_a_card_by_a_setup_intent() {
    let scene = Scene::new().await;
    let customer = scene.post("/v1/customers", "email=a@shop.example&metadata[ours]=cus_1").await.1["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("customer={customer}&confirm=true&payment_method=pm_card_visa&usage=off_session");
    let (_, setup) = scene.post("/v1/setup_intents", &form).await;
    assert_eq!(setup["status"], "succeeded", "{setup}");
    let cards = scene.get(&format!("/v1/customers/{customer}/payment_methods")).await;
    assert_eq!(cards["data"][0]["card"]["last4"], "4242");
    let form = format!(
        "amount=100&currency=eur&customer={customer}&payment_method={}&off_session=true&confirm=true",
        cards["data"][0]["id"].as_str().unwrap()
    );
    assert_eq!(scene.post("/v1/payment_intents", &form).await.1["status"], "succeeded");
    let gone = scene.say("DELETE", &format!("/v1/customers/{customer}"), "", None).await.unwrap().2;
    assert_eq!(gone["deleted"], true);
}

#[tokio::test]
async fn faults_break_what_they_say_and_nothing_else() {
    let scene = Scene::new().await;
    let capture = |id: &str| format!("/v1/payment_intents/{id}/capture");
    let id = scene.authorized(100).await;
    assert!(scene.gateway.fault(Fault::once("POST", "/capture", Action::Refuse)));
    assert!(scene.say("POST", &capture(&id), "", None).await.is_none());
    assert_eq!(scene.kinds().len(), 1, "nothing was done");
    assert!(scene.gateway.fault(Fault::once("POST", "/capture", Action::LoseReply)));
    assert!(scene.say("POST", &capture(&id), "", Some("k")).await.is_none());
    assert_eq!(scene.kinds().len(), 2, "it was done, and nobody was told");
    assert_eq!(scene.say("POST", &capture(&id), "", Some("k")).await.unwrap().1["idempotent-replayed"], "true");
    let shown = format!("/v1/payment_intents/{id}");
    for (action, status) in [
        (Action::Answer { status: 429, retry_after: Some(7) }, StatusCode::TOO_MANY_REQUESTS),
        (Action::AnswerAfter(500), StatusCode::INTERNAL_SERVER_ERROR),
        (Action::Redirect("https://elsewhere.example/".to_owned()), StatusCode::TEMPORARY_REDIRECT),
        (Action::Html, StatusCode::OK),
        (Action::DelayBefore(5), StatusCode::OK),
        (Action::DelayAfter(5), StatusCode::OK),
        (Action::Drip(1), StatusCode::OK),
        (Action::GzipBomb(1_000_000), StatusCode::OK),
    ] {
        assert!(scene.gateway.fault(Fault::once("GET", "", action.clone())));
        let (answered, headers, body) = scene.say("GET", &shown, "", None).await.unwrap();
        assert_eq!(answered, status, "{action:?}");
        if status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(headers["retry-after"], "7");
        }
        if matches!(action, Action::Html | Action::GzipBomb(_)) {
            assert_eq!(body, Value::Null);
        }
    }
    assert!(scene.gateway.fault(Fault::once("GET", "", Action::Short)));
    assert!(scene.say("GET", &shown, "", None).await.is_none());
    let lie = Action::Lie { pointer: "/amount".to_owned(), value: json!(1) };
    assert!(scene.gateway.fault(Fault::once("GET", "", lie)));
    assert_eq!(scene.get(&shown).await["amount"], 1);
    assert_eq!(scene.get(&shown).await["amount"], 100);
    assert!(scene.gateway.fault(Fault::once("GET", "", Action::Endless)));
    let endless = tokio::time::timeout(Duration::from_millis(200), scene.get(&shown)).await;
    assert!(endless.is_err(), "the body has no end");
}

#[tokio::test]
async fn refunds_take_their_time_and_fail_later_where_the_card_says_so() {
    let scene = Scene::new().await;
    for (card, first) in [("pm_card_pendingRefund", "pending"), ("pm_card_refundFail", "succeeded")] {
        let form = format!("amount=100&currency=eur&confirm=true&payment_method={card}");
        let id = scene.post("/v1/payment_intents", &form).await.1["id"].as_str().unwrap().to_owned();
        let refund = scene.post("/v1/refunds", &format!("payment_intent={id}")).await.1;
        assert_eq!(refund["status"], first);
        let order = json!({ "do": "refund_fails", "id": refund["id"] }).to_string();
        assert_eq!(scene.post("/_gateway/counter", &order).await.1["status"], "failed");
        assert_eq!(
            scene.post("/v1/refunds", &format!("payment_intent={id}")).await.0,
            StatusCode::OK,
            "it can be tried again"
        );
    }
}

/// Takes events on loopback and hands them to the test.
async fn endpoint() -> (String, mpsc::UnboundedReceiver<(String, String)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let take = move |headers: HeaderMap, body: String| {
        let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
        drop(sender.send((signature, body)));
        async { "ok" }
    };
    let routes = axum::Router::new().route("/hooks", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, receiver)
}

#[tokio::test]
async fn events_are_signed_and_come_as_often_and_in_the_order_that_is_told() {
    let (url, mut events) = endpoint().await;
    let secrets = vec!["new".to_owned(), "old".to_owned()];
    let theirs = secrets.clone();
    let scene = Scene::with(|options| Options { webhook: Some(url), webhook_secrets: theirs, ..options }).await;
    scene.gateway.send_events_like(Manner { held: true, ..Manner::default() });
    scene.authorized(100).await;
    scene.gateway.send_events_like(Manner { backwards: true, repeats: 1, held: false });
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let (header, body) = events.recv().await.unwrap();
        let seconds: i64 = header.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
        assert_eq!(header, signature(&secrets, seconds, &body));
        kinds.push(serde_json::from_str::<Value>(&body).unwrap()["type"].as_str().unwrap().to_owned());
    }
    let (last, first) = ("payment_intent.amount_capturable_updated", "payment_intent.created");
    assert_eq!(kinds, [last, last, first, first]);
}

#[tokio::test]
async fn a_wrong_key_gets_nothing() {
    let scene = Scene::new().await;
    let url = format!("{}/v1/payment_intents", scene.gateway.base());
    let ask = |value: &str| Request::get(&url).header("authorization", value).body(Full::default()).unwrap();
    for (value, status) in [("Bearer sk_other", 401), ("Basic c2tfdGVzdF8xOg==", 200), ("Bearer sk_test_1", 200)] {
        assert_eq!(scene.client.request(ask(value)).await.unwrap().status().as_u16(), status, "{value}");
    }
}

#[tokio::test]
async fn what_is_left_of_several_captures_is_released_by_one_of_nothing() {
    let scene = Scene::new().await;
    let multi = "amount=1000&currency=eur&capture_method=manual&confirm=true&payment_method=pm_card_visa\
                 &payment_method_options[card][request_multicapture]=if_available&expand[]=latest_charge";
    let intent = scene.post("/v1/payment_intents", multi).await.1;
    let details = &intent["latest_charge"]["payment_method_details"]["card"];
    assert_eq!(details["multicapture"]["status"], "available");
    let path = format!("/v1/payment_intents/{}/capture", intent["id"].as_str().unwrap());
    let nothing = "amount_to_capture=0&final_capture=true";
    assert_eq!(scene.post(&path, nothing).await.0, StatusCode::BAD_REQUEST, "nothing was captured yet");
    scene.post(&path, "amount_to_capture=300&final_capture=false").await;
    let (status, released) = scene.post(&path, nothing).await;
    assert_eq!((status, released["status"].as_str()), (StatusCode::OK, Some("succeeded")));
    assert_eq!(scene.kinds(), movements(&[("authorize", 1_000), ("capture", 300), ("void", 700)]));
}

#[tokio::test]
async fn objects_come_in_place_of_their_ids_where_they_are_asked_for() {
    let scene = Scene::new().await;
    let id = scene.authorized(500).await;
    let plain = scene.get(&format!("/v1/payment_intents/{id}")).await;
    assert!(plain["latest_charge"].is_string() && plain["payment_method"].is_string());
    let whole = scene.get(&format!("/v1/payment_intents/{id}?expand[]=latest_charge&expand[]=payment_method")).await;
    assert_eq!(whole["latest_charge"]["object"], "charge");
    assert_eq!(whole["payment_method"]["card"]["last4"], "4242");
    let query = "query=status:%22requires_capture%22&expand[]=data.latest_charge";
    let found = scene.get(&format!("/v1/payment_intents/search?{query}")).await;
    assert_eq!(found["data"][0]["latest_charge"]["object"], "charge");
    let wrong = scene.get(&format!("/v1/payment_intents/{id}?expand[]=amount")).await;
    assert_eq!(wrong["error"]["param"], "expand");
}

#[tokio::test]
async fn a_failed_attempt_leaves_a_charge_and_a_token_stands_for_a_method() {
    let scene = Scene::new().await;
    let form = "amount=500&currency=eur&confirm=true&payment_method=pm_card_visa_chargeDeclined";
    let (status, declined) = scene.post("/v1/payment_intents", form).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
    let intent = &declined["error"]["payment_intent"];
    let charge = declined["error"]["charge"].as_str().unwrap();
    assert_eq!(intent["latest_charge"], charge);
    assert_eq!(scene.get(&format!("/v1/charges/{charge}")).await["status"], "failed");
    let (_, token) = scene.post("/v1/test_helpers/confirmation_tokens", "payment_method=pm_card_visa").await;
    let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    let form = format!("confirmation_token={}", token["id"].as_str().unwrap());
    assert_eq!(scene.post(&path, &form).await.1["status"], "succeeded");
    assert_eq!(scene.kinds(), movements(&[("capture", 500)]));
}

#[tokio::test]
async fn amounts_and_return_urls_are_held_to_the_published_rules() {
    let scene = Scene::new().await;
    for (wrong, param) in [
        ("amount=5124&currency=kwd", "amount"),
        ("amount=550&currency=isk", "amount"),
        ("amount=100000000&currency=eur", "amount"),
        (
            "amount=500&currency=eur&confirm=true&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true",
            "return_url",
        ),
    ] {
        let (status, problem) = scene.post("/v1/payment_intents", wrong).await;
        assert_eq!((status, problem["error"]["param"].as_str()), (StatusCode::BAD_REQUEST, Some(param)), "{wrong}");
    }
    for right in [
        "amount=5120&currency=kwd",
        "amount=500&currency=isk",
        "amount=9999999999&currency=jpy",
        "amount=500&currency=eur&confirm=true&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true\
         &automatic_payment_methods[allow_redirects]=never",
    ] {
        assert_eq!(scene.post("/v1/payment_intents", right).await.0, StatusCode::OK, "{right}");
    }
}

#[tokio::test]
async fn a_dispute_is_listed_with_its_intent() {
    let scene = Scene::new().await;
    let intent =
        scene.post("/v1/payment_intents", "amount=500&currency=eur&confirm=true&payment_method=pm_card_visa").await.1;
    let id = intent["id"].as_str().unwrap();
    assert_eq!(scene.get(&format!("/v1/disputes?payment_intent={id}")).await["data"], json!([]));
    scene.gateway.at_the_counter(&json!({ "do": "dispute", "id": id, "amount": 300 })).unwrap();
    let disputes = scene.get(&format!("/v1/disputes?payment_intent={id}")).await;
    assert_eq!(disputes["data"][0]["amount"], 300);
    assert!(scene.gateway.request("GET", "/v1/disputes/dp_nobody", "")["error"].is_object());
}
