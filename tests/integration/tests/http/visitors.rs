//! A storefront acts on the collections that it was given, by their client secret or by a customer's token, and on no others.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, TOKEN_SECRET, id, ok};

const MISSING: Refused = Refused::new(403, "forbidden", "client_secret_missing");
const WRONG: Refused = Refused::new(403, "forbidden", "client_secret_wrong");
const TOKEN_WRONG: Refused = Refused::new(401, "unauthorized", "customer_token_invalid");

/// Every call that names a collection or a session of it.
fn calls(collection: &str, session: &str) -> Vec<Request> {
    let (collection, session) =
        (format!("/store/payment-collections/{collection}"), format!("/store/payment-sessions/{session}"));
    vec![
        Request::new("GET", &collection),
        Request::new("GET", &session),
        Request::post(&session, "{}"),
        Request::new("GET", &format!("{session}/status")),
        Request::post(&format!("{session}/authorize"), r#"{"data":{"payment_method":"pm_card_chargeDeclined"}}"#),
        Request::new("DELETE", &session),
        Request::post(&format!("{collection}/payment-sessions"), json!({ "provider_id": MANUAL_ID }).to_string()),
    ]
}

/// A collection over 10 EUR with what the merchant's server adds: its id and its secret.
fn made(shop: &Shop, more: &Value) -> (String, String) {
    let mut body = json!({ "amount": 10, "currency_code": "eur" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = shop.post("/admin/payment-collections", &body)["payment_collection"].clone();
    (id(&made), made["client_secret"].as_str().unwrap().to_owned())
}

/// The request with the storefront's key and nothing else.
fn bare(shop: &Shop, request: &Request) -> Request {
    request.clone().anonymous().header("x-publishable-api-key", &shop.door.publishable)
}

/// A good token of the shop's with these claims, as the header has it.
pub(crate) fn token(claims: &Value) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = claims.clone();
    if claims.get("exp").is_none() {
        claims["exp"] = json!(since + 600);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(TOKEN_SECRET).unwrap();
    mac.update(signed.as_bytes());
    format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[test]
fn a_storefront_acts_on_what_it_was_given_and_on_nothing_else() {
    let shop = Shop::open();
    let ((mine, secret), (other, others)) = (made(&shop, &json!({})), made(&shop, &json!({})));
    assert_ne!(secret, others);
    let (session, foreign) = (shop.session(&mine, CARDS), shop.session(&other, CARDS));
    for request in calls(&mine, &session) {
        shop.refuses(&bare(&shop, &request), MISSING);
        for wrong in [&others, &mine, &secret[..secret.len() - 1], &secret.to_ascii_uppercase(), &"x".repeat(9_000)] {
            shop.refuses(&bare(&shop, &request).header("x-client-secret", wrong), WRONG);
        }
        // In a URL it would stand in every log on the way.
        let mut in_the_url = bare(&shop, &request);
        in_the_url.target.push_str(&format!("?client_secret={secret}"));
        shop.refuses(&in_the_url, MISSING);
        let twice = bare(&shop, &request).header("x-client-secret", &secret).header("x-client-secret", &secret);
        shop.refuses(&twice, Refused::field("x-client-secret"));
        ok(bare(&shop, &request).header("x-client-secret", &secret).send(&shop.door));
    }
    // What is there and foreign cannot be told from what is not there.
    let look = |id: &str| {
        let request = Request::new("GET", &format!("/store/payment-sessions/{id}"));
        shop.refuses(&bare(&shop, &request).header("x-client-secret", &secret), WRONG).text
    };
    assert_eq!(look(&foreign), look("payses_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    // A list of providers is nobody's own.
    ok(bare(&shop, &Request::new("GET", "/store/payment-providers?region_id=reg_1")).send(&shop.door));
}

#[test]
fn a_client_secret_is_read_by_the_server_side_and_can_be_replaced() {
    let shop = Shop::open();
    let (collection, secret) = made(&shop, &json!({}));
    let target = format!("/admin/payment-collections/{collection}");
    assert_eq!(shop.get(&target)["payment_collection"]["client_secret"], secret);
    let look = Request::new("GET", &format!("/store/payment-collections/{collection}"));
    let answer = ok(bare(&shop, &look).header("x-client-secret", &secret).send(&shop.door));
    assert!(!answer.to_string().contains("cs_"), "{answer}");
    let replaced = shop.post(&format!("{target}/rotate-client-secret"), &json!({}))["payment_collection"].clone();
    let next = replaced["client_secret"].as_str().unwrap();
    assert_ne!(next, secret);
    shop.refuses(&bare(&shop, &look).header("x-client-secret", &secret), WRONG);
    ok(bare(&shop, &look).header("x-client-secret", next).send(&shop.door));
    let shop = shop.restart();
    ok(bare(&shop, &look).header("x-client-secret", next).send(&shop.door));
    let events = shop.get("/admin/events?limit=1000").to_string();
    assert!(!events.contains("cs_"), "{events}");
}

#[test]
fn a_token_opens_what_is_its_customers() {
    let shop = Shop::open();
    let (hers, _) = made(&shop, &json!({ "customer_id": "cus_1" }));
    let (cart, _) = made(&shop, &json!({ "cart_id": "cart_7" }));
    let (nobodys, _) = made(&shop, &json!({}));
    let (told, _) = made(&shop, &json!({}));
    let body = json!({ "provider_id": CARDS, "context": { "customer": { "id": "cus_1" } } });
    shop.post(&format!("/admin/payment-collections/{told}/payment-sessions"), &body);
    let look =
        |collection: &str| bare(&shop, &Request::new("GET", &format!("/store/payment-collections/{collection}")));
    for (claims, opens) in [
        (json!({ "sub": "cus_1" }), vec![&hers, &told]),
        (json!({ "sub": "cus_2" }), vec![]),
        (json!({ "cart_id": "cart_7" }), vec![&cart]),
        (json!({ "payment_collection_id": nobodys }), vec![&nobodys]),
        (json!({ "sub": "cus_1", "cart_id": "cart_7" }), vec![&hers, &told, &cart]),
        (json!({ "sub": "" }), vec![]),
    ] {
        for collection in [&hers, &cart, &nobodys, &told] {
            let request = look(collection).header("authorization", &token(&claims));
            if opens.contains(&collection) {
                ok(request.send(&shop.door));
            } else {
                shop.refuses(&request, WRONG);
            }
        }
    }
    assert_eq!(shop.get(&format!("/admin/payment-collections/{hers}"))["payment_collection"]["customer_id"], "cus_1");
    // Who shows a token is the payer of the session.
    let sessions = Request::post(
        &format!("/store/payment-collections/{hers}/payment-sessions"),
        json!({ "provider_id": CARDS }).to_string(),
    );
    let opened =
        ok(bare(&shop, &sessions).header("authorization", &token(&json!({ "sub": "cus_1" }))).send(&shop.door));
    let session = id(&opened["payment_session"]);
    let kept = shop.get(&format!("/admin/payment-sessions/{session}"))["payment_session"].clone();
    assert_eq!(kept["context"]["customer"]["id"], "cus_1", "{kept}");
    assert!(!opened.to_string().contains("cus_1"), "{opened}");
}

#[test]
fn a_token_that_does_not_count_is_named() {
    let shop = Shop::open();
    let (hers, secret) = made(&shop, &json!({ "customer_id": "cus_1" }));
    let look = bare(&shop, &Request::new("GET", &format!("/store/payment-collections/{hers}")));
    let good = token(&json!({ "sub": "cus_1" }));
    let altered = format!("{}{}", &good[..good.len() - 2], if good.ends_with("AA") { "BB" } else { "AA" });
    for wrong in [altered.as_str(), &token(&json!({ "sub": "cus_1", "exp": 1 })), "Bearer x", "Basic eDo="] {
        let answer = shop.refuses(&look.clone().header("authorization", wrong), TOKEN_WRONG);
        assert!(!answer.text.contains("cus_1") && answer.header("www-authenticate").is_some(), "{}", answer.text);
    }
    // A guest with the secret needs no token, and a bad token is bad beside a good secret too.
    ok(look.clone().header("x-client-secret", &secret).send(&shop.door));
    shop.refuses(&look.header("x-client-secret", &secret).header("authorization", "Bearer x"), TOKEN_WRONG);
}
