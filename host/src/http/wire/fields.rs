//! The keys of a JSON object, taken one by one. Whoever has taken all they know asks for the end, and what is left over is
//! an error that names it.
//!
//! `null` is refused: a caller that says "no amount" by `null` may have meant zero, and the two differ by everything. Only
//! where the reference's clients send it for a text, it is taken for none.
//!
//! The same reading describes: without a body each key is noted with what it may hold, and that is the document.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tillbox_core::id::{IdError, ProviderId};
use tillbox_core::{Currency, Money};
use tillbox_runtime::json::{JsonLimits, check_object};

use super::kind::{Count, Kind, Known, Names};
use crate::currency::lookup;
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
    /// A body that is right, for the document.
    const EXAMPLE: &'static str = "{}";

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
    known: Vec<Known>,
    /// Nothing was sent: what is required is made up, and only the keys count.
    describes: bool,
}

impl Fields {
    /// Reads a whole body into `T`. An empty one is an empty object.
    pub(in crate::http) fn read<T: Input>(body: &[u8]) -> Result<T, Invalid> {
        let text = std::str::from_utf8(body).map_err(|_| Invalid::whole("the body is not UTF-8"))?;
        let text = if text.is_empty() { "{}" } else { text };
        check_object(text, BODY).map_err(|error| Invalid::whole(format!("the body is wrong: {error}")))?;
        Self::of(text, String::new())?.whole()
    }

    /// The keys that are read into `T`.
    pub(in crate::http) fn known<T: Input>() -> Vec<Known> {
        let mut fields = Self { left: BTreeMap::new(), path: String::new(), known: Vec::new(), describes: true };
        let read = T::read(&mut fields).map(drop);
        debug_assert!(read.is_ok(), "an `Input` takes its keys and decides nothing: {read:?}");
        fields.known
    }

