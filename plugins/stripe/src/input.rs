//! What a storefront may say, checked once. Unknown keys are refused: a storefront must not choose what belongs to the
//! operator. Card numbers are refused wherever they turn up; Stripe's own script takes those.

use serde::Deserialize;
use serde_json::{Map, Value};
use tillbox_provider::{Error, Json, Result};

/// Digits of the shortest card number (ISO/IEC 7812-1).
const CARD_NUMBER_DIGITS_MIN: usize = 12;

/// Bytes of a token; Stripe's ids have under 100.
const TOKEN_BYTES_MAX: usize = 255;

/// Characters of a return URL; longer ones do not work in every browser.
const RETURN_URL_LENGTH_MAX: usize = 2_048;

/// The input of `initiate`, `update` and `authorize`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// A payment method of Stripe's.
    pub(crate) payment_method: Option<String>,
    /// What Stripe's script collected, instead of a payment method. For `authorize`.
    pub(crate) confirmation_token: Option<String>,
    /// Where the payer comes back to from other pages. For `authorize`.
    pub(crate) return_url: Option<String>,
    /// Whether the method is kept for the payer.
    pub(crate) save_payment_method: Option<bool>,
}

/// The input of `save`: one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saving {
    /// A payment method to set up and keep.
    pub(crate) payment_method: Option<String>,
    /// A setup that the payer has finished in the browser.
    pub(crate) setup_intent: Option<String>,
    /// With a payment method: where the payer comes back to.
    pub(crate) return_url: Option<String>,
    /// With a payment method: keep it without asking its bank first.
    pub(crate) attach: Option<bool>,
    /// Begin a setup for Stripe's script to finish.
    pub(crate) begin: Option<bool>,
}

impl Wish {
    /// Reads it.
    ///
    /// # Errors
    /// `invalid-request` that names the key.
    pub(crate) fn read(input: &Json) -> Result<Self> {
        let wish: Self = read(input)?;
        token("payment_method", wish.payment_method.as_deref())?;
        token("confirmation_token", wish.confirmation_token.as_deref())?;
        return_url(wish.return_url.as_deref())?;
        if wish.payment_method.is_some() && wish.confirmation_token.is_some() {
            return Err(invalid("parameter_invalid", "payment_method and confirmation_token exclude each other"));
        }
        Ok(wish)
    }

    /// Whether it names what to pay with.
    pub(crate) fn names_method(&self) -> bool {
        self.payment_method.is_some() || self.confirmation_token.is_some()
    }
}

impl Saving {
    /// Reads it.
    ///
    /// # Errors
    /// As [`Wish::read`].
    pub(crate) fn read(input: &Json) -> Result<Self> {
        let saving: Self = read(input)?;
        token("payment_method", saving.payment_method.as_deref())?;
        token("setup_intent", saving.setup_intent.as_deref())?;
        return_url(saving.return_url.as_deref())?;
        let named = [saving.payment_method.is_some(), saving.setup_intent.is_some(), saving.begin == Some(true)];
        if named.iter().filter(|named| **named).count() != 1 {
            let message = "name one of payment_method, setup_intent, or begin: true";
            return Err(invalid("parameter_missing", message));
        }
        Ok(saving)
    }
}

fn read<T: for<'a> Deserialize<'a>>(input: &Json) -> Result<T> {
    let object: Map<String, Value> = serde_json::from_str(input.as_str()).map_err(Error::invalid_request)?;
    // An address may hold any digits, a time for one; it is no place where a card number could be used.
    let looked_at = object.iter().filter(|(key, _)| *key != "return_url");
    if looked_at
        .into_iter()
        .any(|(key, value)| looks_like_card_number(key) || looks_like_card_number(&value.to_string()))
    {
        return Err(card_number());
    }
    serde_json::from_str(input.as_str()).map_err(|error| {
        let what = error.to_string();
        if what.contains("`card`") || what.contains("`payment_method_data`") {
            return card_number();
        }
        invalid("parameter_invalid", &what)
    })
}

