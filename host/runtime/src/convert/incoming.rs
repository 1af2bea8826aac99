//! From a provider to the host: each field checked once, by the contract's own rule.

use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::money::MoneyError;
use tillbox_core::outcome::{
    Decline, DeclineClass, ErrorKind, Evidence, EvidenceAction, EvidenceSubject, NextAction, Outcome, ProviderError,
    ProviderStatus, Snapshot,
};
use tillbox_core::text::Json;
use tillbox_core::{Currency, Money, Timestamp};

use crate::bindings::exports::tillbox::provider::{payment_methods as wit_methods, payments, webhooks};
use crate::bindings::tillbox::provider::types;
use crate::fault::Fault;
use crate::json::{self, JsonLimits};
use crate::limits::{
    CLAIMS_MAX, CODE_BYTES_MAX, MESSAGE_BYTES_MAX, PAYMENT_METHODS_MAX, REFERENCE_BYTES_MAX, URL_BYTES_MAX,
};
use crate::provider::Failure;
use crate::request::{AccountHolder, PaymentMethod, Rejection};
use crate::text::clean;

type Answer<T> = Result<T, types::Error>;

/// Where a value stands, for a fault to name.
#[derive(Clone, Copy)]
pub(super) struct At(pub(super) &'static str);

impl At {
    pub(super) fn fault(self, field: &str, rule: impl Into<String>) -> Fault {
        Fault::contract(format!("{}.{field}", self.0), rule)
    }
}

pub(crate) fn outcome(answer: Answer<types::Outcome>) -> Result<Outcome, Failure> {
    let outcome = answer.map_err(error)?;
    checked_outcome(At("outcome"), outcome).map_err(Failure::Fault)
}

pub(crate) fn snapshot(answer: Answer<payments::Snapshot>) -> Result<Snapshot, Failure> {
    let at = At("snapshot");
    let snapshot = answer.map_err(error)?;
    let checked = || {
        let captured = money(at, "captured", snapshot.captured)?;
        let refunded = money(at, "refunded", snapshot.refunded)?;
        let disputed = money(at, "disputed", snapshot.disputed)?;
        if captured.currency() != refunded.currency() || captured.currency() != disputed.currency() {
            return Err(at.fault("refunded", "all amounts of a snapshot have one currency"));
        }
        let outcome = checked_outcome(At("snapshot.outcome"), snapshot.outcome)?;
        let operation = snapshot.operation.map(|of| checked_outcome(At("snapshot.operation"), of)).transpose()?;
        Ok(Snapshot { outcome, captured, refunded, disputed, operation })
    };
    checked().map_err(Failure::Fault)
}

pub(crate) fn account_holder(answer: Answer<types::AccountHolder>) -> Result<AccountHolder, Failure> {
    let at = At("account-holder");
    let holder = answer.map_err(error)?;
    let checked = || {
        let external_id = reference(at, "external-id", holder.external_id)?;
        Ok(AccountHolder { external_id, data: object(at, "data", &holder.data, json::CONTRACT)? })
    };
    checked().map_err(Failure::Fault)
}

pub(crate) fn payment_method(answer: Answer<wit_methods::PaymentMethod>) -> Result<PaymentMethod, Failure> {
    checked_method(answer.map_err(error)?).map_err(Failure::Fault)
}

pub(crate) fn payment_methods(answer: Answer<Vec<wit_methods::PaymentMethod>>) -> Result<Vec<PaymentMethod>, Failure> {
    let methods = answer.map_err(error)?;
    if methods.len() > PAYMENT_METHODS_MAX {
        let rule = format!("{} saved methods, allowed are {PAYMENT_METHODS_MAX}", methods.len());
        return Err(Failure::Fault(Fault::contract("list-methods", rule)));
    }
    methods.into_iter().map(|method| checked_method(method).map_err(Failure::Fault)).collect()
}

pub(crate) fn nothing(answer: Answer<()>) -> Result<(), Failure> {
    answer.map_err(error)
}

pub(crate) fn claims(
    answer: Result<Vec<webhooks::Evidence>, webhooks::Rejection>,
) -> Result<Result<Vec<Evidence>, Rejection>, Failure> {
    match answer {
        Ok(claims) if claims.len() > CLAIMS_MAX => {
            let rule = format!("{} claims, allowed are {CLAIMS_MAX}", claims.len());
            Err(Failure::Fault(Fault::contract("receive", rule)))
        }
        Ok(claims) => claims.into_iter().map(evidence).collect::<Result<_, _>>().map(Ok).map_err(Failure::Fault),
        Err(webhooks::Rejection::BadSignature(why)) => Ok(Err(Rejection::BadSignature(clean(&why, MESSAGE_BYTES_MAX)))),
        Err(webhooks::Rejection::Malformed(why)) => Ok(Err(Rejection::Malformed(clean(&why, MESSAGE_BYTES_MAX)))),
        Err(webhooks::Rejection::Failed(failed)) => match error(failed) {
            Failure::Error(failed) => Ok(Err(Rejection::Failed(failed))),
            fault @ Failure::Fault(_) => Err(fault),
        },
    }
}

fn checked_outcome(at: At, outcome: types::Outcome) -> Result<Outcome, Fault> {
    let status = status(outcome.status);
    if outcome.decline.is_some() != (status == ProviderStatus::Declined) {
        return Err(at.fault("decline", "present exactly when the status is `declined`"));
    }
    if outcome.next_action.is_some() != (status == ProviderStatus::RequiresMore) {
        return Err(at.fault("next-action", "present exactly when the status is `requires-more`"));
    }
    Ok(Outcome {
        status,
        data: object(at, "data", &outcome.data, json::CONTRACT)?,
        client_data: outcome.client_data.map(|text| object(at, "client-data", &text, json::CLIENT_DATA)).transpose()?,
        provider_reference: outcome
            .provider_reference
            .map(|text| reference(at, "provider-reference", text))
            .transpose()?,
        amount: outcome.amount.map(|amount| money(at, "amount", amount)).transpose()?,
        decline: outcome.decline.map(|of| decline(at, of)).transpose()?,
        next_action: outcome.next_action.map(|action| next_action(at, action)).transpose()?,
        extensions: object(at, "extensions", &outcome.extensions, json::CONTRACT)?,
    })
}

fn status(status: types::Status) -> ProviderStatus {
    match status {
        types::Status::Pending => ProviderStatus::Pending,
        types::Status::RequiresMore => ProviderStatus::RequiresMore,
        types::Status::PendingAuthorization => ProviderStatus::PendingAuthorization,
        types::Status::Authorized => ProviderStatus::Authorized,
        types::Status::Captured => ProviderStatus::Captured,
        types::Status::Canceled => ProviderStatus::Canceled,
        types::Status::Declined => ProviderStatus::Declined,
        types::Status::Error => ProviderStatus::Error,
    }
}

fn decline(at: At, decline: types::Decline) -> Result<Decline, Fault> {
    let class = match decline.class {
        types::DeclineClass::TryAgainLater => DeclineClass::TryAgainLater,
        types::DeclineClass::CorrectDetails => DeclineClass::CorrectDetails,
        types::DeclineClass::UseAnotherMethod => DeclineClass::UseAnotherMethod,
        types::DeclineClass::AuthenticationRequired => DeclineClass::AuthenticationRequired,
        types::DeclineClass::AuthenticationFailed => DeclineClass::AuthenticationFailed,
        types::DeclineClass::SuspectedFraud => DeclineClass::SuspectedFraud,
        types::DeclineClass::Unspecified => DeclineClass::Unspecified,
    };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    if decline.code.len() > CODE_BYTES_MAX || !decline.code.bytes().all(allowed) {
        return Err(at.fault("decline.code", "at most 64 bytes of `a-z 0-9 _ - .`"));
    }
    Ok(Decline { class, code: decline.code, message: clean(&decline.message, MESSAGE_BYTES_MAX) })
}

fn next_action(at: At, action: types::NextAction) -> Result<NextAction, Fault> {
    const FIELD: &str = "next-action";
    Ok(match action {
        types::NextAction::Redirect(address) => NextAction::Redirect { url: page(at, FIELD, address)? },
        types::NextAction::ThreeDSecure(challenge) => {
            NextAction::ThreeDSecure { url: page(at, FIELD, challenge.url)?, expires_in_ms: challenge.expires_in_ms }
        }
        // It travels to the storefront, so the limits of client data hold.
        types::NextAction::Display(text) => {
            NextAction::Display { instructions: object(at, FIELD, &text, json::CLIENT_DATA)? }
        }
        types::NextAction::Other(text) => NextAction::Other { payload: object(at, FIELD, &text, json::CLIENT_DATA)? },
    })
}

/// The provider's own error; a fault when even that breaks the contract.
fn error(error: types::Error) -> Failure {
    match checked_error(error) {
        Ok(error) => Failure::Error(error),
        Err(fault) => Failure::Fault(fault),
    }
}

fn checked_error(error: types::Error) -> Result<ProviderError, Fault> {
    let at = At("error");
    let kind = match error.kind {
        types::ErrorKind::InvalidRequest => ErrorKind::InvalidRequest,
        types::ErrorKind::Authentication => ErrorKind::Authentication,
        types::ErrorKind::NotFound => ErrorKind::NotFound,
        types::ErrorKind::Conflict => ErrorKind::Conflict,
        types::ErrorKind::RateLimited(retry_after_ms) => ErrorKind::RateLimited { retry_after_ms },
        types::ErrorKind::Unavailable => ErrorKind::Unavailable,
        types::ErrorKind::NotSupported => ErrorKind::NotSupported,
        types::ErrorKind::OutcomeUnknown => ErrorKind::OutcomeUnknown,
        types::ErrorKind::Other(code) => ErrorKind::Other(short(at, "kind.other", &code)?),
    };
    Ok(ProviderError {
        kind,
        code: short(at, "code", &error.code)?,
        message: clean(&error.message, MESSAGE_BYTES_MAX),
        data: error.data.map(|text| object(at, "data", &text, json::CONTRACT)).transpose()?,
    })
}

fn checked_method(method: wit_methods::PaymentMethod) -> Result<PaymentMethod, Fault> {
    let at = At("payment-method");
    Ok(PaymentMethod {
        id: reference(at, "id", method.id)?,
        display: object(at, "display", &method.display, json::CLIENT_DATA)?,
        data: object(at, "data", &method.data, json::CONTRACT)?,
    })
}

fn evidence(claim: webhooks::Evidence) -> Result<Evidence, Fault> {
    let at = At("evidence");
    let action = match claim.action {
        webhooks::Action::Authorized => EvidenceAction::Authorized,
        webhooks::Action::Captured => EvidenceAction::Captured,
        webhooks::Action::Refunded => EvidenceAction::Refunded,
        webhooks::Action::Failed => EvidenceAction::Failed,
        webhooks::Action::Pending => EvidenceAction::Pending,
        webhooks::Action::RequiresMore => EvidenceAction::RequiresMore,
        webhooks::Action::Canceled => EvidenceAction::Canceled,
        webhooks::Action::Disputed => EvidenceAction::Disputed,
        webhooks::Action::NotSupported => EvidenceAction::NotSupported,
    };
    let subject = match claim.subject {
        None if action == EvidenceAction::NotSupported => None,
        None => return Err(at.fault("subject", "absent only when the action is `not-supported`")),
        Some(webhooks::Subject::Session(id)) => {
            let id = SessionId::parse(&id).map_err(|error| at.fault("subject.session", error.to_string()))?;
            Some(EvidenceSubject::Session(id))
        }
        Some(webhooks::Subject::ProviderReference(text)) => {
            Some(EvidenceSubject::ProviderReference(reference(at, "subject.provider-reference", text)?))
        }
    };
    let operation = claim.operation_id.map(|id| OperationId::parse(&id)).transpose();
    let occurred_at = claim.occurred_at_ms.map(i64::try_from).transpose();
    object(at, "extensions", &claim.extensions, json::CONTRACT)?;
    Ok(Evidence {
        event_id: reference(at, "event-id", claim.event_id)?,
        occurred_at: occurred_at
            .map_err(|_| at.fault("occurred-at-ms", "a time this side of eternity"))?
            .map(Timestamp),
        subject,
        action,
        amount: claim.amount.map(|amount| money(at, "amount", amount)).transpose()?,
        operation: operation.map_err(|error| at.fault("operation-id", error.to_string()))?,
        reason: claim.reason.map(|reason| short(at, "reason", &reason)).transpose()?,
    })
}

pub(super) fn object(at: At, field: &str, text: &str, limits: JsonLimits) -> Result<Json, Fault> {
    json::check_object(text, limits).map_err(|error| at.fault(field, error.to_string()))
}

fn money(at: At, field: &str, money: types::Money) -> Result<Money, Fault> {
    if money.currency.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(at.fault(field, "a currency code is written in upper case"));
    }
    let currency =
        Currency::new(&money.currency, money.exponent).map_err(|error| at.fault(field, error.to_string()))?;
    Money::new(money.minor_units, currency).map_err(|error: MoneyError| at.fault(field, error.to_string()))
}

