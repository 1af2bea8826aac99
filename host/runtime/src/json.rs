//! One check for every JSON object that crosses the border to a provider, in either direction.
//!
//! It reads text (RFC 8259) and builds nothing: size, depth, no key twice, an object at the top. Numbers keep their
//! digits because nobody converts them. Duplicate keys are refused since two parsers may pick different ones, and then
//! two parties see two payments.

use std::borrow::Cow;
use std::fmt;

use tillbox_core::text::Json;

use crate::limits::{CLIENT_DATA_BYTES_MAX, JSON_BYTES_MAX, JSON_DEPTH_MAX};

/// What a JSON text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// Bytes.
    pub bytes_max: usize,
    /// Levels; the object at the top is the first.
    pub depth_max: usize,
}

/// Limits of every `json` of the contract.
pub const CONTRACT: JsonLimits = JsonLimits { bytes_max: JSON_BYTES_MAX, depth_max: JSON_DEPTH_MAX };

/// Limits of client data.
pub const CLIENT_DATA: JsonLimits = JsonLimits { bytes_max: CLIENT_DATA_BYTES_MAX, depth_max: JSON_DEPTH_MAX };

/// Which rule a text breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// Longer than allowed.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// Deeper than allowed.
    TooDeep {
        /// Levels allowed.
        depth_max: usize,
    },
    /// Valid so far, but not an object at the top.
    NotAnObject,
    /// A key twice in one object.
    DuplicateKey {
        /// The key, at most 64 characters of it.
        key: String,
    },
    /// Not JSON.
    Syntax {
        /// Byte offset of the first byte that does not fit.
        offset: usize,
        /// What was expected there.
        expected: &'static str,
    },
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, bytes_max } => write!(f, "{bytes} bytes of JSON, allowed are {bytes_max}"),
            Self::TooDeep { depth_max } => write!(f, "nested deeper than {depth_max} levels"),
            Self::NotAnObject => f.write_str("not a JSON object: it must start with `{`"),
            Self::DuplicateKey { key } => write!(f, "the key `{key}` stands twice in one object"),
            Self::Syntax { offset, expected } => write!(f, "not JSON: expected {expected} at byte {offset}"),
        }
    }
}

impl std::error::Error for JsonError {}

/// Checks that the text is a JSON object within the limits.
///
/// # Errors
/// [`JsonError`] naming the first rule that is broken.
pub fn check_object(text: &str, limits: JsonLimits) -> Result<Json, JsonError> {
    if text.len() > limits.bytes_max {
        return Err(JsonError::TooLarge { bytes: text.len(), bytes_max: limits.bytes_max });
    }
    let mut scanner = Scanner { text, offset: 0, depth: 0, depth_max: limits.depth_max, keys: Vec::new() };
    scanner.space();
    match scanner.peek() {
        Some(b'{') => scanner.object()?,
        Some(_) => {
            scanner.value()?;
            return Err(JsonError::NotAnObject);
        }
        None => return Err(JsonError::NotAnObject),
    }
    scanner.space();
    if scanner.offset < text.len() {
        return Err(scanner.expected("the end of the text"));
    }
    Ok(Json::from_checked(text))
}

