//! The small pieces of answers: digits, times, ids, names, texts that are JSON already, and what a payer is told of a
//! decline. Each is a type of its own, so that the document knows what it may hold.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tillbox_core::outcome::{Decline, DeclineClass, NextAction};
use tillbox_core::text::Json;
use tillbox_core::{Money, Timestamp};
use time::{OffsetDateTime, PrimitiveDateTime};

use super::kind::{CURRENCY, Kind, Names, amount, id};
use crate::http::extract::PathId;

/// An object as JSON text that is handed on as it is.
#[derive(Debug, Clone, Serialize)]
pub(in crate::http) struct Object(Box<RawValue>);

/// A decimal number of major units with the currency's own number of decimals.
#[derive(Debug, Clone, Serialize)]
pub(in crate::http) struct Decimal(Box<RawValue>);

/// RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::http) struct Time(String);

/// An ISO 4217 code as this API writes it, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::http) struct CurrencyCode(String);

/// The text of an id of a kind.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::http) struct IdOf<T>(T);

/// The name of a value that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Name<T>(T);

impl<T> IdOf<T> {
    pub(in crate::http) fn new(id: T) -> Self {
        Self(id)
    }
}

impl<T: Clone> From<&T> for IdOf<T> {
    fn from(id: &T) -> Self {
        Self(id.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for IdOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Display> Serialize for IdOf<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<T> From<T> for Name<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Names> Serialize for Name<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

fn schema(value: Value) -> Schema {
    Schema::try_from(value).expect("an object")
}

macro_rules! described {
    ($($part:ty = $name:expr => $schema:expr;)+) => {
        $(impl JsonSchema for $part {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schema($schema)
            }
        })+
    };
}

described! {
    Object = "Object" => json!({ "type": "object", "description": "An object of the provider's or the caller's own." });
    Decimal = "Amount" => amount("An amount in major units, with exactly as many decimals as its currency has.");
    Time = "Time" => Kind::Time.schema();
    CurrencyCode = CURRENCY => json!({
        "type": "string",
        "enum": crate::currency::codes(),
        "description": "An ISO 4217 code. Requests may use either case, answers are in lower case.",
    });
}

impl<T: PathId> JsonSchema for IdOf<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Id", T::ENTITY).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(id(T::PREFIX))
    }
}

impl<T: Names> JsonSchema for Name<T> {
    fn schema_name() -> Cow<'static, str> {
        T::TITLE.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(Kind::Word(T::all).schema())
    }
}

/// A decimal number of major units with the currency's own number of decimals.
pub(super) fn number(amount: Money) -> Decimal {
    Decimal(RawValue::from_string(amount.to_decimal()).expect("a decimal is a JSON number"))
}

/// An amount as text, in the shape that the reference keeps it in.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct RawAmount {
    value: String,
    precision: u8,
}

/// Digits that the reference computes with.
const PRECISION: u8 = 20;

/// The same amount as [`number`], for clients whose numbers are floats.
pub(super) fn raw_amount(amount: Money) -> RawAmount {
    RawAmount { value: amount.to_decimal(), precision: PRECISION }
}

/// Says to the document that a thing shows what is chosen of it, and its id in any case.
pub(super) fn chosen(schema: &mut Schema) {
    let id = schema.get("properties").is_some_and(|properties| properties.get("id").is_some());
    schema.remove("required");
    if id {
        schema.insert("required".to_owned(), json!(["id"]));
    }
}

/// A checked JSON text. One that is no JSON after all is answered as an empty object, because half an answer helps nobody.
pub(super) fn raw(json: &Json) -> Object {
    Object(RawValue::from_string(json.as_str().to_owned()).unwrap_or_else(|error| {
        tracing::error!(%error, "a stored JSON text cannot be read");
        RawValue::from_string("{}".to_owned()).expect("an empty object")
    }))
}

