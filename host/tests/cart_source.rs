//! A shop is asked what its carts are worth: over a socket, signed in both directions, and believed only where it may be.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use sha2::Sha256;
use tillbox::core::id::ProviderId;
use tillbox::core::status::CollectionStatus;
use tillbox::currency::money;
use tillbox::http::PUBLISHABLE_KEY_HEADER;
use tillbox::runtime::{Grants, Runtime, RuntimeConfig};
use tillbox::service::{CART_ANSWER_BYTES_MAX, CartCallback, CartFailure, CartSource, NewApiKey, NewSession};
use tillbox::store::Page;
use tillbox::{Error, Host};

const KEY: [u8; 32] = [7; 32];

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

fn signature(id: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A question as a shop reads it, its signature checked.
#[derive(Debug, Clone)]
struct Question {
    id: String,
    timestamp: String,
    body: Value,
}

impl Question {
    /// An honest answer with this body.
    fn answered(&self, body: &str) -> String {
        let (id, at) = (&self.id, &self.timestamp);
        let signed = signature(id, at, body);
        format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signed}\r\n\r\n{body}")
    }
}

type Answers = Arc<Mutex<Box<dyn FnMut(&Question) -> String + Send>>>;

/// A shop that answers each question with what the closure says: headers, an empty line and a body, or nothing at all.
struct Shop {
    url: String,
    answers: Answers,
}

impl Shop {
    fn open(answer: impl FnMut(&Question) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/carts", listener.local_addr().unwrap());
        let answers: Answers = Arc::new(Mutex::new(Box::new(answer)));
        let told = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let question = read(&mut stream);
                let answer = (told.lock().unwrap())(&question);
                if answer.is_empty() {
                    continue;
                }
                let (status, rest) = match answer.split_once('|') {
                    Some((status, rest)) if status.len() == 3 => (status.to_owned(), rest.to_owned()),
                    _ => ("200".to_owned(), answer),
                };
                let length = rest.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
                let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n");
                drop(stream.write_all(format!("{head}{rest}").as_bytes()));
            }
        });
        Self { url, answers }
    }

    fn says(&self, answer: impl FnMut(&Question) -> String + Send + 'static) {
        *self.answers.lock().unwrap() = Box::new(answer);
    }

    fn worth(&self, amount: &'static str, currency: &'static str) {
        self.says(move |question| {
            let cart = &question.body["cart_id"];
            question.answered(&format!(r#"{{"cart_id":{cart},"currency_code":"{currency}","amount":{amount}}}"#))
        });
    }

    fn source(&self) -> CartCallback {
        CartCallback::new(&self.url, &secret()).unwrap()
    }
}

fn read(stream: &mut std::net::TcpStream) -> Question {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
                line.map(|line| line.split_once(": ").unwrap().1.to_owned()).unwrap_or_default()
            };
            if body.len() >= header("content-length").parse::<usize>().unwrap() {
                let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
                assert_eq!(header("webhook-signature"), signature(&id, &timestamp, body), "a question is signed");
                return Question { id, timestamp, body: serde_json::from_str(body).unwrap() };
            }
        }
        let count = stream.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..count]);
    }
}

async fn host(source: impl CartSource) -> Host {
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let manual = runtime.check(tillbox::bundled::MANUAL).await.unwrap().grant(Grants::default()).unwrap();
    Host::builder().in_memory().provider("default", manual).cart_source(source).build().await.unwrap()
}

