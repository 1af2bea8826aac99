//! A provider that misbehaves: the answer says whose fault it is, the books stay as they were, and other payments go on.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::scene::{CARDS, ROGUE, Shop, digits, id, ok};

/// A payment with the rogue provider that will misbehave in this way in `capture`.
fn rogue_payment(shop: &Shop, misbehaves: &str) -> String {
    let collection = shop.collection("10", "eur");
    let data = json!({ "misbehave": misbehaves, "in": "capture" });
    let body = json!({ "provider_id": ROGUE, "data": data });
    let made = shop.post(&format!("/store/payment-collections/{collection}/payment-sessions"), &body);
    id(&shop.authorize(&id(&made["payment_session"]), &json!({}))["payment"])
}

fn check_fault(answer: &Answer, code: &str) {
    let body = &answer.body;
    assert_eq!(
        (answer.status, &body["type"], &body["culprit"]),
        (502, &json!("provider_fault"), &json!("guest")),
        "{body}"
    );
    assert_eq!(body["code"], code, "{body}");
    // It can reach no network, so that is proof.
    assert_eq!(body["request_may_have_been_sent"], false, "{body}");
}

#[test]
fn a_broken_call_names_its_culprit_and_frees_what_it_held() {
    let shop = Shop::open();
    for (misbehaves, code) in [
        ("trap", "guest_trap"),
        ("panic", "guest_trap"),
        ("memory-growth", "limit_memory"),
        ("deep-recursion", "limit_stack"),
        ("data-not-json", "guest_contract"),
    ] {
        let payment = rogue_payment(&shop, misbehaves);
        let answer = shop.capture(&payment, r#"{"amount":4}"#);
        check_fault(&answer, code);
        let books = shop.get(&format!("/admin/payments/{payment}"))["payment"].clone();
        let amounts = ["captured_amount", "reserved_capture_amount"].map(|amount| digits(&books[amount]));
        assert_eq!(amounts, ["0.00", "0.00"]);
        assert_eq!(books["captures"], json!([]));

        // The attempt stays in the books, and asking again about it changes nothing.
        let operation = answer.body["operation_id"].as_str().unwrap();
        let kept = shop.get(&format!("/admin/operations/{operation}"))["operation"].clone();
        assert_eq!((&kept["kind"], &kept["payment_id"]), (&json!("capture"), &json!(payment)));
        let again = shop.post(&format!("/admin/operations/{operation}/recheck"), &json!({}))["operation"].clone();
        assert_eq!(again, kept);

        // A neighbour is not touched by it.
        let other = shop.payment(CARDS, "10", "eur");
        assert!(ok(shop.capture(&other, ""))["payment"]["captured_at"] != Value::Null);
    }
}

#[test]
fn an_answer_that_contradicts_the_books_waits_for_a_person() {
    let shop = Shop::open();
    let payment = rogue_payment(&shop, "amount-other");
    let answer = shop.capture(&payment, r#"{"amount":4}"#);
    assert_eq!((answer.status, &answer.body["type"]), (502, &json!("needs_review")), "{}", answer.body);
    assert_eq!(answer.body["request_may_have_been_sent"], true);
    let books = shop.get(&format!("/admin/payments/{payment}"))["payment"].clone();
    let amounts = ["captured_amount", "reserved_capture_amount"].map(|amount| digits(&books[amount]));
    assert_eq!(amounts, ["0.00", "4.00"], "it may have happened, so nobody else gets it");
    let open = shop.get("/admin/operations?state=needs_review,unknown");
    assert_eq!(
        (id(&open["operations"][0]).as_str(), &open["count"]),
        (answer.body["operation_id"].as_str().unwrap(), &json!(1))
    );
    let collection = books["payment_collection_id"].as_str().unwrap();
    assert!(
        shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"]["uncertain"]["since"]
            .is_string()
    );
    assert_eq!(books["uncertain"]["next_check_at"], Value::Null, "only a person can go on");

    // A person closes it: with a verdict and a note, once.
    let operation = format!("/admin/operations/{}", answer.body["operation_id"].as_str().unwrap());
    for (body, field) in [
        (json!({ "as": "absent" }), "note"),
        (json!({ "as": "absent", "note": " " }), "note"),
        (json!({ "as": "maybe", "note": "x" }), "as"),
        (json!({ "note": "x" }), "as"),
    ] {
        let refused = shop.ask(&format!("{operation}/resolve"), &body);
        assert_eq!((refused.status, &refused.body["field"]), (400, &json!(field)), "{}", refused.body);
    }
    assert_eq!(shop.ask(&format!("{operation}/void"), &json!({})).status, 400, "a capture cannot be voided");
    let verdict = json!({ "as": "absent", "note": "not at the dashboard" });
    let closed = shop.post(&format!("{operation}/resolve"), &verdict)["operation"].clone();
    assert_eq!((&closed["state"], &closed["detail"]), (&json!("absent"), &json!("not at the dashboard")));
    assert_eq!((&closed["next_action_at"], &closed["checks"]), (&Value::Null, &json!(0)));
    let books = shop.get(&format!("/admin/payments/{payment}"))["payment"].clone();
    assert_eq!((digits(&books["reserved_capture_amount"]).as_str(), &books["uncertain"]), ("0.00", &Value::Null));
    assert_eq!(shop.ask(&format!("{operation}/resolve"), &verdict).body["code"], "already_settled");
}