/// RFC 3339 in UTC with milliseconds. Years beyond 9999 are answered as the last moment that has a name.
pub(super) fn time(at: Timestamp) -> Time {
    let known = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.milliseconds()) * 1_000_000);
    let at = known.unwrap_or_else(|_| PrimitiveDateTime::MAX.assume_utc());
    let (date, clock) = ((at.year(), u8::from(at.month()), at.day()), (at.hour(), at.minute(), at.second()));
    Time(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.0,
        date.1,
        date.2,
        clock.0,
        clock.1,
        clock.2,
        at.millisecond()
    ))
}

pub(super) fn optional_time(at: Option<Timestamp>) -> Option<Time> {
    at.map(time)
}

/// A currency's code as this API writes it.
pub(super) fn currency_code(amount: Money) -> CurrencyCode {
    CurrencyCode(amount.currency().code().to_ascii_lowercase())
}

/// What the payer has to do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::http) enum NextActionAnswer {
    Redirect { url: String },
    ThreeDSecure { url: String, expires_in_ms: Option<u64> },
    Display { instructions: Object },
    Other { payload: Object },
}

impl From<&NextAction> for NextActionAnswer {
    fn from(action: &NextAction) -> Self {
        match action {
            NextAction::Redirect { url } => Self::Redirect { url: url.clone() },
            NextAction::ThreeDSecure { url, expires_in_ms } => {
                Self::ThreeDSecure { url: url.clone(), expires_in_ms: *expires_in_ms }
            }
            NextAction::Display { instructions } => Self::Display { instructions: raw(instructions) },
            NextAction::Other { payload } => Self::Other { payload: raw(payload) },
        }
    }
}

/// A decline in a provider's words, for operators.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct DeclineAnswer {
    class: Name<DeclineClass>,
    code: String,
    message: String,
}

impl From<&Decline> for DeclineAnswer {
    fn from(decline: &Decline) -> Self {
        Self { class: decline.class.into(), code: decline.code.clone(), message: decline.message.clone() }
    }
}

/// A decline in our words, for payers.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct StoreDeclineAnswer {
    code: Name<DeclineClass>,
    message: &'static str,
}

impl From<&Decline> for StoreDeclineAnswer {
    fn from(decline: &Decline) -> Self {
        let unspecified = (DeclineClass::Unspecified, "the payment was declined");
        let (class, message) = match decline.class {
            DeclineClass::TryAgainLater => (decline.class, "the payment was declined; try again later"),
            DeclineClass::CorrectDetails => (decline.class, "the payment was declined; check what you entered"),
            DeclineClass::UseAnotherMethod => (decline.class, "the payment was declined; use another payment method"),
            DeclineClass::AuthenticationRequired => (decline.class, "the bank asks for authentication first"),
            DeclineClass::AuthenticationFailed => (decline.class, "the authentication failed"),
            // Telling somebody that they were found out helps only them.
            DeclineClass::SuspectedFraud | DeclineClass::Unspecified => unspecified,
        };
        Self { code: class.into(), message }
    }
}

#[cfg(test)]
mod tests {
    use tillbox_core::Currency;

    use super::*;

    #[test]
    fn digits_are_the_currencys_own() {
        for (minor_units, code, exponent, want) in [
            (1050, "EUR", 2, "10.50"),
            (1050, "JPY", 0, "1050"),
            (1, "KWD", 3, "0.001"),
            ((1 << 53) - 1, "JPY", 0, "9007199254740991"),
        ] {
            let amount = Money::new(minor_units, Currency::new(code, exponent).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&number(amount)).unwrap(), want);
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(Timestamp(0)).0, "1970-01-01T00:00:00.000Z");
        assert_eq!(time(Timestamp(1_709_251_199_007)).0, "2024-02-29T23:59:59.007Z");
        assert_eq!(time(Timestamp(i64::MAX)).0, "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_payer_never_reads_a_providers_words() {
        for class in DeclineClass::ALL {
            let decline = Decline { class: *class, code: "raw_code".into(), message: "raw message".into() };
            let told = serde_json::to_string(&StoreDeclineAnswer::from(&decline)).unwrap();
            assert!(!told.contains("raw") && !told.contains("fraud"), "{told}");
        }
    }
}
