//! Lines of the log without what must not be read by those who read logs: card-number-like digits, keys, passwords in URLs.
//!
//! Whoever writes a line keeps such things out of it; this is what stands behind them. It refuses to know what a line is
//! about.

use std::borrow::Cow;

use tillbox_runtime::text::{REDACTED, redact_card_numbers};

/// What secrets begin with that this program makes or takes.
const SECRET_PREFIXES: &[&str] = &["sk_", "cs_", "whsec_", "Bearer ", "bearer ", "Basic ", "basic "];

/// Characters behind a prefix that make it a secret and not a word.
const SECRET_CHARS_MIN: usize = 8;

/// The line without secrets. In JSON what is taken out of a number leaves a string, so that the line is still JSON.
#[must_use]
pub fn redacted(line: &str, is_json: bool) -> Cow<'_, str> {
    let without_keys = keys(line);
    let without_cards = redact_card_numbers(&without_keys);
    if without_cards == *without_keys {
        return without_keys;
    }
    Cow::Owned(if is_json { quoted(&without_cards) } else { without_cards })
}

/// Puts quotes around what stands for digits outside of a string.
fn quoted(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 2);
    let (mut in_string, mut escaped, mut left) = (false, false, line);
    while let Some(character) = left.chars().next() {
        if !in_string && left.starts_with(REDACTED) {
            out.push('"');
            out.push_str(REDACTED);
            out.push('"');
            left = &left[REDACTED.len()..];
            continue;
        }
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            _ => {}
        }
        out.push(character);
        left = &left[character.len_utf8()..];
    }
    out
}

/// The line without keys and without the passwords of URLs.
fn keys(line: &str) -> Cow<'_, str> {
    let suspicious = SECRET_PREFIXES.iter().any(|prefix| line.contains(prefix)) || line.contains("://");
    if !suspicious {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        if let Some(prefix) = SECRET_PREFIXES.iter().find(|prefix| rest.starts_with(**prefix)) {
            let is_word_start = !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let secret = rest[prefix.len()..].find(|c: char| !is_key_character(c)).unwrap_or(rest.len() - prefix.len());
            if is_word_start && secret >= SECRET_CHARS_MIN {
                out.push_str(prefix);
                out.push_str(REDACTED);
                at += prefix.len() + secret;
                continue;
            }
        }
        if let Some(authority) = rest.strip_prefix("://") {
            let end = authority.find(|c: char| c == '/' || c == '"' || c.is_whitespace()).unwrap_or(authority.len());
            if let Some((user, _)) = authority[..end].rsplit_once('@')
                && let Some((name, _)) = user.split_once(':')
            {
                out.push_str("://");
                out.push_str(name);
                out.push(':');
                out.push_str(REDACTED);
                at += "://".len() + user.len();
                continue;
            }
        }
        let character = rest.chars().next().expect("not at the end");
        out.push(character);
        at += character.len_utf8();
    }
    Cow::Owned(out)
}

fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '+' | '/' | '=' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        for (line, want) in [
            ("nothing to see", "nothing to see"),
            ("key sk_live_0123456789abc used", "key sk_[redacted] used"),
            ("risk_assessment of task_0123456789", "risk_assessment of task_0123456789"),
            ("sk_short", "sk_short"),
            ("authorization: Bearer abc.def-ghi_123", "authorization: Bearer [redacted]"),
            ("a basic example", "a basic example"),
            ("secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,", "secret=whsec_[redacted],"),
            ("postgres://till:hunter2@db/till is down", "postgres://till:[redacted]@db/till is down"),
            ("see https://example.com/a@b:c", "see https://example.com/a@b:c"),
            ("card 4242 4242 4242 4242!", "card [redacted]!"),
            ("é ://", "é ://"),
        ] {
            assert_eq!(redacted(line, false), want);
        }
    }

    #[test]
    fn json_stays_json() {
        for (line, want) in [
            (r#"{"n":4242424242424242,"m":1}"#, r#"{"n":"[redacted]","m":1}"#),
            (
                r#"{"n":"a \" 4242424242424242","m":[5555555555554444]}"#,
                r#"{"n":"a \" [redacted]","m":["[redacted]"]}"#,
            ),
            (
                r#"{"u":"postgres://t:p@h/d","s":"sk_0123456789"}"#,
                r#"{"u":"postgres://t:[redacted]@h/d","s":"sk_[redacted]"}"#,
            ),
        ] {
            let told = redacted(line, true);
            assert_eq!(told, want);
            serde_json::from_str::<serde_json::Value>(&told).unwrap();
        }
    }
}
