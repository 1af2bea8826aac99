//! Stripe's units of money against ISO 4217's: a table, and a conversion that is exact or refused.
//!
//! Source of every rule: Stripe's documentation, "Supported currencies" (presentment currencies, zero-decimal
//! currencies, special cases, minimum and maximum charge amounts) and, for three-decimal currencies, its rule that the
//! last digit is 0. Nothing here rounds, and nothing here knows what an amount is for.

use std::fmt;

/// Currencies Stripe presents to payers, as far as ISO 4217 still knows them. Left out are STD
/// and ANG: ISO 4217 replaced them in 2018 and 2025, by codes Stripe does not list.
pub const CURRENCIES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF", "BMD",
    "BND", "BOB", "BRL", "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CVE", "CZK",
    "DJF", "DKK", "DOP", "DZD", "EGP", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GIP", "GMD", "GNF", "GTQ", "GYD",
    "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KRW",
    "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MUR",
    "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP",
    "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP", "SLE", "SOS",
    "SRD", "SZL", "THB", "TJS", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VND",
    "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW",
];

/// How Stripe writes one currency down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    /// Decimals in Stripe's integer amounts.
    stripe_exponent: u8,
    /// Decimals in ISO 4217's minor unit, for amounts that arrive from Stripe alone (webhooks).
    iso_exponent: u8,
    /// Stripe's amount has to be a multiple of this.
    multiple_of: i64,
    /// Why, for the message of a refusal.
    rule: &'static str,
}

/// The table. `None` for a currency Stripe does not take.
fn scale(currency: &str) -> Option<Scale> {
    if !CURRENCIES.contains(&currency) {
        return None;
    }
    let plain = |exponent| Scale { stripe_exponent: exponent, iso_exponent: exponent, multiple_of: 1, rule: "" };
    Some(match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "VND" | "VUV" | "XAF" | "XOF"
        | "XPF" => plain(0),
        // ISO 4217 gives the ariary two decimals, Stripe none.
        "MGA" => Scale { stripe_exponent: 0, iso_exponent: 2, multiple_of: 1, rule: "Stripe takes whole MGA only" },
        // Written with two decimals that are always 00. UGX is on Stripe's zero-decimal list as well; its special case
        // says how to write it and wins.
        "ISK" | "UGX" => {
            Scale { stripe_exponent: 2, iso_exponent: 0, multiple_of: 100, rule: "Stripe takes whole ISK and UGX only" }
        }
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => Scale {
            stripe_exponent: 3,
            iso_exponent: 3,
            multiple_of: 10,
            rule: "Stripe wants the last of the three decimals to be 0",
        },
        // HUF and TWD are zero-decimal for payouts alone; charges keep two decimals.
        _ => plain(2),
    })
}

/// Why an amount cannot be said in the other unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitsError {
    /// Stripe does not take this currency.
    Currency(String),
    /// The conversion would have to round.
    Inexact {
        /// The currency.
        currency: String,
        /// What Stripe asks for.
        rule: &'static str,
    },
    /// Nothing, or less.
    NotPositive,
    /// Below Stripe's smallest charge, in Stripe's unit.
    TooSmall {
        /// The smallest charge.
        least: i64,
        /// The currency.
        currency: String,
    },
    /// Above Stripe's largest charge, in Stripe's unit.
    TooLarge {
        /// The largest charge.
        most: i64,
        /// The currency.
        currency: String,
    },
}

impl UnitsError {
    /// Stripe's error code for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Currency(_) => "invalid_currency",
            Self::Inexact { .. } => "invalid_charge_amount",
            Self::NotPositive | Self::TooSmall { .. } => "amount_too_small",
            Self::TooLarge { .. } => "amount_too_large",
        }
    }
}

impl fmt::Display for UnitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency(code) => write!(f, "{code} is not a currency Stripe takes"),
            Self::Inexact { currency, rule } => {
                write!(f, "the amount cannot be written in Stripe's unit of {currency} without rounding: {rule}")
            }
            Self::NotPositive => f.write_str("the amount must be above 0"),
            Self::TooSmall { least, currency } => {
                write!(f, "the amount is below the smallest charge, {least} in Stripe's unit of {currency}")
            }
            Self::TooLarge { most, currency } => {
                write!(f, "the amount is above the largest charge, {most} in Stripe's unit of {currency}")
            }
        }
    }
}

