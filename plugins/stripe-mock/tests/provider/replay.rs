//! Every operation twice: the same key and request answer the same and move nothing; the same key and another request
//! are refused.

use stripe_mock::StripeMock;
use tillbox_provider::testing::{context, json, money};
use tillbox_provider::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, ErrorKind, InitiateRequest, Outcome, PaymentState,
    Provider, RefundRequest, Result, UpdateRequest,
};

use crate::shop::{Shop, with_method};

/// Calls once on the payment as it was, then again on the payment as it became and on the payment as it was (the host
/// lost the reply): the same answer, and the same state of the money.
fn check(shop: &Shop, call: impl Fn(&PaymentState) -> Result<Outcome>) -> Shop {
    let first = call(&shop.payment).unwrap();
    let lost = call(&shop.payment).unwrap();
    assert_eq!(first, lost, "on the data before the call");
    let mut after = shop.clone();
    after.keep(&Ok(first.clone()));
    let again = call(&after.payment).unwrap();
    assert_eq!(first, again, "on the data after the call");
    after
}

fn conflicts(result: Result<Outcome>, difference: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Conflict, "idempotency_error"));
    assert!(error.message.contains(difference), "{}", error.message);
}

#[test]
fn initiate_makes_the_same_payment() {
    let request = InitiateRequest { amount: money(1_050, 2, "EUR"), input: json(&with_method("pm_card_visa")) };
    let first = StripeMock::initiate(&context("payop_1"), &request).unwrap();
    assert_eq!(first, StripeMock::initiate(&context("payop_1"), &request).unwrap());
    let other = StripeMock::initiate(&context("payop_2"), &request).unwrap();
    assert_ne!(first.provider_reference, other.provider_reference);
}

#[test]
fn update() {
    let shop = Shop::open("EUR", "{}");
    let call = |payment: &PaymentState, minor_units, input: &str| {
        let amount = payment.amount.with_minor_units(minor_units).unwrap();
        let request = UpdateRequest { payment: payment.clone(), amount, input: json(input) };
        StripeMock::update(&context("payop_u"), &request)
    };
    let after = check(&shop, |payment| call(payment, 1_200, "{}"));
    conflicts(call(&after.payment, 1_300, "{}"), "amount");
    conflicts(call(&after.payment, 1_200, &with_method("pm_card_visa")), "details");
}

#[test]
fn authorize_whatever_the_answer() {
    for method in [
        "pm_card_visa",
        "pm_card_visa_chargeDeclined",
        "pm_card_authenticationRequired",
        "pm_usBankAccount_success",
        "pm_usBankAccount_insufficientFunds",
    ] {
        let shop = Shop::open("USD", "{}");
        let call = |payment: &PaymentState, input: &str| {
            let request = AuthorizeRequest { payment: payment.clone(), input: json(input) };
            StripeMock::authorize(&context("payop_a"), &request)
        };
        let after = check(&shop, |payment| call(payment, &with_method(method)));
        conflicts(call(&after.payment, "{}"), "details");
        let request = CancelRequest { payment: after.payment.clone(), reason: None };
        conflicts(StripeMock::cancel(&context("payop_a"), &request), "operation");
    }
}

#[test]
fn capture_and_refund() {
    let shop = Shop::authorized("EUR", "pm_card_visa");
    let capture = |payment: &PaymentState, minor_units, capture_id: &str| {
        let amount = payment.amount.with_minor_units(minor_units).unwrap();
        let capture_id = capture_id.to_owned();
        let request = CaptureRequest { payment: payment.clone(), amount, capture_id, is_final: false };
        StripeMock::capture(&context("payop_c"), &request)
    };
    let after = check(&shop, |payment| capture(payment, 400, "capt_1"));
    assert_eq!(after.snapshot().captured.minor_units(), 400, "money moved once");
    conflicts(capture(&after.payment, 500, "capt_1"), "amount");
    conflicts(capture(&after.payment, 400, "capt_2"), "details");
    let refund = |payment: &PaymentState, minor_units, note: &str| {
        let amount = payment.amount.with_minor_units(minor_units).unwrap();
        let (refund_id, note) = ("ref_1".to_owned(), Some(note.to_owned()));
        let request = RefundRequest { payment: payment.clone(), amount, refund_id, reason: None, note };
        StripeMock::refund(&context("payop_r"), &request)
    };
    let after = check(&after, |payment| refund(payment, 250, "broken"));
    assert_eq!(after.snapshot().refunded.minor_units(), 250, "money moved once");
    conflicts(refund(&after.payment, 100, "broken"), "amount");
    conflicts(refund(&after.payment, 250, "lost"), "details");
}

#[test]
fn cancel_and_delete() {
    let shop = Shop::authorized("EUR", "pm_card_visa");
    check(&shop, |payment| {
        let request = CancelRequest { payment: payment.clone(), reason: Some("out of stock".to_owned()) };
        StripeMock::cancel(&context("payop_x"), &request)
    });
    let shop = Shop::open("EUR", "{}");
    check(&shop, |payment| StripeMock::delete(&context("payop_d"), &DeleteRequest { payment: payment.clone() }));
}
