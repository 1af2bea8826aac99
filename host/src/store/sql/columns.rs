//! How the core's small structures are written into columns, and read back without trusting what is there.
//!
//! The third border beside WIT and JSON: types of SQL do not leave the store, and a row that no version of this program
//! could have written is an error that names it, never a default.

use serde_json::{Value, json};
use tillbox_core::id::{CaptureId, IdError, OperationId, PaymentId, RefundId};
use tillbox_core::operation::Product;
use tillbox_core::outcome::{Decline, DeclineClass, NextAction};
use tillbox_core::text::Json;

use crate::store::fault::StoreError;

/// Names the row in an error.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Place<'a> {
    pub(in crate::store) table: &'static str,
    pub(in crate::store) id: &'a str,
}

impl Place<'_> {
    pub(in crate::store) fn corrupt(self, what: impl std::fmt::Display) -> StoreError {
        StoreError::Corrupt { table: self.table, id: self.id.to_owned(), what: what.to_string() }
    }

    /// Reads a value by its wire name.
    pub(in crate::store) fn named<T>(self, parsed: Option<T>, column: &str, text: &str) -> Result<T, StoreError> {
        parsed.ok_or_else(|| self.corrupt(format!("{column} is `{text}`")))
    }

    pub(in crate::store) fn id<T>(self, parsed: Result<T, IdError>) -> Result<T, StoreError> {
        parsed.map_err(|error| self.corrupt(error))
    }
}

pub(in crate::store) fn decline_to_text(decline: &Decline) -> String {
    json!({ "class": decline.class.as_str(), "code": decline.code, "message": decline.message }).to_string()
}

pub(in crate::store) fn decline_from_text(place: Place<'_>, text: &str) -> Result<Decline, StoreError> {
    let value = object(place, text)?;
    let class = string(place, &value, "class")?;
    Ok(Decline {
        class: place.named(DeclineClass::parse(&class), "decline.class", &class)?,
        code: string(place, &value, "code")?,
        message: string(place, &value, "message")?,
    })
}

pub(in crate::store) fn next_action_to_text(action: &NextAction) -> String {
    match action {
        NextAction::Redirect { url } => json!({ "type": "redirect", "url": url }),
        NextAction::ThreeDSecure { url, expires_in_ms } => {
            json!({ "type": "three_d_secure", "url": url, "expires_in_ms": expires_in_ms })
        }
        NextAction::Display { instructions } => json!({ "type": "display", "json": instructions.as_str() }),
        NextAction::Other { payload } => json!({ "type": "other", "json": payload.as_str() }),
    }
    .to_string()
}

pub(in crate::store) fn next_action_from_text(place: Place<'_>, text: &str) -> Result<NextAction, StoreError> {
    let value = object(place, text)?;
    let kind = string(place, &value, "type")?;
    let json_of = |value: &Value| string(place, value, "json").map(|text| Json::from_checked(&text));
    Ok(match kind.as_str() {
        "redirect" => NextAction::Redirect { url: string(place, &value, "url")? },
        "three_d_secure" => NextAction::ThreeDSecure {
            url: string(place, &value, "url")?,
            expires_in_ms: value.get("expires_in_ms").and_then(Value::as_u64),
        },
        "display" => NextAction::Display { instructions: json_of(&value)? },
        "other" => NextAction::Other { payload: json_of(&value)? },
        other => return Err(place.corrupt(format!("next_action.type is `{other}`"))),
    })
}

/// A list of pairs, so that order and repetition survive.
pub(in crate::store) fn headers_to_text(headers: &[(String, String)]) -> String {
    serde_json::to_string(headers).expect("strings only")
}

pub(in crate::store) fn headers_from_text(place: Place<'_>, text: &str) -> Result<Vec<(String, String)>, StoreError> {
    serde_json::from_str(text).map_err(|error| place.corrupt(error))
}

/// The four columns that hold what an operation makes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::store) struct ProductColumns {
    pub(in crate::store) payment: Option<String>,
    pub(in crate::store) capture: Option<String>,
    pub(in crate::store) refund: Option<String>,
    pub(in crate::store) operation: Option<String>,
}

impl ProductColumns {
    pub(in crate::store) fn of(product: &Product) -> Self {
        match product {
            Product::None => Self::default(),
            Product::Capture(capture) => Self { capture: Some(capture.to_string()), ..Self::default() },
            Product::Refund(refund) => Self { refund: Some(refund.to_string()), ..Self::default() },
            Product::Payment { payment, capture, capture_operation } => Self {
                payment: Some(payment.to_string()),
                capture: Some(capture.to_string()),
                refund: None,
                operation: Some(capture_operation.to_string()),
            },
        }
    }

    pub(in crate::store) fn product(&self, place: Place<'_>) -> Result<Product, StoreError> {
        let columns = (&self.payment, &self.capture, &self.refund, &self.operation);
        Ok(match columns {
            (None, None, None, None) => Product::None,
            (None, Some(capture), None, None) => Product::Capture(place.id(CaptureId::parse(capture))?),
            (None, None, Some(refund), None) => Product::Refund(place.id(RefundId::parse(refund))?),
            (Some(payment), Some(capture), None, Some(operation)) => Product::Payment {
                payment: place.id(PaymentId::parse(payment))?,
                capture: place.id(CaptureId::parse(capture))?,
                capture_operation: place.id(OperationId::parse(operation))?,
            },
            _ => return Err(place.corrupt("the product columns fit no kind of product")),
        })
    }
}

fn object(place: Place<'_>, text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| place.corrupt(error))
}

fn string(place: Place<'_>, value: &Value, key: &str) -> Result<String, StoreError> {
    let text = value.get(key).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| place.corrupt(format!("`{key}` is missing or no string")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { table: "session", id: "payses_1" };

    #[test]
    fn structures_survive_their_column() {
        let decline = Decline {
            class: DeclineClass::SuspectedFraud,
            code: "stolen_card".to_owned(),
            message: "a \"quoted\" word".to_owned(),
        };
        assert_eq!(decline_from_text(PLACE, &decline_to_text(&decline)).unwrap(), decline);
        let payload = Json::from_checked(r#"{"a":[1,2.50]}"#);
        for action in [
            NextAction::Redirect { url: "https://bank.example/".to_owned() },
            NextAction::ThreeDSecure { url: "https://acs.example/".to_owned(), expires_in_ms: Some(900_000) },
            NextAction::ThreeDSecure { url: "https://acs.example/".to_owned(), expires_in_ms: None },
            NextAction::Display { instructions: payload.clone() },
            NextAction::Other { payload },
        ] {
            assert_eq!(next_action_from_text(PLACE, &next_action_to_text(&action)).unwrap(), action);
        }
    }

    #[test]
    fn what_nobody_wrote_is_named_and_not_guessed() {
        for text in ["", "[]", "{}", r#"{"class":"maybe","code":"x","message":"y"}"#] {
            let error = decline_from_text(PLACE, text).unwrap_err().to_string();
            assert!(error.contains("session payses_1"), "{error}");
        }
        assert!(next_action_from_text(PLACE, r#"{"type":"teleport"}"#).is_err());
        let columns =
            ProductColumns { refund: Some("ref_1".into()), capture: Some("capt_1".into()), ..Default::default() };
        assert!(columns.product(PLACE).is_err());
    }
}
