//! Money: integer minor units of one currency, never negative, never a float.
//!
//! Direction comes from the operation, not from a sign. Arithmetic is checked; mixing currencies is an error and no panic.

use std::fmt;

use crate::currency::Currency;

/// The largest amount, 2^53 − 1 minor units: guests whose numbers are IEEE 754 doubles round silently above it.
pub const MINOR_UNITS_MAX: i64 = (1 << 53) - 1;

/// Characters a decimal amount may have: enough for every amount in every notation, too few to make parsing slow.
pub const DECIMAL_LENGTH_MAX: usize = 64;

/// An amount of money in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

/// Why an amount is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyError {
    /// Below zero.
    Negative,
    /// Above [`MINOR_UNITS_MAX`].
    TooLarge,
    /// Not a decimal number.
    NotANumber,
    /// More digits behind the point than the currency has.
    OverPrecise {
        /// The currency.
        currency: Currency,
    },
    /// Two currencies in one calculation.
    CurrencyMismatch {
        /// The currency on the left.
        left: Currency,
        /// The currency on the right.
        right: Currency,
    },
}

impl Money {
    /// Makes an amount from minor units.
    ///
    /// # Errors
    /// [`MoneyError::Negative`] below zero, [`MoneyError::TooLarge`] above [`MINOR_UNITS_MAX`].
    pub fn new(minor_units: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor_units < 0 {
            return Err(MoneyError::Negative);
        }
        if minor_units > MINOR_UNITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self { minor_units, currency })
    }

    /// Nothing, in this currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { minor_units: 0, currency }
    }

    /// Reads a decimal number of **major** units, in JSON's number notation (RFC 8259 section 6): `10.5`, `1050`,
    /// `1.05e3`. Exact: more digits than the currency has are an error unless they are zeros, never a rounding.
    ///
    /// # Errors
    /// [`MoneyError`] naming what is wrong.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (mantissa, shift) = split_exponent(text)?;
        let (mantissa, negative) = match mantissa.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (mantissa, false),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let point_without_digits = mantissa.contains('.') && fraction.is_empty();
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || point_without_digits || leading_zero || !digits_only(whole) || !digits_only(fraction) {
            return Err(MoneyError::NotANumber);
        }
        let minor_units = scale_digits(whole, fraction, shift, currency)?;
        if negative && minor_units != 0 {
            return Err(MoneyError::Negative);
        }
        Self::new(minor_units, currency)
    }

    /// Minor units.
    #[must_use]
    pub fn minor_units(&self) -> i64 {
        self.minor_units
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
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
        Self::new(self.minor_units + other.minor_units, self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`]; [`MoneyError::Negative`] when `other` is more.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.minor_units - other.minor_units, self.currency)
    }

    /// Whether this is more than `other`.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn exceeds(self, other: Self) -> Result<bool, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor_units > other.minor_units)
    }

    /// The amount in major units, with exactly as many decimals as the currency has: `10.50`, `1050`.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        let exponent = usize::from(self.currency.exponent());
        if exponent == 0 {
            return self.minor_units.to_string();
        }
        let scale = self.currency.scale();
        let (whole, fraction) = (self.minor_units / scale, self.minor_units % scale);
        format!("{whole}.{fraction:0exponent$}")
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

/// Splits `1.05e3` into `1.05` and 3.
fn split_exponent(text: &str) -> Result<(&str, i32), MoneyError> {
    if text.len() > DECIMAL_LENGTH_MAX {
        return Err(MoneyError::NotANumber);
    }
    match text.split_once(['e', 'E']) {
        None => Ok((text, 0)),
        Some((mantissa, shift)) => {
            let digits = shift.strip_prefix(['+', '-']).unwrap_or(shift);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(MoneyError::NotANumber);
            }
            // A shift beyond four digits can only be zero, too large or over-precise; clamp so that it still says which.
            let magnitude: i32 = digits.parse().unwrap_or(i32::MAX).min(9_999);
            Ok((mantissa, if shift.starts_with('-') { -magnitude } else { magnitude }))
        }
    }
}

/// The digits as minor units, exact or not at all.
fn scale_digits(whole: &str, fraction: &str, shift: i32, currency: Currency) -> Result<i64, MoneyError> {
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let kept = significant.trim_end_matches('0');
    let trailing = i32::try_from(significant.len() - kept.len()).expect("at most 64 digits");
    let fraction_digits = i32::try_from(fraction.len()).expect("at most 64 digits");
    let power = i32::from(currency.exponent()) + shift - fraction_digits + trailing;
    if power < 0 {
        return Err(MoneyError::OverPrecise { currency });
    }
    // Sixteen digits hold every amount up to MINOR_UNITS_MAX; more cannot be acceptable and might overflow.
    if kept.len() + usize::try_from(power).expect("not negative") > 16 {
        return Err(MoneyError::TooLarge);
    }
    let value: i64 = kept.parse().map_err(|_| MoneyError::TooLarge)?;
    Ok(value * 10_i64.pow(u32::try_from(power).expect("at most 16")))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
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
            Self::NotANumber => f.write_str("not a decimal number, for example 10.50"),
            Self::OverPrecise { currency } => {
                write!(f, "{currency} has {} digits behind the point, the amount has more", currency.exponent())
            }
            Self::CurrencyMismatch { left, right } => write!(f, "{left} and {right} do not mix"),
        }
    }
}

impl std::error::Error for MoneyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(exponent: u8) -> Currency {
        Currency::new(["JPY", "XXA", "EUR", "KWD", "CLF"][usize::from(exponent)], exponent).unwrap()
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        use MoneyError::{Negative, NotANumber, TooLarge};
        let over = |exponent| MoneyError::OverPrecise { currency: currency(exponent) };
        let cases = [
            ("10.5", 2, Ok(1050)),
            ("10.50", 2, Ok(1050)),
            ("10.500", 2, Ok(1050)),
            ("10.505", 2, Err(over(2))),
            ("0", 2, Ok(0)),
            ("-0", 2, Ok(0)),
            ("0.00", 0, Ok(0)),
            ("1050", 0, Ok(1050)),
            ("1050.0", 0, Ok(1050)),
            ("1050.5", 0, Err(over(0))),
            ("1.234", 3, Ok(1234)),
            ("0.0001", 4, Ok(1)),
            ("0.00001", 4, Err(over(4))),
            ("1.05e1", 2, Ok(1050)),
            ("105E-1", 2, Ok(1050)),
            ("1e-99999", 2, Err(over(2))),
            ("0e99999999999", 2, Ok(0)),
            ("1e99999999999", 2, Err(TooLarge)),
            ("90071992547409.91", 2, Ok(MINOR_UNITS_MAX)),
            ("90071992547409.92", 2, Err(TooLarge)),
            ("9223372036854775808", 0, Err(TooLarge)),
            ("-1", 2, Err(Negative)),
            ("-0.01", 2, Err(Negative)),
            ("", 2, Err(NotANumber)),
            ("-", 2, Err(NotANumber)),
            (".5", 2, Err(NotANumber)),
            ("5.", 2, Err(NotANumber)),
            ("05", 2, Err(NotANumber)),
            ("+5", 2, Err(NotANumber)),
            ("1e", 2, Err(NotANumber)),
            ("1e+", 2, Err(NotANumber)),
            ("1 000", 2, Err(NotANumber)),
            ("1,5", 2, Err(NotANumber)),
            ("NaN", 2, Err(NotANumber)),
            ("--1", 2, Err(NotANumber)),
            ("٣", 2, Err(NotANumber)),
        ];
        for (text, exponent, want) in cases {
            let got = Money::parse_decimal(text, currency(exponent)).map(|money| money.minor_units());
            assert_eq!(got, want, "{text} with exponent {exponent}");
        }
        assert_eq!(Money::parse_decimal(&"1".repeat(65), currency(2)), Err(NotANumber));
    }

    #[test]
    fn decimals_are_written_with_the_digits_of_the_currency() {
        let cases = [
            (1050, 2, "10.50"),
            (5, 2, "0.05"),
            (0, 2, "0.00"),
            (1050, 0, "1050"),
            (1, 3, "0.001"),
            (10_001, 4, "1.0001"),
        ];
        for (minor_units, exponent, want) in cases {
            assert_eq!(Money::new(minor_units, currency(exponent)).unwrap().to_decimal(), want);
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        let euro = |minor_units| Money::new(minor_units, currency(2)).unwrap();
        assert_eq!(euro(1).checked_add(euro(2)), Ok(euro(3)));
        assert_eq!(euro(1).checked_sub(euro(2)), Err(MoneyError::Negative));
        assert_eq!(euro(MINOR_UNITS_MAX).checked_add(euro(1)), Err(MoneyError::TooLarge));
        let mismatch = MoneyError::CurrencyMismatch { left: currency(2), right: currency(0) };
        assert_eq!(euro(1).checked_add(Money::zero(currency(0))), Err(mismatch));
        assert_eq!(Money::new(-1, currency(2)), Err(MoneyError::Negative));
    }
}
