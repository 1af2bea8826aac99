//! JSON objects as text: a provider's private state, what a storefront sent, what a storefront may read.
//!
//! Checked once, when made: an object at the top, within the contract's size and depth, no key twice. What the keys mean
//! is the provider's business.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::{Error, ErrorKind};
use crate::limits::{JSON_BYTES_MAX, JSON_DEPTH_MAX};

/// A JSON object as text (`types.json`).
#[derive(Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// The empty object.
    #[must_use]
    pub fn empty() -> Self {
        Self("{}".to_owned())
    }

    /// Writes a value that serializes to a JSON object: a struct, a map, `serde_json::json!({…})`.
    ///
    /// # Errors
    /// Kind [`ErrorKind::Other`], which proves nothing, with code `json` when the value does not serialize, or breaks a
    /// rule of the contract: no object at the top, more than [`JSON_BYTES_MAX`] bytes, deeper than [`JSON_DEPTH_MAX`],
    /// a key twice. A provider that knows that nothing happened yet may turn it into a kind that says so.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let text = serde_json::to_string(value)?;
        check(&text).map_err(broken)?;
        Ok(Self(text))
    }

    /// Takes text as it is.
    ///
    /// # Errors
    /// As [`Json::of`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str::<IgnoredAny>(text)?;
        check(text).map_err(broken)?;
        Ok(Self(text.to_owned()))
    }

    /// Reads it as a type.
    ///
    /// # Errors
    /// Kind [`ErrorKind::Other`] with code `json` when the text does not fit the type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.0)?)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes text from the host, which checked it.
    pub(crate) fn from_host(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::empty()
    }
}

/// Only the length: private state must not drift into logs through a debug print.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

fn broken(rule: String) -> Error {
    Error::new(ErrorKind::Other("json".to_owned()), rule)
}

/// Checks the contract's rules on text that is well-formed JSON; says which one is broken.
fn check(text: &str) -> Result<(), String> {
    if text.len() > JSON_BYTES_MAX {
        return Err(format!("{} bytes of JSON, more than {JSON_BYTES_MAX}", text.len()));
    }
    if !text.trim_start().starts_with('{') {
        return Err("the JSON value is no object".to_owned());
    }
    // One entry per open bracket: the keys seen, where it is an object.
    let mut open: Vec<BTreeSet<String>> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                if open.len() == JSON_DEPTH_MAX {
                    return Err(format!("JSON deeper than {JSON_DEPTH_MAX} levels"));
                }
                open.push(BTreeSet::new());
            }
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = string_end(bytes, at);
                if is_key(bytes, end) {
                    note_key(&text[at..end], open.last_mut())?;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The index behind the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Whether the string that ends before `end` is a key: only keys are followed by a colon.
fn is_key(bytes: &[u8], end: usize) -> bool {
    bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Decodes the key, because `a` and `\u0061` are one key, and keeps it.
fn note_key(quoted: &str, keys: Option<&mut BTreeSet<String>>) -> Result<(), String> {
    let key: String = serde_json::from_str(quoted).map_err(|error| error.to_string())?;
    match keys {
        Some(keys) if keys.contains(&key) => Err(format!("the key `{key}` is there twice")),
        Some(keys) => {
            keys.insert(key);
            Ok(())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_contract_are_checked() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let mixed = format!("{{\"a\":{}{}}}", "[".repeat(JSON_DEPTH_MAX), "]".repeat(JSON_DEPTH_MAX));
        let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        let cases = [
            ("{}".to_owned(), ""),
            (" {\"a\": [1, {\"a\": 2}, {\"a\": 3}]} ".to_owned(), ""),
            (r#"{"a":"{[{[","b":"\"a\":","\\":1}"#.to_owned(), ""),
            (nested(JSON_DEPTH_MAX), ""),
            (nested(JSON_DEPTH_MAX + 1), "deeper"),
            (mixed, "deeper"),
            (sized(JSON_BYTES_MAX), ""),
            (sized(JSON_BYTES_MAX + 1), "more than"),
            ("[]".to_owned(), "no object"),
            ("\"{}\"".to_owned(), "no object"),
            (r#"{"a":1,"b":2,"a":3}"#.to_owned(), "`a` is there twice"),
            (r#"{"a":1,"\u0061":3}"#.to_owned(), "`a` is there twice"),
            (r#"{"x":[{"a":1,"a" : 3}]}"#.to_owned(), "`a` is there twice"),
            ("{".to_owned(), "EOF"),
            ("{} {}".to_owned(), "trailing"),
            (String::new(), "EOF"),
        ];
        for (text, want) in cases {
            match Json::parse(&text) {
                Ok(json) => {
                    assert_eq!(want, "", "{text} was taken");
                    assert_eq!(json.as_str(), text);
                }
                Err(error) => {
                    assert!(!want.is_empty() && error.message.contains(want), "{text}: {}", error.message);
                    assert_eq!(error.kind, ErrorKind::Other("json".to_owned()));
                }
            }
        }
    }

    #[test]
    fn values_that_are_no_object_are_refused() {
        assert!(Json::of(&[1, 2]).is_err());
        assert!(Json::of("text").is_err());
        assert!(Json::of(&serde_json::Value::Null).is_err());
        assert_eq!(Json::of(&serde_json::json!({ "a": 1 })).unwrap().as_str(), r#"{"a":1}"#);
    }

    #[test]
    fn private_state_is_not_printed() {
        assert_eq!(format!("{:?}", Json::parse(r#"{"secret":1}"#).unwrap()), "Json(12 bytes)");
    }
}
