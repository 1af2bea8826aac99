//! Every call that may change something leaves a row: who, what, and how it ended; and nothing of what was sent.

use serde_json::{Value, json};
use tillbox::service::NewApiKey;
use tillbox::store::Scope;

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, id, ok};

fn entries(shop: &Shop, query: &str) -> Vec<Value> {
    shop.get(&format!("/admin/audit?limit=200{query}"))["audit"].as_array().unwrap().clone()
}

#[test]
fn who_changed_what_and_how_it_ended_is_written_down() {
    let shop = Shop::open();
    let (key, text) = shop.new_key(NewApiKey::secret([Scope::Operate]));
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let target = format!("/admin/payments/{payment}/refund");
    let capture = Request::post(&format!("/admin/payments/{payment}/capture"), r#"{"amount":4}"#);
    let capture = capture.header("authorization", &format!("Bearer {text}")).header("idempotency-key", "till-3-1");
    let before = entries(&shop, "").len();
    ok(capture.send(&shop.door));
    ok(capture.send(&shop.door));
    let too_much = Request::post(&target, r#"{"amount":5,"note":"a note that nobody else reads"}"#);
    assert_eq!(too_much.send(&shop.door).status, 400);
    let all = entries(&shop, "");
    assert_eq!(all.len(), before + 3, "{all:?}");
    let (refund, again) = (&all[0], &all[1]);
    assert_eq!((&refund["status"], &refund["code"]), (&json!(400), &json!("exceeds_captured")));
    assert_eq!((&refund["route"], &refund["subject_id"]), (&json!("/admin/payments/{id}/refund"), &json!(payment)));
    assert_eq!((&again["status"], &again["code"]), (&json!(200), &Value::Null));
    assert_eq!((&again["api_key_id"], &again["kind"]), (&json!(key.id.as_str()), &json!("secret")));
    assert_eq!((&again["idempotency_key"], &again["method"]), (&json!("till-3-1"), &json!("POST")));
    assert!(again["request_id"].as_str().is_some_and(|id| !id.is_empty()) && again["ended_at"].is_string(), "{again}");
    assert_eq!(entries(&shop, &format!("&api_key_id={}", key.id)).len(), 2);
    assert_eq!(entries(&shop, &format!("&subject_id={payment}")).len(), 3);
    let kept = json!(all).to_string();
    for private in ["nobody else reads", "sk_", "\"pk_", "cs_", "pm_card"] {
        assert!(!kept.contains(private), "{private}");
    }
    // A list of calls is for those who administer.
    let look = Request::new("GET", "/admin/audit").header("authorization", &format!("Bearer {text}"));
    shop.refuses(&look, Refused::new(403, "forbidden", "scope_missing"));
    let shop = shop.restart();
    assert_eq!(entries(&shop, ""), all);
}

#[test]
fn a_storefronts_calls_are_there_and_what_only_reads_is_not() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    let session = shop.session(&collection, CARDS);
    let before = entries(&shop, "").len();
    shop.get(&format!("/store/payment-sessions/{session}"));
    shop.get("/admin/payments");
    // Who has no key, or no claim to what they name, has called nothing.
    for stranger in [
        Request::post(&format!("/store/payment-sessions/{session}"), "{}").anonymous(),
        Request::post(&format!("/store/payment-sessions/{session}"), "{}").header("x-client-secret", "cs_1"),
        Request::post("/admin/payment-collections", "{}").anonymous(),
    ] {
        assert!(stranger.send(&shop.door).status >= 400);
    }
    assert_eq!(entries(&shop, "").len(), before);
    let answer = shop.authorize(&session, &json!({ "payment_method": "pm_card_visa" }));
    assert!(id(&answer["payment"]).starts_with("pay_"));
    let all = entries(&shop, "");
    assert_eq!((all.len(), &all[0]["kind"]), (before + 1, &json!("publishable")));
    assert_eq!(all[0]["subject_id"], session);
}
