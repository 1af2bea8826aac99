//! `Idempotency-Key`: the same request has one effect and, byte for byte, one answer, on every route that changes something.

use serde_json::{Value, json};

use crate::client::{Answer, Request};
use crate::scene::{CARDS, MANUAL_ID, ROGUE, Refused, Shop, digits, id, ok};

/// Clients at once.
const CROWD: usize = 32;

fn post(target: &str, body: &Value, key: &str) -> Request {
    Request::post(target, body.to_string()).header("idempotency-key", key)
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

/// Sends it twice: the second answer is the first one.
fn twice(shop: &Shop, request: &Request) -> Answer {
    let first = request.send(&shop.door);
    assert!(!replayed(&first), "{} {}", request.method, request.target);
    again(shop, request, &first);
    first
}

fn again(shop: &Shop, request: &Request, first: &Answer) {
    let trace = shop.trace();
    let second = request.send(&shop.door);
    let what = format!("{} {}", request.method, request.target);
    assert_eq!((second.status, &second.text), (first.status, &first.text), "{what}");
    assert!(replayed(&second), "{what}");
    assert_eq!(shop.trace(), trace, "{what} left a trace");
}

#[test]
fn every_route_that_changes_something_answers_again_what_it_answered_first() {
    let shop = Shop::open();
    let mut asked: Vec<(Request, Answer)> = Vec::new();
    let mut ask = |request: Request| {
        let answer = twice(&shop, &request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.body.clone();
        asked.push((request, answer));
        body
    };
    let made = json!({ "amount": 100, "currency_code": "eur", "metadata": { "order": "7" } });
    let collection = id(&ask(post("/admin/payment-collections", &made, "c1"))["payment_collection"]);
    let of_collection = format!("/admin/payment-collections/{collection}");
    ask(post(&of_collection, &json!({ "metadata": { "order": "8" } }), "c2"));
    let share = json!({ "provider_id": MANUAL_ID, "amount": 40, "context": { "locale": "de" } });
    let share = id(&ask(post(&format!("{of_collection}/payment-sessions"), &share, "s1"))["payment_session"]);
    ask(post(&format!("/admin/payment-sessions/{share}"), &json!({ "amount": 30 }), "s2"));
    let payment = id(&ask(post(&format!("/admin/payment-sessions/{share}/authorize"), &json!({}), "s3"))["payment"]);
    let store = format!("/store/payment-collections/{collection}/payment-sessions");
    let visitor = id(&ask(post(&store, &json!({ "provider_id": CARDS }), "s1"))["payment_session"]);
    ask(post(&format!("/store/payment-sessions/{visitor}"), &json!({ "data": {} }), "s2"));
    let card = json!({ "data": { "payment_method": "pm_card_visa" } });
    ask(post(&format!("/store/payment-sessions/{visitor}/authorize"), &card, "s3"));
    ask(post(&format!("/admin/payments/{payment}/capture"), &json!({ "amount": 20 }), "p1"));
    ask(post(&format!("/admin/payments/{payment}/refund"), &json!({ "amount": 5, "note": "late" }), "p2"));

    let other = shop.collection("10", "eur");
    let gone = shop.session(&other, MANUAL_ID);
    ask(Request::new("DELETE", &format!("/store/payment-sessions/{gone}")).header("idempotency-key", "d1"));
    let gone = shop.session(&other, MANUAL_ID);
    ask(Request::new("DELETE", &format!("/admin/payment-sessions/{gone}")).header("idempotency-key", "d1"));
    let void = shop.payment(MANUAL_ID, "10", "eur");
    ask(post(&format!("/admin/payments/{void}/cancel"), &json!({ "reason": "sold out" }), "p3"));
    ask(post(&format!("/admin/payment-collections/{other}/cancel"), &json!({}), "c3"));

    let reason = json!({ "label": "Late", "metadata": { "a": 1.50 } });
    let reason = id(&ask(post("/admin/refund-reasons", &reason, "r1"))["refund_reason"]);
    let of_reason = format!("/admin/refund-reasons/{reason}");
    ask(post(&of_reason, &json!({ "description": "too late" }), "r2"));
    ask(post(&of_reason, &json!({ "description": "" }), "r3"));
    ask(Request::new("DELETE", &of_reason).header("idempotency-key", "r4"));
    ask(post(&format!("/admin/payment-providers/{CARDS}"), &json!({ "is_enabled": false }), "o1"));
    ask(post(&format!("/admin/payment-providers/{CARDS}"), &json!({ "is_enabled": true }), "o2"));
    ask(post("/admin/regions/eu/payment-providers", &json!({ "payment_providers": [CARDS] }), "o3"));
    ask(post("/admin/regions/eu/payment-providers", &json!({ "payment_providers": [] }), "o4"));
    let endpoint = json!({ "url": "https://shop.example/hooks", "events": ["payment.*"] });
    let endpoint = id(&ask(post("/admin/webhook-endpoints", &endpoint, "w1"))["webhook_endpoint"]);
    let of_endpoint = format!("/admin/webhook-endpoints/{endpoint}");
    ask(post(&of_endpoint, &json!({ "is_enabled": false }), "w2"));
    ask(post(&format!("{of_endpoint}/redeliver"), &json!({}), "w3"));
    ask(post(&format!("{of_endpoint}/rotate-secret"), &json!({}), "w4"));

    // Everything changes once more; what was answered stays, over a restart too.
    ok(shop.capture(&payment, "{}"));
    ok(shop.refund(&payment, "{}"));
    let shop = shop.restart();
    for (request, first) in &asked {
        again(&shop, request, first);
    }
}

#[test]
fn a_decline_and_a_rejection_are_answers_and_a_broken_call_is_none() {
    let shop = Shop::open();
    let session = shop.session(&shop.collection("20", "eur"), CARDS);
    let target = format!("/store/payment-sessions/{session}/authorize");
    let card = |name: &str| json!({ "data": { "payment_method": name } });
    let declined = twice(&shop, &post(&target, &card("pm_card_visa_chargeDeclined"), "a"));
    assert_eq!(declined.body["payment_session"]["status"], "error", "{}", declined.body);
    shop.authorize(&session, &card("pm_card_visa")["data"]);
    again(&shop, &post(&target, &card("pm_card_visa_chargeDeclined"), "a"), &declined);

    let collection = shop.collection("10", "eur");
    let target = format!("/store/payment-collections/{collection}/payment-sessions");
    let strange = json!({ "provider_id": CARDS, "data": { "no_such_setting": 1 } });
    let rejected = twice(&shop, &post(&target, &strange, "c"));
    assert_eq!((rejected.status, &rejected.body["code"]), (422, &json!("provider_rejected")), "{}", rejected.body);

    let data = json!({ "misbehave": "trap", "in": "capture" });
    let body = json!({ "provider_id": ROGUE, "data": data });
    let made = shop.post(&target, &body);
    let payment = id(&shop.authorize(&id(&made["payment_session"]), &json!({}))["payment"]);
    let capture = post(&format!("/admin/payments/{payment}/capture"), &json!({ "amount": 4 }), "b");
    let (first, second) = (capture.send(&shop.door), capture.send(&shop.door));
    assert_eq!((first.status, second.status), (502, 502), "{}", second.body);
    assert!(!replayed(&second) && first.body["operation_id"] != second.body["operation_id"], "{}", second.body);
}

#[test]
fn a_key_used_for_something_else_names_what_differs() {
    let shop = Shop::open();
    let (one, other) = (shop.payment(CARDS, "50", "eur"), shop.payment(CARDS, "50", "eur"));
    let capture = |payment: &str| format!("/admin/payments/{payment}/capture");
    ok(post(&capture(&one), &json!({ "amount": 4.00 }), "a").send(&shop.door));
    let reused = |field| Refused { field: Some(field), ..Refused::new(422, "invalid_data", "idempotency_key_reused") };
    shop.refuses(&post(&capture(&one), &json!({ "amount": 4.01 }), "a"), reused("amount"));
    shop.refuses(&post(&capture(&one), &json!({}), "a"), reused("amount"));
    shop.refuses(&post(&capture(&other), &json!({ "amount": 4 }), "a"), reused("id"));
    shop.refuses(&post(&format!("/admin/payments/{one}/refund"), &json!({ "amount": 4 }), "a"), reused("route"));
    // What the amount means counts, not how it is written; quotes are part of the header, not of the key.
    let spelled = Request::post(&capture(&one), r#"{"amount":4.0}"#).header("idempotency-key", "\"a\"");
    assert!(replayed(&spelled.send(&shop.door)));

    let collection = shop.collection("20", "eur");
    let target = format!("/store/payment-collections/{collection}/payment-sessions");
    let with = |data: &str| {
        let body = format!(r#"{{"data":{data},"provider_id":"{MANUAL_ID}"}}"#);
        Request::post(&target, body).header("idempotency-key", "b")
    };
    ok(with(r#"{"a":{"x":1.50,"y":[1]},"b":2}"#).send(&shop.door));
    assert!(replayed(&with(r#"{"b":2.0,"a":{"y":[1e0],"x":15e-1}}"#).send(&shop.door)));
    shop.refuses(&with(r#"{"a":{"x":1.51,"y":[1]},"b":2}"#), reused("data.a.x"));
}

#[test]
fn a_key_has_a_form_and_readers_ignore_it() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let capture =
        |key: &str| Request::post(&format!("/admin/payments/{payment}/capture"), "{}").header("idempotency-key", key);
    let wrong = Refused::field("Idempotency-Key");
    for key in ["", "\"\"", "a b", "\"a", &"k".repeat(256), "é"] {
        shop.refuses(&capture(key), wrong);
    }
    shop.refuses(&capture("a").header("idempotency-key", "b"), wrong);
    let read = Request::new("GET", &format!("/admin/payments/{payment}")).header("idempotency-key", "");
    assert_eq!(read.send(&shop.door).status, 200);
    // Nothing refused before anything was asked is kept: the key is still free.
    let key = "k".repeat(255);
    let too_much = Request::post(&format!("/admin/payments/{payment}/capture"), r#"{"amount":11}"#);
    shop.refuses(&too_much.header("idempotency-key", &key), Refused::new(400, "invalid_data", "exceeds_authorized"));
    ok(capture(&key).send(&shop.door));
}

/// Sends one request from many clients at once: one effect, equal answers.
fn crowd(shop: &Shop, request: &Request) -> Value {
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..CROWD).map(|_| scope.spawn(|| request.send(&shop.door))).collect();
        asked.into_iter().map(|answer| answer.join().expect("an answer")).collect()
    });
    let last = request.send(&shop.door);
    assert_eq!(last.status, 200, "{}", last.body);
    for answer in answers {
        if answer.status == 409 {
            assert!(answer.header("retry-after").is_some(), "{}", answer.body);
        } else {
            assert_eq!((answer.status, &answer.text), (200, &last.text));
        }
    }
    last.body
}

#[test]
fn many_clients_with_one_key_have_one_effect() {
    let shop = Shop::open();
    let made = json!({ "amount": 100, "currency_code": "eur" });
    let collection = id(&crowd(&shop, &post("/admin/payment-collections", &made, "1"))["payment_collection"]);
    let target = format!("/store/payment-collections/{collection}/payment-sessions");
    let session = id(&crowd(&shop, &post(&target, &json!({ "provider_id": CARDS }), "1"))["payment_session"]);
    let card = json!({ "data": { "payment_method": "pm_card_visa" } });
    let target = format!("/store/payment-sessions/{session}/authorize");
    let payment = id(&crowd(&shop, &post(&target, &card, "2"))["payment"]);
    crowd(&shop, &post(&format!("/admin/payments/{payment}/capture"), &json!({ "amount": 7 }), "3"));
    crowd(&shop, &post(&format!("/admin/payments/{payment}/refund"), &json!({ "amount": 2 }), "4"));
    let books = shop.get(&format!("/admin/payments/{payment}"))["payment"].clone();
    assert_eq!(digits(&books["captured_amount"]), "7.00");
    assert_eq!(digits(&books["refunded_amount"]), "2.00");
    let trace = shop.trace();
    assert_eq!((trace.collections, trace.payments, trace.operations), (1, 1, 4));
}
