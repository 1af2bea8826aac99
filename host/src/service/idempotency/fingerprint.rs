//! What tells one request from another: the use case with the ids in its path, and every field of its body.
//!
//! Fields are compared by meaning: amounts as money, JSON objects member by member whatever their order, numbers in them
//! by their value. Kept are keyed hashes by field, so that a difference can be named and nothing of a customer is stored.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tillbox_core::Money;

/// Members of one JSON object that are told apart. An object with more is compared as a whole, so that a row stays small.
pub const FINGERPRINT_MEMBERS_MAX: usize = 32;

/// Bytes of a member's path. An object with a longer one is compared as a whole.
pub const FINGERPRINT_PATH_BYTES_MAX: usize = 128;

/// Bytes of a hash that are kept: two different values of one field meet by chance once in 2^128.
const HASH_BYTES: usize = 16;

/// A request, field by field.
#[derive(Debug, Clone)]
pub(in crate::service) struct Fingerprint {
    host_key: [u8; 32],
    fields: BTreeMap<String, String>,
}

/// The fields that every request has: what is done, and to what. They stand first where a difference is named.
const FIRST: [&str; 2] = ["route", "id"];

impl Fingerprint {
    /// `route` is the use case and stands for method and path; `id` is the id in the path, empty where there is none.
    pub(super) fn new(host_key: &[u8; 32], route: &'static str, id: &str) -> Self {
        let empty = Self { host_key: *host_key, fields: BTreeMap::new() };
        empty.field("route", route.as_bytes()).field("id", id.as_bytes())
    }

    /// An amount: 4.00 and 4.0 of one currency are the same; no amount is not the same as any.
    pub(in crate::service) fn amount(self, path: &str, amount: Option<Money>) -> Self {
        let Some(amount) = amount else { return self };
        self.field(path, format!("{} {}", amount.currency().code(), amount.minor_units()).as_bytes())
    }

    pub(in crate::service) fn text(self, path: &str, text: Option<&str>) -> Self {
        let Some(text) = text else { return self };
        self.field(path, text.as_bytes())
    }

    /// A JSON object. One that cannot be read is compared as the text it is; it is refused later.
    pub(in crate::service) fn json(self, path: &str, text: Option<&str>) -> Self {
        let Some(text) = text else { return self };
        let Ok(value) = serde_json::from_str::<Value>(text) else { return self.field(path, text.as_bytes()) };
        let mut leaves = Vec::new();
        if collect(path.to_owned(), &value, &mut leaves) {
            leaves.into_iter().fold(self, |print, (path, value)| print.field(&path, value.as_bytes()))
        } else {
            self.field(path, canonical(&value).as_bytes())
        }
    }

    fn field(mut self, path: &str, value: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.host_key).expect("HMAC takes keys of any length");
        for part in [b"idempotency-fingerprint".as_slice(), path.as_bytes(), value] {
            // Lengths first: no two lists of parts give the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let hash = mac.finalize().into_bytes();
        let hash: String = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
        self.fields.insert(path.to_owned(), hash);
        self
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(&self.fields).expect("strings only")
    }

    /// The first field in which a kept fingerprint differs; nothing when it is the same request.
    pub(super) fn difference(&self, kept: &str) -> Option<String> {
        let kept: BTreeMap<String, String> = serde_json::from_str(kept).unwrap_or_default();
        let differs = |path: &&str| self.fields.get(*path) != kept.get(*path);
        let first = FIRST.into_iter().find(differs);
        let others = || self.fields.keys().chain(kept.keys()).map(String::as_str).filter(differs).min();
        first.or_else(others).map(str::to_owned)
    }
}

/// The leaves of a value with their paths; `false` when there are too many or too deep ones.
fn collect(path: String, value: &Value, leaves: &mut Vec<(String, String)>) -> bool {
    if path.len() > FINGERPRINT_PATH_BYTES_MAX || leaves.len() >= FINGERPRINT_MEMBERS_MAX {
        return false;
    }
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().all(|(name, value)| collect(format!("{path}.{name}"), value, leaves))
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            leaves.push((path, canonical(value)));
            true
        }
    }
}

/// A text that is the same for values that mean the same. The map of the JSON library is ordered by name.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => decimal(&number.to_string()),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let member =
                |(name, value): (&String, &Value)| format!("{}:{}", Value::from(name.as_str()), canonical(value));
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}

