//! The ends of the ledger: what is over is refused with a clear conflict, and the fullest ledger fits into `data`.

use stripe_mock::StripeMock;
use tillbox_provider::testing::{context, json, money, set_setting};
use tillbox_provider::{Context, Environment, ErrorKind, InitiateRequest, Outcome, Provider, Result};

use crate::shop::{Shop, with_method};

/// Bytes of `data` in the contract.
const DATA_BYTES_MAX: usize = 65_536;

fn full(result: Result<Outcome>) {
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Conflict, "too_many_operations"));
}

#[test]
fn every_limit_at_once_fits_into_the_data() {
    let mut shop = Shop::open("EUR", "{}");
    // Operation ids as long as they may be.
    shop.operations = 1_000_000;
    let decline = with_method("pm_card_chargeDeclinedProcessingError");
    for _ in 0..58 {
        shop.authorize(&decline).unwrap();
    }
    shop.authorize(&with_method("pm_card_visa")).unwrap();
    full(shop.authorize("{}"));
    for _ in 0..50 {
        shop.capture(10, false).unwrap();
    }
    full(shop.capture(10, false));
    for _ in 0..100 {
        shop.refund(1).unwrap();
    }
    full(shop.refund(1));
    shop.cancel().unwrap();
    let bytes = shop.payment.data.as_str().len();
    assert!(bytes < DATA_BYTES_MAX, "{bytes}");
    // The longest operation ids add 64 − 13 bytes to each of at most 220 records.
    assert!(bytes + 220 * (64 - 13) < DATA_BYTES_MAX, "{bytes}");
    assert_eq!(shop.snapshot().captured.minor_units(), 500);
    assert_eq!(shop.snapshot().refunded.minor_units(), 100);
}

#[test]
fn closings_are_limited_too() {
    let mut shop = Shop::open("EUR", "{}");
    for _ in 0..10 {
        shop.delete().unwrap();
    }
    full(shop.delete());
}

#[test]
fn no_real_money_and_no_endless_ids() {
    let request = InitiateRequest { amount: money(1_050, 2, "EUR"), input: json("{}") };
    let live = Context { environment: Environment::Live, ..context("payop_1") };
    assert_eq!(StripeMock::initiate(&live, &request).unwrap_err().kind, ErrorKind::NotSupported);
    let long = context(&"x".repeat(65));
    assert_eq!(StripeMock::initiate(&long, &request).unwrap_err().code, "metadata_too_long");
}

#[test]
fn settings_that_do_not_fit_are_the_operators() {
    set_setting("capture_method", "whenever");
    let error = Shop::try_open(money(1_050, 2, "EUR"), "{}").unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Authentication, "settings_invalid"));
}

#[test]
fn card_numbers_reach_neither_data_nor_message() {
    let error = Shop::try_open(money(1_050, 2, "EUR"), &with_method("4242424242424242")).unwrap_err();
    assert_eq!(error.code, "card_data_refused");
    assert!(!error.message.contains("4242424242424242"));
}