/// An id of Stripe's: letters, digits and `_`.
fn token(name: &str, value: Option<&str>) -> Result<()> {
    let fits = |text: &str| {
        !text.is_empty()
            && text.len() <= TOKEN_BYTES_MAX
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match value {
        Some(text) if !fits(text) => Err(invalid("parameter_invalid", &format!("{name} must be an id of Stripe's"))),
        Some(_) | None => Ok(()),
    }
}

/// `https`; in the clear only to this machine, for trying things out.
fn return_url(value: Option<&str>) -> Result<()> {
    let Some(url) = value else { return Ok(()) };
    let local = ["http://127.0.0.1", "http://localhost"];
    let is_local = |rest: Option<&str>| rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']));
    let fits = url.len() <= RETURN_URL_LENGTH_MAX
        && url.bytes().all(|byte| byte.is_ascii_graphic())
        && (url.starts_with("https://") || local.iter().any(|start| is_local(url.strip_prefix(start))));
    if fits {
        return Ok(());
    }
    Err(invalid("parameter_invalid", "return_url must be an absolute https URL of at most 2048 characters"))
}

/// Whether somebody put a card number where a token belongs, alone or within other text.
fn looks_like_card_number(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits >= CARD_NUMBER_DIGITS_MIN
    })
}

fn invalid(code: &str, message: &str) -> Error {
    Error::invalid_request(message).code(code)
}

/// The number itself stays out of the message.
fn card_number() -> Error {
    invalid("card_data_refused", "never send card data: name a payment method that Stripe's own script made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillbox_provider::ErrorKind;
    use tillbox_provider::testing::json;

    fn refused(text: &str) -> String {
        let error = Wish::read(&json(text)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{text}");
        assert!(!error.message.contains("4242"), "{text}: {}", error.message);
        error.code
    }

    #[test]
    fn what_is_known_is_read() {
        assert_eq!(Wish::read(&json("{}")).unwrap(), Wish::default());
        let text = r#"{"payment_method":"pm_card_visa","return_url":"https://shop.example/done?x=1","save_payment_method":true}"#;
        let wish = Wish::read(&json(text)).unwrap();
        assert_eq!((wish.payment_method.as_deref(), wish.save_payment_method), (Some("pm_card_visa"), Some(true)));
        for url in [
            "https://shop.example/?t=1700000000000",
            "http://127.0.0.1:9000/checkout/x",
            "http://localhost/",
            "http://localhost:3000",
        ] {
            Wish::read(&json(&format!(r#"{{"return_url":"{url}"}}"#))).unwrap();
        }
    }

    #[test]
    fn the_rest_is_refused_with_its_reason() {
        assert_eq!(refused(r#"{"payment_method":7}"#), "parameter_invalid");
        assert_eq!(refused(r#"{"payment_method":"../refunds"}"#), "parameter_invalid");
        assert_eq!(refused(r#"{"payment_method":""}"#), "parameter_invalid");
        assert_eq!(refused(r#"{"payment_method":"pm_1","confirmation_token":"ctoken_1"}"#), "parameter_invalid");
        assert_eq!(refused(r#"{"payment_method":"4242 4242 4242 4242"}"#), "card_data_refused");
        assert_eq!(refused(r#"{"card":{"number":"4242-4242-4242-4242"}}"#), "card_data_refused");
        assert_eq!(refused(r#"{"card":{}}"#), "card_data_refused");
        assert_eq!(refused(r#"{"capture_method":"automatic"}"#), "parameter_invalid");
        for url in ["http://shop.example", "http://localhost.evil.example/", "javascript:1", "https://a b"] {
            assert_eq!(refused(&format!(r#"{{"return_url":"{url}"}}"#)), "parameter_invalid", "{url}");
        }
    }

    #[test]
    fn saving_names_one_thing() {
        for text in ["{}", r#"{"begin":false}"#, r#"{"payment_method":"pm_1","setup_intent":"seti_1"}"#] {
            assert_eq!(Saving::read(&json(text)).unwrap_err().code, "parameter_missing", "{text}");
        }
        assert!(Saving::read(&json(r#"{"begin":true}"#)).is_ok());
    }
}
