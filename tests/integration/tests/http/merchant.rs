//! The merchant's own things over HTTP: reasons, lists, notes, deleted collections, regions, account holders.

use serde_json::{Value, json};

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, WHOLE_ID, digits, id};

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(id).collect()
}

#[test]
fn refund_reasons_are_kept_and_given() {
    let shop = Shop::open();
    let seeds = shop.get("/admin/refund-reasons?q=issue");
    assert_eq!((&seeds["count"], &seeds["refund_reasons"][0]["code"]), (&json!(1), &json!("shipping_issue")));
    let new = json!({ "label": "Arrived Broken", "description": "in transit", "metadata": { "desk": 1 } });
    let reason = shop.post("/admin/refund-reasons", &new)["refund_reason"].clone();
    assert_eq!((&reason["code"], &reason["metadata"]), (&json!("arrived_broken"), &json!({ "desk": 1 })));
    let target = format!("/admin/refund-reasons/{}", id(&reason));
    let again = Request::post("/admin/refund-reasons", new.to_string());
    shop.refuses(&again, Refused::new(422, "duplicate_error", "duplicate_error"));

    let payment = shop.payment(CARDS, "10", "eur");
    let body = json!({ "created_by": "user_1", "metadata": { "till": 3 } });
    let capture = format!("/admin/payments/{payment}/capture?fields=*captures");
    let captured = shop.post(&capture, &body)["payment"]["captures"][0].clone();
    assert_eq!((&captured["created_by"], &captured["metadata"]), (&json!("user_1"), &json!({ "till": 3 })));
    let body = json!({ "amount": 4, "refund_reason_id": reason["id"], "note": "cracked", "created_by": "user_2" });
    let refund = format!("/admin/payments/{payment}/refund?fields=*refunds,*refunds.refund_reason");
    let refund = shop.post(&refund, &body)["payment"]["refunds"][0].clone();
    assert_eq!((&refund["refund_reason_id"], &refund["refund_reason_code"]), (&reason["id"], &reason["code"]));

    let given = json!({ "id": reason["id"], "label": "Arrived Broken", "code": "arrived_broken" });
    assert_eq!(refund["refund_reason"], given);

    shop.post(&target, &json!({ "label": "Broken", "code": "broken" }));
    assert_eq!(shop.get(&target)["refund_reason"]["label"], "Broken");
    assert_eq!(shop.delete(&target), json!({ "id": reason["id"], "object": "refund_reason", "deleted": true }));
    shop.refuses(&Request::new("GET", &target), Refused::NOT_FOUND);
    let body = json!({ "refund_reason_id": reason["id"] }).to_string();
    shop.refuses(&Request::post(&format!("/admin/payments/{payment}/refund"), body), Refused::NOT_FOUND);

    let listed = shop.get(&format!("/admin/refunds?payment_id={payment}&created_by=user_2"));
    assert_eq!((&listed["count"], &listed["refunds"][0]), (&json!(1), &refund));
    assert_eq!(shop.get(&format!("/admin/refunds/{}", id(&refund)))["refund"], refund);
    assert_eq!(shop.get("/admin/captures?created_by=nobody")["count"], 0);
    let target = format!("/admin/captures/{}", id(&captured));
    let noted = shop.post(&target, &json!({ "metadata": { "seen": true } }))["capture"].clone();
    assert_eq!((&noted["metadata"], digits(&noted["amount"]).as_str()), (&json!({ "seen": true }), "10.00"));
    let noted = shop.post(&format!("/admin/payments/{payment}"), &json!({ "metadata": { "a": 1.50 } }));
    assert_eq!(noted["payment"]["metadata"].to_string(), r#"{"a":1.5}"#);
}

#[test]
fn lists_are_filtered_ordered_and_paged() {
    let shop = Shop::open();
    let (one, two) = (shop.collection("5", "eur"), shop.collection("7", "usd"));
    let three = shop.collection("6", "eur");
    let session = shop.session(&one, CARDS);
    let collections =
        |query: &str| ids(&shop.get(&format!("/admin/payment-collections?{query}"))["payment_collections"]);
    // Ids of one millisecond are in any order.
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(collections("currency_code=eur")), sorted(vec![three.clone(), one.clone()]));
    assert_eq!(collections("currency_code=eur&order=amount"), [one.clone(), three.clone()]);
    assert_eq!(collections("status=awaiting,failed"), std::slice::from_ref(&one));
    let pages = [0, 1].map(|offset| collections(&format!("id={one},{two}&limit=1&offset={offset}")).remove(0));
    assert_eq!(sorted(pages.to_vec()), sorted(vec![one.clone(), two.clone()]));
    assert_eq!(collections("created_at[$gte]=2100-01-01T00:00:00Z"), [""; 0]);
    assert_eq!(collections("created_at%5B%24lt%5D=2100-01-01T00:00:00Z&order=-id").len(), 3);
    assert_eq!(collections(&format!("q={}", &two[8..].to_lowercase())), [two]);
    let sessions = shop.get(&format!("/admin/payment-sessions?payment_collection_id={one}&status=pending"));
    assert_eq!(ids(&sessions["payment_sessions"]), [session]);
    shop.payment(MANUAL_ID, "3", "eur");
    let paid = shop.get(&format!("/admin/payments?provider_id={MANUAL_ID}&captured=false&canceled=false"));
    assert_eq!(paid["count"], 1);
    assert_eq!(shop.get("/admin/payments?captured=true")["count"], 0);
}