/// Writes `minor_units`, which have `exponent` decimals, in Stripe's unit.
///
/// # Errors
/// [`UnitsError`] when the currency is none of Stripe's, the amount is not above 0, or the result would not be exact.
pub fn to_stripe(currency: &str, exponent: u8, minor_units: i64) -> Result<i64, UnitsError> {
    let scale = scale(currency).ok_or_else(|| UnitsError::Currency(currency.to_owned()))?;
    if minor_units <= 0 {
        return Err(UnitsError::NotPositive);
    }
    let rule = if scale.rule.is_empty() { "it has more decimals than Stripe's unit" } else { scale.rule };
    let inexact = || UnitsError::Inexact { currency: currency.to_owned(), rule };
    let amount = rescale(minor_units, exponent, scale.stripe_exponent).ok_or_else(inexact)?;
    if amount % scale.multiple_of != 0 {
        return Err(inexact());
    }
    Ok(amount)
}

/// Writes Stripe's `amount` with `exponent` decimals. Zero is zero.
///
/// # Errors
/// [`UnitsError`] when the currency is none of Stripe's or the result would not be exact.
pub fn from_stripe(currency: &str, exponent: u8, amount: i64) -> Result<i64, UnitsError> {
    let scale = scale(currency).ok_or_else(|| UnitsError::Currency(currency.to_owned()))?;
    let inexact =
        || UnitsError::Inexact { currency: currency.to_owned(), rule: "Stripe's amount has more decimals than ours" };
    if amount < 0 {
        return Err(UnitsError::NotPositive);
    }
    rescale(amount, scale.stripe_exponent, exponent).ok_or_else(inexact)
}

/// The ISO 4217 exponent of a currency Stripe takes, for amounts that come without one.
pub fn iso_exponent(currency: &str) -> Option<u8> {
    scale(currency).map(|scale| scale.iso_exponent)
}

/// Refuses what Stripe would not charge: below the minimum of the currency or with too many digits.
///
/// Stripe's minimum is that of the currency the account settles in. Here the account settles in the payment's own
/// currency where Stripe publishes a minimum for it, and has no minimum beyond one unit otherwise.
///
/// # Errors
/// [`UnitsError::TooSmall`], [`UnitsError::TooLarge`].
pub fn check_charge(currency: &str, amount: i64) -> Result<(), UnitsError> {
    let least = charge_min(currency);
    if amount < least {
        return Err(UnitsError::TooSmall { least, currency: currency.to_owned() });
    }
    let most = charge_max(currency);
    if amount > most {
        return Err(UnitsError::TooLarge { most, currency: currency.to_owned() });
    }
    Ok(())
}

/// The smallest charge in Stripe's unit.
fn charge_min(currency: &str) -> i64 {
    match currency {
        "GBP" => 30,
        "AUD" | "BRL" | "CAD" | "CHF" | "EUR" | "INR" | "JPY" | "NZD" | "SGD" | "USD" => 50,
        "BGN" => 100,
        "AED" | "MYR" | "PLN" | "RON" => 200,
        "DKK" => 250,
        "NOK" | "SEK" => 300,
        "HKD" => 400,
        "MXN" | "THB" => 1_000,
        "CZK" => 1_500,
        "HUF" => 17_500,
        _ => 1,
    }
}

/// The largest charge in Stripe's unit: so many digits, all nines.
fn charge_max(currency: &str) -> i64 {
    let digits = match currency {
        "IDR" => 12,
        "LBP" => 11,
        "COP" | "HUF" | "JPY" => 10,
        "INR" => 9,
        _ => 8,
    };
    10_i64.pow(digits) - 1
}

