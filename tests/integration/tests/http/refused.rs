//! Bad input: each is turned down with the field's name and what would be right, and leaves no trace.

use serde_json::json;
use tillbox::http::{BODY_BYTES_MAX, BODY_DEPTH_MAX};

use crate::client::{Request, send_raw};
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop};

const COLLECTIONS: &str = "/admin/payment-collections";

/// Ids that are none, or of another kind, or of nothing; percent-encoded where a path needs it.
const STRANGE_IDS: &[&str] = &[
    "pay_col_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "payses_1",
    "x",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%F0%9F%92%B8",
    "'%20or%201=1",
];

#[test]
fn unknown_currencies_and_providers_are_named() {
    let shop = Shop::open();
    for code in ["xyz", "eu", "euros", "", "xau", "€"] {
        let body = json!({ "currency_code": code, "amount": 10 }).to_string();
        let answer = shop.refuses(&Request::post(COLLECTIONS, body), Refused::field("currency_code"));
        assert!(answer.body["message"].as_str().unwrap().contains("ISO 4217"), "{}", answer.body);
    }
    let collection = shop.collection("10", "eur");
    for provider in ["pp_nobody_x", "", "manual", "pp_../manual", &"p".repeat(500)] {
        for door in ["store", "admin"] {
            let target = format!("/{door}/payment-collections/{collection}/payment-sessions");
            let request = Request::post(&target, json!({ "provider_id": provider }).to_string());
            let unknown = Refused { code: "unknown_provider", ..Refused::field("provider_id") };
            let answer = shop.refuses(&request, unknown);
            assert!(answer.body["message"].as_str().unwrap().contains(MANUAL_ID), "{}", answer.body);
        }
    }
}

#[test]
fn unknown_ids_are_not_found() {
    let shop = Shop::open();
    shop.payment(MANUAL_ID, "10", "eur");
    for id in STRANGE_IDS {
        for (method, target) in [
            ("GET", format!("/store/payment-collections/{id}")),
            ("GET", format!("/admin/payment-collections/{id}")),
            ("POST", format!("/admin/payment-collections/{id}")),
            ("POST", format!("/admin/payment-collections/{id}/cancel")),
            ("GET", format!("/store/payment-sessions/{id}")),
            ("DELETE", format!("/store/payment-sessions/{id}")),
            ("POST", format!("/admin/payment-sessions/{id}")),
            ("POST", format!("/store/payment-sessions/{id}/authorize")),
            ("GET", format!("/admin/payment-sessions/{id}/status")),
            ("GET", format!("/admin/payments/{id}")),
            ("POST", format!("/admin/payments/{id}/capture")),
            ("POST", format!("/admin/payments/{id}/refund")),
            ("POST", format!("/admin/payments/{id}/cancel")),
            ("GET", format!("/admin/payments/{id}/provider")),
            ("GET", format!("/admin/operations/{id}")),
            ("POST", format!("/admin/operations/{id}/recheck")),
        ] {
            let request = Request::new(method, &target).header("content-type", "application/json");
            // An id that could be one: nobody is told whether there is such a session.
            let unknown = if *id == "payses_1" && target.starts_with("/store/payment-sessions") {
                Refused::new(403, "forbidden", "client_secret_missing")
            } else {
                Refused::NOT_FOUND
            };
            shop.refuses(&request, unknown);
        }
    }
    let not_text = Request::new("GET", "/admin/payments/%FF");
    shop.refuses(&not_text, Refused::field("id"));
}