async fn count(host: &Host) -> u64 {
    host.collections(Page { offset: 0, limit: 1 }).await.unwrap().count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_has_one_collection_over_what_it_is_worth() {
    let shop = Shop::open(|_| String::new());
    shop.worth("10.50", "eur");
    let host = host(shop.source()).await;
    let made = host.collection_of_cart("cart_1").await.unwrap();
    assert_eq!((made.amount, made.cart_id.as_deref()), (money("10.50", "EUR").unwrap(), Some("cart_1")));
    // Many at once, and none of them makes a second one.
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { host.collection_of_cart("cart_2").await.unwrap().id })
        })
        .collect();
    let mut ids = Vec::new();
    for one in asked {
        ids.push(one.await.unwrap());
    }
    ids.dedup();
    assert_eq!((ids.len(), count(&host).await), (1, 2));

    // The cart grows: the collection follows, and a session over the old amount is abandoned.
    let manual = ProviderId::from_tail("manual_default");
    let session = host.create_session(&made.id, NewSession::new(manual.clone())).await.unwrap().value;
    shop.worth("12.00", "eur");
    let grown = host.collection_of_cart("cart_1").await.unwrap();
    assert_eq!((&grown.id, grown.amount, grown.live_sessions().count()), (&made.id, money("12", "EUR").unwrap(), 0));
    assert!(host.session(&session.id).await.is_err());
    // Another currency is another collection, and the first one is gone.
    shop.worth("1300", "jpy");
    let yen = host.collection_of_cart("cart_1").await.unwrap();
    assert!(yen.id != made.id && yen.amount == money("1300", "JPY").unwrap());
    assert!(host.collection(&made.id).await.is_err());

    // What is paid is not changed any more: it stays, and the error says so.
    let session = host.create_session(&yen.id, NewSession::new(manual)).await.unwrap().value;
    let payment = host.authorize_session(&session.id, None).await.unwrap().value.payment.unwrap();
    shop.worth("1200", "jpy");
    let refused = host.collection_of_cart("cart_1").await.unwrap_err();
    assert_eq!(refused.code(), "below_committed");
    host.capture(&payment.payment.id, None).await.unwrap();
    assert_eq!(host.collection_of_cart("cart_1").await.unwrap_err().code(), "collection_closed");
    shop.worth("1300", "jpy");
    let paid = host.collection_of_cart("cart_1").await.unwrap();
    assert_eq!((paid.id, paid.status), (yen.id, CollectionStatus::Completed));
}

