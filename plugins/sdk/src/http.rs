//! One bounded HTTP exchange with a granted host: the contract's import `http`.
//!
//! The host decides where a request may go, owns `host`, `content-length` and the connection, follows no redirect, and
//! remembers what was said. On native targets [`testing::answer_requests`](crate::testing) stands in for it.
//!
//! ```
//! use tillbox_provider::http::{Form, Request, Response};
//! use tillbox_provider::{Error, Secret, testing};
//!
//! testing::set_secret("api_key", "sk_test_1");
//! testing::answer_requests(|request| Ok(Response::new(200, format!("{} {}", request.method, request.url))));
//!
//! let key = Secret::open("api_key")?;
//! let answer = Request::post("https://api.gateway.example/v1/refunds", "the-key-of-the-context")
//!     .secret_header("authorization", "Bearer ", &key)
//!     .form(&Form::new().pair("amount", 250))
//!     .send()?;
//! assert_eq!(answer.text(), Some("POST https://api.gateway.example/v1/refunds"));
//! # Ok::<(), Error>(())
//! ```

use std::fmt;

use serde::de::DeserializeOwned;

pub use crate::form::{Form, segment};

use crate::error::{Error, Result};
use crate::json::Json;
use crate::secret::Secret;

/// What to send (`http.request`).
#[derive(Debug)]
pub struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) secret_headers: Vec<(String, String, &'a Secret)>,
    pub(crate) body: Option<String>,
}

/// What came back (`http.response`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// RFC 9110 status code.
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// Why no response came (`http.http-error`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// Not granted; the text is the line the operator would have to add. Nothing was sent.
    Denied(String),
    /// The request itself is not acceptable. Nothing was sent.
    Invalid(String),
    /// No connection. Nothing was sent.
    NotConnected(String),
    /// Sent, in whole or in part, and no complete answer came.
    Lost(String),
    /// Answered with this status, and with more than the limit.
    TooLarge(u16),
}

impl<'a> Request<'a> {
    /// Reads.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url.into(), None)
    }

    /// Changes something, under [`Context::idempotency_key`](crate::Context::idempotency_key). The host sees to it that the
    /// first such request of a call carries that key, and each further one a key of its own that is the same in every
    /// attempt; so their order must be the same in every attempt, too.
    #[must_use]
    pub fn post(url: impl Into<String>, idempotency_key: &str) -> Self {
        Self::new("POST", url.into(), Some(idempotency_key))
    }

    /// As [`Request::post`], with the method PUT.
    #[must_use]
    pub fn put(url: impl Into<String>, idempotency_key: &str) -> Self {
        Self::new("PUT", url.into(), Some(idempotency_key))
    }

    /// As [`Request::post`], with the method PATCH.
    #[must_use]
    pub fn patch(url: impl Into<String>, idempotency_key: &str) -> Self {
        Self::new("PATCH", url.into(), Some(idempotency_key))
    }

    /// As [`Request::post`], with the method DELETE.
    #[must_use]
    pub fn delete(url: impl Into<String>, idempotency_key: &str) -> Self {
        Self::new("DELETE", url.into(), Some(idempotency_key))
    }

    fn new(method: &'static str, url: String, idempotency_key: Option<&str>) -> Self {
        let idempotency_key = idempotency_key.map(str::to_owned);
        Self { method, url, idempotency_key, headers: Vec::new(), secret_headers: Vec::new(), body: None }
    }

    /// With a query behind the URL.
    #[must_use]
    pub fn query(mut self, query: &Form) -> Self {
        if !query.is_empty() {
            self.url.push(if self.url.contains('?') { '&' } else { '?' });
            self.url.push_str(&query.encoded());
        }
        self
    }

    /// With a header: its name in lower case, its value in visible ASCII.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a header whose value is a secret behind a prefix such as `Bearer `.
    #[must_use]
    pub fn secret_header(mut self, name: &str, prefix: &str, secret: &'a Secret) -> Self {
        self.secret_headers.push((name.to_owned(), prefix.to_owned(), secret));
        self
    }

    /// With a form as its body.
    #[must_use]
    pub fn form(self, form: &Form) -> Self {
        self.text("application/x-www-form-urlencoded", form.encoded())
    }

    /// With JSON as its body.
    #[must_use]
    pub fn json(self, json: &Json) -> Self {
        self.text("application/json", json.as_str())
    }

    /// With a text as its body.
    #[must_use]
    pub fn text(mut self, content_type: &str, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Performs the exchange.
    ///
    /// # Errors
    /// [`HttpError`]. As an [`Error`] (`?`) it says what it proves: nothing was sent, or nobody knows.
    pub fn send(self) -> Result<Response, HttpError> {
        source::send(&self)
    }
}

impl Response {
    /// An answer without headers, for tests.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The body as JSON of a type.
    ///
    /// # Errors
    /// Kind [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): there is an answer, and nobody can read it.
    /// The body is not in the message: it may hold anything.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::outcome_unknown(format_args!("the answer (status {}) cannot be read: {error}", self.status))
                .code("answer_unreadable")
        })
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(line) => write!(f, "the request is not granted; add: {line}"),
            Self::Invalid(rule) => write!(f, "the request cannot be sent: {rule}"),
            Self::NotConnected(why) => write!(f, "no connection: {why}"),
            Self::Lost(why) => write!(f, "sent, and no complete answer came: {why}"),
            Self::TooLarge(status) => write!(f, "answered {status} with more than can be taken"),
        }
    }
}

