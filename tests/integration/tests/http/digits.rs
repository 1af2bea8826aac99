//! Amounts keep their digits, in and out, in currencies of every exponent.

use crate::client::Request;
use crate::scene::{CARDS, MANUAL_ID, Refused, Shop, digits, id, ok};

#[test]
fn amounts_are_exact_in_every_notation_of_json() {
    let shop = Shop::open();
    for (written, currency, read) in [
        ("10.5", "EUR", "10.50"),
        ("0.1", "eur", "0.10"),
        ("0.3e0", "usd", "0.30"),
        ("1.05E3", "usd", "1050.00"),
        ("10.500", "eur", "10.50"),
        ("1050", "jpy", "1050"),
        ("1050.00", "jpy", "1050"),
        ("0.001", "kwd", "0.001"),
        ("10.5", "kwd", "10.500"),
        ("0", "eur", "0.00"),
        // 2^53 - 1 minor units; a float would still hold it, but not the one with three more digits before it.
        ("90071992547409.91", "eur", "90071992547409.91"),
        ("9007199254740.991", "kwd", "9007199254740.991"),
        ("9007199254740991", "jpy", "9007199254740991"),
    ] {
        let collection = shop.collection(written, currency);
        let books = shop.get(&format!("/admin/payment-collections/{collection}"))["payment_collection"].clone();
        assert_eq!(digits(&books["amount"]), read, "{written} {currency}");
        assert_eq!(books["currency_code"], currency.to_ascii_lowercase());
    }
}

#[test]
fn amounts_that_are_not_exact_are_refused() {
    let shop = Shop::open();
    for (amount, currency) in [
        ("0.5", "jpy"),
        ("10.001", "eur"),
        ("0.0001", "kwd"),
        ("1e-3", "eur"),
        ("-1", "eur"),
        ("-0.01", "eur"),
        ("90071992547409.92", "eur"),
        ("1e400", "eur"),
        ("1e-400", "eur"),
        ("9007199254740993000000000000000000", "jpy"),
        ("\"10\"", "eur"),
        ("null", "eur"),
        ("true", "eur"),
        ("[1]", "eur"),
        ("{}", "eur"),
    ] {
        let body = format!(r#"{{"currency_code":"{currency}","amount":{amount}}}"#);
        shop.refuses(&Request::post("/admin/payment-collections", body), Refused::field("amount"));
    }
}

#[test]
fn parts_are_exact_to_the_smallest_unit_of_the_currency() {
    let shop = Shop::open();
    for (provider, currency, amount, part, rest, over) in [
        (MANUAL_ID, "jpy", "1000", "999", "1", "0.1"),
        (CARDS, "jpy", "1000", "999", "1", "0.1"),
        (MANUAL_ID, "kwd", "10.000", "9.999", "0.001", "0.0001"),
        (MANUAL_ID, "eur", "10.00", "9.99", "0.01", "0.001"),
    ] {
        let payment = shop.payment(provider, amount, currency);
        ok(shop.capture(&payment, &format!(r#"{{"amount":{part}}}"#)));
        let target = format!("/admin/payments/{payment}/capture");
        let too_precise = Request::post(&target, format!(r#"{{"amount":{over}}}"#));
        shop.refuses(&too_precise, Refused::field("amount"));
        let whole = ok(shop.capture(&payment, ""))["payment"].clone();
        assert_eq!(digits(&whole["captures"][1]["amount"]), rest);
        let refunded = ok(shop.refund(&payment, &format!(r#"{{"amount":{rest}}}"#)))["payment"].clone();
        assert_eq!(
            (digits(&refunded["captured_amount"]), digits(&refunded["refunded_amount"])),
            (amount.into(), rest.into())
        );
        assert_eq!(id(&refunded), payment);
    }
}
