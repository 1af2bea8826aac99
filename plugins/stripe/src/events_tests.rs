//! Events as Stripe sends them, and the claims they become.

use super::*;
use serde_json::json;

fn translated(kind: &str, object: Value) -> Vec<Evidence> {
    let event = json!({ "id": "evt_1", "object": "event", "type": kind, "created": 1_700_000_000, "data": { "object": object } });
    translate(event.to_string().as_bytes(), None).unwrap()
}

fn intent(changes: Value) -> Value {
    let mut intent = json!({
        "id": "pi_1", "object": "payment_intent", "amount": 1050, "amount_capturable": 0, "amount_received": 0,
        "currency": "eur", "capture_method": "manual", "metadata": { "tillbox_session": "payses_1" },
    });
    let (object, changes) = (intent.as_object_mut().unwrap(), changes.as_object().unwrap().clone());
    object.extend(changes);
    intent
}

fn refund(status: &str, changes: Value) -> Value {
    let metadata = json!({
        "tillbox_session": "payses_1", "tillbox_operation": "payop_1", "tillbox_refunded_before": "300",
    });
    let mut refund = json!({ "id": "re_1", "amount": 200, "currency": "eur", "status": status, "metadata": metadata });
    refund.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    refund
}

fn euros(minor_units: i64) -> Option<Money> {
    Some(Money::new(minor_units, 2, "EUR").unwrap())
}

fn said(claims: &[Evidence]) -> Vec<(Action, Option<Money>)> {
    claims.iter().map(|claim| (claim.action, claim.amount)).collect()
}

#[test]
fn an_intents_events_speak_of_the_session_in_cumulative_amounts() {
    let authorized =
        translated("payment_intent.amount_capturable_updated", intent(json!({ "amount_capturable": 1050 })));
    assert_eq!(said(&authorized), [(Action::Authorized, euros(1050))]);
    assert_eq!(authorized[0].subject, Some(Subject::Session("payses_1".to_owned())));
    assert_eq!(authorized[0].occurred_at_ms, Some(1_700_000_000_000));
    let part = json!({ "amount_capturable": 650, "amount_received": 400 });
    let both = translated("payment_intent.amount_capturable_updated", intent(part));
    assert_eq!(said(&both), [(Action::Authorized, euros(1050)), (Action::Captured, euros(400))]);
    assert_ne!(both[0].event_id, both[1].event_id);
    let done = translated("payment_intent.succeeded", intent(json!({ "amount_received": 1050 })));
    assert_eq!(said(&done), [(Action::Captured, euros(1050))]);
    let failed = json!({ "last_payment_error": { "code": "card_declined", "decline_code": "lost_card" } });
    let failed = translated("payment_intent.payment_failed", intent(failed));
    assert_eq!((failed[0].action, failed[0].reason.as_deref()), (Action::Failed, Some("lost_card")));
    let canceled = translated("payment_intent.canceled", intent(json!({ "cancellation_reason": "automatic" })));
    assert_eq!((canceled[0].action, canceled[0].reason.as_deref()), (Action::Canceled, Some("automatic")));
    assert_eq!(said(&translated("payment_intent.processing", intent(json!({})))), [(Action::Pending, None)]);
    assert_eq!(said(&translated("payment_intent.requires_action", intent(json!({})))), [(Action::RequiresMore, None)]);
    let captured = json!({ "amount_captured": 400, "currency": "eur", "metadata": { "tillbox_session": "payses_1" } });
    assert_eq!(said(&translated("charge.captured", captured)), [(Action::Captured, euros(400))]);
}

#[test]
fn a_refund_counts_once_it_has_succeeded_and_with_what_was_given_back_before() {
    let claims = translated("refund.created", refund("succeeded", json!({})));
    assert_eq!(said(&claims), [(Action::Refunded, euros(500))]);
    assert_eq!(claims[0].operation_id.as_deref(), Some("payop_1"));
    assert_eq!(said(&translated("refund.created", refund("pending", json!({})))), [(Action::NotSupported, None)]);
    let failed = translated("refund.failed", refund("failed", json!({ "failure_reason": "lost_or_stolen_card" })));
    assert_eq!((failed[0].action, failed[0].reason.as_deref()), (Action::Failed, Some("lost_or_stolen_card")));
    let sum = json!({ "amount_refunded": 500, "currency": "eur", "metadata": { "tillbox_session": "payses_1" } });
    assert_eq!(said(&translated("charge.refunded", sum)), [(Action::NotSupported, None)], "may hold pending ones");
}

#[test]
fn a_dispute_names_the_intent() {
    let dispute =
        json!({ "id": "dp_1", "amount": 1050, "currency": "eur", "payment_intent": "pi_1", "reason": "fraudulent" });
    let claims = translated("charge.dispute.created", dispute);
    assert_eq!(said(&claims), [(Action::Disputed, euros(1050))]);
    assert_eq!(claims[0].subject, Some(Subject::ProviderReference("pi_1".to_owned())));
}

#[test]
fn what_is_not_ours_or_not_known_is_of_no_interest() {
    let nothing = [(Action::NotSupported, None)];
    assert_eq!(said(&translated("customer.created", json!({}))), nothing);
    assert_eq!(said(&translated("payment_intent.succeeded", intent(json!({ "metadata": {} })))), nothing);
    assert_eq!(said(&translated("refund.created", refund("succeeded", json!({ "metadata": {} })))), nothing);
    let event = json!({
        "id": "evt_1", "type": "payment_intent.succeeded", "account": "acct_other",
        "data": { "object": intent(json!({ "amount_received": 1 })) },
    });
    let text = event.to_string();
    assert_eq!(said(&translate(text.as_bytes(), Some("acct_1")).unwrap()), nothing);
    assert_ne!(said(&translate(text.as_bytes(), Some("acct_other")).unwrap()), nothing);
}

#[test]
fn currencies_without_decimals_and_with_three_are_told_in_the_hosts_unit() {
    let yen = translated("payment_intent.succeeded", intent(json!({ "currency": "jpy", "amount_received": 500 })));
    assert_eq!(yen[0].amount, Some(Money::new(500, 0, "JPY").unwrap()));
    let krona = translated("payment_intent.succeeded", intent(json!({ "currency": "isk", "amount_received": 500 })));
    assert_eq!(krona[0].amount, Some(Money::new(5, 0, "ISK").unwrap()));
    let dinar = translated("payment_intent.succeeded", intent(json!({ "currency": "kwd", "amount_received": 5120 })));
    assert_eq!(dinar[0].amount, Some(Money::new(5120, 3, "KWD").unwrap()));
}

#[test]
fn what_is_no_event_is_malformed() {
    let wrong = [
        "".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({ "id": "evt_1", "type": "payment_intent.succeeded" }).to_string(),
        json!({ "id": "evt_1", "data": { "object": {} } }).to_string(),
        json!({ "id": "evt_1", "type": "payment_intent.succeeded", "data": { "object": intent(json!({ "amount_received": "1" })) } }).to_string(),
        json!({ "id": "evt_1", "type": "payment_intent.succeeded", "data": { "object": intent(json!({ "currency": "xxx" })) } }).to_string(),
        json!({ "id": "evt_1", "type": "refund.created", "data": { "object": refund("succeeded", json!({ "amount": null })) } }).to_string(),
    ];
    for text in &wrong {
        assert!(matches!(translate(text.as_bytes(), None), Err(Rejection::Malformed(_))), "{text}");
    }
    assert!(translate(b"\xff", None).is_err());
}
