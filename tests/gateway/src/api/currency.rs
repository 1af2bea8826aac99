//! Amounts by currency, as the published list of special cases has them.

use crate::problem::Problem;

/// The largest amount: eight digits, and more in some currencies.
fn most(currency: &str) -> i64 {
    let digits = match currency {
        "idr" => 12,
        "lbp" => 11,
        "cop" | "huf" | "jpy" => 10,
        "inr" => 9,
        _ => 8,
    };
    10_i64.pow(digits) - 1
}

/// What an amount must be a multiple of: three decimals of which the last is 0, and two decimals that are both 0.
fn multiple(currency: &str) -> i64 {
    match currency {
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
        "isk" | "ugx" => 100,
        _ => 1,
    }
}

/// Refuses an amount that is none in this currency.
pub(super) fn checked_amount(amount: i64, currency: &str, key: &str) -> Result<i64, Problem> {
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(Problem::invalid(Some("parameter_invalid_integer"), Some(key), message));
    }
    if amount > most(currency) {
        let message = format!("Amount must be no more than {}", most(currency));
        return Err(Problem::invalid(Some("amount_too_large"), Some(key), message));
    }
    if amount % multiple(currency) != 0 {
        let message = format!("Invalid amount in {currency}: it must be divisible by {}", multiple(currency));
        return Err(Problem::invalid(Some("parameter_invalid_integer"), Some(key), message));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_cases_as_published() {
        let takes = |amount, currency| checked_amount(amount, currency, "amount").is_ok();
        assert!(takes(1, "eur") && !takes(0, "eur") && takes(99_999_999, "eur") && !takes(100_000_000, "eur"));
        assert!(takes(500, "isk") && !takes(550, "isk") && takes(500, "ugx") && !takes(501, "ugx"));
        assert!(takes(5_120, "kwd") && !takes(5_124, "kwd"));
        assert!(takes(9_999_999_999, "jpy") && takes(1, "jpy"));
    }
}