    /// The JSON Schema (2020-12) of an object with these keys and no others.
    pub(in crate::http) fn schema(known: &[Known]) -> Value {
        let properties: Map<String, Value> = known.iter().map(|known| (known.key.to_owned(), known.schema())).collect();
        let required: Vec<&str> = known.iter().filter(|known| known.required).map(|known| known.key).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    fn describe<T: Input>() -> Value {
        Self::schema(&Self::known::<T>())
    }

    /// Reads the object into `T`, and refuses what `T` does not know.
    fn whole<T: Input>(mut self) -> Result<T, Invalid> {
        let value = T::read(&mut self)?;
        self.end()?;
        Ok(value)
    }

    fn of(text: &str, path: String) -> Result<Self, Invalid> {
        let left = serde_json::from_str(text).map_err(|error| Invalid::whole(format!("not JSON: {error}")))?;
        Ok(Self { left, path, known: Vec::new(), describes: false })
    }

    /// A string of so many bytes.
    pub(super) fn text(&mut self, key: &'static str, bytes: RangeInclusive<usize>) -> Result<Option<String>, Invalid> {
        let kind = Kind::Text { least: *bytes.start(), most: *bytes.end() };
        self.string(key, kind, bytes, false)
    }

    /// A string that must be there.
    pub(super) fn required_text(&mut self, key: &'static str, bytes: RangeInclusive<usize>) -> Result<String, Invalid> {
        let kind = Kind::Text { least: *bytes.start(), most: *bytes.end() };
        let text = self.string(key, kind, bytes, true)?;
        self.there(key, text, String::new)
    }

    /// The name of something of the shop's own, which must be there. Whether there is such a thing is not asked here.
    pub(super) fn required_foreign(
        &mut self,
        key: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<String, Invalid> {
        let kind = Kind::Foreign { least: *bytes.start(), most: *bytes.end() };
        let text = self.string(key, kind, bytes, true)?;
        self.there(key, text, String::new)
    }

    /// A string that the service holds to an expression besides: the document names it, the service checks it.
    pub(super) fn text_like(
        &mut self,
        key: &'static str,
        pattern: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Option<String>, Invalid> {
        let kind = Kind::Like { pattern, least: *bytes.start(), most: *bytes.end() };
        self.string(key, kind, bytes, false)
    }

    /// The same, which must be there.
    pub(super) fn required_text_like(
        &mut self,
        key: &'static str,
        pattern: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<String, Invalid> {
        let kind = Kind::Like { pattern, least: *bytes.start(), most: *bytes.end() };
        let text = self.string(key, kind, bytes, true)?;
        self.there(key, text, String::new)
    }

    /// A list of at most so many strings, which the service holds to an expression.
    pub(super) fn texts_like(
        &mut self,
        key: &'static str,
        pattern: &'static str,
        bytes_max: usize,
        most: usize,
    ) -> Result<Option<Vec<String>>, Invalid> {
        let kind = Kind::Like { pattern, least: 1, most: bytes_max };
        self.list(key, kind, "a list of strings", most, false)
    }

    /// A whole number.
    pub(super) fn count(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Result<Option<u32>, Invalid> {
        let kind = Kind::Number { least: u64::from(*range.start()), most: u64::from(*range.end()) };
        let Some(value) = self.take(Known { key, kind, count: Count::One, required: false }) else { return Ok(None) };
        let number = serde_json::from_str::<u32>(value.get()).ok().filter(|number| range.contains(number));
        let wrong = || self.not(key, &format!("a whole number from {} to {}", range.start(), range.end()));
        number.map(Some).ok_or_else(wrong)
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &'static str) -> Result<Option<bool>, Invalid> {
        self.bit(key, false)
    }

    /// `true` or `false`, which must be there.
    pub(super) fn required_truth(&mut self, key: &'static str) -> Result<bool, Invalid> {
        let bit = self.bit(key, true)?;
        self.there(key, bit, || false)
    }

    /// One of some names, which must be there.
    pub(super) fn required_word<T: Names>(&mut self, key: &'static str, stand_in: T) -> Result<T, Invalid> {
        let text = self.string(key, Kind::Word(T::all), 0..=BODY_BYTES_MAX, true)?;
        let text = self.there(key, text, || stand_in.name().to_owned())?;
        let unknown = || self.wrong(key, format!("must be one of {}", T::all().join(", ")));
        T::parse(&text).ok_or_else(unknown)
    }

    /// A string of so many bytes, or `null` for none.
    pub(super) fn text_or_null(
        &mut self,
        key: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Option<Option<String>>, Invalid> {
        if self.left.get(key).is_some_and(|value| value.get() == "null") {
            self.left.remove(key);
            return Ok(Some(None));
        }
        Ok(self.text(key, bytes)?.map(Some))
    }

    /// A currency.
    pub(super) fn currency(&mut self, key: &'static str) -> Result<Option<Currency>, Invalid> {
        let Some(text) = self.string(key, Kind::Currency, 0..=BODY_BYTES_MAX, false)? else { return Ok(None) };
        lookup(&text).map(Some).map_err(|error| self.wrong(key, error.to_string()))
    }

    /// A number, its digits untouched.
    pub(super) fn amount(&mut self, key: &'static str) -> Result<Option<Amount>, Invalid> {
        self.number(key, false)
    }

    /// A number that must be there.
    pub(super) fn required_amount(&mut self, key: &'static str) -> Result<Amount, Invalid> {
        let amount = self.number(key, true)?;
        self.there(key, amount, || Amount("0".to_owned()))
    }

    /// An object that is handed on as it is written.
    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<String>, Invalid> {
        self.braces(key, Kind::Object, false)
    }

    /// An object that must be there.
    pub(super) fn required_object(&mut self, key: &'static str) -> Result<String, Invalid> {
        let object = self.braces(key, Kind::Object, true)?;
        self.there(key, object, || "{}".to_owned())
    }

    /// An id of a kind.
    pub(super) fn id<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.string(key, Kind::Id(prefix(&parse)), 0..=BODY_BYTES_MAX, false)? else {
            return Ok(None);
        };
        parse(&text).map(Some).map_err(|error| self.wrong(key, error.to_string()))
    }

    /// A provider's id. Whether there is one is not asked here.
    pub(super) fn provider(&mut self, key: &'static str) -> Result<Option<String>, Invalid> {
        self.string(key, Kind::Id(ProviderId::PREFIX), 0..=BODY_BYTES_MAX, false)
    }

    /// A provider's id, which must be there. Whether there is one is not asked here.
    pub(super) fn required_provider(&mut self, key: &'static str) -> Result<String, Invalid> {
        let text = self.string(key, Kind::Id(ProviderId::PREFIX), 0..=BODY_BYTES_MAX, true)?;
        self.there(key, text, String::new)
    }

    /// A list of ids, which must be there.
    pub(super) fn required_ids<T>(
        &mut self,
        key: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Result<Vec<T>, Invalid> {
        let texts = self.list(key, Kind::Id(prefix(&parse)), "a list of ids", most, true)?;
        let texts = self.there(key, texts, Vec::new)?;
        texts.iter().map(|text| parse(text).map_err(|error| self.wrong(key, error.to_string()))).collect()
    }

    /// An object with keys of ours.
    pub(super) fn nested<T: Input>(&mut self, key: &'static str) -> Result<Option<T>, Invalid> {
        let Some(text) = self.braces(key, Kind::Nested(Self::describe::<T>), false)? else { return Ok(None) };
        Self::of(&text, format!("{}{key}.", self.path))?.whole().map(Some)
    }

    fn string(
        &mut self,
        key: &'static str,
        kind: Kind,
        bytes: RangeInclusive<usize>,
        required: bool,
    ) -> Result<Option<String>, Invalid> {
        let Some(value) = self.take(Known { key, kind, count: Count::One, required }) else { return Ok(None) };
        let text: String = serde_json::from_str(value.get()).map_err(|_| self.not(key, "a string"))?;
        let (length, least, most) = (text.len(), bytes.start(), bytes.end());
        if bytes.contains(&length) {
            return Ok(Some(text));
        }
        let allowed = if *least == 0 { format!("at most {most}") } else { format!("{least} to {most}") };
        Err(self.wrong(key, format!("{length} bytes, {allowed} are allowed")))
    }

    fn list(
        &mut self,
        key: &'static str,
        kind: Kind,
        what: &str,
        most: usize,
        required: bool,
    ) -> Result<Option<Vec<String>>, Invalid> {
        let Some(value) = self.take(Known { key, kind, count: Count::List(most), required }) else { return Ok(None) };
        let texts: Vec<String> = serde_json::from_str(value.get()).map_err(|_| self.not(key, what))?;
        if texts.len() > most {
            return Err(self.wrong(key, format!("{} entries, at most {most} are allowed", texts.len())));
        }
        Ok(Some(texts))
    }

    fn bit(&mut self, key: &'static str, required: bool) -> Result<Option<bool>, Invalid> {
        let known = Known { key, kind: Kind::Truth, count: Count::One, required };
        let Some(value) = self.take(known) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| self.not(key, "true or false"))
    }

    fn number(&mut self, key: &'static str, required: bool) -> Result<Option<Amount>, Invalid> {
        let known = Known { key, kind: Kind::Amount, count: Count::One, required };
        let Some(value) = self.take(known) else { return Ok(None) };
        let text = value.get();
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Ok(Some(Amount(text.to_owned())));
        }
        Err(self.not(key, "a number of major units, such as 10.50"))
    }

    fn braces(&mut self, key: &'static str, kind: Kind, required: bool) -> Result<Option<String>, Invalid> {
        let Some(value) = self.take(Known { key, kind, count: Count::One, required }) else { return Ok(None) };
        if value.get().starts_with('{') { Ok(Some(value.get().to_owned())) } else { Err(self.not(key, "an object")) }
    }

    fn take(&mut self, known: Known) -> Option<Box<RawValue>> {
        self.known.push(known);
        self.left.remove(known.key)
    }

    /// The value, or its stand-in where nothing was sent at all.
    fn there<T>(&self, key: &str, value: Option<T>, stand_in: impl FnOnce() -> T) -> Result<T, Invalid> {
        match value {
            Some(value) => Ok(value),
            None if self.describes => Ok(stand_in()),
            None => Err(self.wrong(key, "is missing")),
        }
    }

    fn not(&self, key: &str, what: &str) -> Invalid {
        self.wrong(key, format!("must be {what}; leave it out where there is none"))
    }

    fn wrong(&self, key: &str, what: impl AsRef<str>) -> Invalid {
        Invalid::field(format!("{}{key}", self.path), what)
    }

    fn end(self) -> Result<(), Invalid> {
        let Some(key) = self.left.keys().next() else { return Ok(()) };
        let shown: String = key.chars().take(ECHO_CHARS_MAX).collect();
        let known: Vec<&str> = self.known.iter().map(|known| known.key).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("is not a key of this request; known are: {known}");
        Err(Invalid::field(format!("{}{shown}", self.path), message))
    }
}

/// What ids of a kind begin with.
fn prefix<T>(parse: impl Fn(&str) -> Result<T, IdError>) -> &'static str {
    parse("").err().map_or("", |error| error.prefix)
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
            Ok(Self {
                name: fields.text("name", 0..=8)?,
                amount: fields.amount("amount")?,
                inner: fields.nested("inner")?,
            })
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
    fn a_text_ends_at_its_limit() {
        assert!(Fields::read::<Sample>(br#"{"name":"12345678"}"#).is_ok());
        for (body, message) in [
            (r#"{"name":"123456789"}"#, "name: 9 bytes, at most 8 are allowed"),
            (r#"{"name":"\u00e91234567"}"#, "name: 9 bytes, at most 8 are allowed"),
        ] {
            assert_eq!(refused(body).message, message);
        }
    }

    #[test]
    fn what_is_read_is_what_is_described() {
        let schema = Fields::describe::<Sample>();
        assert_eq!(schema["properties"]["name"]["maxLength"], 8);
        assert_eq!(schema["properties"]["amount"]["type"], "number");
        assert_eq!(schema["properties"]["inner"]["properties"]["data"]["type"], "object");
        assert_eq!((&schema["required"], &schema["additionalProperties"]), (&json!([]), &json!(false)));
        let strict = Fields::describe::<Strict>();
        assert_eq!(strict["required"], json!(["amount", "is_on"]));
    }

    struct Strict;

    impl Input for Strict {
        fn read(fields: &mut Fields) -> Result<Self, Invalid> {
            fields.required_amount("amount")?;
            fields.required_truth("is_on")?;
            Ok(Self)
        }
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