/// Moves the decimal point, or gives `None` where that would lose a digit or overflow.
fn rescale(amount: i64, from: u8, to: u8) -> Option<i64> {
    let factor = 10_i64.checked_pow(u32::from(from.abs_diff(to)))?;
    if to >= from {
        return amount.checked_mul(factor);
    }
    (amount % factor == 0).then(|| amount / factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency;

    /// Every three letters that ISO 4217 gives a meaning.
    fn every_iso_currency() -> impl Iterator<Item = Currency> {
        (0..26_usize.pow(3)).filter_map(|number| {
            let letter = |place| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number / 26_usize.pow(place) % 26]);
            Currency::from_code(&[letter(2), letter(1), letter(0)].iter().collect::<String>())
        })
    }

    #[test]
    fn every_iso_currency_is_exact_or_refused() {
        let mut taken = 0;
        for iso in every_iso_currency() {
            let Some(exponent) = iso.exponent() else { continue };
            let exponent = u8::try_from(exponent).unwrap();
            if scale(iso.code()).is_none() {
                assert_eq!(to_stripe(iso.code(), exponent, 100), Err(UnitsError::Currency(iso.code().to_owned())));
                continue;
            }
            taken += 1;
            assert_eq!(iso_exponent(iso.code()), Some(exponent), "{}", iso.code());
            for minor_units in (1..=1_000).chain([9_990, 9_999, 99_999_990, 99_999_999, (1 << 53) - 1]) {
                match to_stripe(iso.code(), exponent, minor_units) {
                    Ok(amount) => assert_eq!(from_stripe(iso.code(), exponent, amount), Ok(minor_units)),
                    Err(UnitsError::Inexact { .. }) => assert!(
                        matches!(iso.code(), "MGA" | "BHD" | "JOD" | "KWD" | "OMR" | "TND"),
                        "{} {minor_units}",
                        iso.code()
                    ),
                    Err(other) => panic!("{} {minor_units}: {other}", iso.code()),
                }
            }
        }
        assert_eq!(taken, CURRENCIES.len(), "a listed currency is unknown to ISO 4217");
    }

    #[test]
    fn special_cases_as_published() {
        assert_eq!(to_stripe("USD", 2, 1_000), Ok(1_000));
        assert_eq!(to_stripe("JPY", 0, 500), Ok(500));
        assert_eq!(to_stripe("ISK", 0, 5), Ok(500));
        assert_eq!(to_stripe("UGX", 0, 5), Ok(500));
        assert_eq!(to_stripe("MGA", 2, 500), Ok(5));
        assert!(to_stripe("MGA", 2, 550).is_err());
        assert_eq!(to_stripe("KWD", 3, 5_120), Ok(5_120));
        assert!(to_stripe("KWD", 3, 5_124).is_err());
        assert_eq!(to_stripe("HUF", 2, 1_045), Ok(1_045));
        assert_eq!(to_stripe("TWD", 2, 80_045), Ok(80_045));
        assert!(from_stripe("ISK", 0, 550).is_err());
        assert_eq!(from_stripe("ISK", 0, 0), Ok(0));
    }

    #[test]
    fn an_exponent_frozen_under_another_table_converts_or_is_refused() {
        // A króna amount written down with two decimals.
        assert_eq!(to_stripe("ISK", 2, 500), Ok(500));
        assert!(to_stripe("ISK", 2, 550).is_err());
        assert_eq!(to_stripe("USD", 4, 10_000), Ok(100));
        assert!(to_stripe("USD", 4, 10_001).is_err());
        assert!(to_stripe("USD", 0, i64::MAX).is_err());
    }

    #[test]
    fn limits_of_a_charge() {
        assert!(check_charge("USD", 49).is_err());
        assert!(check_charge("USD", 50).is_ok());
        assert!(check_charge("USD", 99_999_999).is_ok());
        assert_eq!(check_charge("USD", 100_000_000).unwrap_err().code(), "amount_too_large");
        assert!(check_charge("IDR", 999_999_999_999).is_ok());
        assert!(check_charge("JPY", 9_999_999_999).is_ok());
        assert_eq!(to_stripe("EUR", 2, 0), Err(UnitsError::NotPositive));
        assert_eq!(to_stripe("EUR", 2, -1), Err(UnitsError::NotPositive));
    }
}
