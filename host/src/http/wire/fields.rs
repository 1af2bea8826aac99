//! The keys of a JSON object, taken one by one. Whoever has taken all they know asks for the end, and what is left over is
//! an error that names it.
//!
//! `null` is refused: a caller that says "no amount" by `null` may have meant zero, and the two differ by everything.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tillbox_core::id::IdError;
use tillbox_core::{Currency, Money};
use tillbox_runtime::json::{JsonLimits, check_object};

use crate::http::limits::{BODY_BYTES_MAX, BODY_DEPTH_MAX, ECHO_CHARS_MAX};
use crate::service::Error;

/// Limits of a whole body.
const BODY: JsonLimits = JsonLimits { bytes_max: BODY_BYTES_MAX, depth_max: BODY_DEPTH_MAX };

/// Input that can never be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Invalid {
    /// Which key, with dots; absent when it is about the whole.
    pub(in crate::http) field: Option<String>,
    /// What is wrong, the key included, and what would be right.
    pub(in crate::http) message: String,
}

impl Invalid {
    pub(in crate::http) fn whole(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }

    pub(in crate::http) fn field(field: impl Into<String>, message: impl AsRef<str>) -> Self {
        let field = field.into();
        let message = format!("{field}: {}", message.as_ref());
        Self { field: Some(field), message }
    }
}

/// What a body is read into.
pub(in crate::http) trait Input: Sized {
    /// Takes the keys it knows.
    fn read(fields: &mut Fields) -> Result<Self, Invalid>;
}

/// An amount as it was written, in major units of a currency that the body does not have to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Amount(String);

impl Amount {
    /// The amount in this currency, exact or an error.
    pub(in crate::http) fn of(&self, currency: Currency) -> Result<Money, Error> {
        Ok(Money::parse_decimal(&self.0, currency)?)
    }
}

/// The keys of one object that nobody has taken yet.
#[derive(Debug)]
pub(in crate::http) struct Fields {
    left: BTreeMap<String, Box<RawValue>>,
    /// Where the object stands, with a dot behind it; empty for the body itself.
    path: String,
    known: Vec<&'static str>,
}

impl Fields {
    /// Reads a whole body into `T`. An empty one is an empty object.
    pub(in crate::http) fn read<T: Input>(body: &[u8]) -> Result<T, Invalid> {
        let text = std::str::from_utf8(body).map_err(|_| Invalid::whole("the body is not UTF-8"))?;
        let text = if text.is_empty() { "{}" } else { text };
        check_object(text, BODY).map_err(|error| Invalid::whole(format!("the body is wrong: {error}")))?;
        Self::of(text, String::new())?.whole()
    }

    /// Reads the object into `T`, and refuses what `T` does not know.
    fn whole<T: Input>(mut self) -> Result<T, Invalid> {
        let value = T::read(&mut self)?;
        self.end()?;
        Ok(value)
    }

    fn of(text: &str, path: String) -> Result<Self, Invalid> {
        let left = serde_json::from_str(text).map_err(|error| Invalid::whole(format!("not JSON: {error}")))?;
        Ok(Self { left, path, known: Vec::new() })
    }

