//! Answers that break one rule of the contract each, and are honest in the rest.
//!
//! It refuses to trap: the host has to find each by reading the answer.

use tillbox_guests::Answer;
use tillbox_guests::types::{Decline, DeclineClass, Error, ErrorKind, Money, NextAction, Outcome, Status};

/// One more than the limit of `data`, 65,536 bytes.
const DATA_BYTES: usize = 65_537;

/// One more than the limit of `client-data`, 16,384 bytes.
const CLIENT_DATA_BYTES: usize = 16_385;

/// One more than the limit, 32 levels.
const DEPTH: usize = 33;

pub(crate) fn data_not_json(honest: Outcome) -> Answer {
    Ok(Outcome { data: "{\"id\": pi_1}".into(), ..honest })
}

pub(crate) fn data_not_object(honest: Outcome) -> Answer {
    Ok(Outcome { data: "[1]".into(), ..honest })
}

pub(crate) fn data_too_large(honest: Outcome) -> Answer {
    Ok(Outcome { data: object_of_length(DATA_BYTES), ..honest })
}

pub(crate) fn data_too_deep(honest: Outcome) -> Answer {
    Ok(Outcome { data: format!("{}1{}", "{\"x\":".repeat(DEPTH), "}".repeat(DEPTH)), ..honest })
}

pub(crate) fn data_duplicate_keys(honest: Outcome) -> Answer {
    Ok(Outcome { data: "{\"id\":\"pi_1\",\"id\":\"pi_2\"}".into(), ..honest })
}

pub(crate) fn client_data_too_large(honest: Outcome) -> Answer {
    Ok(Outcome { client_data: Some(object_of_length(CLIENT_DATA_BYTES)), ..honest })
}

pub(crate) fn extensions_not_object(honest: Outcome) -> Answer {
    Ok(Outcome { extensions: "null".into(), ..honest })
}

pub(crate) fn amount_negative(honest: Outcome) -> Answer {
    with_amount(honest, |amount| amount.minor_units = -amount.minor_units)
}

pub(crate) fn amount_too_large(honest: Outcome) -> Answer {
    with_amount(honest, |amount| amount.minor_units = i64::MAX)
}

pub(crate) fn amount_other(honest: Outcome) -> Answer {
    with_amount(honest, |amount| amount.minor_units += 1)
}

pub(crate) fn currency_other(honest: Outcome) -> Answer {
    with_amount(honest, |amount| amount.currency = if amount.currency == "USD" { "EUR" } else { "USD" }.into())
}

pub(crate) fn currency_unknown(honest: Outcome) -> Answer {
    with_amount(honest, |amount| amount.currency = "eur".into())
}

pub(crate) fn exponent_other(honest: Outcome) -> Answer {
    with_amount(honest, |amount| amount.exponent += 1)
}

pub(crate) fn decline_without_declined(honest: Outcome) -> Answer {
    Ok(Outcome { decline: Some(decline("card_declined")), ..honest })
}

pub(crate) fn declined_without_decline(honest: Outcome) -> Answer {
    Ok(Outcome { status: Status::Declined, ..honest })
}

pub(crate) fn decline_code_malformed(honest: Outcome) -> Answer {
    Ok(Outcome { status: Status::Declined, decline: Some(decline("Card Declined!\n")), ..honest })
}

pub(crate) fn requires_more_without_action(honest: Outcome) -> Answer {
    Ok(Outcome { status: Status::RequiresMore, ..honest })
}

pub(crate) fn action_without_requires_more(honest: Outcome) -> Answer {
    Ok(Outcome { next_action: Some(NextAction::Redirect("https://bank.example/".into())), ..honest })
}

pub(crate) fn action_script_url(honest: Outcome) -> Answer {
    redirect(honest, "javascript:alert(document.cookie)")
}

pub(crate) fn action_plain_http(honest: Outcome) -> Answer {
    redirect(honest, "http://bank.example/challenge")
}

pub(crate) fn action_url_with_password(honest: Outcome) -> Answer {
    redirect(honest, "https://bank.example:secret@collector.example/")
}

pub(crate) fn reference_too_long(honest: Outcome) -> Answer {
    Ok(Outcome { provider_reference: Some("r".repeat(256)), ..honest })
}

/// An error is allowed; what it would do to a terminal, and what it tells, is not.
pub(crate) fn error_with_escapes(_honest: Outcome) -> Answer {
    let message = "\u{1b}[2Jcard 4242424242424242 was refused\r\nINFO forged line".into();
    Err(Error { kind: ErrorKind::Other("\u{1b}[31m".into()), code: "\u{7}code\n".into(), message, data: None })
}

fn object_of_length(bytes: usize) -> String {
    let frame = "{\"x\":\"\"}".len();
    format!("{{\"x\":\"{}\"}}", "x".repeat(bytes - frame))
}

fn with_amount(mut honest: Outcome, spoil: impl FnOnce(&mut Money)) -> Answer {
    if let Some(amount) = &mut honest.amount {
        spoil(amount);
    }
    Ok(honest)
}

fn redirect(honest: Outcome, url: &str) -> Answer {
    Ok(Outcome { status: Status::RequiresMore, next_action: Some(NextAction::Redirect(url.into())), ..honest })
}

fn decline(code: &str) -> Decline {
    Decline { class: DeclineClass::UseAnotherMethod, code: code.into(), message: "The card was declined.".into() }
}
