//! Exchanges as they are sealed for the journal, and as operators see them: without secrets and card numbers.
//!
//! With an operator's encryption key all of it is kept. Without one the request's text is not kept at all, and the answer only
//! for as long as the provider may have to be run again from it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tillbox_core::Timestamp;
use tillbox_core::id::OperationId;
use tillbox_runtime::Left;
use tillbox_runtime::egress::{Received, Refusal};
use tillbox_runtime::journal::{Ended, Inputs, Intent, Message, Recorded};
use tillbox_runtime::text::{REDACTED, clean};

use super::journal::left;
use super::seal::Seal;
use super::{Error, Host};
use crate::redact::redacted;
use crate::store::{ExchangeEnd, ExchangeState, KeptExchange};

/// Bytes of a body that operators are shown.
pub const SHOWN_BODY_BYTES_MAX: usize = 8 * 1024;

/// Bytes of the reason why there is no answer.
const ERROR_BYTES_MAX: usize = 512;

/// Parts of a name that say that its value is nobody's business. `card[number]`, `client_secret`, `x-api-key`.
const SECRET_NAMES: &[&str] = &[
    "authorization",
    "cookie",
    "secret",
    "password",
    "token",
    "api-key",
    "api_key",
    "apikey",
    "number",
    "cvc",
    "cvv",
    "signature",
    "iban",
    "pin",
];

/// An exchange with a gateway, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Which run of the operation it belongs to; grows with each.
    pub run: u64,
    /// Its place in the run, from 1.
    pub sequence: u32,
    /// How far it has come.
    pub state: ExchangeState,
    /// The digest of the component that sent it.
    pub component: Option<String>,
    /// `POST`, …
    pub method: String,
    /// The host.
    pub host: String,
    /// The path, without a query.
    pub path: String,
    /// The key that went with it.
    pub idempotency_key: Option<String>,
    /// Whether a byte of it may have left. `false` is proof.
    pub request_may_have_been_sent: bool,
    /// The status, where an answer began.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// Bytes of the body that was to be sent.
    pub sent_bytes: u64,
    /// Bytes of the body that came.
    pub received_bytes: u64,
    /// What was asked, where it is kept and can be read.
    pub request: Option<ShownMessage>,
    /// What was answered, where it is kept and can be read.
    pub response: Option<ShownMessage>,
    /// When the intent was kept.
    pub created_at: Timestamp,
    /// When the answer was, or that there is none.
    pub ended_at: Option<Timestamp>,
}

/// Headers and body without secrets and card numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownMessage {
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`SHOWN_BODY_BYTES_MAX`] of it.
    pub body: String,
}

impl Host {
    /// What was exchanged with the gateway for an operation, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn exchanges(&self, id: &OperationId) -> Result<Vec<Exchange>, Error> {
        let kept = self.inner.store.exchanges(id.clone()).await?;
        Ok(kept.iter().map(|row| shown(&self.inner.seal, row)).collect())
    }
}

fn shown(seal: &Seal, row: &KeptExchange) -> Exchange {
    let end = row.end.as_ref();
    let asked = opened_asked(seal, row).and_then(|asked| asked.message);
    let answered = end.and_then(|end| end.answered.as_deref()).and_then(|sealed| opened_answered(seal, row, sealed));
    Exchange {
        run: row.lease_token,
        sequence: row.sequence,
        state: row.state(),
        component: row.component.clone(),
        method: row.method.clone(),
        host: row.host.clone(),
        path: row.path.clone(),
        idempotency_key: row.provider_key.clone(),
        request_may_have_been_sent: end.is_none_or(|end| left(&end.sent) != Left::Nothing),
        status: end.and_then(|end| end.status),
        error: end.and_then(|end| end.error.as_deref()).map(|text| redacted(text, false).into_owned()),
        sent_bytes: row.sent_bytes,
        received_bytes: end.map_or(0, |end| end.received_bytes),
        request: asked.map(|message| message.for_people()),
        response: answered.map(|answer| answer.message.for_people()),
        created_at: row.created_at,
        ended_at: end.map(|end| end.at),
    }
}