    /// A string.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, Invalid> {
        let Some(value) = self.take(key) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| self.not(key, "a string"))
    }

    /// A list of strings.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Invalid> {
        let Some(value) = self.take(key) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| self.not(key, "a list of strings"))
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &'static str) -> Result<Option<bool>, Invalid> {
        let Some(value) = self.take(key) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| self.not(key, "true or false"))
    }

    /// A string that must be there.
    pub(super) fn required_text(&mut self, key: &'static str) -> Result<String, Invalid> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A number, its digits untouched.
    pub(super) fn amount(&mut self, key: &'static str) -> Result<Option<Amount>, Invalid> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let text = value.get();
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Ok(Some(Amount(text.to_owned())));
        }
        Err(self.not(key, "a number of major units, such as 10.50"))
    }

    /// A number that must be there.
    pub(super) fn required_amount(&mut self, key: &'static str) -> Result<Amount, Invalid> {
        self.amount(key)?.ok_or_else(|| self.missing(key))
    }

    /// An object that is handed on as it is written.
    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<String>, Invalid> {
        let Some(value) = self.take(key) else { return Ok(None) };
        if value.get().starts_with('{') { Ok(Some(value.get().to_owned())) } else { Err(self.not(key, "an object")) }
    }

    /// An object that must be there.
    pub(super) fn required_object(&mut self, key: &'static str) -> Result<String, Invalid> {
        self.object(key)?.ok_or_else(|| self.missing(key))
    }

    /// An id of a kind.
    pub(super) fn id<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|error| Invalid::field(format!("{}{key}", self.path), error.to_string()))
    }

    /// `true` or `false`, which must be there.
    pub(super) fn required_truth(&mut self, key: &'static str) -> Result<bool, Invalid> {
        let Some(value) = self.take(key) else { return Err(self.missing(key)) };
        serde_json::from_str(value.get()).map_err(|_| self.not(key, "true or false"))
    }

    /// A list of ids, which must be there.
    pub(super) fn required_ids<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Result<Vec<T>, Invalid> {
        let Some(value) = self.take(key) else { return Err(self.missing(key)) };
        let texts: Vec<String> = serde_json::from_str(value.get()).map_err(|_| self.not(key, "a list of ids"))?;
        let wrong = |error: IdError| Invalid::field(format!("{}{key}", self.path), error.to_string());
        texts.iter().map(|text| parse(text).map_err(wrong)).collect()
    }

    /// An object with keys of ours.
    pub(super) fn nested<T: Input>(&mut self, key: &'static str) -> Result<Option<T>, Invalid> {
        let Some(text) = self.object(key)? else { return Ok(None) };
        Self::of(&text, format!("{}{key}.", self.path))?.whole().map(Some)
    }

    fn take(&mut self, key: &'static str) -> Option<Box<RawValue>> {
        self.known.push(key);
        self.left.remove(key)
    }

    fn not(&self, key: &str, what: &str) -> Invalid {
        Invalid::field(format!("{}{key}", self.path), format!("must be {what}; leave it out where there is none"))
    }

    fn missing(&self, key: &str) -> Invalid {
        Invalid::field(format!("{}{key}", self.path), "is missing")
    }

    fn end(self) -> Result<(), Invalid> {
        let Some(key) = self.left.keys().next() else { return Ok(()) };
        let shown: String = key.chars().take(ECHO_CHARS_MAX).collect();
        let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        let message = format!("is not a key of this request; known are: {known}");
        Err(Invalid::field(format!("{}{shown}", self.path), message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Sample {
        name: Option<String>,
        amount: Option<Amount>,
        inner: Option<Inner>,
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Inner {
        data: Option<String>,
    }

    impl Input for Sample {
        fn read(fields: &mut Fields) -> Result<Self, Invalid> {
            Ok(Self { name: fields.text("name")?, amount: fields.amount("amount")?, inner: fields.nested("inner")? })
        }
    }

    impl Input for Inner {
        fn read(fields: &mut Fields) -> Result<Self, Invalid> {
            Ok(Self { data: fields.object("data")? })
        }
    }

    fn refused(body: &str) -> Invalid {
        Fields::read::<Sample>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn digits_and_objects_arrive_as_they_were_written() {
        let body = br#" {"name":"\u00e9","amount":9007199254740993.10,"inner":{"data":{"a": 1.50}}} "#;
        let sample: Sample = Fields::read(body).unwrap();
        assert_eq!(sample.name.as_deref(), Some("é"));
        assert_eq!(sample.amount, Some(Amount("9007199254740993.10".into())));
        assert_eq!(sample.inner.unwrap().data.as_deref(), Some(r#"{"a": 1.50}"#));
        let nothing: Sample = Fields::read(b"").unwrap();
        assert_eq!(nothing, Sample { name: None, amount: None, inner: None });
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, field) in [
            (r#"{"nmae":"x"}"#, "nmae"),
            (r#"{"inner":{"dta":{}}}"#, "inner.dta"),
            (r#"{"inner":{"data":[]}}"#, "inner.data"),
            (r#"{"inner":7}"#, "inner"),
            (r#"{"name":7}"#, "name"),
            (r#"{"name":null}"#, "name"),
            (r#"{"amount":"10"}"#, "amount"),
            (r#"{"amount":null}"#, "amount"),
            (r#"{"amount":true}"#, "amount"),
        ] {
            let invalid = refused(body);
            assert_eq!(invalid.field.as_deref(), Some(field), "{body}");
            assert!(invalid.message.starts_with(field), "{}", invalid.message);
        }
        let deep =
            format!("{}{}", r#"{"a":"#.repeat(BODY_DEPTH_MAX + 1), "1".to_owned() + &"}".repeat(BODY_DEPTH_MAX + 1));
        for body in ["[]", "7", "{", r#"{"name":"a","name":"b"}"#, r#"{"inner":{"data":{"x":1,"x":2}}}"#, " ", &deep] {
            let invalid = refused(body);
            assert_eq!(invalid.field, None, "{body}");
            assert!(invalid.message.starts_with("the body is wrong"), "{}", invalid.message);
        }
        assert_eq!(Fields::read::<Sample>(b"{\"name\":\"\xff\"}").unwrap_err().message, "the body is not UTF-8");
    }
}
