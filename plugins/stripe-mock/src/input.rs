//! What a storefront may say, checked once. An allegation in, a typed wish out; unknown keys are refused, so that a
//! storefront cannot choose what belongs to the operator (the capture method, for one).
//!
//! Card numbers are refused wherever they turn up: nothing of this provider may hold one.

use serde_json::{Map, Value};
use tillbox_provider::Error;

use crate::methods::{self, EXAMPLES, Method};

/// Digits of the shortest card number (ISO/IEC 7812-1).
const CARD_NUMBER_DIGITS_MIN: usize = 12;

/// Characters of a return URL; longer ones do not work in every browser.
const RETURN_URL_LENGTH_MAX: usize = 2_048;

/// How a 3-D Secure challenge ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChallengeEnd {
    /// The payer passed.
    Complete,
    /// The payer did not pass.
    Fail,
}

/// What the storefront asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The payment method to use.
    pub(crate) method: Option<&'static Method>,
    /// How the challenge ended.
    pub(crate) challenge: Option<ChallengeEnd>,
}

/// Reads the input of `initiate`, `update` or `authorize`: `payment_method`, `three_d_secure`, `return_url`.
///
/// # Errors
/// `invalid-request` that names the key and what it may be.
pub(crate) fn read(input: &str) -> Result<Wish, Error> {
    let object: Map<String, Value> =
        serde_json::from_str(input).map_err(|_| invalid("parameter_invalid", "the input is not a JSON object"))?;
    let mut wish = Wish::default();
    for (key, value) in &object {
        match key.as_str() {
            "payment_method" => wish.method = Some(method(value)?),
            "three_d_secure" => wish.challenge = Some(challenge(value)?),
            "return_url" => return_url(value)?,
            _ => return Err(unknown_key(key)),
        }
    }
    Ok(wish)
}

fn method(value: &Value) -> Result<&'static Method, Error> {
    let id = value
        .as_str()
        .ok_or_else(|| invalid("parameter_invalid", "payment_method must be the id of a payment method"))?;
    if looks_like_card_number(id) {
        return Err(card_number());
    }
    methods::find(id).ok_or_else(|| {
        let message = format!(
            "there is no such test payment method: {}; use one of Stripe's, such as {}",
            id.chars().filter(|letter| letter.is_ascii_graphic()).take(64).collect::<String>(),
            EXAMPLES.join(", ")
        );
        invalid("resource_missing", &message)
    })
}

fn challenge(value: &Value) -> Result<ChallengeEnd, Error> {
    match value.as_str() {
        Some("complete") => Ok(ChallengeEnd::Complete),
        Some("fail") => Ok(ChallengeEnd::Fail),
        Some(_) | None => Err(invalid("parameter_invalid", "three_d_secure must be \"complete\" or \"fail\"")),
    }
}

fn return_url(value: &Value) -> Result<(), Error> {
    let fits = value.as_str().is_some_and(|url| url.starts_with("https://") && url.len() <= RETURN_URL_LENGTH_MAX);
    if fits {
        return Ok(());
    }
    Err(invalid("parameter_invalid", "return_url must be an absolute https URL of at most 2048 characters"))
}

fn unknown_key(key: &str) -> Error {
    if key == "card" || key == "payment_method_data" || looks_like_card_number(key) {
        return card_number();
    }
    let shown: String = key.chars().filter(|letter| letter.is_ascii_graphic()).take(64).collect();
    let message = format!("unknown input {shown}; known are payment_method, three_d_secure and return_url");
    invalid("parameter_unknown", &message)
}

/// Whether somebody put a card number where a token belongs, alone or within other text. Says nothing of whether the
/// number is a real one.
fn looks_like_card_number(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits >= CARD_NUMBER_DIGITS_MIN
    })
}

/// Nothing was done: the input is read before anything else.
fn invalid(code: &str, message: &str) -> Error {
    Error::invalid_request(message).code(code)
}

/// The number itself stays out of the message.
fn card_number() -> Error {
    invalid("card_data_refused", "never send card data: name a test payment method instead, such as pm_card_visa")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(input: &str) -> String {
        let error = read(input).unwrap_err();
        assert_eq!(error.kind, tillbox_provider::ErrorKind::InvalidRequest, "{input}");
        assert!(error.message.len() <= 1_024, "{input}");
        error.code
    }

    #[test]
    fn reads_what_it_knows() {
        assert_eq!(read("{}").unwrap(), Wish::default());
        assert_eq!(read(r#"{"payment_method":"pm_card_visa"}"#).unwrap().method.unwrap().id, "pm_card_visa");
        let wish = read(r#"{"three_d_secure":"fail","return_url":"https://shop.example/done"}"#).unwrap();
        assert_eq!(wish.challenge, Some(ChallengeEnd::Fail));
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        assert_eq!(refused("[]"), "parameter_invalid");
        assert_eq!(refused("{"), "parameter_invalid");
        assert_eq!(refused(r#"{"payment_method":7}"#), "parameter_invalid");
        assert_eq!(refused(r#"{"payment_method":"pm_card_nobody"}"#), "resource_missing");
        assert_eq!(refused(r#"{"payment_method":"4242 4242 4242 4242"}"#), "card_data_refused");
        assert_eq!(refused(r#"{"payment_method":"4242424242424242"}"#), "card_data_refused");
        assert_eq!(refused(r#"{"payment_method":"pm_4242-4242-4242-4242_x"}"#), "card_data_refused");
        assert_eq!(refused(r#"{"card":{"number":"4242424242424242"}}"#), "card_data_refused");
        assert_eq!(refused(r#"{"4242424242424242":1}"#), "card_data_refused");
        assert_eq!(refused(r#"{"capture_method":"automatic"}"#), "parameter_unknown");
        assert_eq!(refused(r#"{"three_d_secure":true}"#), "parameter_invalid");
        assert_eq!(refused(r#"{"return_url":"http://shop.example"}"#), "parameter_invalid");
        let message = read(r#"{"payment_method":"pm_card_nobody"}"#).unwrap_err().message;
        assert!(message.contains("pm_card_visa"));
    }
}