#[test]
fn a_deleted_collection_is_gone_and_its_sessions_with_it() {
    let shop = Shop::open();
    let collection = shop.collection("5", "eur");
    let session = shop.session(&collection, CARDS);
    let target = format!("/admin/payment-collections/{collection}");
    let done = shop.post(&format!("{target}/complete"), &json!({}))["payment_collection"].clone();
    assert!(done["completed_at"].is_string() && done["status"] == "awaiting", "{done}");
    let gone = shop.delete(&target);
    assert_eq!(gone, json!({ "id": collection, "object": "payment-collection", "deleted": true }));
    for target in
        [target, format!("/store/payment-collections/{collection}"), format!("/admin/payment-sessions/{session}")]
    {
        shop.refuses(&Request::new("GET", &target), Refused::NOT_FOUND);
    }
    // A storefront is not told whether there ever was one.
    let foreign = Request::new("GET", &format!("/store/payment-sessions/{session}")).header("x-client-secret", "cs_1");
    shop.refuses(&foreign, Refused::new(403, "forbidden", "client_secret_wrong"));
    assert_eq!(shop.get("/admin/operations")["count"], 2, "the books keep what was asked");
    let payment = shop.payment(MANUAL_ID, "3", "eur");
    let held = shop.get(&format!("/admin/payments/{payment}"))["payment"]["payment_collection_id"].clone();
    let request = Request::new("DELETE", &format!("/admin/payment-collections/{}", held.as_str().unwrap()));
    shop.refuses(&request, Refused::new(400, "not_allowed", "holds_money"));
}

