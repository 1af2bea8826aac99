//! More than there is: refused before any provider is asked, and nothing stored.

use serde_json::json;

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, ok};

const OVER_CAPTURE: Refused = Refused::new(400, "invalid_data", "exceeds_authorized");
const OVER_REFUND: Refused = Refused::new(400, "invalid_data", "exceeds_captured");

#[test]
fn nobody_captures_or_refunds_more_than_there_is() {
    let shop = Shop::open();
    for provider in [CARDS, MANUAL_ID] {
        let payment = shop.payment(provider, "10", "eur");
        let capture = |body: &str| Request::post(&format!("/admin/payments/{payment}/capture"), body);
        let refund = |body: &str| Request::post(&format!("/admin/payments/{payment}/refund"), body);
        shop.refuses(&refund(r#"{"amount":0.01}"#), OVER_REFUND);
        shop.refuses(&refund(""), OVER_REFUND);
        shop.refuses(&capture(r#"{"amount":10.01}"#), OVER_CAPTURE);
        ok(shop.capture(&payment, r#"{"amount":6}"#));
        shop.refuses(&capture(r#"{"amount":4.01}"#), OVER_CAPTURE);
        shop.refuses(&refund(r#"{"amount":6.01}"#), OVER_REFUND);
        ok(shop.refund(&payment, r#"{"amount":5.99}"#));
        shop.refuses(&refund(r#"{"amount":0.02}"#), OVER_REFUND);
        ok(shop.refund(&payment, ""));
        shop.refuses(&refund(""), OVER_REFUND);
        for request in [capture(r#"{"amount":0}"#), refund(r#"{"amount":0}"#)] {
            shop.refuses(&request, Refused::new(400, "invalid_data", "amount_not_positive"));
        }
        let cancel = Request::post(&format!("/admin/payments/{payment}/cancel"), "{}");
        shop.refuses(&cancel, Refused::new(400, "not_allowed", "payment_captured"));
    }
}

#[test]
fn a_closed_collection_takes_no_session() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    shop.post(&format!("/admin/payment-collections/{collection}/cancel"), &json!({}));
    let body = json!({ "provider_id": CARDS }).to_string();
    let request = Request::post(&format!("/store/payment-collections/{collection}/payment-sessions"), body);
    shop.refuses(&request, Refused::new(400, "not_allowed", "collection_closed"));
    let again = Request::post(&format!("/admin/payment-collections/{collection}/cancel"), "{}");
    shop.refuses(&again, Refused::new(400, "not_allowed", "collection_closed"));

    let nothing = shop.collection("0", "eur");
    let body = json!({ "provider_id": CARDS }).to_string();
    let request = Request::post(&format!("/store/payment-collections/{nothing}/payment-sessions"), body);
    shop.refuses(&request, Refused::new(400, "invalid_data", "amount_not_positive"));
}
