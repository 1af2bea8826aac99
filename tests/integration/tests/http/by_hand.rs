//! Collections of orders and carts: paid by hand, and found by a storefront.

use serde_json::json;

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, digits, id, ok};
use crate::visitors::token;

fn of_order(shop: &Shop, order: &str) -> String {
    let body = json!({ "currency_code": "eur", "amount": 30, "order_id": order });
    id(&shop.post("/admin/payment-collections", &body)["payment_collection"])
}

#[test]
fn what_was_paid_otherwise_is_marked_as_paid_once() {
    let shop = Shop::open();
    let collection = of_order(&shop, "order_1");
    // A card that was declined stands in nobody's way.
    let session = shop.session(&collection, CARDS);
    shop.authorize(&session, &json!({ "payment_method": "pm_card_chargeDeclined" }));
    let target = format!("/admin/payment-collections/{collection}/mark-as-paid");
    let wrong = Request::post(&target, json!({ "order_id": "order_2" }).to_string());
    shop.refuses(&wrong, Refused::field("order_id"));
    let nobody = Request::post(&target, json!({ "order_id": "order_1", "provider_id": "pp_nobody_x" }).to_string());
    shop.refuses(&nobody, Refused { code: "unknown_provider", ..Refused::field("provider_id") });

    let paid = shop.post(&target, &json!({ "order_id": "order_1" }))["payment_collection"].clone();
    assert_eq!((&paid["status"], digits(&paid["captured_amount"]).as_str()), (&json!("completed"), "30.00"));
    assert_eq!(
        (&paid["payments"][0]["provider_id"], paid["payments"].as_array().unwrap().len()),
        (&json!(MANUAL_ID), 1)
    );
    let before = shop.trace();
    assert_eq!(shop.post(&target, &json!({ "order_id": "order_1" }))["payment_collection"], paid);
    assert_eq!(shop.trace(), before, "asked again, nothing is done");
    let other = Request::post(&target, json!({ "order_id": "order_1", "provider_id": CARDS }).to_string());
    shop.refuses(&other, Refused::new(400, "not_allowed", "collection_closed"));
}

#[test]
fn what_is_left_is_marked_as_paid_and_nothing_that_others_hold() {
    let shop = Shop::open();
    let collection = of_order(&shop, "order_1");
    let part = shop.share(&collection, CARDS, "12.50");
    let payment = id(&shop.authorize(&part, &json!({ "payment_method": "pm_card_visa" }))["payment"]);
    let target = format!("/admin/payment-collections/{collection}/mark-as-paid");
    let request = Request::post(&target, json!({ "order_id": "order_1" }).to_string());
    shop.refuses(&request, Refused::new(400, "not_allowed", "open_payments"));
    ok(shop.capture(&payment, ""));
    let paid = ok(request.send(&shop.door))["payment_collection"].clone();
    assert_eq!(paid["status"], "completed");
    assert_eq!(digits(&paid["payments"][1]["amount"]), "17.50");

    // A provider that needs the payer cannot take money by hand.
    let collection = of_order(&shop, "order_2");
    let target = format!("/admin/payment-collections/{collection}/mark-as-paid");
    let body = json!({ "order_id": "order_2", "provider_id": CARDS }).to_string();
    let answer = Request::post(&target, body).send(&shop.door);
    assert!((400..500).contains(&answer.status), "{}", answer.body);
}

#[test]
fn many_who_mark_at_once_pay_once() {
    let shop = Shop::open();
    let collection = of_order(&shop, "order_1");
    let target = format!("/admin/payment-collections/{collection}/mark-as-paid");
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let ask = || shop.ask(&target, &json!({ "order_id": "order_1" })).status;
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|status| matches!(status, 200 | 400 | 409)) && answers.contains(&200), "{answers:?}");
    let paid = shop.post(&target, &json!({ "order_id": "order_1" }))["payment_collection"].clone();
    assert_eq!(
        (digits(&paid["captured_amount"]).as_str(), digits(&paid["authorized_amount"]).as_str()),
        ("30.00", "30.00")
    );
    let keyed = || {
        Request::post(&target, json!({ "order_id": "order_1" }).to_string())
            .header("idempotency-key", "k")
            .send(&shop.door)
    };
    let (first, second) = (keyed(), keyed());
    assert_eq!((first.text, second.header("idempotent-replayed")), (second.text.clone(), Some("true")));
}

#[test]
fn a_storefront_finds_the_collection_of_its_cart() {
    let shop = Shop::open();
    let target = "/store/payment-collections";
    let ask = |cart: &str| {
        let request = Request::post(target, json!({ "cart_id": cart }).to_string());
        request.header("authorization", &token(&json!({ "cart_id": cart })))
    };
    shop.refuses(&ask("cart_1"), Refused::NOT_FOUND);
    let body = json!({ "currency_code": "eur", "amount": 30, "cart_id": "cart_1" });
    let made = id(&shop.post("/admin/payment-collections", &body)["payment_collection"]);
    let guessed = Request::post(target, json!({ "cart_id": "cart_1" }).to_string());
    shop.refuses(&guessed, Refused::new(403, "forbidden", "client_secret_missing"));
    let found = ok(ask("cart_1").send(&shop.door))["payment_collection"].clone();
    assert_eq!((id(&found), digits(&found["amount"]).as_str()), (made.clone(), "30.00"));
    assert_eq!(found["payment_sessions"], json!([]));
    let second = id(&shop.post("/admin/payment-collections", &body)["payment_collection"]);
    assert_eq!(id(&ok(ask("cart_1").send(&shop.door))["payment_collection"]), made, "the one it was given first");
    shop.post(&format!("/admin/payment-collections/{made}/cancel"), &json!({}));
    assert_eq!(id(&ok(ask("cart_1").send(&shop.door))["payment_collection"]), second);
    shop.delete(&format!("/admin/payment-collections/{second}"));
    shop.refuses(&ask("cart_1"), Refused::NOT_FOUND);
    let listed = shop.get("/admin/payment-collections?cart_id=cart_1&with_deleted=true");
    assert_eq!(listed["count"], 2);
}
