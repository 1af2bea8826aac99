//! Many requests at once. However they interleave, the books never hold more than was authorized or captured.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::scene::{CARDS, MANUAL_ID, Shop, digits, id};

/// Requests sent at once: several for each thread of the host.
const CROWD: usize = 12;

/// Sends the same request from many threads.
fn at_once(ask: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..CROWD).map(|_| scope.spawn(&ask)).collect();
        asked.into_iter().map(|answer| answer.join().expect("an answer")).collect()
    })
}

/// How many were done; the others must have been refused with this code.
fn done(answers: &[Answer], refusal: &str) -> usize {
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let conflict = answer.status == 409 && answer.header("retry-after") == Some("1");
        assert!(conflict || answer.body["code"] == refusal, "{}", answer.body);
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[test]
fn captures_and_refunds_at_once_never_exceed_what_there_is() {
    let shop = Shop::open();
    for provider in [CARDS, MANUAL_ID] {
        let payment = shop.payment(provider, "50", "eur");
        // Twelve times 7.00 do not fit into 50.00; seven do.
        let captured = done(&at_once(|| shop.capture(&payment, r#"{"amount":7}"#)), "exceeds_authorized");
        let books = || shop.get(&format!("/admin/payments/{payment}"))["payment"].clone();
        assert!((1..=7).contains(&captured), "{captured}");
        assert_eq!(digits(&books()["captured_amount"]), format!("{}.00", captured * 7));
        assert_eq!(books()["captures"].as_array().unwrap().len(), captured);

        let refunded = done(&at_once(|| shop.refund(&payment, r#"{"amount":5}"#)), "exceeds_captured");
        assert!(refunded * 5 <= captured * 7, "{refunded} of {captured}");
        assert_eq!(digits(&books()["refunded_amount"]), format!("{}.00", refunded * 5));
        let provider = shop.get(&format!("/admin/payments/{payment}/provider"))["provider"].clone();
        for amount in ["captured_amount", "refunded_amount"] {
            assert_eq!(provider[amount], books()[amount], "the provider and the books agree");
        }
    }
}

#[test]
fn a_payer_who_clicks_twice_pays_once() {
    let shop = Shop::open();
    let session = shop.session(&shop.collection("20", "eur"), CARDS);
    let body = json!({ "data": { "payment_method": "pm_card_visa" } });
    let answers = at_once(|| shop.ask(&format!("/store/payment-sessions/{session}/authorize"), &body));
    assert_eq!(done(&answers, ""), CROWD, "an authorized session answers as it is");
    let mut payments: Vec<String> = answers.iter().map(|answer| id(&answer.body["payment"])).collect();
    payments.dedup();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!(shop.trace().payments, 1);
}

#[test]
fn sessions_authorized_at_once_never_cover_the_amount_twice() {
    let shop = Shop::open();
    let collection = shop.collection("20", "eur");
    let sessions: Vec<String> = (0..CROWD).map(|_| shop.session(&collection, MANUAL_ID)).collect();
    std::thread::scope(|scope| {
        let shop = &shop;
        for session in &sessions {
            scope.spawn(move || shop.ask(&format!("/store/payment-sessions/{session}/authorize"), &json!({})));
        }
    });
    let books: Value = shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
    assert_eq!(
        (digits(&books["authorized_amount"]).as_str(), books["payments"].as_array().unwrap().len()),
        ("20.00", 1)
    );
}