impl std::error::Error for HttpError {}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        match &error {
            HttpError::Denied(_) => Self::authentication(&error).code("request_denied"),
            HttpError::Invalid(_) => Self::invalid_request(&error).code("request_invalid"),
            HttpError::NotConnected(_) => Self::unavailable(&error).code("not_connected"),
            HttpError::Lost(_) => Self::outcome_unknown(&error).code("answer_lost"),
            HttpError::TooLarge(_) => Self::outcome_unknown(&error).code("answer_too_large"),
        }
    }
}

#[cfg(target_family = "wasm")]
mod source {
    use super::{HttpError, Request, Response};
    use crate::bindings::provider::tillbox::provider::http as import;

    pub(super) fn send(request: &Request<'_>) -> Result<Response, HttpError> {
        let header = |(name, value): &(String, String)| import::Header { name: name.clone(), value: value.clone() };
        let asked = import::Request {
            method: request.method.to_owned(),
            url: request.url.clone(),
            idempotency_key: request.idempotency_key.clone(),
            headers: request.headers.iter().map(header).collect(),
            secret_headers: request
                .secret_headers
                .iter()
                .map(|(name, prefix, secret)| import::SecretHeader {
                    name: name.clone(),
                    prefix: prefix.clone(),
                    secret: secret.handle(),
                })
                .collect(),
            body: request.body.clone().map(import::Body::Text),
        };
        match import::send(&asked) {
            Ok(response) => Ok(Response {
                status: response.status,
                headers: response.headers.into_iter().map(|header| (header.name, header.value)).collect(),
                body: match response.body {
                    import::Body::Text(text) => text.into_bytes(),
                    import::Body::Bytes(bytes) => bytes,
                },
            }),
            Err(import::HttpError::Denied(line)) => Err(HttpError::Denied(line)),
            Err(import::HttpError::Invalid(rule)) => Err(HttpError::Invalid(rule)),
            Err(import::HttpError::NotConnected(why)) => Err(HttpError::NotConnected(why)),
            Err(import::HttpError::Lost(why)) => Err(HttpError::Lost(why)),
            Err(import::HttpError::TooLarge(status)) => Err(HttpError::TooLarge(status)),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod source {
    pub(super) use crate::testing::send;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::testing::{answer_requests, sent_requests, set_secret};

    #[test]
    fn what_is_asked_for_reaches_the_double_word_for_word() {
        set_secret("api_key", "sk_canary");
        answer_requests(|_| Ok(Response::new(200, r#"{"id":"re_1"}"#)));
        let key = Secret::open("api_key").unwrap();
        let query = Form::new().pair("limit", 2);
        Request::get("https://a.example/v1/x?y=1").query(&query).query(&Form::new()).send().unwrap();
        let post = Request::post("https://a.example/v1/x", "k").form(&query);
        let answer = post.secret_header("authorization", "Bearer ", &key).header("x-a", "b").send().unwrap();
        assert_eq!(answer.json::<serde_json::Value>().unwrap()["id"], "re_1");
        let sent = sent_requests();
        assert_eq!((sent[0].method.as_str(), sent[0].url.as_str()), ("GET", "https://a.example/v1/x?y=1&limit=2"));
        assert_eq!(sent[0].idempotency_key, None);
        assert_eq!((sent[1].idempotency_key.as_deref(), sent[1].body.as_deref()), (Some("k"), Some("limit=2")));
        assert_eq!(sent[1].header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(sent[1].secret_headers, [("authorization".into(), "Bearer ".into(), "api_key".into())]);
        assert!(!format!("{sent:?}").contains("sk_canary"));
        assert!(sent_requests().is_empty(), "taken");
    }

    #[test]
    fn an_error_says_what_it_proves() {
        let kind = |error: HttpError| Error::from(error).kind;
        assert_eq!(kind(HttpError::Denied("hosts = []".into())), ErrorKind::Authentication);
        assert_eq!(kind(HttpError::Invalid("no".into())), ErrorKind::InvalidRequest);
        assert_eq!(kind(HttpError::NotConnected("no".into())), ErrorKind::Unavailable);
        assert_eq!(kind(HttpError::Lost("no".into())), ErrorKind::OutcomeUnknown);
        assert_eq!(kind(HttpError::TooLarge(200)), ErrorKind::OutcomeUnknown);
        let unreadable = Response::new(200, "<html>").json::<serde_json::Value>().unwrap_err();
        assert_eq!((unreadable.kind, unreadable.message.contains("html")), (ErrorKind::OutcomeUnknown, false));
    }

    #[test]
    fn a_test_that_forgot_to_answer_is_told() {
        let error = Request::get("https://a.example/").send().unwrap_err();
        assert!(matches!(error, HttpError::NotConnected(why) if why.contains("answer_requests")));
    }
}
