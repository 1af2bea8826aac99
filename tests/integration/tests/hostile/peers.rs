//! Gateways that misbehave: what the guest is told, what the report says of the bytes, whose fault it is, and within which time
//! and size. `tests/gateway` with its faults switched on, and a socket for what no server would do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillbox::runtime::egress::{HEAD_BYTES_MAX, RECEIVED_BODY_BYTES_MAX, SENT_BODY_BYTES_MAX};
use tillbox::runtime::{Culprit, EXCHANGES_MAX, ExchangeFault, Failure, Left, Runtime};
use tillbox_artifacts::CALLS_WASI;
use tillbox_gateway::{Action, Fault, Gateway, Options};
use tokio::net::TcpListener;

use crate::scene::{CANARY, DOORS, GRANTED, Manner, Names, Peer, WASI, contained, granted, ok, one, order, runtime};

/// A gateway with one key, which is the canary.
pub(crate) async fn gateway(directory: &tempfile::TempDir) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        ledger: directory.path().join("gateway.db"),
        secret_keys: vec![CANARY.to_owned()],
        webhook: None,
        webhook_secrets: Vec::new(),
        search_lag_ms: 0,
    };
    Gateway::start(listener, options).unwrap()
}

/// The line that opens it.
pub(crate) fn line(gateway: &Gateway) -> Value {
    let port: u16 = gateway.base().rsplit(':').next().unwrap().parse().unwrap();
    json!({ "host": "127.0.0.1", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] })
}

/// A key of its own for each request: the gateway answers a known one with what it answered before.
pub(crate) fn key() -> String {
    static KEYS: AtomicUsize = AtomicUsize::new(0);
    format!("key-{}", KEYS.fetch_add(1, Ordering::SeqCst))
}

/// A request that makes a payment of 10.50 EUR there, authorized.
pub(crate) fn charge(gateway: &Gateway) -> Value {
    json!({
        "method": "POST", "url": format!("{}/v1/payment_intents", gateway.base()), "key": key(),
        "headers": [["content-type", "application/x-www-form-urlencoded"]],
        "secrets": [["authorization", "Bearer ", "api_key"]],
        "body": "amount=1050&currency=eur&capture_method=manual&confirm=true&payment_method=pm_card_visa",
    })
}

fn plain() -> Runtime {
    runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]))
}

#[tokio::test]
async fn a_gateway_that_misbehaves_is_named_and_costs_no_more_than_its_share() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(&directory).await;
    let runtime = plain();
    let lost = (json!("lost"), Some(ExchangeFault::Lost), Left::Something);
    let large = (json!("too-large"), Some(ExchangeFault::TooLarge), Left::Something);
    let answered = (Value::Null, None, Left::Answered);
    let elsewhere = Peer::start(ok("elsewhere")).await;
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![line(&gateway), elsewhere.grant()], json!(["api_key"])).await;
        for (action, (error, fault, left), status) in [
            (Action::Refuse, &lost, None),
            (Action::LoseReply, &lost, None),
            (Action::DelayBefore(60_000), &lost, None),
            (Action::DelayAfter(60_000), &lost, None),
            (Action::Drip(50), &lost, None),
            (Action::Endless, &lost, None),
            (Action::Short, &lost, None),
            (Action::GzipBomb(64 * RECEIVED_BODY_BYTES_MAX), &large, Some(200)),
            (Action::Answer { status: 429, retry_after: Some(9_999_999) }, &answered, Some(429)),
            (Action::AnswerAfter(500), &answered, Some(500)),
            (Action::Html, &answered, Some(200)),
            (Action::Redirect(elsewhere.url("/")), &answered, None),
        ] {
            gateway.fault(Fault::once("POST", "/payment_intents", action.clone()));
            let start = Instant::now();
            // What never ends is cut off early; what ends by itself has its time also on a busy machine.
            let deadline_ms = if *fault == lost.1 { 900 } else { 20_000 };
            let (told, report) = order(provider.as_ref(), &json!({ "calls": [charge(&gateway)] }), deadline_ms).await;
            let told = told.unwrap_or_else(|failure| panic!("{door} {action:?}: {failure:?}"));
            let told = &told["calls"][0];
            assert_eq!(told["error"], *error, "{door} {action:?}: {told}");
            let exchange = &report.exchanges[0];
            assert_eq!((exchange.fault, exchange.left), (*fault, *left), "{door} {action:?}: {exchange:?}");
            // The errors of wasi:http have no place for a status.
            if let Some(status) = status.filter(|_| *door != WASI || told["error"].is_null()) {
                assert_eq!(told["status"], status, "{door} {action:?}: {told}");
            }
            assert!(exchange.fault.is_none_or(|fault| fault.culprit() == Culprit::Gateway), "{door} {action:?}");
            assert!(exchange.received_bytes <= RECEIVED_BODY_BYTES_MAX as u64, "{door} {action:?}");
            assert!(start.elapsed() < Duration::from_secs(24), "{door} {action:?}: {:?}", start.elapsed());
        }
    }
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
}

