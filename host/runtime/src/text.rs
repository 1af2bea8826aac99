//! Cleaning of text that a provider wrote and a person will read: control characters out, card-number-like digits out,
//! lengths capped.
//!
//! It refuses to know who reads it. What it does is what a terminal, a log file and an auditor need alike.

/// What stands in place of digits that look like a card number.
pub const REDACTED: &str = "[redacted]";

/// Digits of the shortest card number (ISO/IEC 7812-1 allows down to 10; issued ones have 13 or more).
const CARD_DIGITS_MIN: usize = 13;

/// Digits of the longest card number (ISO/IEC 7812-1).
const CARD_DIGITS_MAX: usize = 19;

/// The text without control characters and card-number-like digits, at most `bytes_max` bytes long.
///
/// Line breaks and tabs become spaces: one line stays one line. Characters that turn the direction of writing are
/// removed, because they make a line read as something else than it is.
#[must_use]
pub fn clean(text: &str, bytes_max: usize) -> String {
    // Work is bounded by the limit, not by what the guest sent; redaction never makes a text longer than its digits.
    let head = cut(text, bytes_max.saturating_mul(2));
    let plain: String = head.chars().filter_map(plain_character).collect();
    let mut redacted = redact_card_numbers(&plain);
    redacted.truncate(cut(&redacted, bytes_max).len());
    redacted
}

/// The longest prefix of at most `bytes_max` bytes that ends at a character.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn plain_character(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        other if other.is_control() => None,
        other => Some(other),
    }
}

/// Replaces digits that could be a card number: 13 to 19 of them, with single spaces or hyphens between them allowed, the
/// first one used by card schemes, and the Luhn checksum (ISO/IEC 7812-1 annex B) right.
#[must_use]
pub fn redact_card_numbers(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut offset = 0;
    while offset < bytes.len() {
        if !bytes[offset].is_ascii_digit() {
            offset += 1;
            continue;
        }
        let (end, digits) = digit_run(bytes, offset);
        if is_card_number(&digits) {
            out.push_str(&text[copied..offset]);
            out.push_str(REDACTED);
            copied = end;
        }
        offset = end;
    }
    out.push_str(&text[copied..]);
    out
}

/// The digits from here on, over single spaces and hyphens; ends behind the last digit.
fn digit_run(bytes: &[u8], start: usize) -> (usize, Vec<u8>) {
    let mut digits = Vec::new();
    let mut end = start;
    let mut offset = start;
    while offset < bytes.len() {
        let byte = bytes[offset];
        if byte.is_ascii_digit() {
            digits.push(byte - b'0');
            offset += 1;
            end = offset;
        } else if (byte == b' ' || byte == b'-') && offset == end {
            offset += 1;
        } else {
            break;
        }
    }
    (end, digits)
}

fn is_card_number(digits: &[u8]) -> bool {
    let length_fits = (CARD_DIGITS_MIN..=CARD_DIGITS_MAX).contains(&digits.len());
    // 1 is airlines, 7 fuel, 8 telecommunications; millisecond timestamps start with 1 and must survive.
    length_fits && matches!(digits[0], 2..=6 | 9) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned() {
        let cases = [
            ("plain", "plain"),
            ("a\x1b[31mred\x1b[0m", "a[31mred[0m"),
            ("one\ntwo\r\nthree\t", "one two  three "),
            ("nul\0 bell\x07 c1\u{9b}", "nul bell c1"),
            ("left\u{202e}right\u{2066}", "leftright"),
            ("card 4242424242424242 end", "card [redacted] end"),
            ("4242 4242 4242 4242", "[redacted]"),
            ("4242-4242-4242-4242.", "[redacted]."),
            ("378282246310005", "[redacted]"),
            ("pan=5555555555554444,x", "pan=[redacted],x"),
            ("4242424242424243", "4242424242424243"),
            ("1763683896000", "1763683896000"),
            ("amount 1050, id 12345", "amount 1050, id 12345"),
            ("4242  4242 4242 4242", "4242  4242 4242 4242"),
            ("é€", "é€"),
        ];
        for (text, want) in cases {
            assert_eq!(clean(text, 1_024), want, "{text:?}");
        }
    }

    #[test]
    fn text_is_capped_at_a_character() {
        assert_eq!(clean("ééé", 5), "éé");
        assert_eq!(clean(&"x".repeat(5_000), 1_024).len(), 1_024);
        assert_eq!(cut("abc", 0), "");
        // A card number at the edge is redacted as a whole or not shown as a whole.
        let line = format!("{}4242424242424242", "x".repeat(1_020));
        assert!(!clean(&line, 1_024).contains("4242"), "half a card number is shown");
    }
}
