//! Spans of time as people write them: `30m`, `24h`, `90d`. Weeks and months are left out, since nobody agrees on a month.

/// Milliseconds of a span; `0` is none at all.
pub(super) fn milliseconds(text: &str) -> Result<i64, String> {
    let wrong = || "say a number of s, m, h or d, for example 24h; 0 is no time at all".to_owned();
    if text == "0" {
        return Ok(0);
    }
    let unit = match text.chars().next_back() {
        Some('s') => 1_000,
        Some('m') => 60 * 1_000,
        Some('h') => 60 * 60 * 1_000,
        Some('d') => 24 * 60 * 60 * 1_000,
        Some(_) | None => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        for (text, want) in [("0", 0), ("1s", 1_000), ("30m", 1_800_000), ("24h", 86_400_000), ("90d", 7_776_000_000)] {
            assert_eq!(milliseconds(text), Ok(want));
        }
        for text in ["", "h", "24", "-1h", "1.5h", "1w", "99999999999999999999d", "9223372036854775807d", "é", "1é"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }
}