/// A JSON number by its value, digits and exponent apart, without a float: 1.50, 15e-1 and 1.5 are one.
fn decimal(text: &str) -> String {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let Ok(exponent) = exponent.parse::<i64>() else { return text.to_owned() };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let exponent =
        exponent.saturating_sub(count(fraction.len())).saturating_add(count(digits.len() - significant.len()));
    format!("{sign}{significant}e{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::money;

    fn print() -> Fingerprint {
        Fingerprint::new(&[7; 32], "capture", "pay_1")
    }

    fn data(text: &str) -> Fingerprint {
        print().json("data", Some(text))
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let euro = |text: &str| print().amount("amount", Some(money(text, "EUR").unwrap()));
        assert_eq!(euro("4.00").difference(&euro("4.0").to_text()), None);
        for (one, other) in [
            (r#"{"a":1.50,"b":{"c":[1,2]}}"#, r#"{ "b": {"c":[1.0, 2e0]}, "a": 15e-1 }"#),
            (r#"{"a":-0,"b":0.00}"#, r#"{"b":0,"a":0}"#),
            (r#"{"a":"\u00e9"}"#, r#"{"a":"é"}"#),
            (r#"{"a":123456789012345678901234567890}"#, r#"{"a":1.2345678901234567890123456789e29}"#),
        ] {
            assert_eq!(data(one).difference(&data(other).to_text()), None, "{one} {other}");
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let euro = |text: &str| print().amount("amount", Some(money(text, "EUR").unwrap()));
        assert_eq!(euro("4.00").difference(&euro("4.01").to_text()).as_deref(), Some("amount"));
        assert_eq!(
            euro("4.00").difference(&print().to_text()).as_deref(),
            Some("amount"),
            "nothing said is all that is left"
        );
        assert_eq!(print().difference(&euro("4.00").to_text()).as_deref(), Some("amount"));
        let yen = print().amount("amount", Some(money("400", "JPY").unwrap()));
        assert_eq!(yen.difference(&euro("4.00").to_text()).as_deref(), Some("amount"));
        let other = Fingerprint::new(&[7; 32], "capture", "pay_2").amount("amount", None);
        assert_eq!(euro("4.00").difference(&other.to_text()).as_deref(), Some("id"));
        let refund = Fingerprint::new(&[7; 32], "refund", "pay_2");
        assert_eq!(refund.difference(&euro("4.00").to_text()).as_deref(), Some("route"));
        for (one, other, path) in [
            (r#"{"a":{"b":1,"c":2}}"#, r#"{"a":{"b":1,"c":3}}"#, "data.a.c"),
            (r#"{"a":[1]}"#, r#"{"a":[2]}"#, "data.a"),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, "data.a"),
            (r#"{"a":1}"#, r#"{"a":10}"#, "data.a"),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#, "data.b"),
            (r#"{"a":{}}"#, r#"{"a":null}"#, "data.a"),
            ("{}", r#"{"a":null}"#, "data"),
        ] {
            assert_eq!(data(one).difference(&data(other).to_text()).as_deref(), Some(path), "{one} {other}");
        }
    }

    #[test]
    fn a_large_object_is_compared_as_a_whole() {
        let members = |count: usize, last: usize| {
            let members: Vec<String> = (1..count).map(|name| format!("\"m{name}\":0")).collect();
            format!("{{{},\"last\":{last}}}", members.join(","))
        };
        let of = |count: usize| data(&members(count, 1)).difference(&data(&members(count, 2)).to_text());
        assert_eq!(of(FINGERPRINT_MEMBERS_MAX).as_deref(), Some("data.last"));
        assert_eq!(of(FINGERPRINT_MEMBERS_MAX + 1).as_deref(), Some("data"));
        let long = |length: usize| {
            let name = "n".repeat(length - "data.".len());
            let of = |value: u8| data(&format!("{{\"{name}\":{value}}}"));
            of(1).difference(&of(2).to_text()).map(|path| path.len())
        };
        assert_eq!(long(FINGERPRINT_PATH_BYTES_MAX), Some(FINGERPRINT_PATH_BYTES_MAX));
        assert_eq!(long(FINGERPRINT_PATH_BYTES_MAX + 1), Some("data".len()));
    }

    #[test]
    fn nothing_that_was_sent_can_be_read_from_it() {
        let text = data(r#"{"email":"ada@example.com"}"#).text("note", Some("a secret")).to_text();
        assert!(!text.contains("ada@") && !text.contains("secret") && text.contains("data.email"), "{text}");
        let elsewhere = Fingerprint::new(&[8; 32], "capture", "pay_1");
        assert_ne!(elsewhere.to_text(), print().to_text());
    }
}
