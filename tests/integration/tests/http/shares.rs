//! Several sessions in one collection: a choice of providers, and installments.

use serde_json::json;

use crate::client::Request;
use crate::scene::{CARDS, CARDS_AT_ONCE, MANUAL_ID, ROGUE, Refused, Shop, digits, id, ok};

#[test]
fn a_payer_chooses_among_providers_and_the_other_session_can_no_longer_charge() {
    let shop = Shop::open();
    let collection = shop.collection("60", "eur");
    let (cards, cash) = (shop.share(&collection, CARDS, "60"), shop.share(&collection, MANUAL_ID, "60"));
    let seen = shop.get(&format!("/store/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(seen["payment_sessions"].as_array().unwrap().len(), 2);

    shop.authorize(&cash, &json!({}));
    let body = json!({ "data": { "payment_method": "pm_card_visa" } }).to_string();
    let request = Request::post(&format!("/store/payment-sessions/{cards}/authorize"), body);
    shop.refuses(&request, Refused::new(400, "invalid_data", "exceeds_collection"));

    let gone = shop.delete(&format!("/store/payment-sessions/{cards}"));
    assert_eq!(gone, json!({ "id": cards, "object": "payment-session", "deleted": true }));
    shop.refuses(&Request::new("GET", &format!("/store/payment-sessions/{cards}")), Refused::NOT_FOUND);
    let seen = shop.get(&format!("/store/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!((id(&seen["payment_sessions"][0]), &seen["status"]), (cash, &json!("authorized")));
}

#[test]
fn a_storefront_has_one_session_at_a_time() {
    let shop = Shop::open();
    let collection = shop.collection("60", "eur");
    let target = format!("/store/payment-collections/{collection}/payment-sessions");
    let only = |provider: &str| {
        let made = shop.post(&target, &json!({ "provider_id": provider }));
        let sessions = made["payment_collection"]["payment_sessions"].as_array().unwrap().clone();
        assert_eq!((sessions.len(), &sessions[0]["id"]), (1, &made["payment_session"]["id"]), "{made}");
        id(&made["payment_session"])
    };
    let first = only(CARDS);
    shop.authorize(&first, &json!({ "payment_method": "pm_card_threeDSecure2Required" }));
    let second = only(MANUAL_ID);
    shop.refuses(&Request::new("GET", &format!("/store/payment-sessions/{first}")), Refused::NOT_FOUND);
    // One that is refused leaves the one there is.
    let nobody = Request::post(&target, json!({ "provider_id": "pp_nobody_x" }).to_string());
    shop.refuses(&nobody, Refused { code: "unknown_provider", ..Refused::field("provider_id") });
    // One that was never opened is unknown at its provider, and makes way all the same.
    let broken = Request::post(
        &target,
        json!({ "provider_id": ROGUE, "data": { "misbehave": "trap", "in": "initiate" } }).to_string(),
    );
    assert_eq!(broken.send(&shop.door).status, 502);
    shop.refuses(&Request::new("GET", &format!("/store/payment-sessions/{second}")), Refused::NOT_FOUND);
    let third = only(MANUAL_ID);
    // Two at once: one of them is left.
    std::thread::scope(|scope| {
        for provider in [CARDS, MANUAL_ID, CARDS, MANUAL_ID] {
            let (target, shop) = (&target, &shop);
            scope.spawn(move || shop.ask(target, &json!({ "provider_id": provider })));
        }
    });
    let seen = shop.get(&format!("/store/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(seen["payment_sessions"].as_array().unwrap().len(), 1, "{seen}");
    assert_ne!(seen["payment_sessions"][0]["id"], third.as_str());
    // What is paid stays, and takes nothing more.
    let last = id(&seen["payment_sessions"][0]);
    assert_eq!(
        shop.authorize(&last, &json!({ "payment_method": "pm_card_visa" }))["payment_session"]["status"],
        "authorized"
    );
    let request = Request::post(&target, json!({ "provider_id": CARDS }).to_string());
    shop.refuses(&request, Refused::new(400, "invalid_data", "exceeds_collection"));
}

#[test]
fn a_collection_whose_session_was_never_opened_can_be_deleted() {
    let shop = Shop::open();
    let collection = shop.collection("60", "eur");
    let body = json!({ "provider_id": ROGUE, "data": { "misbehave": "trap", "in": "initiate" } }).to_string();
    let broken = Request::post(&format!("/store/payment-collections/{collection}/payment-sessions"), body);
    assert_eq!(broken.send(&shop.door).status, 502);
    let gone = shop.delete(&format!("/admin/payment-collections/{collection}"));
    assert_eq!(gone["deleted"], true, "{gone}");
}

#[test]
fn what_a_bank_still_decides_does_not_make_way() {
    let shop = Shop::open();
    let collection = shop.collection("40", "eur");
    let session = shop.session(&collection, CARDS_AT_ONCE);
    let asked = shop.authorize(&session, &json!({ "payment_method": "pm_sepaDebit_success_de" }));
    assert_eq!(asked["payment_session"]["status"], "pending_authorization", "{asked}");
    let target = format!("/store/payment-collections/{collection}/payment-sessions");
    let answer = shop.ask(&target, &json!({ "provider_id": CARDS }));
    assert!(matches!(answer.status, 400 | 409), "decided meanwhile, or still being decided: {}", answer.body);
    let seen = shop.get(&format!("/store/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(id(&seen["payment_sessions"][0]), session);
}

#[test]
fn installments_add_up_to_the_amount_and_not_to_more() {
    let shop = Shop::open();
    let collection = shop.collection("100", "eur");
    let first = shop.share(&collection, CARDS, "33.33");
    let second = shop.share(&collection, MANUAL_ID, "33.33");
    shop.authorize(&first, &json!({ "payment_method": "pm_card_visa" }));
    let books = || shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(books()["status"], "partially_authorized");
    shop.authorize(&second, &json!({}));

    let sessions = format!("/admin/payment-collections/{collection}/payment-sessions");
    let body = format!(r#"{{"provider_id":"{CARDS}","amount":33.35}}"#);
    shop.refuses(&Request::post(&sessions, body), Refused::new(400, "invalid_data", "exceeds_collection"));
    // Without an amount a session is over what is left.
    let rest = id(&shop.post(&sessions, &json!({ "provider_id": CARDS }))["payment_session"]);
    let rest = shop.authorize(&rest, &json!({ "payment_method": "pm_card_mastercard" }));
    assert_eq!(digits(&rest["payment"]["amount"]), "33.34");
    assert_eq!((&books()["status"], digits(&books()["authorized_amount"]).as_str()), (&json!("authorized"), "100.00"));

    for (index, payment) in books()["payments"].as_array().unwrap().iter().enumerate() {
        ok(shop.capture(&id(payment), "{}"));
        let status = if index == 2 { "completed" } else { "partially_captured" };
        assert_eq!(books()["status"], status);
    }
    assert_eq!(digits(&books()["captured_amount"]), "100.00");
}

#[test]
fn the_merchant_changes_what_is_not_authorized_yet() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    let session = shop.session(&collection, CARDS);
    let change = format!("/admin/payment-collections/{collection}");
    shop.post(&change, &json!({ "amount": 12, "metadata": { "coupon": "none" } }));
    let changed = shop.post(&format!("/admin/payment-sessions/{session}"), &json!({ "amount": 12 }));
    assert_eq!(digits(&changed["payment_session"]["amount"]), "12.00");
    let authorized = shop.authorize(&session, &json!({ "payment_method": "pm_card_visa" }));
    assert_eq!(digits(&authorized["payment"]["amount"]), "12.00");

    let less = Request::post(&change, r#"{"amount":11.99}"#);
    shop.refuses(&less, Refused::new(400, "invalid_data", "below_committed"));
    let late = Request::post(&format!("/admin/payment-sessions/{session}"), r#"{"amount":11}"#);
    shop.refuses(&late, Refused::new(400, "not_allowed", "session_closed"));
}

#[test]
fn the_payer_of_a_session_comes_from_the_merchants_server() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    let address = json!({ "line1": "Street 1", "city": "Berlin", "postal_code": "10115", "country_code": "DE" });
    let customer =
        json!({ "id": "cus_1", "email": "payer@example.com", "name": "P. Ayer", "billing_address": address });
    let body = json!({
        "provider_id": CARDS,
        "amount": 4,
        "metadata": { "part": 1 },
        "context": { "customer": customer, "locale": "de-DE" },
    });
    let made = shop.post(&format!("/admin/payment-collections/{collection}/payment-sessions"), &body);
    let session = &made["payment_session"];
    assert_eq!((&session["metadata"], digits(&session["amount"]).as_str()), (&json!({ "part": 1 }), "4.00"));
    assert_eq!(session["context"]["customer"]["billing_address"]["city"], "Berlin");
    assert_eq!(made["payment_collection"]["payment_sessions"][0], *session);
    let authorized = shop.post(
        &format!("/admin/payment-sessions/{}/authorize", id(session)),
        &json!({ "data": { "payment_method": "pm_card_visa" } }),
    );
    assert_eq!(authorized["payment"]["payment_session_id"], id(session).as_str());
}
