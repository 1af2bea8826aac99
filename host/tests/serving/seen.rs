//! Request ids and traces: taken, made, told back, passed on.

use std::net::Ipv4Addr;

use tillbox::service::NewWebhookEndpoint;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::scene::{Scene, soon, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let scene = Scene::new().await;
    assert_eq!(scene.ask("GET /health/live", &["x-request-id: shop-7.4_a"]).await.header("x-request-id"), "shop-7.4_a");
    // Whatever is answered has one: no route, no key, a wrong method, an id that nobody should write down.
    for (line, headers, status) in [
        ("GET /nowhere", &["x-request-id: has spaces"][..], 404),
        ("DELETE /health/live", &[], 405),
        ("GET /admin/payments", &["authorization: Bearer twice"], 400),
        ("GET /admin/payments", &["x-request-id: a", "x-request-id: b"], 200),
    ] {
        let answer = scene.ask(line, headers).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.text);
        assert!(answer.header("x-request-id").starts_with("req_"), "{line}: {:?}", answer.headers);
    }
}

/// The event that a request causes is told with the request's trace, by a span of its own.
#[tokio::test]
async fn a_webhook_carries_the_trace_of_the_request_that_caused_it() {
    let scene = Scene::new().await;
    let receiver = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/hook", receiver.local_addr().unwrap());
    scene.host.create_webhook_endpoint(NewWebhookEndpoint { url, ..NewWebhookEndpoint::default() }).await.unwrap();
    let body = r#"{"currency_code":"eur","amount":10}"#;
    let parent = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    assert_eq!(scene.post("/admin/payment-collections", body, &[&parent]).await.status, 200);
    let (mut stream, _) = soon(receiver.accept()).await.unwrap();
    let letter = until(&mut stream, "payment_collection.created").await;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    let told = letter.lines().find_map(|line| line.strip_prefix("traceparent: ")).unwrap_or_else(|| panic!("{letter}"));
    let parts: Vec<&str> = told.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE, "01"));
    assert_ne!(parts[2], "00f067aa0ba902b7", "the span is the host's own");

    // Without one, the host begins a trace.
    assert_eq!(scene.post("/admin/payment-collections", body, &["traceparent: nonsense"]).await.status, 200);
    let (mut stream, _) = soon(receiver.accept()).await.unwrap();
    let letter = until(&mut stream, "payment_collection.created").await;
    assert!(letter.contains("traceparent: 00-") && !letter.contains(TRACE), "{letter}");
}