#[test]
fn keys_that_nobody_knows_are_named() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let collection = shop.collection("10", "eur");
    let session = shop.session(&collection, CARDS);
    let sessions = format!("/admin/payment-collections/{collection}/payment-sessions");
    let customer =
        |inner: &str| format!(r#"{{"provider_id":"{CARDS}","context":{{"customer":{{"id":"c",{inner}}}}}}}"#);
    for (target, body, field) in [
        (COLLECTIONS.to_owned(), r#"{"currency_code":"eur","amount":1,"order":"o"}"#.to_owned(), "order"),
        (COLLECTIONS.to_owned(), r#"{"currency_code":"eur","amount":1,"order_id":7}"#.to_owned(), "order_id"),
        (
            COLLECTIONS.to_owned(),
            json!({"currency_code":"eur","amount":1,"order_id":"o".repeat(256)}).to_string(),
            "order_id",
        ),
        (COLLECTIONS.to_owned(), r#"{"currency_code":"eur"}"#.to_owned(), "amount"),
        (COLLECTIONS.to_owned(), r#"{"amount":1}"#.to_owned(), "currency_code"),
        (COLLECTIONS.to_owned(), String::new(), "amount"),
        (COLLECTIONS.to_owned(), r#"{"currency_code":978,"amount":1}"#.to_owned(), "currency_code"),
        (COLLECTIONS.to_owned(), r#"{"currency_code":"eur","amount":1,"cart_id":7}"#.to_owned(), "cart_id"),
        (
            COLLECTIONS.to_owned(),
            json!({"currency_code":"eur","amount":1,"cart_id":"c".repeat(256)}).to_string(),
            "cart_id",
        ),
        (COLLECTIONS.to_owned(), r#"{"currency_code":"eur","amount":1,"metadata":[]}"#.to_owned(), "metadata"),
        (COLLECTIONS.to_owned(), r#"{"currency_code":"eur","amount":1,"metadata":null}"#.to_owned(), "metadata"),
        (format!("{COLLECTIONS}/{collection}"), r#"{"status":"completed"}"#.to_owned(), "status"),
        (format!("{COLLECTIONS}/{collection}/cancel"), r#"{"reason":"x"}"#.to_owned(), "reason"),
        (sessions.clone(), "{}".to_owned(), "provider_id"),
        (sessions.clone(), format!(r#"{{"provider_id":"{CARDS}","data":"x"}}"#), "data"),
        (sessions.clone(), customer(r#""shoe_size":44"#), "context.customer.shoe_size"),
        (sessions.clone(), customer(r#""email":7"#), "context.customer.email"),
        (sessions.clone(), customer(r#""billing_address":{"planet":"x"}"#), "context.customer.billing_address.planet"),
        (
            sessions.clone(),
            format!(r#"{{"provider_id":"{CARDS}","context":{{"customer":{{}}}}}}"#),
            "context.customer.id",
        ),
        (sessions, customer(&format!(r#""email":"{}""#, "e".repeat(513))), "context.customer.email"),
        (
            format!("/store/payment-sessions/{session}/authorize"),
            r#"{"payment_method":"x"}"#.to_owned(),
            "payment_method",
        ),
        (format!("/admin/payments/{payment}/capture"), r#"{"amonut":1}"#.to_owned(), "amonut"),
        (format!("/admin/payments/{payment}/capture"), r#"{"amount":"1"}"#.to_owned(), "amount"),
        (format!("/admin/payments/{payment}/refund"), r#"{"refund_reason_id":"pay_1"}"#.to_owned(), "refund_reason_id"),
        (format!("{COLLECTIONS}/{collection}/mark-as-paid"), "{}".to_owned(), "order_id"),
        ("/store/payment-collections".to_owned(), "{}".to_owned(), "cart_id"),
        ("/store/payment-collections".to_owned(), r#"{"cart_id":"c","amount":1}"#.to_owned(), "amount"),
        ("/store/payment-collections".to_owned(), json!({"cart_id":"c".repeat(256)}).to_string(), "cart_id"),
        ("/admin/refund-reasons".to_owned(), "{}".to_owned(), "label"),
        ("/admin/refund-reasons".to_owned(), r#"{"label":" "}"#.to_owned(), "label"),
        ("/admin/refund-reasons".to_owned(), r#"{"label":"!"}"#.to_owned(), "code"),
        (format!("/admin/payments/{payment}"), "{}".to_owned(), "metadata"),
        (format!("/admin/payments/{payment}"), r#"{"amount":1}"#.to_owned(), "metadata"),
        (format!("/admin/payments/{payment}/refund"), json!({"note":"n".repeat(1_025)}).to_string(), "note"),
        (format!("/admin/payments/{payment}/cancel"), json!({"reason":"r".repeat(1_025)}).to_string(), "reason"),
    ] {
        shop.refuses(&Request::post(&target, body), Refused::field(field));
    }
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let target = format!("/admin/payments/{payment}/capture");
    let deep = format!("{}1{}", r#"{"amount":"#.repeat(BODY_DEPTH_MAX + 1), "}".repeat(BODY_DEPTH_MAX + 1));
    let twice_inside = r#"{"data":{"a":{"payment_method":"x","payment_method":"y"}}}"#;
    for body in [
        "{",
        "[]",
        "7",
        "null",
        "\"\"",
        "{}x",
        "{\"amount\":1,}",
        "{amount:1}",
        "{\"amount\":1,\"amount\":9}",
        "{\"amount\":01}",
        "{\"amount\":NaN}",
        " ",
        &deep,
        twice_inside,
    ] {
        shop.refuses(&Request::post(&target, body), Refused::WHOLE);
    }
    let not_utf8 = Request::post(&target, "").body(b"{\"amount\xff\":1}".as_slice());
    shop.refuses(&not_utf8, Refused::WHOLE);
}

#[test]
fn bodies_that_are_too_large_are_refused() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let target = format!("/admin/payments/{payment}/capture");
    let too_large = Refused::new(413, "invalid_data", "body_too_large");
    let large = |bytes: usize| format!("{{\"amount\":1{}}}", " ".repeat(bytes - 12));
    shop.refuses(&Request::post(&target, large(BODY_BYTES_MAX + 1)), too_large);
    // Without a length, and with one that says more than anybody waits for.
    let piece = format!("{:x}\r\n{}\r\n", BODY_BYTES_MAX, " ".repeat(BODY_BYTES_MAX));
    let (name, key) = shop.door.key(&target).unwrap();
    let pieces = format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {name}: {key}\r\n\
         transfer-encoding: chunked\r\n\r\n{piece}{piece}0\r\n\r\n"
    );
    assert_eq!(send_raw(shop.address, pieces.as_bytes()).status, 413);
    let promise = Request::post(&target, "").header("content-length", "99999999999");
    shop.refuses(&promise, too_large);
    // At the limit it is a body like any other.
    assert_eq!(Request::post(&target, large(BODY_BYTES_MAX)).send(&shop.door).status, 200);
    // What is handed on to a provider has the contract's own limit.
    let collection = shop.collection("10", "eur");
    let body = json!({ "provider_id": CARDS, "data": { "payment_method": "x".repeat(66_000) } }).to_string();
    let request = Request::post(&format!("/store/payment-collections/{collection}/payment-sessions"), body);
    shop.refuses(&request, Refused::field("data"));
}

#[test]
fn a_post_says_that_it_is_json() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let target = format!("/admin/payments/{payment}/capture");
    let refused = Refused::new(415, "invalid_data", "unsupported_media_type");
    shop.refuses(&Request::new("POST", &target), refused);
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin1"]
    {
        shop.refuses(&Request::new("POST", &target).header("content-type", kind).body("{\"amount\":1}"), refused);
    }
}

#[test]
fn routes_methods_and_queries_that_do_not_exist_are_refused_in_json() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let no_route = Refused::new(404, "not_found", "unknown_route");
    for target in [
        "/",
        "/admin",
        "/admin/payments/",
        "/admin/../admin/payments",
        "//admin/payments",
        "/store/payments",
        "/etc/passwd",
    ] {
        shop.refuses(&Request::new("GET", target), no_route);
    }
    let no_method = Refused::new(405, "invalid_data", "method_not_allowed");
    for (method, target) in [
        ("DELETE", "/admin/payments".to_owned()),
        ("PUT", format!("/admin/payments/{payment}")),
        ("GET", format!("/admin/payments/{payment}/capture")),
        ("PATCH", "/store/payment-providers".to_owned()),
        ("POST", "/admin/payments/payment-providers".to_owned()),
        ("OPTIONS", "/admin/payments".to_owned()),
    ] {
        let answer = shop.refuses(&Request::new(method, &target), no_method);
        assert!(answer.header("allow").is_some(), "{method} {target}");
    }
    for (target, field) in [
        ("/admin/payments?limit=0", "limit"),
        ("/admin/payments?limit=201", "limit"),
        ("/admin/payments?offset=-1", "offset"),
        ("/admin/payments?offset=4294967296", "offset"),
        ("/admin/payments?q=", "q"),
        ("/admin/payments?colour=red", "colour"),
        ("/admin/payments?captured=maybe", "captured"),
        ("/admin/payments?order=colour", "order"),
        ("/admin/payments?id=ref_1", "id"),
        ("/admin/payment-collections?status=lost", "status"),
        ("/admin/payment-collections?created_at[$gte]=soon", "created_at[$gte]"),
        ("/admin/captures?payment_id=x", "payment_id"),
        ("/admin/operations?q=x", "q"),
        ("/admin/payment-collections?limit=1&limit=2", "limit"),
        ("/admin/operations?state=lost", "state"),
        ("/admin/events?after=x", "after"),
        ("/admin/events?limit=1001", "limit"),
        ("/store/payment-providers", "region_id"),
        ("/store/payment-providers?region_id=r&fields=%2Bsecret", "fields"),
    ] {
        shop.refuses(&Request::new("GET", target), Refused::field(field));
    }
    let with_query = Request::post(&format!("/admin/payments/{payment}/capture?amount=1"), "{}");
    shop.refuses(&with_query, Refused::field("amount"));
    let session = shop.session(&shop.collection("10", "eur"), CARDS);
    let with_body = Request::new("DELETE", &format!("/store/payment-sessions/{session}")).body("{}");
    shop.refuses(&with_body, Refused::WHOLE);
}

#[test]
fn requests_for_another_name_than_this_machines_are_refused() {
    let shop = Shop::open();
    for host in ["shop.example", "127.0.0.1.evil.example", "192.168.0.1"] {
        let request = Request::new("GET", "/admin/payments").header("host", host);
        shop.refuses(&request, Refused::new(421, "invalid_data", "not_local"));
    }
    assert_eq!(Request::new("GET", "/admin/payments").header("host", "localhost:1").send(&shop.door).status, 200);
}

#[test]
fn headers_have_limits() {
    let shop = Shop::open();
    let before = shop.trace();
    let many: String = (0..200).map(|index| format!("x-{index}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(200_000));
    for headers in [many, long] {
        let request = format!("GET /admin/payments HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
        assert_eq!(send_raw(shop.address, request.as_bytes()).status, 431);
    }
    for garbage in ["\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "GET /admin/payments HTTP/9.9\r\n\r\n"] {
        assert_eq!(send_raw(shop.address, garbage.as_bytes()).status, 400, "{garbage:?}");
    }
    assert_eq!(shop.trace(), before);
}

#[test]
fn health_is_told_to_anybody() {
    let shop = Shop::open();
    for target in ["/health/live", "/health/ready"] {
        assert_eq!(shop.get(target), json!({ "status": "ok" }));
    }
    let providers = shop.get("/admin/payments/payment-providers?limit=2&offset=1");
    assert_eq!((providers["payment_providers"].as_array().unwrap().len(), &providers["count"]), (2, &json!(6)));
}
