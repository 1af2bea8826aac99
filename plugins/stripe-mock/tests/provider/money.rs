//! Amounts through the provider's functions: echoed exactly, or refused.

use tillbox_provider::testing::money;
use tillbox_provider::{ErrorKind, Status};

use crate::shop::{Shop, told, with_method};

/// Opens, authorizes, captures and refunds this amount; every echo is the amount itself.
fn check(minor_units: i64, exponent: u8, currency: &str) {
    let (mut shop, opened) = Shop::try_open(money(minor_units, exponent, currency), "{}").unwrap();
    let amount = Some(minor_units);
    assert_eq!(told(&Ok(opened)), (Status::Pending, amount), "{currency}");
    assert_eq!(told(&shop.authorize(&with_method("pm_card_visa"))), (Status::Authorized, amount), "{currency}");
    assert_eq!(told(&shop.capture(minor_units, true)), (Status::Captured, amount), "{currency}");
    assert_eq!(told(&shop.refund(minor_units)), (Status::Captured, amount), "{currency}");
    let snapshot = shop.snapshot();
    assert_eq!(snapshot.captured, money(minor_units, exponent, currency));
    assert_eq!(snapshot.refunded, snapshot.captured);
}

#[test]
fn exact_in_every_kind_of_currency() {
    check(1_050, 2, "EUR");
    check(99_999_999, 2, "USD");
    check(50, 0, "JPY");
    check(5, 0, "ISK");
    check(5, 0, "UGX");
    check(500, 2, "MGA");
    check(5_120, 3, "KWD");
    check(20_001, 2, "HUF");
    check(999_999_999_999, 2, "IDR");
}

#[test]
fn refused_rather_than_rounded() {
    for (minor_units, exponent, currency, code) in [
        (550, 2, "MGA", "invalid_charge_amount"),
        (5_124, 3, "KWD", "invalid_charge_amount"),
        (0, 2, "EUR", "amount_too_small"),
        (49, 2, "EUR", "amount_too_small"),
        (100_000_000, 2, "USD", "amount_too_large"),
        (1_000_000, 0, "UGX", "amount_too_large"),
        (1_000, 2, "IRR", "invalid_currency"),
    ] {
        let error = Shop::try_open(money(minor_units, exponent, currency), "{}").unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::InvalidRequest, code), "{minor_units} {currency}");
    }
}

#[test]
fn a_part_obeys_the_currency_too() {
    let (mut shop, _) = Shop::try_open(money(5_120, 3, "KWD"), "{}").unwrap();
    shop.authorize(&with_method("pm_card_visa")).unwrap();
    assert_eq!(shop.capture(1_001, false).unwrap_err().code, "invalid_charge_amount");
    assert_eq!(shop.capture(0, false).unwrap_err().kind, ErrorKind::InvalidRequest);
    shop.capture(1_010, false).unwrap();
    assert_eq!(shop.refund(5).unwrap_err().code, "invalid_charge_amount");
    assert_eq!(told(&shop.refund(10)), (Status::Captured, Some(10)));
}

#[test]
fn another_currency_is_refused() {
    let mut shop = Shop::authorized("EUR", "pm_card_visa");
    shop.payment.amount = money(1_050, 2, "USD");
    assert_eq!(shop.capture(100, false).unwrap_err().code, "currency_mismatch");
    shop.payment.amount = money(1_050, 3, "EUR");
    assert_eq!(shop.capture(100, false).unwrap_err().code, "currency_mismatch");
}