struct Scanner<'a> {
    text: &'a str,
    offset: usize,
    depth: usize,
    depth_max: usize,
    /// Keys of all open objects, innermost last.
    keys: Vec<Cow<'a, str>>,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn expected(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax { offset: self.offset, expected }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.offset += 1;
        }
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.expected(expected));
        }
        self.offset += 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(JsonError::TooDeep { depth_max: self.depth_max });
        }
        Ok(())
    }

    /// Depth is bounded, so recursion is.
    fn value(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.expected("a value")),
        }
    }

    fn object(&mut self) -> Result<(), JsonError> {
        self.enter()?;
        let first_key = self.keys.len();
        self.offset += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.offset += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let key = self.string()?;
            self.keys.push(key);
            self.space();
            self.take(b':', "`:`")?;
            self.space();
            self.value()?;
            self.space();
            match self.peek() {
                Some(b',') => self.offset += 1,
                Some(b'}') => break,
                _ => return Err(self.expected("`,` or `}`")),
            }
            self.space();
        }
        self.offset += 1;
        self.depth -= 1;
        self.no_key_twice(first_key)
    }

    fn no_key_twice(&mut self, first_key: usize) -> Result<(), JsonError> {
        let keys = &mut self.keys[first_key..];
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(JsonError::DuplicateKey { key: pair[0].chars().take(64).collect() });
        }
        self.keys.truncate(first_key);
        Ok(())
    }

    fn array(&mut self) -> Result<(), JsonError> {
        self.enter()?;
        self.offset += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.offset += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            self.value()?;
            self.space();
            match self.peek() {
                Some(b',') => self.offset += 1,
                Some(b']') => break,
                _ => return Err(self.expected("`,` or `]`")),
            }
            self.space();
        }
        self.offset += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Reads a string and gives its content, unescaped.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.offset += 1;
        let start = self.offset;
        let mut unescaped: Option<String> = None;
        loop {
            let run = self.offset;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.offset += 1;
            }
            if let Some(unescaped) = &mut unescaped {
                unescaped.push_str(&self.text[run..self.offset]);
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let so_far = &self.text[start..self.offset];
                    let unescaped = unescaped.get_or_insert_with(|| so_far.to_owned());
                    let character = self.escape()?;
                    unescaped.push(character);
                }
                Some(_) => return Err(self.expected("no control character in a string")),
                None => return Err(self.expected("the end of the string")),
            }
        }
        let end = self.offset;
        self.offset += 1;
        Ok(unescaped.map_or_else(|| Cow::Borrowed(&self.text[start..end]), Cow::Owned))
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.offset += 1;
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.expected("an escape of RFC 8259 section 7")),
        };
        self.offset += 1;
        Ok(character)
    }

    /// Half a surrogate pair is refused: it is no character, and no two libraries agree on it.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        const EXPECTED: &str = "four hexadecimal digits that make a character";
        let high = self.hexadecimal()?;
        let code = match high {
            0xd800..=0xdbff => {
                self.take(b'\\', "the second half of a surrogate pair")?;
                if self.peek() != Some(b'u') {
                    return Err(self.expected("the second half of a surrogate pair"));
                }
                let low = self.hexadecimal()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.expected("the second half of a surrogate pair"));
                }
                0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => high,
        };
        char::from_u32(code).ok_or_else(|| self.expected(EXPECTED))
    }

    /// Stands on the `u`, ends behind the fourth digit.
    fn hexadecimal(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.offset + 1..self.offset + 5);
        let all_digits = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let (true, Some(digits)) = (all_digits, digits) else {
            return Err(self.expected("four hexadecimal digits"));
        };
        self.offset += 5;
        let value = |digit: u8| char::from(digit).to_digit(16).expect("a hexadecimal digit");
        Ok(digits.iter().fold(0, |code, digit| code * 16 + value(*digit)))
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if !self.text[self.offset..].starts_with(word) {
            return Err(self.expected("a value"));
        }
        self.offset += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.expected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.offset += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.offset += 1;
        }
        if self.peek() == Some(b'0') {
            self.offset += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.offset += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.offset += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.offset += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_pass_and_everything_else_is_named() {
        let syntax = |offset, expected| Err(JsonError::Syntax { offset, expected });
        let duplicate = |key: &str| Err(JsonError::DuplicateKey { key: key.to_owned() });
        let cases = [
            ("{}", Ok(())),
            (" {\t\"a\" : [ 1 , -0.5e+3 , true , false , null , \"x\\u00e9\\ud83d\\ude00\" ] }\r\n", Ok(())),
            (r#"{"a":{"b":{}},"b":{"b":1}}"#, Ok(())),
            (r#"{"n":123456789012345678901234567890.123456789}"#, Ok(())),
            ("", Err(JsonError::NotAnObject)),
            ("[]", Err(JsonError::NotAnObject)),
            ("\"{}\"", Err(JsonError::NotAnObject)),
            ("null", Err(JsonError::NotAnObject)),
            ("nope", syntax(0, "a value")),
            ("{", syntax(1, "a key in double quotes")),
            ("{\"a\"}", syntax(4, "`:`")),
            ("{\"a\":}", syntax(5, "a value")),
            ("{\"a\":1,}", syntax(7, "a key in double quotes")),
            ("{\"a\":[1,]}", syntax(8, "a value")),
            ("{\"a\":01}", syntax(6, "`,` or `}`")),
            ("{\"a\":1.}", syntax(7, "a digit")),
            ("{\"a\":+1}", syntax(5, "a value")),
            ("{\"a\":NaN}", syntax(5, "a value")),
            ("{\"a\":1e}", syntax(7, "a digit")),
            ("{\"a\":1} x", syntax(8, "the end of the text")),
            ("{'a':1}", syntax(1, "a key in double quotes")),
            ("{\"a\":\"\n\"}", syntax(6, "no control character in a string")),
            ("{\"a\":\"\\x\"}", syntax(7, "an escape of RFC 8259 section 7")),
            ("{\"a\":\"\\u12g4\"}", syntax(7, "four hexadecimal digits")),
            ("{\"a\":\"\\ud800\"}", syntax(12, "the second half of a surrogate pair")),
            ("{\"a\":\"\\udc00\"}", syntax(12, "four hexadecimal digits that make a character")),
            ("{\"a\":\"", syntax(6, "the end of the string")),
            (r#"{"a":1,"a":2}"#, duplicate("a")),
            (r#"{"a":1,"\u0061":2}"#, duplicate("a")),
            (r#"{"x":[{"a":1,"b":2,"a":3}]}"#, duplicate("a")),
        ];
        for (text, want) in cases {
            assert_eq!(check_object(text, CONTRACT).map(drop), want, "{text}");
        }
    }

    #[test]
    fn size_and_depth_are_limits() {
        let object = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(check_object(&object(JSON_BYTES_MAX), CONTRACT).is_ok());
        let too_large = JsonError::TooLarge { bytes: JSON_BYTES_MAX + 1, bytes_max: JSON_BYTES_MAX };
        assert_eq!(check_object(&object(JSON_BYTES_MAX + 1), CONTRACT), Err(too_large));

        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(check_object(&nested(32), CONTRACT).is_ok());
        assert_eq!(check_object(&nested(33), CONTRACT), Err(JsonError::TooDeep { depth_max: 32 }));
        assert_eq!(check_object(&nested(30_000), CONTRACT), Err(JsonError::TooDeep { depth_max: 32 }));
    }

    #[test]
    fn many_keys_take_no_quadratic_time() {
        let keys: Vec<String> = (0..8_000).map(|key| format!("\"{key}\":0")).collect();
        let text = format!("{{{}}}", keys.join(","));
        assert!(check_object(&text, JsonLimits { bytes_max: 1 << 20, depth_max: 2 }).is_ok());
    }

    #[test]
    fn it_agrees_with_another_parser() {
        // Every prefix and every one-byte change of a text that has all the grammar's parts.
        let text = r#"{"a":[1,-2.5e-3,true,null],"b":{"c":"\u0041\n"},"d":""}"#;
        let agree = |candidate: &str| {
            let ours = check_object(candidate, CONTRACT).is_ok();
            let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(candidate).is_ok();
            let duplicate = matches!(check_object(candidate, CONTRACT), Err(JsonError::DuplicateKey { .. }));
            assert!(ours == theirs || duplicate, "{candidate}: ours {ours}, theirs {theirs}");
        };
        for length in 0..=text.len() {
            agree(&text[..length]);
        }
        for index in 0..text.len() {
            for byte in 0x20..0x7f_u8 {
                let mut changed = text.as_bytes().to_vec();
                changed[index] = byte;
                agree(std::str::from_utf8(&changed).unwrap());
            }
        }
    }
}
