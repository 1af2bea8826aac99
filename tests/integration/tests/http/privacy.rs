//! What a storefront must never read: a provider's private state, the payer, and a provider's words.

use serde_json::{Value, json};

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, ROGUE, Refused, Shop, id};

/// Keys that no answer to a storefront may have, at any depth.
const PRIVATE: &[&str] = &["context", "customer", "metadata", "client_data", "provider_reference"];

fn check_public(answer: &Value, secrets: &[&str]) {
    let text = answer.to_string();
    for secret in secrets {
        assert!(!text.contains(secret), "`{secret}` in {text}");
    }
    for key in PRIVATE {
        assert!(!text.contains(&format!("\"{key}\":")), "`{key}` in {text}");
    }
}

#[test]
fn a_storefront_reads_only_what_is_meant_for_it() {
    let shop = Shop::open();
    for provider in [CARDS, MANUAL_ID] {
        let collection = shop.collection("10", "eur");
        let body = json!({
            "provider_id": provider,
            "metadata": { "margin": "secret-margin" },
            "context": { "customer": { "id": "cus_secret", "email": "payer@example.com" } },
        });
        let made = shop.post(&format!("/admin/payment-collections/{collection}/payment-sessions"), &body);
        let session = id(&made["payment_session"]);
        let (private, public) =
            (made["payment_session"]["data"].clone(), made["payment_session"]["client_data"].clone());
        assert!(private != json!({}) && private != public, "{made}");
        let secrets = ["secret-margin", "cus_secret", "payer@example.com", "idempotency_key", "entries"];

        let data = if provider == CARDS { json!({ "payment_method": "pm_card_visa" }) } else { json!({}) };
        let target = format!("/store/payment-sessions/{session}");
        assert_eq!(shop.get(&target)["payment_session"]["data"], public);
        for answer in [
            shop.get(&format!("/store/payment-collections/{collection}")),
            shop.get(&target),
            shop.post(&target, &json!({})),
            shop.authorize(&session, &data),
            shop.get(&target),
            shop.get(&format!("{target}/status")),
            shop.get("/store/payment-providers?region_id=reg_1"),
        ] {
            check_public(&answer, &secrets);
        }
        let events = shop.get("/admin/events?limit=1000");
        for secret in secrets {
            assert!(!events.to_string().contains(secret), "`{secret}` in an event");
        }
    }
}

#[test]
fn a_decline_is_told_in_our_words() {
    let shop = Shop::open();
    for (method, code) in
        [("pm_card_visa_chargeDeclinedStolenCard", "unspecified"), ("pm_card_chargeDeclinedFraudulent", "unspecified")]
    {
        let session = shop.session(&shop.collection("10", "eur"), CARDS);
        let told = shop.authorize(&session, &json!({ "payment_method": method }))["payment_session"]["decline"].clone();
        assert_eq!(told["code"], code, "{told}");
        for word in ["stolen", "fraud"] {
            assert!(!told.to_string().contains(word), "{told}");
        }
    }
}

#[test]
fn a_storefront_says_no_amount_and_nothing_about_the_payer() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    let session = shop.session(&collection, CARDS);
    for (key, value) in [("amount", "1"), ("context", "{}"), ("metadata", "{}"), ("currency_code", "\"eur\"")] {
        let sessions = format!("/store/payment-collections/{collection}/payment-sessions");
        let body = format!(r#"{{"provider_id":"{CARDS}","{key}":{value}}}"#);
        shop.refuses(&Request::post(&sessions, body), Refused::field(key));
        let body = format!(r#"{{"{key}":{value}}}"#);
        shop.refuses(&Request::post(&format!("/store/payment-sessions/{session}"), body), Refused::field(key));
    }
}

#[test]
fn an_error_tells_a_storefront_nothing_of_the_provider() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    let target = |door: &str| format!("/{door}/payment-collections/{collection}/payment-sessions");
    let broken = json!({ "provider_id": ROGUE, "data": { "misbehave": "panic" } });
    let told = shop.ask(&target("store"), &broken);
    assert_eq!((told.status, &told.body["type"]), (502, &json!("provider_fault")), "{}", told.body);
    assert_eq!(told.body["message"], "the payment could not be processed, and nothing was charged");
    assert_eq!(shop.ask(&target("admin"), &broken).body["code"], told.body["code"]);

    let unknown = json!({ "provider_id": CARDS, "data": { "payment_method": "pm_card_nobody" } });
    let told = shop.ask(&target("store"), &unknown);
    assert_eq!((told.status, &told.body["type"]), (422, &json!("provider_rejected")), "{}", told.body);
    assert!(!told.body.to_string().contains("nobody"), "{}", told.body);
    let operator = shop.ask(&target("admin"), &unknown);
    assert!(operator.body["message"].as_str().unwrap().contains("pm_card_nobody"), "{}", operator.body);
}
