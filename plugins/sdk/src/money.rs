//! Money: integer minor units of one currency, never negative, never a float.
//!
//! Direction comes from the function that was called, not from a sign. Arithmetic is checked; mixing currencies is an
//! error and no panic. There is no table of currencies here: the exponent travels with the amount, and the host sends it.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{EXPONENT_MAX, MINOR_UNITS_MAX};

/// Characters a decimal amount may have: enough for every amount, too few to make reading slow.
const DECIMAL_LENGTH_MAX: usize = 64;

/// Digits of the largest amount, [`MINOR_UNITS_MAX`].
const DIGITS_MAX: usize = 16;

/// An amount of money (`types.money`): 1050 with exponent 2 and currency EUR is 10.50 EUR.
///
/// In `data` it reads and writes as `{"minor_units":1050,"exponent":2,"currency":"EUR"}`.
///
/// ```
/// use tillbox_provider::Money;
///
/// let price = Money::parse_decimal("10.50", 2, "EUR")?;
/// let fee = Money::new(250, 2, "EUR")?;
/// assert_eq!(price.checked_sub(fee)?.to_decimal(), "8.00");
/// assert!(price.checked_add(Money::new(250, 0, "JPY")?).is_err());
/// # Ok::<(), tillbox_provider::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Parts", try_from = "Parts")]
pub struct Money {
    minor_units: i64,
    currency: [u8; 3],
    exponent: u8,
}

/// Why an amount is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyError {
    /// Below zero.
    Negative,
    /// Above [`MINOR_UNITS_MAX`].
    TooLarge,
    /// The currency is not three upper-case ASCII letters. Holds the first 16 characters of it.
    Currency(String),
    /// More than [`EXPONENT_MAX`] digits behind the point.
    Exponent(u8),
    /// Not a decimal number.
    NotANumber,
    /// More digits behind the point than the exponent allows.
    OverPrecise {
        /// The exponent.
        exponent: u8,
    },
    /// Two currencies, or two exponents of one, in one calculation.
    CurrencyMismatch {
        /// Currency and exponent on the left: `EUR/2`.
        left: String,
        /// Currency and exponent on the right.
        right: String,
    },
}

impl Money {
    /// Makes an amount: minor units, digits behind the decimal point (ISO 4217 "minor unit"), ISO 4217 alphabetic code.
    ///
    /// # Errors
    /// [`MoneyError`] naming the part that is wrong.
    pub fn new(minor_units: i64, exponent: u8, currency: &str) -> Result<Self, MoneyError> {
        let code = currency.as_bytes();
        let [a, b, c] = *code else {
            return Err(MoneyError::Currency(currency.chars().take(16).collect()));
        };
        if !code.iter().all(u8::is_ascii_uppercase) {
            return Err(MoneyError::Currency(currency.to_owned()));
        }
        if exponent > EXPONENT_MAX {
            return Err(MoneyError::Exponent(exponent));
        }
        Self { minor_units: 0, currency: [a, b, c], exponent }.with_minor_units(minor_units)
    }

    /// Reads a decimal number of **major** units: `10.5`, `1050`, `0.001`. Exact: digits that the exponent has no room
    /// for are an error unless they are zeros, never a rounding. No sign, no grouping, no `e` notation.
    ///
    /// # Errors
    /// [`MoneyError`] naming what is wrong.
    pub fn parse_decimal(text: &str, exponent: u8, currency: &str) -> Result<Self, MoneyError> {
        let zero = Self::new(0, exponent, currency)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let bare_point = text.contains('.') && fraction.is_empty();
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if text.len() > DECIMAL_LENGTH_MAX || whole.is_empty() || bare_point || leading_zero {
            return Err(MoneyError::NotANumber);
        }
        if !digits_only(whole) || !digits_only(fraction) {
            return Err(MoneyError::NotANumber);
        }
        let fraction = fraction.trim_end_matches('0');
        let places = usize::from(exponent);
        if fraction.len() > places {
            return Err(MoneyError::OverPrecise { exponent });
        }
        let digits = format!("{whole}{fraction:0<places$}");
        let significant = digits.trim_start_matches('0');
        if significant.len() > DIGITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        if significant.is_empty() {
            return Ok(zero);
        }
        zero.with_minor_units(significant.parse().map_err(|_| MoneyError::TooLarge)?)
    }

