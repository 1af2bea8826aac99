//! The ISO 4217 table, asked once when an amount comes in. From then on the exponent travels with the amount.

use std::fmt;

use tillbox_core::{Currency, Money};

/// A code the host takes no money in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCurrency {
    /// What was asked for, at most 16 characters of it.
    pub code: String,
}

impl fmt::Display for UnknownCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = &self.code;
        write!(f, "`{code}` is not a currency the host takes: give an ISO 4217 code with minor units, for example EUR")
    }
}

impl std::error::Error for UnknownCurrency {}

/// Finds a currency by its code, in either case. Codes without an exponent (XAU, XXX …) are refused: no amount of them has
/// an exact number of decimals.
///
/// # Errors
/// [`UnknownCurrency`].
pub fn lookup(code: &str) -> Result<Currency, UnknownCurrency> {
    let unknown = || UnknownCurrency { code: code.chars().take(16).collect() };
    let known = iso_currency::Currency::from_code(&code.to_ascii_uppercase()).ok_or_else(unknown)?;
    let exponent = known.exponent().and_then(|digits| u8::try_from(digits).ok()).ok_or_else(unknown)?;
    Currency::new(known.code(), exponent).map_err(|_| unknown())
}

/// Every code that [`lookup`] finds, in lower case and then in upper case.
pub(crate) fn codes() -> Vec<String> {
    let letters = || (b'A'..=b'Z').map(char::from);
    let threes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    let known: Vec<String> = threes.map(String::from_iter).filter(|code| lookup(code).is_ok()).collect();
    known.iter().map(|code| code.to_ascii_lowercase()).chain(known.iter().cloned()).collect()
}

/// An amount from its decimal text in major units and a currency code: `money("10.50", "EUR")`.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) naming `currency_code` or `amount`.
pub fn money(amount: &str, code: &str) -> Result<Money, crate::Error> {
    Ok(Money::parse_decimal(amount, lookup(code)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exponents of ISO 4217 that are not 2, by our own list: the crate's table is checked against it.
    const ZERO: &[&str] = &[
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
        "XPF",
    ];
    const THREE: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
    const FOUR: &[&str] = &["CLF", "UYW"];

    #[test]
    fn every_currency_has_the_exponent_of_the_standard() {
        for a in b'A'..=b'Z' {
            for b in b'A'..=b'Z' {
                for c in b'A'..=b'Z' {
                    let code = String::from_utf8(vec![a, b, c]).unwrap();
                    let want = match code.as_str() {
                        code if ZERO.contains(&code) => 0,
                        code if THREE.contains(&code) => 3,
                        code if FOUR.contains(&code) => 4,
                        _ => 2,
                    };
                    if let Ok(currency) = lookup(&code) {
                        assert_eq!(currency.exponent(), want, "{code}");
                    }
                }
            }
        }
        for code in [ZERO, THREE, FOUR].concat() {
            assert!(lookup(code).is_ok(), "{code} is missing");
        }
    }

    #[test]
    fn codes_without_an_exponent_and_strangers_are_refused() {
        for code in ["XAU", "XAG", "XXX", "XTS", "XDR", "QQQ", "", "EURO", "€"] {
            assert!(lookup(code).is_err(), "{code}");
        }
        assert_eq!(lookup("eur").unwrap().code(), "EUR");
    }
}
