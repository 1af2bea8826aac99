//! Native doubles: what a provider's own unit tests need instead of a host.
//!
//! Only on native targets. Settings and log lines belong to the thread, and `cargo test` gives each test its own, so
//! tests do not see one another's. The host's rules are not checked here; the conformance kit does that.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::context::{Context, Environment};
use crate::http::{HttpError, Request, Response};
use crate::json::Json;
use crate::log::Level;
use crate::money::Money;
use crate::outcome::Outcome;
use crate::request::PaymentState;

/// The deadline a test's call gets: the order of magnitude a host gives, and nothing a test waits for.
const DEADLINE_MS: u32 = 10_000;

thread_local! {
    static SETTINGS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static LINES: RefCell<Vec<LogLine>> = const { RefCell::new(Vec::new()) };
    static SECRETS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static SENT: RefCell<Vec<SentRequest>> = const { RefCell::new(Vec::new()) };
    static GATEWAY: RefCell<Option<Box<Gateway>>> = const { RefCell::new(None) };
}

/// Answers requests in place of a gateway.
type Gateway = dyn FnMut(&SentRequest) -> Result<Response, HttpError>;

/// One request that the provider sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// With its query.
    pub url: String,
    /// The idempotency key.
    pub idempotency_key: Option<String>,
    /// Plain headers, in order.
    pub headers: Vec<(String, String)>,
    /// Header, prefix and the name of the secret: never its value.
    pub secret_headers: Vec<(String, String, String)>,
    /// The body.
    pub body: Option<String>,
}

impl SentRequest {
    /// The first plain header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Answers every request of this thread from now on, as a gateway would.
pub fn answer_requests(gateway: impl FnMut(&SentRequest) -> Result<Response, HttpError> + 'static) {
    GATEWAY.set(Some(Box::new(gateway)));
}

/// What was sent on this thread since the last call of this function.
#[must_use]
pub fn sent_requests() -> Vec<SentRequest> {
    SENT.take()
}

/// Grants a secret on this thread; an empty value is one that is granted and missing.
pub fn set_secret(name: &str, value: &str) {
    SECRETS.with_borrow_mut(|secrets| secrets.insert(name.to_owned(), value.to_owned()));
}

/// Takes a secret away again.
pub fn unset_secret(name: &str) {
    SECRETS.with_borrow_mut(|secrets| secrets.remove(name));
}

/// One line that the provider logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How loud.
    pub level: Level,
    /// The message.
    pub message: String,
    /// The fields, in order.
    pub fields: Vec<(String, String)>,
}

/// Sets one of the operator's settings for this thread: a string without quotes, any other JSON value as JSON text.
pub fn set_setting(name: &str, value: &str) {
    SETTINGS.with_borrow_mut(|settings| settings.insert(name.to_owned(), value.to_owned()));
}

/// Takes one of the operator's settings away again.
pub fn unset_setting(name: &str) {
    SETTINGS.with_borrow_mut(|settings| settings.remove(name));
}

/// What was logged on this thread since the last call of this function.
#[must_use]
pub fn log_lines() -> Vec<LogLine> {
    LINES.take()
}

/// A context as a host makes it: the first attempt of this operation, in the test environment, with an idempotency key
/// made from the operation id. Its fields are public: change what the test is about.
#[must_use]
pub fn context(operation_id: &str) -> Context {
    Context {
        operation_id: operation_id.to_owned(),
        idempotency_key: format!("key-of-{operation_id}"),
        attempt: 1,
        deadline_ms: DEADLINE_MS,
        collection_id: Some("pay_col_1".to_owned()),
        session_id: Some("payses_1".to_owned()),
        payment_id: None,
        environment: Environment::Test,
        locale: None,
        customer: None,
        account_holder: None,
        extensions: Json::empty(),
    }
}

/// An amount.
///
/// # Panics
/// When it is not acceptable.
#[must_use]
pub fn money(minor_units: i64, exponent: u8, currency: &str) -> Money {
    Money::new(minor_units, exponent, currency).expect("an acceptable amount")
}

/// A JSON object.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn json(text: &str) -> Json {
    Json::parse(text).expect("a JSON object")
}

/// A payment of this amount as the host hands it back after this outcome, with nothing captured and nothing refunded.
///
/// # Panics
/// When the outcome breaks a rule of the contract ([`Outcome::check`]): a host would refuse it.
#[must_use]
pub fn payment(outcome: &Outcome, amount: Money) -> PaymentState {
    outcome.check().expect("an outcome that a host takes");
    PaymentState {
        data: outcome.data.clone(),
        provider_reference: outcome.provider_reference.clone(),
        amount,
        captured: amount.zeroed(),
        refunded: amount.zeroed(),
    }
}

pub(crate) fn secret(name: &str) -> Option<String> {
    SECRETS.with_borrow(|secrets| secrets.get(name).cloned())
}

pub(crate) fn send(request: &Request<'_>) -> Result<Response, HttpError> {
    let secret_headers = request.secret_headers.iter();
    let sent = SentRequest {
        method: request.method.to_owned(),
        url: request.url.clone(),
        idempotency_key: request.idempotency_key.clone(),
        headers: request.headers.clone(),
        secret_headers: secret_headers
            .map(|(name, prefix, secret)| (name.clone(), prefix.clone(), secret.name().to_owned()))
            .collect(),
        body: request.body.clone(),
    };
    SENT.with_borrow_mut(|all| all.push(sent.clone()));
    // Taken out while it answers, since it may look at what was sent or send something itself.
    let Some(mut gateway) = GATEWAY.take() else {
        return Err(HttpError::NotConnected("the test answers no requests: call testing::answer_requests".to_owned()));
    };
    let answer = gateway(&sent);
    GATEWAY.with_borrow_mut(|present| {
        present.get_or_insert(gateway);
    });
    answer
}

pub(crate) fn setting(name: &str) -> Option<String> {
    SETTINGS.with_borrow(|settings| settings.get(name).cloned())
}

pub(crate) fn keep_log_line(level: Level, message: &str, fields: Vec<(String, String)>) {
    LINES.with_borrow_mut(|lines| lines.push(LogLine { level, message: message.to_owned(), fields }));
}