/// A message as it is sealed.
#[derive(Debug, Serialize, Deserialize)]
struct SealedMessage {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    query: String,
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SealedAsked {
    seed: String,
    wall: Vec<u64>,
    monotonic: Vec<u64>,
    message: Option<SealedMessage>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SealedAnswer {
    message: SealedMessage,
}

impl SealedMessage {
    fn of(query: &str, headers: &[(String, String)], body: &[u8]) -> Self {
        let (text, bytes) = match std::str::from_utf8(body) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(body))),
        };
        Self { query: query.to_owned(), headers: headers.to_vec(), text, bytes }
    }

    fn body(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.bytes) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(bytes)) => STANDARD.decode(bytes).ok(),
            (None, None) => None,
        }
    }

    fn for_people(&self) -> ShownMessage {
        let header = |(name, value): &(String, String)| {
            let value = if is_secret(name) { REDACTED.to_owned() } else { redacted(value, false).into_owned() };
            (name.clone(), value)
        };
        let mut headers: Vec<(String, String)> = self.headers.iter().map(header).collect();
        if !self.query.is_empty() {
            headers.insert(0, ("?".to_owned(), body_for_people(&self.query)));
        }
        let body = match &self.text {
            Some(text) => body_for_people(text),
            None => "(bytes)".to_owned(),
        };
        ShownMessage { headers, body }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// JSON and forms by their names, everything by what looks like a secret or a card.
fn body_for_people(text: &str) -> String {
    let plain = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            hide(&mut value);
            value.to_string()
        }
        Err(_) if text.contains('=') && !text.contains(['\n', '<', '{']) => {
            let field = |field: &str| match field.split_once('=') {
                Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
                Some(_) | None => field.to_owned(),
            };
            text.split('&').map(field).collect::<Vec<_>>().join("&")
        }
        Err(_) => text.to_owned(),
    };
    clean(&redacted(&plain, false), SHOWN_BODY_BYTES_MAX)
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if is_secret(name) && (value.is_string() || value.is_number()) {
                    *value = REDACTED.into();
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const ASKED: &str = "asked";
const ANSWERED: &str = "answered";

/// What a row is sealed for: what is sealed for one place opens at no other.
fn place(operation: &OperationId, sequence: u32, part: &str) -> String {
    format!("{operation}/{sequence}/{part}")
}

/// What is kept of a request: what a second run has to be told, and with an operator's key the request itself.
pub(super) fn seal_asked(seal: &Seal, operation: &OperationId, intent: &Intent) -> Option<Vec<u8>> {
    let Message { query, headers, body } = &intent.message;
    let asked = SealedAsked {
        seed: STANDARD.encode(intent.inputs.seed),
        wall: intent.inputs.wall.clone(),
        monotonic: intent.inputs.monotonic.clone(),
        message: seal.has_operator_key().then(|| SealedMessage::of(query, headers, body)),
    };
    seal.seal_at(&place(operation, intent.sequence, ASKED), &serde_json::to_vec(&asked).ok()?)
}

fn opened_asked(seal: &Seal, row: &KeptExchange) -> Option<SealedAsked> {
    let bytes = seal.open_at(&place(&row.operation, row.sequence, ASKED), &row.asked)?;
    serde_json::from_slice(&bytes).ok()
}

fn opened_answered(seal: &Seal, row: &KeptExchange, sealed: &[u8]) -> Option<SealedAnswer> {
    let bytes = seal.open_at(&place(&row.operation, row.sequence, ANSWERED), sealed)?;
    serde_json::from_slice(&bytes).ok()
}

/// What came of an exchange, as it is kept.
pub(super) fn end(seal: &Seal, operation: &OperationId, ended: &Ended, at: Timestamp) -> Option<ExchangeEnd> {
    let sent = ended.left.as_str().to_owned();
    let without = |state, status, error: Option<&str>| ExchangeEnd {
        state,
        sent: sent.clone(),
        status,
        error: error.map(|text| clean(text, ERROR_BYTES_MAX)),
        received_bytes: 0,
        answered: None,
        at,
    };
    Some(match &ended.answer {
        Ok(received) => {
            let message = SealedMessage::of("", &received.headers, &received.body);
            let bytes = serde_json::to_vec(&SealedAnswer { message }).ok()?;
            let answered = Some(seal.seal_at(&place(operation, ended.sequence, ANSWERED), &bytes)?);
            let received_bytes = received.body.len() as u64;
            let plain = without(ExchangeState::Answered, Some(received.status), None);
            ExchangeEnd { received_bytes, answered, ..plain }
        }
        Err(Refusal::TooLarge(status)) => without(ExchangeState::TooLarge, Some(*status), None),
        Err(Refusal::Lost(why)) => without(ExchangeState::Lost, None, Some(why)),
        Err(Refusal::NotConnected(why)) => without(ExchangeState::NotConnected, None, Some(why)),
        Err(Refusal::Denied(line) | Refusal::Secret(line)) => without(ExchangeState::Denied, None, Some(line)),
        Err(Refusal::Astray(line)) => without(ExchangeState::Astray, None, Some(line)),
        Err(Refusal::Invalid(rule)) => without(ExchangeState::Invalid, None, Some(rule)),
    })
}

/// A row as a second run is told it; nothing when it has not ended, or cannot be read.
pub(super) fn recorded(seal: &Seal, row: &KeptExchange) -> Option<Recorded> {
    let asked = opened_asked(seal, row)?;
    let end = row.end.as_ref()?;
    let words = || end.error.clone().unwrap_or_default();
    let answer = match end.state {
        ExchangeState::AboutToSend => return None,
        ExchangeState::Answered => {
            let answer = opened_answered(seal, row, end.answered.as_deref()?)?;
            Ok(Received { status: end.status?, body: answer.message.body()?, headers: answer.message.headers })
        }
        ExchangeState::TooLarge => Err(Refusal::TooLarge(end.status?)),
        ExchangeState::Lost => Err(Refusal::Lost(words())),
        ExchangeState::NotConnected => Err(Refusal::NotConnected(words())),
        ExchangeState::Denied => Err(Refusal::Denied(words())),
        ExchangeState::Astray => Err(Refusal::Astray(words())),
        ExchangeState::Invalid => Err(Refusal::Invalid(words())),
    };
    let seed = STANDARD.decode(asked.seed).ok()?.try_into().ok()?;
    Some(Recorded {
        method: row.method.clone(),
        host: row.host.clone(),
        path: row.path.clone(),
        digest: row.digest.clone(),
        idempotency_key: row.provider_key.clone(),
        inputs: Inputs { seed, wall: asked.wall, monotonic: asked.monotonic },
        left: left(&end.sent),
        answer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_no_secrets_and_no_cards() {
        let json = r#"{"client_secret":"pi_1_secret_abcdefghi","card":{"number":4242424242424242,"last4":"4242"},"note":"5555 5555 5555 4444"}"#;
        let told = body_for_people(json);
        assert!(!told.contains("abcdefghi") && !told.contains("424242424242") && !told.contains("5555 5555"), "{told}");
        assert!(told.contains("\"last4\":\"4242\""), "{told}");
        let form = "amount=10&card[number]=4242424242424242&metadata[token]=x&key=sk_live_0123456789";
        let told = body_for_people(form);
        assert_eq!(told, "amount=10&card[number]=[redacted]&metadata[token]=[redacted]&key=sk_[redacted]");
        let message = SealedMessage::of("q=1", &[("Authorization".to_owned(), "Bearer x".to_owned())], b"\xff");
        let shown = message.for_people();
        assert_eq!(shown.headers[1].1, REDACTED);
        assert_eq!(shown.body, "(bytes)");
        assert_eq!(message.body().unwrap(), b"\xff");
    }
}