/// A cart's id is no secret. Of visitors who name the same one in the same moment, one gets what opens its collection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_visitor_is_given_a_new_carts_collection() {
    let shop = Shop::open(|_| String::new());
    shop.worth("10.50", "eur");
    let host = host(shop.source()).await;
    let key = host.create_api_key(NewApiKey::publishable()).await.unwrap().1.reveal().to_owned();
    let routes = TowerToHyperService::new(tillbox::http::router(host.clone()));
    for cart in 0..8 {
        let asked: Vec<_> = (0..8)
            .map(|_| {
                let request = Request::post("/store/payment-collections")
                    .header(PUBLISHABLE_KEY_HEADER, &key)
                    .header("content-type", "application/json")
                    .body(Body::from(json!({ "cart_id": format!("cart_{cart}") }).to_string()));
                tokio::spawn(routes.call(request.unwrap()))
            })
            .collect();
        let (mut given, mut refused) = (0, 0);
        for one in asked {
            let (parts, body) = one.await.unwrap().unwrap().into_parts();
            let body = to_bytes(body, 65_536).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            match parts.status.as_u16() {
                200 if body["payment_collection"]["client_secret"].is_string() => given += 1,
                403 => refused += 1,
                status => panic!("{status}: {body}"),
            }
        }
        assert_eq!((given, refused), (1, 7), "cart {cart}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_believed_only_where_it_may_be() {
    let shop = Shop::open(|_| String::new());
    let host = host(shop.source()).await;
    let good = |question: &Question| {
        question
            .answered(&json!({ "cart_id": question.body["cart_id"], "currency_code": "eur", "amount": 1 }).to_string())
    };
    let unavailable = "cart_source_unavailable";
    let wrong = "cart_source_wrong";
    type Answer = Box<dyn FnMut(&Question) -> String + Send>;
    let cases: Vec<(&str, Answer)> = vec![
        // Nothing, a server that is ill, one that is busy.
        (unavailable, Box::new(|_| String::new())),
        (unavailable, Box::new(|_| "500|\r\n".to_owned())),
        (unavailable, Box::new(|_| "429|\r\n".to_owned())),
        (unavailable, Box::new(|_| format!("200|x: y\r\n\r\n{}", "x".repeat(CART_ANSWER_BYTES_MAX + 1)))),
        // A redirect is not followed.
        (wrong, Box::new(|_| "302|location: http://127.0.0.1:1/\r\n\r\n".to_owned())),
        (wrong, Box::new(|_| "401|\r\n".to_owned())),
        // No signature, somebody else's, one of another answer, one to another question, an old one.
        (wrong, Box::new(|_| "\r\n{}".to_owned())),
        (wrong, Box::new(move |question| good(question).replace("v1,", "v1,AA"))),
        (wrong, Box::new(move |question| good(question).replace("\"amount\":1", "\"amount\":2"))),
        (wrong, Box::new(move |question| good(&Question { id: "msg_other".into(), ..question.clone() }))),
        (wrong, Box::new(move |question| good(&Question { timestamp: "1700000000".into(), ..question.clone() }))),
        // Our own question, sent back.
        (wrong, Box::new(|question| question.answered(&question.body.to_string()))),
        // Signed, and still not to be believed.
        (wrong, Box::new(|question| question.answered(r#"{"cart_id":"cart_2","currency_code":"eur","amount":1}"#))),
        (wrong, Box::new(|question| question.answered(r#"{"cart_id":"cart_1","currency_code":"xyz","amount":1}"#))),
        (wrong, Box::new(|question| question.answered(r#"{"cart_id":"cart_1","currency_code":"eur","amount":0.001}"#))),
        (wrong, Box::new(|question| question.answered(r#"{"cart_id":"cart_1","currency_code":"eur","amount":-1}"#))),
        (wrong, Box::new(|question| question.answered(r#"{"cart_id":"cart_1","currency_code":"eur","amount":"1"}"#))),
        (wrong, Box::new(|question| question.answered("not JSON"))),
    ];
    for (index, (code, answer)) in cases.into_iter().enumerate() {
        shop.says(answer);
        let error = host.collection_of_cart("cart_1").await.unwrap_err();
        assert_eq!(error.code(), code, "{index}: {error}");
        assert_eq!(count(&host).await, 0, "{index}");
    }
    for status in ["404|\r\n", "410|\r\n"] {
        shop.says(move |_| status.to_owned());
        let error = host.collection_of_cart("cart_1").await.unwrap_err();
        assert!(matches!(error, Error::NotFound { entity: "Cart", .. }), "{error}");
    }
    shop.says(good);
    assert_eq!(host.collection_of_cart("cart_1").await.unwrap().amount, money("1", "EUR").unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_has_the_currency_that_its_shop_says() {
    let shop = Shop::open(|question| match question.body["order_id"].as_str() {
        Some("order_1") => question.answered(r#"{"order_id":"order_1","currency_code":"usd"}"#),
        _ => "404|\r\n".to_owned(),
    });
    let host = host(shop.source()).await;
    assert_eq!(host.currency_of_order(Some("order_1")).await.unwrap().code(), "USD");
    for order in [Some("order_2"), None] {
        let error = host.currency_of_order(order).await.unwrap_err();
        assert!(error.to_string().starts_with("currency_code: is missing"), "{error}");
    }
    let usual = tillbox::currency::lookup("chf").unwrap();
    let host = Host::builder().in_memory().default_currency(usual).build().await.unwrap();
    assert_eq!(host.currency_of_order(Some("order_2")).await.unwrap().code(), "CHF");
}

#[tokio::test]
async fn a_shop_that_nobody_can_reach_is_an_error_of_its_own() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let source = CartCallback::new(url, &secret()).unwrap();
    assert!(matches!(source.cart("cart_1").await, Err(CartFailure::Unavailable(_))));
    for (url, secret, field) in [
        ("http://shop.example/", secret().as_str(), "cart_source_url"),
        ("https://user:word@shop.example/", secret().as_str(), "cart_source_url"),
        ("https://shop.example/", "", "cart_source_secret"),
        ("https://shop.example/", "whsec_AAAA", "cart_source_secret"),
    ] {
        let error = CartCallback::new(url, secret).unwrap_err();
        assert!(error.to_string().starts_with(field), "{error}");
    }
}