/// Head and body as a server that plays tricks writes them, and what a guest is told.
fn tricks() -> Vec<(&'static str, Manner, &'static str)> {
    let says = |text: &str| Manner::SaysAndCloses(text.as_bytes().to_vec());
    let wide = format!("HTTP/1.1 200 OK\r\nx-wide: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
    let many: String = (0..500).map(|number| format!("x-{number}: 1\r\n")).collect();
    let member = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut empty_members = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n".to_vec();
    empty_members.extend(member.repeat(10_000));
    vec![
        ("no HTTP at all", says("SSH-2.0-OpenSSH_9.2\r\n"), "lost"),
        ("a body shorter than its length", says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), "lost"),
        ("a chunk that breaks off", says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc"), "lost"),
        (
            "a chunk without a size",
            says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
            "lost",
        ),
        (
            "two lengths that disagree",
            says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc"),
            "lost",
        ),
        ("a length that is none", says("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), "lost"),
        ("a header over two lines", says("HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n"), "lost"),
        ("a header wider than allowed", says(&wide), "too-large"),
        ("more headers than allowed", says(&format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n")), "lost"),
        (
            "another protocol",
            says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            "lost",
        ),
        ("packed twice", says("HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: 1\r\n\r\nx"), "lost"),
        ("packed and not", says("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx"), "lost"),
        ("ten thousand empty parcels", Manner::SaysAndCloses(empty_members), ""),
        ("headers without end", Manner::Repeats(b"HTTP/1.1 200 OK\r\nx-a: 1\r\n".to_vec()), "lost"),
        ("early hints without end", Manner::Repeats(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec()), "lost"),
        (
            "chunks without end",
            Manner::Repeats(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nxxxxx\r\n".to_vec()),
            "lost",
        ),
        ("silence", Manner::Stalls, "lost"),
    ]
}

#[tokio::test]
async fn a_server_that_plays_tricks_gets_no_further_than_an_error() {
    let runtime = plain();
    for (door, component) in DOORS {
        for (what, manner, error) in tricks() {
            let peer = Peer::start(manner).await;
            let provider = granted(&runtime, component, vec![peer.grant()], json!([])).await;
            let post = json!({ "method": "POST", "url": peer.url("/"), "key": "k", "body": "x" });
            let start = Instant::now();
            let (told, report) = order(provider.as_ref(), &json!({ "calls": [post] }), 1_000).await;
            let told = told.unwrap_or_else(|failure| panic!("{door} {what}: {failure:?}"))["calls"][0].clone();
            assert!(start.elapsed() < Duration::from_secs(4), "{door} {what}: {:?}", start.elapsed());
            assert_eq!(told["error"].as_str().unwrap_or(""), error, "{door} {what}: {told}");
            let exchange = &report.exchanges[0];
            if !error.is_empty() {
                assert_eq!(exchange.fault.map(ExchangeFault::culprit), Some(Culprit::Gateway), "{door} {what}");
                assert_eq!(report.left, Some(Left::Something), "{door} {what}: it may have been acted upon");
            }
        }
    }
}

/// What only the second door can do: write a body after the request was handed over, never to its end, too much of it; hand a
/// request over and not wait for the answer; hold more of them than a call may have.
#[tokio::test]
async fn a_body_that_comes_late_counts_and_one_that_never_ends_is_not_sent() {
    let runtime = plain();
    let peer = Peer::start(ok("ok")).await;
    let provider = granted(&runtime, CALLS_WASI, vec![peer.grant()], json!([])).await;
    let post = |more: Value| {
        let mut call = json!({ "method": "POST", "url": peer.url("/"), "body": "amount=1" });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let (told, _) = one(provider.as_ref(), post(json!({ "late": true }))).await;
    assert_eq!(told["body"], "ok", "{told}");
    assert!(
        peer.heard()[0].ends_with("content-length: 8\r\n\r\namount=1") || peer.heard()[0].contains("\r\n\r\namount=1")
    );
    for (what, call) in [
        ("unfinished", post(json!({ "unfinished": true }))),
        ("unfinished and late", post(json!({ "unfinished": true, "late": true }))),
        ("more than a body may have", post(json!({ "body_bytes": SENT_BODY_BYTES_MAX + 1, "late": true }))),
        ("another length than it says", post(json!({ "headers": [["content-length", "3"]] }))),
        ("a place for a secret in the middle", post(json!({ "headers": [["x-a", "{{secret:api_key}} x"]] }))),
    ] {
        let (told, report) = one(provider.as_ref(), call).await;
        contained(what, &told, &report, "invalid", ExchangeFault::Invalid);
    }
    let call = post(json!({ "headers": [["authorization", "Bearer {{secret:api_key}}"]] }));
    let (told, report) = one(provider.as_ref(), call).await;
    contained("a secret that was not granted", &told, &report, "denied", ExchangeFault::Secret);
    assert_eq!(peer.heard().len(), 1, "nothing else was sent");
}

#[tokio::test]
async fn a_request_nobody_waits_for_is_on_its_way_as_far_as_anybody_knows() {
    let runtime = plain();
    let peer = Peer::start(Manner::Stalls).await;
    let provider = granted(&runtime, CALLS_WASI, vec![peer.grant()], json!([])).await;
    let forgotten = json!({ "method": "POST", "url": peer.url("/"), "body": "x", "forget": true });
    // The guest computes a while, and the request leaves meanwhile or is cut off: never is it taken for unsent once it left.
    let (told, report) = order(provider.as_ref(), &json!({ "calls": [forgotten] }), 2_000).await;
    assert!(told.is_ok(), "{told:?}");
    let left = report.left;
    let sent = report.exchanges.iter().any(|exchange| exchange.left == Left::Something);
    assert_eq!(left == Some(Left::Something), sent, "{report:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(peer.heard().is_empty() || left == Some(Left::Something), "it was heard, and the report says {left:?}");
    // Given up after it left, and another one answered: the first stays a question.
    let answers = Peer::start(ok("ok")).await;
    let both = granted(&runtime, CALLS_WASI, vec![peer.grant(), answers.grant()], json!([])).await;
    let forgotten = json!({ "method": "POST", "url": peer.url("/"), "body": "x", "linger_ms": 700, "forget": true });
    let calls = json!({ "calls": [forgotten, { "url": answers.url("/") }] });
    let (told, report) = order(both.as_ref(), &calls, 10_000).await;
    assert_eq!(told.unwrap()["calls"][1]["body"], "ok");
    let lefts: Vec<_> = report.exchanges.iter().map(|exchange| (exchange.left, exchange.fault)).collect();
    assert_eq!(lefts, [(Left::Something, Some(ExchangeFault::Lost)), (Left::Answered, None)]);
    assert_eq!(report.left, Some(Left::Something));
    let many = json!({ "url": peer.url("/"), "forget": true, "times": EXCHANGES_MAX + 1 });
    let (told, report) = order(provider.as_ref(), &json!({ "calls": [many] }), 2_000).await;
    let Err(Failure::Fault(fault)) = told else { panic!("{told:?}") };
    assert_eq!((fault.code(), fault.culprit()), ("guest_contract", Culprit::Guest));
    assert!(report.exchanges.len() <= EXCHANGES_MAX);
}

/// An answer that nobody asked for is not taken for the answer to the next request: it may speak of another payment.
#[tokio::test]
async fn a_second_answer_is_not_the_answer_to_the_next_request() {
    let runtime = plain();
    for (door, component) in DOORS {
        let one_body = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst";
        let two = format!("{one_body}HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nplanted");
        let peer = Peer::start(Manner::Says(two.into_bytes())).await;
        let provider = granted(&runtime, component, vec![peer.grant()], json!([])).await;
        for round in 0..8 {
            let (told, _) = one(provider.as_ref(), json!({ "url": peer.url(&format!("/{round}")) })).await;
            assert_eq!(told["body"], "first", "{door} {round}: {told}");
        }
        let heard = peer.heard();
        assert_eq!((heard.len(), peer.connections()), (8, 8), "{door}: a connection with a rest on it is not kept");
    }
}

/// What a gateway echoes of a secret is not shown to the guest, which may use it and not read it.
#[tokio::test]
async fn a_gateway_that_echoes_a_secret_tells_it_to_nobody() {
    let runtime = plain();
    let peer = Peer::start(Manner::Echoes).await;
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![peer.grant()], json!(["api_key"])).await;
        let call = json!({ "url": peer.url("/"), "secrets": [["authorization", "Bearer ", "api_key"]] });
        let (told, report) = one(provider.as_ref(), call).await;
        assert!(peer.heard().last().unwrap().contains(CANARY), "{door}: it was sent");
        assert_eq!(told["status"], 200, "{door}: {told}");
        assert!(told["body"].as_str().unwrap().contains("authorization: Bearer [redacted]"), "{door}: {told}");
        assert!(!told.to_string().contains(CANARY) && !format!("{report:?}").contains(CANARY), "{door}: {told}");
    }
}