/// An id that the gateway made: visible, not empty, at most 255 bytes.
fn reference(at: At, field: &str, text: String) -> Result<String, Fault> {
    if text.is_empty() || text.len() > REFERENCE_BYTES_MAX || text.chars().any(char::is_control) {
        let rule = format!("1 to {REFERENCE_BYTES_MAX} bytes without control characters");
        return Err(at.fault(field, rule));
    }
    Ok(text)
}

/// A code or a reason for operators: at most 64 bytes; cleaned, since nothing but a person acts on it.
fn short(at: At, field: &str, text: &str) -> Result<String, Fault> {
    if text.len() > CODE_BYTES_MAX {
        return Err(at.fault(field, format!("at most {CODE_BYTES_MAX} bytes")));
    }
    Ok(clean(text, CODE_BYTES_MAX))
}

/// Where a payer's browser is sent: an `https:` URL, or one in the clear on the very machine that the browser runs on, which is
/// how a gateway is tried out.
fn page(at: At, field: &str, text: String) -> Result<String, Fault> {
    let local = ["http://127.0.0.1", "http://localhost"];
    let rest = local.iter().find_map(|start| text.strip_prefix(start)).unwrap_or("-");
    if !rest.is_empty() && !rest.starts_with([':', '/', '?']) {
        return url(at, field, text);
    }
    // Held to the rest of the rules, its scheme apart.
    url(at, field, text.replacen("http:", "https:", 1)).map(|_| text)
}