    /// Another amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::Negative`], [`MoneyError::TooLarge`].
    pub fn with_minor_units(self, minor_units: i64) -> Result<Self, MoneyError> {
        if minor_units < 0 {
            return Err(MoneyError::Negative);
        }
        if minor_units > MINOR_UNITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self { minor_units, ..self })
    }

    /// Nothing, in the same currency.
    #[must_use]
    pub fn zeroed(self) -> Self {
        Self { minor_units: 0, ..self }
    }

    /// Minor units, 0 to [`MINOR_UNITS_MAX`].
    #[must_use]
    pub fn minor_units(&self) -> i64 {
        self.minor_units
    }

    /// Digits behind the decimal point.
    #[must_use]
    pub fn exponent(&self) -> u8 {
        self.exponent
    }

    /// The ISO 4217 alphabetic code, upper case.
    #[must_use]
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or("XXX")
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.minor_units == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        // Two amounts of at most 2^53 − 1 each cannot overflow 64 bits.
        self.with_minor_units(self.minor_units + other.minor_units)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`]; [`MoneyError::Negative`] when `other` is more.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with_minor_units(self.minor_units - other.minor_units)
    }

    /// Which of two amounts is more.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor_units.cmp(&other.minor_units))
    }

    /// Whether this is more than `other`.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn exceeds(self, other: Self) -> Result<bool, MoneyError> {
        Ok(self.compare(other)? == Ordering::Greater)
    }

    /// Whether both are of one currency with one exponent.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] when they are not.
    pub fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency && self.exponent == other.exponent {
            return Ok(());
        }
        let name = |money: Self| format!("{}/{}", money.currency(), money.exponent);
        Err(MoneyError::CurrencyMismatch { left: name(self), right: name(other) })
    }

    /// The amount in major units, with exactly as many decimals as the currency has: `10.50`, `1050`, `1.050`.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        let places = usize::from(self.exponent);
        if places == 0 {
            return self.minor_units.to_string();
        }
        let scale = 10_i64.pow(u32::from(self.exponent));
        let (whole, fraction) = (self.minor_units / scale, self.minor_units % scale);
        format!("{whole}.{fraction:0places$}")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative => f.write_str("an amount is never negative"),
            Self::TooLarge => write!(f, "the amount is above {MINOR_UNITS_MAX} minor units"),
            Self::Currency(code) => write!(f, "`{code}` is not an ISO 4217 code in upper case, for example EUR"),
            Self::Exponent(exponent) => write!(f, "exponent {exponent} is above {EXPONENT_MAX}"),
            Self::NotANumber => f.write_str("not a decimal number, for example 10.50"),
            Self::OverPrecise { exponent } => write!(f, "more than {exponent} digits behind the point"),
            Self::CurrencyMismatch { left, right } => write!(f, "{left} and {right} do not mix"),
        }
    }
}

impl std::error::Error for MoneyError {}

/// How an amount looks in `data`: checked on the way in, like any other.
#[derive(Serialize, Deserialize)]
struct Parts {
    minor_units: i64,
    exponent: u8,
    currency: String,
}

impl From<Money> for Parts {
    fn from(money: Money) -> Self {
        let currency = money.currency().to_owned();
        Self { minor_units: money.minor_units, exponent: money.exponent, currency }
    }
}

impl TryFrom<Parts> for Money {
    type Error = MoneyError;

    fn try_from(parts: Parts) -> Result<Self, MoneyError> {
        Self::new(parts.minor_units, parts.exponent, &parts.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [&str; 5] = ["JPY", "XXA", "EUR", "KWD", "CLF"];

    fn money(minor_units: i64, exponent: u8) -> Money {
        Money::new(minor_units, exponent, CODES[usize::from(exponent)]).unwrap()
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        use MoneyError::{NotANumber, OverPrecise, TooLarge};
        let cases = [
            ("10.5", 2, Ok(1050)),
            ("10.500", 2, Ok(1050)),
            ("10.505", 2, Err(OverPrecise { exponent: 2 })),
            ("0", 2, Ok(0)),
            ("0.00", 0, Ok(0)),
            ("1050", 0, Ok(1050)),
            ("1050.5", 0, Err(OverPrecise { exponent: 0 })),
            ("1.234", 3, Ok(1234)),
            ("1", 3, Ok(1000)),
            ("0.0001", 4, Ok(1)),
            ("90071992547409.91", 2, Ok(MINOR_UNITS_MAX)),
            ("90071992547409.92", 2, Err(TooLarge)),
            ("99999999999999999999", 0, Err(TooLarge)),
            ("", 2, Err(NotANumber)),
            (".5", 2, Err(NotANumber)),
            ("5.", 2, Err(NotANumber)),
            ("05", 2, Err(NotANumber)),
            ("+5", 2, Err(NotANumber)),
            ("-5", 2, Err(NotANumber)),
            ("1e3", 2, Err(NotANumber)),
            ("1,5", 2, Err(NotANumber)),
            ("1.2.3", 2, Err(NotANumber)),
            ("٣", 2, Err(NotANumber)),
        ];
        for (text, exponent, want) in cases {
            let got = Money::parse_decimal(text, exponent, CODES[usize::from(exponent)]);
            assert_eq!(got.map(|money| money.minor_units()), want, "{text} with exponent {exponent}");
        }
        assert_eq!(Money::parse_decimal(&"0".repeat(65), 2, "EUR"), Err(NotANumber));
    }

    #[test]
    fn writing_and_reading_decimals_loses_nothing() {
        for exponent in 0..=EXPONENT_MAX {
            for minor_units in [0, 1, 9, 10, 99, 1_050, 10_001, MINOR_UNITS_MAX] {
                let amount = money(minor_units, exponent);
                let again = Money::parse_decimal(&amount.to_decimal(), exponent, amount.currency());
                assert_eq!(again, Ok(amount));
            }
        }
        assert_eq!(money(5, 2).to_decimal(), "0.05");
        assert_eq!(money(1050, 0).to_decimal(), "1050");
        assert_eq!(money(1050, 3).to_string(), "1.050 KWD");
    }

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(money(1, 2).checked_add(money(2, 2)), Ok(money(3, 2)));
        assert_eq!(money(1, 2).checked_sub(money(2, 2)), Err(MoneyError::Negative));
        assert_eq!(money(MINOR_UNITS_MAX, 2).checked_add(money(1, 2)), Err(MoneyError::TooLarge));
        assert_eq!(money(2, 2).exceeds(money(2, 2)), Ok(false));
        assert_eq!(money(3, 2).exceeds(money(2, 2)), Ok(true));
        assert_eq!(money(3, 2).zeroed(), money(0, 2));
        let mismatch = money(1, 2).checked_add(money(1, 0)).unwrap_err();
        assert_eq!(mismatch.to_string(), "EUR/2 and JPY/0 do not mix");
        assert!(Money::new(1, 3, "EUR").unwrap().compare(money(1, 2)).is_err(), "one currency, two exponents");
    }

    #[test]
    fn every_part_is_checked() {
        assert_eq!(Money::new(-1, 2, "EUR"), Err(MoneyError::Negative));
        assert_eq!(Money::new(i64::MIN, 2, "EUR"), Err(MoneyError::Negative));
        assert_eq!(Money::new(MINOR_UNITS_MAX + 1, 2, "EUR"), Err(MoneyError::TooLarge));
        assert_eq!(Money::new(1, 5, "EUR"), Err(MoneyError::Exponent(5)));
        for code in ["eur", "EU", "EURO", "E1R", "é€", ""] {
            assert_eq!(Money::new(1, 2, code), Err(MoneyError::Currency(code.to_owned())));
        }
    }

    #[test]
    fn json_is_checked_on_the_way_in() {
        let text = r#"{"minor_units":1050,"exponent":2,"currency":"EUR"}"#;
        assert_eq!(serde_json::to_string(&money(1050, 2)).unwrap(), text);
        assert_eq!(serde_json::from_str::<Money>(text).unwrap(), money(1050, 2));
        assert!(serde_json::from_str::<Money>(&text.replace("1050", "-1")).is_err());
        assert!(serde_json::from_str::<Money>(&text.replace("1050", "1.5")).is_err());
    }
}