#[test]
fn providers_are_switched_and_serve_regions() {
    let shop = Shop::open();
    let collection = shop.collection("5", "eur");
    let region = "/admin/regions/reg_eu/payment-providers";
    let listed = shop.post(region, &json!({ "payment_providers": [MANUAL_ID] }));
    assert_eq!((&listed["count"], &listed["payment_providers"][0]["id"]), (&json!(1), &json!(MANUAL_ID)));
    assert_eq!(shop.get("/store/payment-providers?region_id=reg_eu")["count"], 1);
    let target = format!("/store/payment-collections/{collection}/payment-sessions");
    let asked =
        |provider: &str| Request::post(&target, json!({ "provider_id": provider, "region_id": "reg_eu" }).to_string());
    let refused = Refused::new(400, "invalid_data", "provider_not_enabled");
    let answer = shop.refuses(&asked(CARDS), refused);
    let words = format!("Payment provider {CARDS} is not enabled in the region reg_eu");
    assert_eq!(answer.body["message"], words.as_str());
    let off = shop.post(&format!("/admin/payment-providers/{MANUAL_ID}"), &json!({ "is_enabled": false }));
    assert_eq!(off["payment_provider"], json!({ "id": MANUAL_ID, "is_enabled": false }));
    shop.refuses(&asked(MANUAL_ID), refused);
    assert_eq!(shop.get("/store/payment-providers?region_id=reg_eu")["count"], 0);
    assert_eq!(shop.get("/admin/payments/payment-providers?is_enabled=false")["count"], 1);
    for (target, body, want) in [
        (region, json!({ "payment_providers": ["pp_nobody_x"] }), Refused::NOT_FOUND),
        (region, json!({ "payment_providers": "x" }), Refused::field("payment_providers")),
        (region, json!({ "payment_providers": ["x"] }), Refused::field("payment_providers")),
        ("/admin/payment-providers/pp_nobody_x", json!({ "is_enabled": true }), Refused::NOT_FOUND),
        ("/admin/payment-providers/pp_manual_default", json!({ "is_enabled": "no" }), Refused::field("is_enabled")),
        ("/admin/payment-providers/pp_manual_default", json!({}), Refused::field("is_enabled")),
    ] {
        shop.refuses(&Request::post(target, body.to_string()), want);
    }
    // It is written down: another process on the same database says the same.
    let shop = shop.restart();
    assert_eq!(shop.get("/store/payment-providers?region_id=reg_eu")["count"], 0);
    assert_eq!(
        shop.get("/admin/payments/payment-providers?is_enabled=true")["count"],
        shop.get("/store/payment-providers?region_id=x")["count"]
    );
}

#[test]
fn account_holders_and_payment_methods_are_the_components_own() {
    let shop = Shop::open();
    let body =
        json!({ "provider_id": WHOLE_ID, "customer": { "id": "cus_1", "email": "a@example.com" }, "data": { "x": 1 } });
    let made = shop.post("/admin/account-holders", &body)["account_holder"].clone();
    assert_eq!((&made["customer_id"], &made["email"]), (&json!("cus_1"), &json!("a@example.com")));
    assert_eq!(shop.post("/admin/account-holders", &body)["account_holder"], made, "one for each customer");
    let target = format!("/admin/account-holders/{}", id(&made));
    assert_eq!(shop.get(&target)["account_holder"], made);
    assert_eq!(shop.get("/admin/account-holders?email=a@example.com")["count"], 1);
    assert_eq!(shop.get("/admin/account-holders?customer_id=cus_2")["count"], 0);
    let noted = shop.post(&target, &json!({ "metadata": { "vip": true } }))["account_holder"].clone();
    assert_eq!((&noted["metadata"], &noted["data"]), (&json!({ "vip": true }), &made["data"]));
    let methods = shop.get(&format!("{target}/payment-methods"));
    let before = methods["count"].as_u64().expect("a count");
    assert_eq!(before, methods["payment_methods"].as_array().unwrap().len() as u64);
    let saved = shop.post(&format!("{target}/payment-methods"), &json!({ "data": { "m": 1 }, "key": "k" }));
    let method = id(&saved["payment_method"]);
    let gone = shop.delete(&format!("{target}/payment-methods/{}", method.replace(' ', "%20")));
    assert_eq!((&gone["id"], &gone["deleted"]), (&json!(method), &json!(true)));
    shop.delete(&target);
    shop.refuses(&Request::new("GET", &target), Refused::NOT_FOUND);

    let lacks = json!({ "provider_id": MANUAL_ID, "customer": { "id": "cus_1" } });
    let request = Request::post("/admin/account-holders", lacks.to_string());
    shop.refuses(&request, Refused::new(400, "not_allowed", "not_supported"));
    let nobody = Request::post("/admin/account-holders", json!({ "provider_id": WHOLE_ID }).to_string());
    shop.refuses(&nobody, Refused::field("customer"));
}
