//! What of an answer is wanted, and which of a list: `fields`, filters, order, and what was deleted.

use serde_json::{Value, json};

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, digits, id, ok};

fn names(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

/// What the reference shows of a payment where nothing is chosen.
const PAYMENT: [&str; 8] = [
    "amount",
    "captured_at",
    "captures",
    "currency_code",
    "id",
    "payment_collection_id",
    "payment_session_id",
    "refunds",
];

#[test]
fn a_payment_shows_what_the_reference_shows_and_more_where_it_is_wanted() {
    let shop = Shop::open();
    let payment = shop.payment(CARDS, "10.50", "eur");
    let reasons = shop.get("/admin/refund-reasons?q=issue");
    let reason = &reasons["refund_reasons"][0];
    ok(shop.capture(&payment, ""));
    ok(shop.refund(&payment, &json!({ "amount": 2, "refund_reason_id": reason["id"], "note": "late" }).to_string()));
    let target = format!("/admin/payments/{payment}");
    let seen = shop.get(&target)["payment"].clone();
    for name in PAYMENT {
        assert!(seen.get(name).is_some(), "{name} in {seen}");
    }
    for private in ["data", "metadata", "raw_amount", "provider_id", "created_at", "deleted_at", "payment_session"] {
        assert!(seen.get(private).is_none(), "{private} in {seen}");
    }
    let refund = &seen["refunds"][0];
    assert_eq!(names(refund), ["amount", "id", "note", "operation_id", "payment_id", "refund_reason"]);
    let given = json!({ "id": reason["id"], "label": "Shipping Issue", "code": "shipping_issue" });
    assert_eq!((&refund["refund_reason"], &refund["note"]), (&given, &json!("late")));

    let chosen = |fields: &str| shop.get(&format!("{target}?fields={fields}"))["payment"].clone();
    assert_eq!(names(&chosen("id")), ["id"]);
    assert_eq!(chosen("amount").to_string(), format!(r#"{{"amount":10.50,"id":"{payment}"}}"#));
    // A `+` in a query is a space when it arrives.
    for added in ["+metadata", "%2Bmetadata"] {
        assert_eq!(names(&chosen(added)).len(), names(&seen).len() + 1);
    }
    assert!(chosen("-captures").get("captures").is_none());
    let raw = chosen("id,raw_amount,captures.amount");
    assert_eq!(raw["raw_amount"], json!({ "value": "10.50", "precision": 20 }));
    assert_eq!(names(&raw["captures"][0]), ["amount", "id"]);
    let with = chosen("id,*payment_collection,*payment_session,*refunds");
    assert_eq!(names(&with), ["id", "payment_collection", "payment_session", "refunds"]);
    assert_eq!(with["payment_collection"]["status"], "completed");
    assert_eq!(digits(&with["payment_collection"]["refunded_amount"]), "2.00");
    assert_eq!(with["payment_session"]["provider_id"], CARDS);
    assert_eq!(with["refunds"][0]["refund_reason_code"], "shipping_issue");
    assert!(with["refunds"][0].get("refund_reason").is_none(), "a part of a part is wanted by its own name");

    // On every route that answers it, and in lists.
    let wrong = Request::post(&format!("{target}/refund?fields=id,colour"), r#"{"amount":1}"#);
    let told = shop.refuses(&wrong, Refused::field("fields"));
    assert!(told.body["message"].as_str().unwrap().contains("`colour`"), "{}", told.body);
    let listed = shop.get("/admin/payments?fields=id,payment_collection.status");
    let wanted =
        json!({ "id": payment, "payment_collection": { "id": seen["payment_collection_id"], "status": "completed" } });
    assert_eq!(listed["payments"], json!([wanted]));
    let (digits_of, body) = (|answer: &Value| answer["payment"].to_string(), json!({ "amount": 1 }));
    let refunded = shop.post(&format!("{target}/refund?fields=refunded_amount"), &body);
    assert_eq!(digits_of(&refunded), format!(r#"{{"id":"{payment}","refunded_amount":3.00}}"#));
    // Routes of our own show all.
    let changed = shop.post(&target, &json!({ "metadata": { "a": 1 } }))["payment"].clone();
    assert!(changed.get("data").is_some() && changed["refunds"][0]["refund_reason"] == given, "{changed}");
}

#[test]
fn collections_reasons_and_providers_show_what_the_reference_shows() {
    let shop = Shop::open();
    let body = json!({ "currency_code": "eur", "amount": 10, "order_id": "order_1", "metadata": { "a": 1 } });
    let made = shop.post("/admin/payment-collections", &body)["payment_collection"].clone();
    for name in [
        "id",
        "currency_code",
        "amount",
        "status",
        "authorized_amount",
        "captured_amount",
        "refunded_amount",
        "payment_sessions",
        "payments",
    ] {
        assert!(made.get(name).is_some(), "{name} in {made}");
    }
    assert_eq!((&made["order_id"], &made["metadata"]), (&json!("order_1"), &json!({ "a": 1 })));
    assert!(made.get("created_at").is_none() && made.get("raw_amount").is_none(), "{made}");
    let whole = shop.get(&format!("/admin/payment-collections/{}", id(&made)))["payment_collection"].clone();
    assert_eq!((&whole["deleted_at"], &whole["raw_amount"]["value"]), (&Value::Null, &json!("10.00")));

    let target = format!("/admin/payment-collections/{}/payment-sessions", id(&made));
    let answer = shop.post(&format!("{target}?fields=id,payment_sessions.status"), &json!({ "provider_id": CARDS }));
    let session = id(&answer["payment_session"]);
    let shown = json!({ "id": made["id"], "payment_sessions": [{ "id": session, "status": "pending" }] });
    assert_eq!(answer["payment_collection"], shown);

    let session_columns = [
        "amount",
        "authorized_at",
        "created_at",
        "currency_code",
        "data",
        "decline",
        "deleted_at",
        "id",
        "next_action",
        "payment_collection_id",
        "provider_id",
        "raw_amount",
        "status",
        "updated_at",
    ];
    let store = format!("/store/payment-collections/{}", id(&made));
    let seen = shop.get(&store)["payment_collection"].clone();
    assert_eq!(names(&seen), ["amount", "currency_code", "id", "payment_sessions", "status"]);
    assert_eq!(names(&seen["payment_sessions"][0]), session_columns, "scalar columns, but payer and notes");
    let seen = shop.get(&format!("{store}?fields=%2Bauthorized_amount,-payment_sessions"));
    assert_eq!(names(&seen["payment_collection"]), ["amount", "authorized_amount", "currency_code", "id", "status"]);
    for private in ["metadata", "order_id", "*payments", "payment_sessions.context", "%2Bpayment_sessions.metadata"] {
        shop.refuses(&Request::new("GET", &format!("{store}?fields={private}")), Refused::field("fields"));
    }

    let reason = shop.get("/admin/refund-reasons?fields=id,label&limit=1")["refund_reasons"][0].clone();
    assert_eq!(names(&reason), ["id", "label"]);
    let reason = shop.get(&format!("/admin/refund-reasons/{}", id(&reason)))["refund_reason"].clone();
    let columns = ["code", "created_at", "deleted_at", "description", "id", "label", "metadata", "updated_at"];
    assert_eq!(names(&reason), columns);
    let providers = shop.get("/store/payment-providers?region_id=r&fields=id&order=-id&limit=1");
    assert_eq!(providers["payment_providers"], json!([{ "id": "pp_whole_default" }]));
    assert_eq!(names(&shop.get("/store/payment-providers?region_id=r")["payment_providers"][0]), ["id", "is_enabled"]);
}

#[test]
fn lists_take_the_filters_of_the_reference() {
    let shop = Shop::open();
    let payments: Vec<String> = [CARDS, MANUAL_ID, CARDS].map(|provider| shop.payment(provider, "5", "eur")).into();
    ok(shop.capture(&payments[0], ""));
    let found = |query: &str| {
        let listed = shop.get(&format!("/admin/payments?{query}"))["payments"].as_array().unwrap().clone();
        sorted(listed.iter().map(id).collect())
    };
    let of = |indexes: &[usize]| sorted(indexes.iter().map(|index| payments[*index].clone()).collect());
    let (one, two) = (&payments[0], &payments[1]);
    let session = shop.get(&format!("/admin/payments/{one}"))["payment"]["payment_session_id"].clone();
    let session = session.as_str().unwrap();
    for (query, wanted) in [
        (format!("id={one}"), of(&[0])),
        (format!("id[]={one}&id[]={two}"), of(&[0, 1])),
        (format!("id%5B0%5D={one}&id%5B1%5D={two}"), of(&[0, 1])),
        (format!("id={one}&id={two}"), of(&[0, 1])),
        (format!("id[$ne]={one}"), of(&[1, 2])),
        (format!("id[$nin][]={one}&id[$nin][]={two}"), of(&[2])),
        (format!("id[$in][0]={one}"), of(&[0])),
        (format!("id[$eq]={one}"), of(&[0])),
        (format!("payment_session_id[]={session}"), of(&[0])),
        ("provider_id[$like]=pp_stripe%25".to_owned(), of(&[0, 2])),
        ("provider_id[$like]=PP_stripe%25".to_owned(), of(&[])),
        ("provider_id[$ilike]=PP_STRIPE%25".to_owned(), of(&[0, 2])),
        ("captured_at[$gte]=2020-01-01".to_owned(), of(&[0])),
        ("captured=false".to_owned(), of(&[1, 2])),
        ("created_at[$lt]=2020-01-01T00:00:00.000Z".to_owned(), of(&[])),
        ("created_at[$gt]=2020-01-01T00:00:00.000Z&created_at[$lte]=2999-12-31T00:00:00Z".to_owned(), of(&[0, 1, 2])),
        (format!("$or[0][id]={one}&$or[1][provider_id]={MANUAL_ID}"), of(&[0, 1])),
        (format!("$and[0][captured]=true&$and[1][id][$in][]={one}&$and[1][id][$in][]={two}"), of(&[0])),
        (format!("provider_id={CARDS}&$or[0][$and][0][id]={one}&$or[1][id]={two}"), of(&[0])),
        (format!("q={}", &one[4..].to_lowercase()), of(&[0])),
    ] {
        assert_eq!(found(&query), wanted, "{query}");
    }
    let reasons = |query: &str| shop.get(&format!("/admin/refund-reasons?{query}"));
    assert_eq!((&reasons("")["limit"], &reasons("")["count"]), (&json!(15), &json!(3)));
    assert_eq!(reasons("order=-label")["refund_reasons"][0]["label"], "Shipping Issue");
    assert_eq!(reasons("order=code")["refund_reasons"][0]["code"], "customer_care_adjustment");
    assert_eq!(reasons("code[$ilike]=%25ERROR&label[$like]=Pric%25")["count"], 1);
    let providers = |query: &str| shop.get(&format!("/admin/payments/payment-providers?{query}"))["count"].clone();
    assert_eq!(providers("id[]=pp_manual_default&id[]=pp_nobody_x"), 1);
    assert_eq!(providers("$or[0][id]=pp_manual_default&$or[1][id][$like]=pp_whole%25"), 2);
    assert_eq!((providers("is_enabled=true"), providers("is_enabled=false")), (json!(6), json!(0)));
}

#[test]
fn what_was_deleted_is_shown_to_those_who_ask() {
    let shop = Shop::open();
    let reason = id(&shop.get("/admin/refund-reasons?limit=1")["refund_reasons"][0]);
    assert_eq!(shop.delete(&format!("/admin/refund-reasons/{reason}?fields=id"))["deleted"], true);
    let found = |query: &str| shop.get(&format!("/admin/refund-reasons?id={reason}{query}"))["refund_reasons"].clone();
    assert_eq!(found(""), json!([]));
    let gone = found("&with_deleted=true&deleted_at[$gte]=2020-01-01");
    assert!(gone[0]["deleted_at"].is_string(), "{gone}");
    let payment = shop.payment(CARDS, "5", "eur");
    let collection = shop.get(&format!("/admin/payments/{payment}"))["payment"]["payment_collection_id"].clone();
    shop.post(&format!("/admin/payments/{payment}/cancel"), &json!({}));
    shop.delete(&format!("/admin/payment-collections/{}", collection.as_str().unwrap()));
    assert_eq!(shop.get("/admin/payments")["count"], 0);
    let seen = shop.get("/admin/payments?with_deleted=true&fields=deleted_at");
    assert!(seen["count"] == 1 && seen["payments"][0]["deleted_at"].is_string(), "{seen}");
    // A description is taken away by null, as the reference's clients do.
    let made = shop.post("/admin/refund-reasons", &json!({ "label": "x", "code": "x", "description": "long" }));
    let target = format!("/admin/refund-reasons/{}", id(&made["refund_reason"]));
    assert_eq!(shop.post(&target, &json!({ "description": null }))["refund_reason"]["description"], Value::Null);
    let wrong = Request::post(&target, r#"{"label":null}"#);
    shop.refuses(&wrong, Refused::field("label"));
}
