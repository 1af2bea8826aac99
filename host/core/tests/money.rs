//! Decimal text and minor units, there and back, for every exponent: what is printed is read as the same amount, and no
//! notation of it is read as another one.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use tillbox_core::currency::EXPONENT_MAX;
use tillbox_core::money::{MINOR_UNITS_MAX, MoneyError};
use tillbox_core::{Currency, Money};

fn currency(exponent: u8) -> Currency {
    Currency::new("XTS", exponent).unwrap()
}

fn there_and_back(minor_units: i64, exponent: u8) {
    let currency = currency(exponent);
    let money = Money::new(minor_units, currency).unwrap();
    let text = money.to_decimal();
    assert_eq!(Money::parse_decimal(&text, currency), Ok(money), "{text}");
    let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    assert_eq!(fraction, usize::from(exponent), "{text}");
    let shifted = format!("{minor_units}e-{exponent}");
    assert_eq!(Money::parse_decimal(&shifted, currency), Ok(money), "{shifted}");
    let point = if exponent == 0 { "." } else { "" };
    let padded = format!("{text}{point}000");
    assert_eq!(Money::parse_decimal(&padded, currency), Ok(money), "{padded}");
    let finer = format!("{text}{point}1");
    assert_eq!(Money::parse_decimal(&finer, currency), Err(MoneyError::OverPrecise { currency }), "{finer}");
    let negative = format!("-{text}");
    let want = if minor_units == 0 { Ok(money) } else { Err(MoneyError::Negative) };
    assert_eq!(Money::parse_decimal(&negative, currency), want, "{negative}");
}

#[test]
fn boundary_amounts_of_every_exponent() {
    for exponent in 0..=EXPONENT_MAX {
        let scale = currency(exponent).scale();
        for base in [0, 1, 9, 10, scale, 10 * scale, 1 << 31, 1 << 32, MINOR_UNITS_MAX / 10, MINOR_UNITS_MAX] {
            for minor_units in [base - 1, base, base + 1] {
                if (0..=MINOR_UNITS_MAX).contains(&minor_units) {
                    there_and_back(minor_units, exponent);
                }
            }
        }
        assert_eq!(Money::new(MINOR_UNITS_MAX + 1, currency(exponent)), Err(MoneyError::TooLarge));
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x7111_b0c5),
        ..Config::default()
    })]

    #[test]
    fn any_amount_there_and_back(minor_units in 0..=MINOR_UNITS_MAX, exponent in 0..=EXPONENT_MAX) {
        there_and_back(minor_units, exponent);
    }

    #[test]
    fn no_text_panics(text in "[-+0-9.eE ]{0,70}", exponent in 0..=EXPONENT_MAX) {
        if let Ok(money) = Money::parse_decimal(&text, currency(exponent)) {
            prop_assert!((0..=MINOR_UNITS_MAX).contains(&money.minor_units()));
        }
    }

    #[test]
    fn what_is_added_can_be_taken_away(a in 0..=MINOR_UNITS_MAX, b in 0..=MINOR_UNITS_MAX) {
        let money = |minor_units| Money::new(minor_units, currency(2)).unwrap();
        match money(a).checked_add(money(b)) {
            Ok(sum) => prop_assert_eq!(sum.checked_sub(money(b)), Ok(money(a))),
            Err(error) => {
                prop_assert_eq!(error, MoneyError::TooLarge);
                prop_assert!(a + b > MINOR_UNITS_MAX);
            }
        }
        prop_assert_eq!(money(a).checked_sub(money(b)).is_err(), b > a);
    }
}
