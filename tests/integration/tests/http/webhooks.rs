//! A gateway's webhooks reach the host as bytes on a socket: signed by the secret, forged, late, twice, for nobody.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::{Answer, Request};
use crate::scene::{HOOKED, Refused, Shop, WEBHOOK_SECRET, digits};

const TARGET: &str = "/hooks/payment/stripe-mock_hooked";

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn signature(body: &str, secret: &str, seconds: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(format!("{seconds}.{body}").as_bytes());
    let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={digest}")
}

fn tell(shop: &Shop, body: &Value, secret: &str, seconds: u64) -> Answer {
    let body = body.to_string();
    let signature = signature(&body, secret, seconds);
    Request::new("POST", TARGET).header("stripe-signature", &signature).body(body).send(&shop.door)
}

/// A debit of 10.50 USD that the bank decides about later.
fn debit(shop: &Shop) -> (String, String) {
    let collection = shop.collection("10.50", "usd");
    let session = shop.session(&collection, HOOKED);
    let answer = shop.authorize(&session, &json!({ "payment_method": "pm_usBankAccount_success" }));
    assert_eq!(
        (&answer["payment_session"]["status"], &answer["payment"]),
        (&json!("pending_authorization"), &Value::Null)
    );
    (collection, session)
}

fn succeeded(session: &str, id: &str) -> Value {
    json!({ "id": id, "object": "event", "type": "payment_intent.succeeded", "created": now_seconds(), "livemode": false,
            "data": { "object": { "id": "pi_1", "object": "payment_intent", "amount": 1050, "amount_capturable": 0,
                                  "amount_received": 1050, "currency": "usd", "status": "succeeded",
                                  "metadata": { "session_id": session } } } })
}

fn captured(shop: &Shop, collection: &str) -> (String, String) {
    let books = shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
    (books["status"].as_str().expect("a status").to_owned(), digits(&books["captured_amount"]))
}

#[test]
fn a_debit_settles_by_webhook_and_only_once() {
    let shop = Shop::open();
    let (collection, session) = debit(&shop);
    let event = succeeded(&session, "evt_1");
    for _ in 0..3 {
        let answer = tell(&shop, &event, WEBHOOK_SECRET, now_seconds());
        assert_eq!((answer.status, &answer.body), (200, &json!("OK")));
    }
    assert_eq!(captured(&shop, &collection), ("completed".to_owned(), "10.50".to_owned()));
    let payments = shop.get("/admin/payments");
    assert_eq!(payments["payments"][0]["captures"].as_array().map(Vec::len), Some(1), "{payments}");
}

#[test]
fn what_is_forged_stale_or_altered_changes_nothing() {
    let shop = Shop::open();
    let (collection, session) = debit(&shop);
    let before = shop.trace();
    let event = succeeded(&session, "evt_1");
    let altered = {
        let body = event.to_string();
        let signature = signature(&body, WEBHOOK_SECRET, now_seconds());
        let body = body.replace("1050", "1051");
        Request::new("POST", TARGET).header("stripe-signature", &signature).body(body).send(&shop.door)
    };
    let unsigned = Request::new("POST", TARGET).body(event.to_string()).send(&shop.door);
    for answer in [
        tell(&shop, &event, "whsec_somebody_elses_secret", now_seconds()),
        tell(&shop, &event, WEBHOOK_SECRET, now_seconds() - 3_600),
        altered,
        unsigned,
    ] {
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert_eq!(shop.trace(), before);
    assert_eq!(captured(&shop, &collection).1, "0.00");
}

#[test]
fn a_webhook_for_nobody_waits_and_one_for_the_wrong_door_is_refused() {
    let shop = Shop::open();
    let stranger = succeeded("payses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "evt_1");
    assert_eq!(tell(&shop, &stranger, WEBHOOK_SECRET, now_seconds()).status, 200);
    shop.refuses(&Request::new("POST", "/hooks/payment/nobody_default").body("{}"), Refused::NOT_FOUND);
    shop.refuses(&Request::new("POST", "/hooks/payment/manual_default").body("{}"), Refused::field("provider"));
    shop.refuses(&Request::new("POST", "/hooks/payment/%FF").body("{}"), Refused::field("provider"));
    // The provider is there and has no secret to verify with: kept, and the gateway tries again.
    let answer = Request::new("POST", "/hooks/payment/stripe-mock_default").body("{}").send(&shop.door);
    assert_eq!(answer.status, 503, "{}", answer.body);
}
