//! Every limit and every time-out of the server: what is over it is turned away or hung up on, what is within it is served.

use std::time::{Duration, Instant};

use tillbox::Host;
use tillbox::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::scene::{Answer, Scene, all, soon, until};

const SMALL: u64 = 100;

#[tokio::test]
async fn one_caller_has_a_rate_and_another_one_has_its_own() {
    let limits = Limits { rate_per_second: 1, rate_burst: 2, ..Limits::default() };
    let scene = Scene::of(Host::builder().in_memory(), limits, |server| server.behind_proxy()).await;
    let from = |address: &str| format!("x-forwarded-for: 203.0.113.9, {address}");
    for _ in 0..2 {
        assert_eq!(scene.ask("GET /admin/payments", &[&from("192.0.2.1")]).await.status, 200);
    }
    let answer = scene.ask("GET /admin/payments", &[&from("192.0.2.1")]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"));
    assert_eq!(answer.json()["type"], "rate_limited");
    assert_eq!(answer.json()["code"], "rate_limit_exceeded");
    // What stands before the proxy's own word is anybody's, and gives nobody another bucket.
    let forged = scene.ask("GET /admin/payments", &["x-forwarded-for: 198.51.100.1, 192.0.2.1"]).await;
    assert_eq!(forged.status, 429);
    assert_eq!(scene.ask("GET /health/ready", &[&from("192.0.2.1")]).await.status, 200, "health is not counted");
    assert_eq!(scene.ask("GET /admin/payments", &[&from("192.0.2.2")]).await.status, 200);
    scene.until_counted("tillbox_http_turned_away_total{reason=\"rate\"} 2").await;
}

/// Without a proxy nobody believes what stands in a header.
#[tokio::test]
async fn a_forged_address_is_no_other_caller() {
    let scene = Scene::with(Limits { rate_per_second: 1, rate_burst: 1, ..Limits::default() }).await;
    assert_eq!(scene.ask("GET /admin/payments", &["x-forwarded-for: 192.0.2.1"]).await.status, 200);
    assert_eq!(scene.ask("GET /admin/payments", &["x-forwarded-for: 192.0.2.2"]).await.status, 429);
}

#[tokio::test]
async fn headers_have_a_number_and_a_size() {
    let scene = Scene::with(Limits { headers: 16, header_bytes: 8_192, ..Limits::default() }).await;
    let many: Vec<String> = (0..16).map(|number| format!("x-{number}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(scene.ask("GET /health/live", &many).await.status, 431);
    let large = format!("x-large: {}", "x".repeat(8_192));
    assert_eq!(scene.ask("GET /health/live", &[&large]).await.status, 431);
    assert_eq!(scene.ask("GET /health/live", &many[..8]).await.status, 200);
}

#[tokio::test]
async fn bodies_have_a_size() {
    let scene = Scene::with(Limits { body_bytes: 1_024, ..Limits::default() }).await;
    let body = |padding: usize| format!(r#"{{"currency_code":"eur","amount":1{}}}"#, " ".repeat(padding));
    assert_eq!(scene.post("/admin/payment-collections", &body(1_024), &[]).await.status, 413);
    assert_eq!(scene.post("/admin/payment-collections", &body(100), &[]).await.status, 200);
}

#[tokio::test]
async fn a_slow_body_is_not_waited_for() {
    let scene = Scene::with(Limits { body_ms: SMALL, ..Limits::default() }).await;
    let head = scene.head("POST /admin/payment-collections");
    let begun = format!("{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"cur");
    assert_eq!(scene.send(&begun).await.status, 408);
}

#[tokio::test]
async fn an_idle_connection_and_one_that_never_says_its_headers_are_closed() {
    let scene = Scene::with(Limits { header_ms: SMALL, ..Limits::default() }).await;
    let mut silent = scene.connect().await;
    silent.write_all(b"GET / HTTP/1.1\r\nhost: local").await.unwrap();
    all(&mut silent).await;
    let mut idle = scene.connect().await;
    idle.write_all(format!("{}\r\n", scene.head("GET /health/live")).as_bytes()).await.unwrap();
    until(&mut idle, "\"ok\"").await;
    assert_eq!(all(&mut idle).await, b"");
}

/// A reader of nothing does not keep its answer in the host's memory, nor its place among the connections.
#[tokio::test]
async fn who_does_not_read_its_answers_is_hung_up_on() {
    let scene = Scene::with(Limits { write_ms: SMALL, ..Limits::default() }).await;
    let mut deaf = scene.connect().await;
    let request = format!("{}\r\n", scene.head("GET /metrics"));
    // Questions without end, until the answers fill every buffer between here and there.
    let asking = async { while deaf.write_all(request.as_bytes()).await.is_ok() {} };
    soon(asking).await;
    scene.until_counted("tillbox_http_connections 0").await;
}

#[tokio::test]
async fn connections_have_a_number() {
    let scene = Scene::with(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = scene.connect().await;
    let request = format!("{}\r\n", scene.head("GET /health/live"));
    first.write_all(request.as_bytes()).await.unwrap();
    until(&mut first, "\"ok\"").await;
    let mut second = scene.connect().await;
    second.write_all(request.as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(SMALL), second.read_u8()).await;
    assert!(early.is_err(), "the first connection is still open");
    drop(first);
    until(&mut second, "\"ok\"").await;
}

#[tokio::test]
async fn requests_have_a_number_and_an_end() {
    let limits = Limits { requests: 1, request_ms: SMALL, body_ms: 60_000, ..Limits::default() };
    let scene = Scene::with(limits).await;
    let head = scene.head("POST /admin/payment-collections");
    let mut slow = scene.connect().await;
    let begun = Instant::now();
    slow.write_all(format!("{head}content-type: application/json\r\ncontent-length: 9\r\n\r\n").as_bytes())
        .await
        .unwrap();
    scene.until_counted("tillbox_http_requests_under_way 1").await;
    let refused = scene.ask("GET /admin/payments", &[]).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("overloaded")));
    assert_eq!(refused.header("retry-after"), "1");
    let told = Answer::of(until(&mut slow, "request_timeout").await.as_bytes());
    assert_eq!(told.status, 504);
    assert!(begun.elapsed() >= Duration::from_millis(SMALL));
    assert_eq!(scene.ask("GET /health/live", &[]).await.status, 200, "health needs no place");
}
