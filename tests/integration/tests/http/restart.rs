//! What was answered is kept: a host that starts anew on the same database goes on where the last one stopped.

use serde_json::json;

use crate::scene::{CARDS, MANUAL_ID, Shop, digits, id, ok};

#[test]
fn a_restart_keeps_everything_and_payments_go_on() {
    let shop = Shop::open();
    let collection = shop.collection("10.10", "eur");
    let challenge = shop.session(&collection, CARDS);
    shop.authorize(&challenge, &json!({ "payment_method": "pm_card_threeDSecure2Required" }));
    let captured = shop.payment(MANUAL_ID, "5", "eur");
    ok(shop.capture(&captured, r#"{"amount":3}"#));
    let everything = |shop: &Shop| {
        ["/admin/payment-collections", "/admin/payments", "/admin/operations", "/admin/events?limit=1000"]
            .map(|target| shop.get(target))
    };
    let before = everything(&shop);

    let shop = shop.restart();
    assert_eq!(everything(&shop), before);
    let done = shop.authorize(&challenge, &json!({ "three_d_secure": "complete" }));
    assert_eq!(digits(&done["payment"]["amount"]), "10.10");
    ok(shop.capture(&id(&done["payment"]), ""));
    ok(shop.capture(&captured, ""));

    let shop = shop.restart();
    let refunded = ok(shop.refund(&captured, r#"{"amount":4.5}"#))["payment"].clone();
    assert_eq!(
        (digits(&refunded["captured_amount"]).as_str(), digits(&refunded["refunded_amount"]).as_str()),
        ("5.00", "4.50")
    );
    let books = shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(books["status"], "completed");
}