/// An absolute `https:` URL (RFC 3986 section 4.3) that shows where it leads: no user part, no white space.
pub(super) fn url(at: At, field: &str, text: String) -> Result<String, Fault> {
    let rest = text.strip_prefix("https://").unwrap_or("");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>".contains(&byte));
    if authority.is_empty()
        || authority.starts_with(':')
        || authority.contains('@')
        || !visible
        || text.len() > URL_BYTES_MAX
    {
        let rule = format!(
            "an absolute `https:` URL of at most {URL_BYTES_MAX} visible ASCII characters, without a user part"
        );
        return Err(at.fault(field, rule));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> types::Outcome {
        types::Outcome {
            status: types::Status::Authorized,
            data: "{\"id\":\"pi_1\"}".into(),
            client_data: Some("{}".into()),
            provider_reference: Some("pi_1".into()),
            amount: Some(types::Money { minor_units: 1050, exponent: 2, currency: "EUR".into() }),
            decline: None,
            next_action: None,
            extensions: "{}".into(),
        }
    }

    fn decline_of(code: &str) -> types::Decline {
        types::Decline { class: types::DeclineClass::UseAnotherMethod, code: code.into(), message: "no\n".into() }
    }

    fn action_of(status: types::Status, action: types::NextAction) -> types::Outcome {
        types::Outcome { status, next_action: Some(action), ..wire() }
    }

    fn field_of(outcome: types::Outcome) -> Option<String> {
        match super::outcome(Ok(outcome)) {
            Ok(_) => None,
            Err(Failure::Fault(Fault::Contract { field, .. })) => Some(field),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_outcome_is_an_allegation() {
        let money = |minor_units, exponent, currency: &str| types::Outcome {
            amount: Some(types::Money { minor_units, exponent, currency: currency.into() }),
            ..wire()
        };
        let declined =
            |code: &str| types::Outcome { status: types::Status::Declined, decline: Some(decline_of(code)), ..wire() };
        let redirect = |url: &str| action_of(types::Status::RequiresMore, types::NextAction::Redirect(url.into()));
        let big = format!("{{\"a\":\"{}\"}}", "x".repeat(20_000));
        let cases = [
            (wire(), None),
            (types::Outcome { data: "[]".into(), ..wire() }, Some("outcome.data")),
            (types::Outcome { data: big.clone(), ..wire() }, None),
            (types::Outcome { data: "{\"a\":1,\"a\":1}".into(), ..wire() }, Some("outcome.data")),
            (types::Outcome { client_data: Some(big.clone()), ..wire() }, Some("outcome.client-data")),
            (types::Outcome { extensions: String::new(), ..wire() }, Some("outcome.extensions")),
            (
                types::Outcome { provider_reference: Some("x".repeat(256)), ..wire() },
                Some("outcome.provider-reference"),
            ),
            (types::Outcome { provider_reference: Some(String::new()), ..wire() }, Some("outcome.provider-reference")),
            (money(-1, 2, "EUR"), Some("outcome.amount")),
            (money(1 << 53, 2, "EUR"), Some("outcome.amount")),
            (money(1, 5, "EUR"), Some("outcome.amount")),
            (money(1, 2, "eur"), Some("outcome.amount")),
            (money(1, 2, "EURO"), Some("outcome.amount")),
            (declined("insufficient_funds"), None),
            (declined("Insufficient Funds"), Some("outcome.decline.code")),
            (declined(&"x".repeat(65)), Some("outcome.decline.code")),
            (types::Outcome { status: types::Status::Declined, ..wire() }, Some("outcome.decline")),
            (types::Outcome { decline: Some(decline_of("x")), ..wire() }, Some("outcome.decline")),
            (types::Outcome { status: types::Status::RequiresMore, ..wire() }, Some("outcome.next-action")),
            (
                action_of(types::Status::Authorized, types::NextAction::Display("{}".into())),
                Some("outcome.next-action"),
            ),
            (action_of(types::Status::RequiresMore, types::NextAction::Display("{}".into())), None),
            (action_of(types::Status::RequiresMore, types::NextAction::Display(big)), Some("outcome.next-action")),
            (redirect("https://pay.example.com/3ds?x=1"), None),
            (redirect("http://pay.example.com"), Some("outcome.next-action")),
            (redirect("http://127.0.0.1:12111/3ds/pi_1"), None),
            (redirect("http://localhost/3ds"), None),
            (redirect("http://localhost.evil.example/3ds"), Some("outcome.next-action")),
            (redirect("http://127.0.0.1@evil.example/"), Some("outcome.next-action")),
            (redirect("http://127.0.0.1:80@evil.example/"), Some("outcome.next-action")),
            (redirect("javascript:alert(1)"), Some("outcome.next-action")),
            (redirect("https:///x"), Some("outcome.next-action")),
            (redirect("//pay.example.com"), Some("outcome.next-action")),
            (redirect("https://shop.example.com@evil.example.com/"), Some("outcome.next-action")),
            (redirect("https://pay.example.com/a b"), Some("outcome.next-action")),
            (redirect(&format!("https://pay.example.com/{}", "x".repeat(8_000))), Some("outcome.next-action")),
        ];
        for (index, (outcome, want)) in cases.into_iter().enumerate() {
            assert_eq!(field_of(outcome).as_deref(), want, "case {index}");
        }
    }

    #[test]
    fn errors_and_messages_are_cleaned_and_capped() {
        let error = types::Error {
            kind: types::ErrorKind::Other("odd".into()),
            code: "odd".into(),
            message: format!("card 4242424242424242\u{1b}[0m {}", "x".repeat(5_000)),
            data: None,
        };
        let Err(Failure::Error(got)) = outcome(Err(error.clone())) else { panic!("an error") };
        assert!(got.message.starts_with("card [redacted][0m x") && got.message.len() <= MESSAGE_BYTES_MAX);
        let long = types::Error { code: "x".repeat(65), ..error };
        assert!(
            matches!(outcome(Err(long)), Err(Failure::Fault(Fault::Contract { field, .. })) if field == "error.code")
        );
    }

    #[test]
    fn claims_are_checked_too() {
        let claim = || webhooks::Evidence {
            event_id: "evt_1".into(),
            occurred_at_ms: Some(1),
            subject: Some(webhooks::Subject::Session("payses_1".into())),
            action: webhooks::Action::Captured,
            amount: None,
            operation_id: Some("payop_1".into()),
            reason: None,
            extensions: "{}".into(),
        };
        let field = |claim: webhooks::Evidence| match claims(Ok(vec![claim])) {
            Ok(_) => None,
            Err(Failure::Fault(Fault::Contract { field, .. })) => Some(field),
            Err(other) => panic!("{other:?}"),
        };
        let stranger = Some(webhooks::Subject::Session("pay_1".into()));
        assert_eq!(field(claim()), None);
        assert_eq!(field(webhooks::Evidence { event_id: String::new(), ..claim() }).unwrap(), "evidence.event-id");
        assert_eq!(field(webhooks::Evidence { subject: None, ..claim() }).unwrap(), "evidence.subject");
        assert_eq!(field(webhooks::Evidence { subject: stranger, ..claim() }).unwrap(), "evidence.subject.session");
        assert_eq!(
            field(webhooks::Evidence { operation_id: Some("x".into()), ..claim() }).unwrap(),
            "evidence.operation-id"
        );
        assert_eq!(
            field(webhooks::Evidence { occurred_at_ms: Some(u64::MAX), ..claim() }).unwrap(),
            "evidence.occurred-at-ms"
        );
        let many = claims(Ok((0..65).map(|_| claim()).collect()));
        assert!(matches!(many, Err(Failure::Fault(Fault::Contract { field, .. })) if field == "receive"));
    }
}
