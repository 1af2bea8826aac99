//! What a shop is asked about its carts and orders, and what it answers. Nothing here knows who asks, or why.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Cart,
    Order,
}

/// What a shop says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) currency_code: String,
    /// The digits as they were written; of a cart only.
    pub(crate) amount: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer<'a> {
    cart_id: Option<String>,
    order_id: Option<String>,
    currency_code: String,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
}

/// The body of a question.
pub(crate) fn question(asked: Asked, id: &str) -> Vec<u8> {
    let question = match asked {
        Asked::Cart => json!({ "type": "cart", "cart_id": id }),
        Asked::Order => json!({ "type": "order", "order_id": id }),
    };
    question.to_string().into_bytes()
}

/// The body of an answer: strict, since money hangs on it. The text says what is wrong.
pub(crate) fn read_answer(asked: Asked, id: &str, body: &[u8]) -> Result<Said, String> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let (own, other, name) = match asked {
        Asked::Cart => (&answer.cart_id, &answer.order_id, "cart_id"),
        Asked::Order => (&answer.order_id, &answer.cart_id, "order_id"),
    };
    if own.as_deref() != Some(id) || other.is_some() {
        return Err(format!("{name}: is not the one that was asked for"));
    }
    let digits = answer.amount.map(|amount| amount.get().to_owned());
    match (asked, &digits) {
        (Asked::Cart, Some(digits)) if digits.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {}
        (Asked::Cart, _) => return Err("amount: must be a number of major units, such as 10.50".to_owned()),
        (Asked::Order, None) => {}
        (Asked::Order, Some(_)) => return Err("amount: nobody asked for one".to_owned()),
    }
    Ok(Said { currency_code: answer.currency_code, amount: digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_strictly() {
        let cart = |body: &str| read_answer(Asked::Cart, "c", body.as_bytes());
        let said = cart(r#"{"cart_id":"c","currency_code":"eur","amount":10.50}"#).unwrap();
        assert_eq!(said, Said { currency_code: "eur".into(), amount: Some("10.50".into()) });
        for wrong in [
            "",
            "[]",
            r#"{"currency_code":"eur","amount":1}"#,
            r#"{"cart_id":"d","currency_code":"eur","amount":1}"#,
            r#"{"cart_id":"c","amount":1}"#,
            r#"{"cart_id":"c","currency_code":"eur"}"#,
            r#"{"cart_id":"c","currency_code":"eur","amount":"1"}"#,
            r#"{"cart_id":"c","currency_code":"eur","amount":null}"#,
            r#"{"cart_id":"c","currency_code":"eur","amount":1,"amount":2}"#,
            r#"{"cart_id":"c","currency_code":"eur","amount":1,"tax":2}"#,
            r#"{"cart_id":"c","order_id":"o","currency_code":"eur","amount":1}"#,
        ] {
            assert!(cart(wrong).is_err(), "{wrong}");
        }
        // A question that comes back as an answer says no amount.
        assert!(read_answer(Asked::Cart, "c", &question(Asked::Cart, "c")).is_err());
        let order = |body: &str| read_answer(Asked::Order, "o", body.as_bytes());
        assert_eq!(order(r#"{"order_id":"o","currency_code":"jpy"}"#).unwrap().currency_code, "jpy");
        assert!(order(r#"{"order_id":"o","currency_code":"jpy","amount":1}"#).is_err());
    }
}
