//! Forms and queries: `application/x-www-form-urlencoded` (WHATWG URL Standard, section 5), with the names in brackets that
//! gateways write nested values by (`metadata[order]=7`). Pairs keep their order, so that a replay is the same bytes.

use std::fmt::{Display, Write as _};

/// Name and value pairs, encoded once they are written.
///
/// ```
/// use tillbox_provider::http::Form;
///
/// let form = Form::new().pair("amount", 1050).pair("metadata[note]", "a & b").maybe("customer", None::<&str>);
/// assert_eq!(form.encoded(), "amount=1050&metadata%5Bnote%5D=a+%26+b");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more pair. Brackets in the name are part of it: `card[token]`, `types[]`.
    #[must_use]
    pub fn pair(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.pairs.push((name.into(), value.to_string()));
        self
    }

    /// With one more pair where there is a value.
    #[must_use]
    pub fn maybe(self, name: impl Into<String>, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.pair(name, value),
            None => self,
        }
    }

    /// With the pairs of another one behind its own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.pairs.extend(other.pairs);
        self
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// As it is sent.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.pairs {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        text
    }
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => write!(out, "%{byte:02X}").expect("a string takes everything"),
        }
    }
}

/// Text as one segment of a path: everything but unreserved characters (RFC 3986 section 2.3) is encoded, so that an id from
/// outside can name no other path.
#[must_use]
pub fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written_as_the_standard_says() {
        let form = Form::new().pair("a[b][]", "é +&=%~*-._").pair("empty", "").and(Form::new().pair("t", true));
        assert_eq!(form.encoded(), "a%5Bb%5D%5B%5D=%C3%A9+%2B%26%3D%25%7E*-._&empty=&t=true");
        assert!(Form::new().is_empty() && Form::new().encoded().is_empty());
    }

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("pi_1"), "pi_1");
        assert_eq!(segment("../x?y#z/%"), "%2E%2E%2Fx%3Fy%23z%2F%25");
    }
}
