//! Where events go: endpoints over HTTP, and a payment that a receiver on a real socket hears of.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Request;
use crate::scene::{MANUAL_ID, Shop, id, ok};

/// How long an event may take: the host tells it by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers every POST with 200 and hands on the bodies.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let (bodies, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bodies = bodies.clone();
            std::thread::spawn(move || answer(stream, &bodies));
        }
    });
    (url, heard)
}

fn answer(stream: TcpStream, bodies: &Sender<Value>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let _ = bodies.send(serde_json::from_slice(&body).unwrap());
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

#[test]
fn a_receiver_hears_of_a_payment_in_order() {
    let shop = Shop::open();
    let (url, heard) = receiver();
    let made = shop.post("/admin/webhook-endpoints", &json!({ "url": url, "events": ["payment.*"] }));
    let payment = shop.payment(MANUAL_ID, "10.50", "eur");
    ok(shop.capture(&payment, r#"{"amount":4}"#));
    ok(shop.capture(&payment, ""));
    ok(shop.refund(&payment, r#"{"amount":0.05}"#));
    let next = |kind: &str| loop {
        let told = heard.recv_timeout(PATIENCE).expect("it is told");
        let name = told["type"].as_str().unwrap().to_owned();
        assert!(name.starts_with("payment."), "{told}");
        if name == kind {
            return told["data"].clone();
        }
    };
    assert_eq!(next("payment.authorized")["id"], payment.as_str());
    let first = next("payment.captured");
    assert_eq!((first["amount"].to_string(), &first["currency_code"]), ("4.00".to_owned(), &json!("eur")));
    assert_eq!(next("payment.captured")["amount_minor"], 650);
    assert_eq!(next("payment.refunded")["payment_id"], payment.as_str());

    // Told again, by its id.
    let endpoint = id(&made["webhook_endpoint"]);
    let events = shop.get("/admin/events?limit=1000");
    let refunded = events["events"].as_array().unwrap().iter().find(|event| event["type"] == "payment.refunded");
    let again = json!({ "event_id": refunded.unwrap()["id"] });
    shop.post(&format!("/admin/webhook-endpoints/{endpoint}/redeliver"), &again);
    next("payment.refunded");
}

#[test]
fn an_endpoint_is_made_changed_and_removed_and_its_secret_is_shown_once() {
    let shop = Shop::open();
    let body = json!({ "url": "https://shop.example/hooks", "description": "the shop" });
    let made = shop.post("/admin/webhook-endpoints", &body);
    let (endpoint, secret) = (id(&made["webhook_endpoint"]), made["secret"].as_str().unwrap().to_owned());
    assert!(secret.starts_with("whsec_"));
    let target = format!("/admin/webhook-endpoints/{endpoint}");
    let change = json!({ "events": ["payment.captured"], "is_enabled": false, "url": "https://shop.example/other" });
    let changed = shop.post(&target, &change)["webhook_endpoint"].clone();
    assert_eq!((&changed["events"], &changed["is_enabled"]), (&json!(["payment.captured"]), &json!(false)));
    assert_eq!((&changed["description"], &changed["url"]), (&json!("the shop"), &json!("https://shop.example/other")));
    let rotated = shop.post(&format!("{target}/rotate-secret"), &json!({}));
    assert_ne!(rotated["secret"], secret.as_str());
    assert!(rotated["webhook_endpoint"]["previous_secret_until"].is_string());
    for shown in [shop.get(&target), shop.get("/admin/webhook-endpoints"), shop.get(&format!("{target}/deliveries"))] {
        assert!(!shown.to_string().contains("whsec_"), "{shown}");
    }
    assert_eq!(shop.get(&format!("{target}/deliveries?state=failed&limit=1"))["count"], 0);
    assert_eq!(shop.post(&format!("{target}/redeliver"), &json!({}))["id"], endpoint.as_str());

    for (target, body, status, field) in [
        ("/admin/webhook-endpoints".to_owned(), json!({ "url": "http://shop.example/" }), 400, Some("url")),
        ("/admin/webhook-endpoints".to_owned(), json!({}), 400, Some("url")),
        (
            "/admin/webhook-endpoints".to_owned(),
            json!({ "url": "https://a.example/", "events": "all" }),
            400,
            Some("events"),
        ),
        (target.clone(), json!({ "is_enabled": "yes" }), 400, Some("is_enabled")),
        (target.clone(), json!({ "secret": "mine" }), 400, Some("secret")),
        (format!("{target}/redeliver"), json!({ "event_id": "pay_1" }), 400, Some("event_id")),
        (format!("{target}/redeliver"), json!({ "event_id": "evt_none" }), 404, None),
        ("/admin/webhook-endpoints/whep_none".to_owned(), json!({}), 404, None),
        ("/admin/webhook-endpoints/sub_ledger".to_owned(), json!({}), 404, None),
    ] {
        let answer = shop.ask(&target, &body);
        assert_eq!(answer.status, status, "{target} {body}");
        assert_eq!(answer.body["field"].as_str(), field, "{target} {body}");
    }
    let state = Request::new("GET", &format!("{target}/deliveries?state=lost")).send(&shop.door);
    assert_eq!(state.status, 400);
    assert_eq!(shop.delete(&target)["deleted"], true);
    assert_eq!(Request::new("GET", &target).send(&shop.door).status, 404);
}
