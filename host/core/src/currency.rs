//! A currency: an ISO 4217 code and the exponent that was in force when an amount was first written down.
//!
//! The table of codes is not here. Whoever takes amounts in looks the exponent up once; from then on it travels with the
//! amount, so that a later change of the table cannot re-scale history.

use std::fmt;

/// The largest exponent ISO 4217 uses (CLF, UYW).
pub const EXPONENT_MAX: u8 = 4;

/// An ISO 4217 alphabetic code with its exponent ("minor unit" in the standard).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Why a code and an exponent make no currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurrencyError {
    /// The code is not three ASCII letters. Holds the first 16 characters of it.
    Code(String),
    /// The exponent is above [`EXPONENT_MAX`].
    Exponent(u8),
}

impl Currency {
    /// Makes a currency from a code in either case and its exponent.
    ///
    /// # Errors
    /// [`CurrencyError`] when the code is not three ASCII letters or the exponent is above [`EXPONENT_MAX`].
    pub fn new(code: &str, exponent: u8) -> Result<Self, CurrencyError> {
        let bytes = code.as_bytes();
        let [a, b, c] = *bytes else {
            return Err(CurrencyError::Code(code.chars().take(16).collect()));
        };
        if !bytes.iter().all(u8::is_ascii_alphabetic) {
            return Err(CurrencyError::Code(code.chars().take(16).collect()));
        }
        if exponent > EXPONENT_MAX {
            return Err(CurrencyError::Exponent(exponent));
        }
        Ok(Self { code: [a, b, c].map(|letter| letter.to_ascii_uppercase()), exponent })
    }

    /// The ISO 4217 code, upper case.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("three ASCII letters")
    }

    /// Digits behind the decimal point.
    #[must_use]
    pub fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Minor units in one major unit: 1, 10, 100, 1,000 or 10,000.
    #[must_use]
    pub fn scale(&self) -> i64 {
        10_i64.pow(u32::from(self.exponent))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code(), self.exponent)
    }
}

impl fmt::Display for CurrencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "`{code}` is not an ISO 4217 code: three letters, for example EUR"),
            Self::Exponent(exponent) => write!(f, "exponent {exponent} is above {EXPONENT_MAX}"),
        }
    }
}

impl std::error::Error for CurrencyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_letters_and_an_exponent() {
        let cases = [
            ("eur", 2, Ok("EUR")),
            ("JPY", 0, Ok("JPY")),
            ("CLF", 4, Ok("CLF")),
            ("EU", 2, Err(CurrencyError::Code("EU".into()))),
            ("EURO", 2, Err(CurrencyError::Code("EURO".into()))),
            ("E1R", 2, Err(CurrencyError::Code("E1R".into()))),
            ("é€", 2, Err(CurrencyError::Code("é€".into()))),
            ("", 2, Err(CurrencyError::Code(String::new()))),
            ("EUR", 5, Err(CurrencyError::Exponent(5))),
        ];
        for (code, exponent, want) in cases {
            let got = Currency::new(code, exponent);
            assert_eq!(got.as_ref().map(Currency::code), want.as_ref().map(|code| *code), "{code}/{exponent}");
        }
    }
}
