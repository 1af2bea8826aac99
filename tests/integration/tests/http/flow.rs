//! One payment from the cart to the refund, and the branches a payer can take.

use serde_json::{Value, json};

use crate::client::Request;
use crate::scene::{CARDS, CARDS_AT_ONCE, MANUAL_ID, Shop, digits, id, ok};

/// Authorized, captured in parts, refunded in part: the same for every provider.
fn check_whole_flow(provider: &str, data: &Value) {
    let shop = Shop::open();
    let providers = shop.get("/store/payment-providers?region_id=reg_1");
    let known = providers["payment_providers"].as_array().unwrap();
    assert!(known.iter().any(|known| known["id"] == provider && known["is_enabled"] == true), "{providers}");

    let body = json!({ "currency_code": "eur", "amount": 100, "cart_id": "cart_1", "metadata": { "order": 7 } });
    let made = shop.post("/admin/payment-collections", &body)["payment_collection"].clone();
    assert_eq!(
        (&made["status"], &made["cart_id"], &made["metadata"]),
        (&json!("not_paid"), &json!("cart_1"), &json!({"order":7}))
    );
    let collection = id(&made);

    let session = shop.session(&collection, provider);
    let seen = shop.get(&format!("/store/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!((&seen["status"], digits(&seen["amount"]).as_str()), (&json!("awaiting"), "100.00"));
    assert_eq!(seen["payment_sessions"][0]["id"], session.as_str());

    let authorized = shop.authorize(&session, data);
    assert_eq!(authorized["payment_session"]["status"], "authorized");
    assert_eq!(authorized["payment_session"]["payment_collection_id"], collection.as_str());
    let payment = id(&authorized["payment"]);
    // Twice is no error and no second payment.
    assert_eq!(id(&shop.authorize(&session, &json!({}))["payment"]), payment);

    let part = ok(shop.capture(&payment, r#"{"amount":30.50}"#))["payment"].clone();
    assert_eq!((digits(&part["captured_amount"]).as_str(), &part["captured_at"]), ("30.50", &Value::Null));
    // Nothing said is all that is left, by an empty body too.
    let whole = ok(shop.capture(&payment, ""))["payment"].clone();
    assert_eq!(digits(&whole["captured_amount"]), "100.00");
    assert!(whole["captured_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(whole["captures"].as_array().unwrap().len(), 2);

    let refunded = ok(shop.refund(&payment, r#"{"amount":0.05,"note":"a scratch"}"#))["payment"].clone();
    assert_eq!(digits(&refunded["refunded_amount"]), "0.05");
    assert_eq!(refunded["refunds"][0]["note"], "a scratch");
    assert_eq!(refunded["refunds"][0]["payment_id"], payment.as_str());
    ok(shop.refund(&payment, r#"{"amount":9.95}"#));

    let books = shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(books["status"], "completed");
    let amounts = ["amount", "authorized_amount", "captured_amount", "refunded_amount"];
    assert_eq!(amounts.map(|amount| digits(&books[amount])), ["100.00", "100.00", "100.00", "10.00"]);

    let provider = shop.get(&format!("/admin/payments/{payment}/provider"))["provider"].clone();
    let known = ["captured_amount", "refunded_amount"].map(|amount| digits(&provider[amount]));
    assert_eq!(known, ["100.00", "10.00"], "the provider and the books agree");
    let status = shop.get(&format!("/store/payment-sessions/{session}/status"));
    assert_eq!(status["provider"]["status"], "captured");

    let listed = shop.get("/admin/payments");
    assert_eq!((&listed["count"], &listed["offset"], &listed["limit"]), (&json!(1), &json!(0), &json!(20)));
    assert_eq!(listed["payments"][0], shop.get(&format!("/admin/payments/{payment}"))["payment"]);
    let operations = shop.get("/admin/operations?state=succeeded");
    assert_eq!(operations["count"], 6, "initiate, authorize, two captures, two refunds: {operations}");
    let first = id(&operations["operations"][0]);
    let operation = shop.get(&format!("/admin/operations/{first}"))["operation"].clone();
    assert_eq!((&operation["kind"], digits(&operation["amount"]).as_str()), (&json!("refund"), "9.95"));
    let events = shop.get("/admin/events?limit=1000");
    let kinds: Vec<&str> =
        events["events"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    for kind in ["payment_collection.created", "payment.authorized", "payment.captured", "payment.refunded"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[test]
fn a_payment_by_hand_is_captured_and_partly_refunded() {
    check_whole_flow(MANUAL_ID, &json!({}));
}

#[test]
fn a_card_payment_is_captured_and_partly_refunded() {
    check_whole_flow(CARDS, &json!({ "payment_method": "pm_card_visa" }));
}

#[test]
fn a_challenge_is_an_answer_and_the_session_goes_on_after_it() {
    let shop = Shop::open();
    let session = shop.session(&shop.collection("25", "eur"), CARDS);
    let asked = shop.authorize(&session, &json!({ "payment_method": "pm_card_threeDSecure2Required" }));
    assert_eq!((&asked["payment_session"]["status"], &asked["payment"]), (&json!("requires_more"), &Value::Null));
    let action = &asked["payment_session"]["next_action"];
    assert_eq!(action["type"], "three_d_secure", "{action}");
    assert!(action["url"].as_str().unwrap().starts_with("https://"), "{action}");
    let seen = shop.get(&format!("/store/payment-sessions/{session}"));
    assert_eq!(&seen["payment_session"]["next_action"], action, "it can be read again");

    let done = shop.authorize(&session, &json!({ "three_d_secure": "complete" }));
    assert_eq!(done["payment_session"]["status"], "authorized");
    assert_eq!(done["payment_session"]["next_action"], Value::Null);
    assert_eq!(digits(&done["payment"]["amount"]), "25.00");
}

#[test]
fn a_failed_challenge_is_a_decline_and_another_try_passes() {
    let shop = Shop::open();
    let session = shop.session(&shop.collection("25", "eur"), CARDS);
    shop.authorize(&session, &json!({ "payment_method": "pm_card_threeDSecure2Required" }));
    let failed = shop.authorize(&session, &json!({ "three_d_secure": "fail" }));
    assert_eq!((&failed["payment_session"]["status"], &failed["payment"]), (&json!("error"), &Value::Null));
    assert_eq!(failed["payment_session"]["decline"]["code"], "authentication_failed", "{failed}");
    let passed = shop.authorize(&session, &json!({ "payment_method": "pm_card_visa" }));
    assert_eq!(passed["payment_session"]["status"], "authorized");
}

#[test]
fn a_decline_is_an_answer_and_another_method_pays() {
    let shop = Shop::open();
    let collection = shop.collection("25", "eur");
    let session = shop.session(&collection, CARDS);
    let declined = shop.authorize(&session, &json!({ "payment_method": "pm_card_chargeDeclinedInsufficientFunds" }));
    assert_eq!((&declined["payment_session"]["status"], &declined["payment"]), (&json!("error"), &Value::Null));
    assert!(declined["payment_session"]["decline"]["message"].is_string(), "{declined}");
    let operator = shop.get(&format!("/admin/payment-sessions/{session}"));
    assert_eq!(operator["payment_session"]["decline"]["code"], "insufficient_funds", "{operator}");
    let books = shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!((&books["status"], digits(&books["authorized_amount"]).as_str()), (&json!("failed"), "0.00"));

    let paid = shop.authorize(&session, &json!({ "payment_method": "pm_card_mastercard" }));
    assert_eq!(
        (&paid["payment_session"]["status"], &paid["payment_session"]["decline"]),
        (&json!("authorized"), &Value::Null)
    );
}

#[test]
fn a_provider_that_captures_at_once_is_captured_and_can_be_refunded() {
    let shop = Shop::open();
    let payment = shop.payment(CARDS_AT_ONCE, "12.34", "eur");
    let payment = shop.get(&format!("/admin/payments/{payment}"))["payment"].clone();
    assert_eq!(digits(&payment["captured_amount"]), "12.34");
    assert!(payment["captured_at"].is_string());
    // Captured already: asking again answers as it is, and takes nothing.
    let before = shop.trace();
    let again = ok(shop.capture(&id(&payment), "{}"))["payment"].clone();
    assert_eq!((digits(&again["captured_amount"]).as_str(), shop.trace()), ("12.34", before));
    let refunded = ok(shop.refund(&id(&payment), ""))["payment"].clone();
    assert_eq!(digits(&refunded["refunded_amount"]), "12.34");
}

#[test]
fn a_decision_that_comes_later_is_asked_for() {
    let shop = Shop::open();
    let session = shop.session(&shop.collection("40", "eur"), CARDS_AT_ONCE);
    let asked = shop.authorize(&session, &json!({ "payment_method": "pm_sepaDebit_success_de" }));
    assert_eq!(
        (&asked["payment_session"]["status"], &asked["payment"]),
        (&json!("pending_authorization"), &Value::Null)
    );
    let later = shop.authorize(&session, &json!({}));
    assert_eq!(later["payment_session"]["status"], "captured", "{later}");
    let payment = shop.get(&format!("/admin/payments/{}", id(&later["payment"])))["payment"].clone();
    assert_eq!(digits(&payment["captured_amount"]), "40.00");
}

#[test]
fn a_payment_that_is_not_wanted_any_more_is_voided() {
    let shop = Shop::open();
    let payment = shop.payment(CARDS, "12", "eur");
    let canceled = shop.post(&format!("/admin/payments/{payment}/cancel"), &json!({ "reason": "changed their mind" }));
    assert!(canceled["payment"]["canceled_at"].is_string(), "{canceled}");
    let again = shop.capture(&payment, "{}");
    assert_eq!((again.status, &again.body["code"]), (400, &json!("payment_canceled")));

    let collection = shop.collection("8", "eur");
    shop.authorize(&shop.session(&collection, MANUAL_ID), &json!({}));
    let canceled = shop.post(&format!("/admin/payment-collections/{collection}/cancel"), &json!({}));
    assert_eq!(canceled["payment_collection"]["status"], "canceled");
    assert!(canceled["payment_collection"]["payments"][0]["canceled_at"].is_string());
}

/// What the reference's published JavaScript client sends with every request, GET and DELETE included.
#[test]
fn a_client_that_always_says_json_is_understood() {
    let shop = Shop::open();
    let session = shop.session(&shop.collection("9", "eur"), CARDS);
    let target = format!("/store/payment-sessions/{session}");
    for method in ["GET", "POST", "DELETE"] {
        let request = Request::new(method, &target).header("content-type", "application/json");
        let request = request.header("accept", "application/json").header("x-medusa-locale", "");
        ok(request.send(&shop.door));
    }
}
