//! A request without a result, as its caller is told: status, stable code, one sentence, and what to do next.
//!
//! Two audiences. Operators and the merchant's server get the service's own words. A storefront gets a sentence that
//! holds nothing of a provider or of the database; the code and the operation's id are the same for both.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tillbox_core::id::OperationId;
use tillbox_core::outcome::{ErrorKind, ProviderError};
use tillbox_core::refusal::RefusalKind;
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::{Culprit, Fault};

use super::limits::RETRY_AFTER_SECONDS;
use super::wire::{ErrorAnswer, Invalid};
use crate::service::Error;
use crate::store::StoreError;

/// What went wrong.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    code: Box<str>,
    /// For operators and the merchant's server.
    message: Box<str>,
    /// For storefronts, where the message is not for them.
    public: Option<&'static str>,
    field: Option<Box<str>>,
    operation: Option<OperationId>,
    /// Absent where the request was over before anything could be sent.
    sent: Option<bool>,
    culprit: Option<Culprit>,
    retry_after_seconds: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, code: &str, message: impl Into<Box<str>>) -> Self {
        Self {
            status,
            kind,
            code: code.into(),
            message: message.into(),
            public: None,
            field: None,
            operation: None,
            sent: None,
            culprit: None,
            retry_after_seconds: None,
        }
    }

    fn invalid(status: StatusCode, code: &str, message: impl Into<Box<str>>) -> Self {
        Self::new(status, "invalid_data", code, message)
    }

    pub(super) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "unknown_route", "there is no such route")
    }

    pub(super) fn wrong_method() -> Self {
        let message = "the route does not take this method; `Allow` lists those it takes";
        Self::invalid(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub(super) fn not_found(entity: &'static str, id: String) -> Self {
        Self::from(Error::NotFound { entity, id })
    }

    pub(super) fn not_json() -> Self {
        let message = "send the header `content-type: application/json`, with an empty body too";
        Self::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    pub(super) fn too_large(bytes_max: usize) -> Self {
        let message = format!("the body is larger than {bytes_max} bytes");
        Self::invalid(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    pub(super) fn body_lost() -> Self {
        Self::invalid(StatusCode::REQUEST_TIMEOUT, "body_incomplete", "the body did not arrive in whole")
    }

    pub(super) fn not_local() -> Self {
        let message = "this server answers requests for localhost only, and the `Host` header names another one";
        Self::invalid(StatusCode::MISDIRECTED_REQUEST, "not_local", message)
    }

    pub(super) fn overloaded() -> Self {
        let message = "too many requests are under way; nothing was done, try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "overloaded", message).nothing_sent().again()
    }

    pub(super) fn store_too_slow() -> Self {
        let message = "the store did not answer in time";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "store_unavailable", message).again()
    }

    /// The time for waiting is over; the work is not.
    pub(super) fn too_late(changes: bool) -> Self {
        let message =
            "the request takes longer than anybody waits; it goes on, so look at what came of it before asking again";
        let status = if changes { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::SERVICE_UNAVAILABLE };
        let kind = if changes { "outcome_unknown" } else { "unavailable" };
        Self { sent: Some(changes), ..Self::new(status, kind, "request_timeout", message) }
    }

    /// A panic, caught at the edge.
    pub(super) fn bug(changes: bool) -> Self {
        let message = "a bug of the host; its log has more. Look at what came of the request before asking again";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { sent: Some(changes), ..Self::new(status, "unexpected_state", "internal", message) }
    }

    fn public(self, words: &'static str) -> Self {
        Self { public: Some(words), ..self }
    }

    fn nothing_sent(self) -> Self {
        Self { sent: Some(false), ..self }
    }

    fn again(self) -> Self {
        Self { retry_after_seconds: Some(RETRY_AFTER_SECONDS), ..self }
    }

    fn of_fault(fault: &Fault, message: String) -> Self {
        let (status, again) = match (fault.culprit(), fault) {
            (Culprit::Guest | Culprit::Operator, _) => (StatusCode::BAD_GATEWAY, false),
            (Culprit::Host, Fault::Host(HostFault::Busy { .. })) => (StatusCode::SERVICE_UNAVAILABLE, true),
            (Culprit::Host, _) => (StatusCode::INTERNAL_SERVER_ERROR, false),
        };
        let problem = Self::new(status, "provider_fault", fault.code(), message);
        let problem = Self { culprit: Some(fault.culprit()), ..problem };
        let problem = problem.public("the payment could not be processed, and nothing was charged");
        if again { problem.again() } else { problem }
    }

    fn of_rejection(error: &ProviderError, message: String) -> Self {
        let (status, words, again) = match &error.kind {
            ErrorKind::InvalidRequest => {
                (StatusCode::UNPROCESSABLE_ENTITY, "the provider did not accept what was sent for it", None)
            }
            ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::NotSupported => {
                (StatusCode::UNPROCESSABLE_ENTITY, "the provider did not accept the request", None)
            }
            ErrorKind::RateLimited { retry_after_ms } => {
                let seconds = retry_after_ms.div_ceil(1_000).max(RETRY_AFTER_SECONDS);
                (StatusCode::SERVICE_UNAVAILABLE, "the provider is busy; try again", Some(seconds))
            }
            ErrorKind::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "the provider is not available; try again", Some(RETRY_AFTER_SECONDS))
            }
            ErrorKind::Authentication | ErrorKind::OutcomeUnknown | ErrorKind::Other(_) => {
                (StatusCode::BAD_GATEWAY, "the payment could not be processed, and nothing was charged", None)
            }
        };
        let problem = Self::new(status, "provider_rejected", "provider_rejected", message).public(words);
        Self { retry_after_seconds: again, ..problem }
    }

    fn of_store(error: &StoreError, message: String) -> Self {
        let words = "the database is not available";
        match error {
            StoreError::Conflict => Self::new(StatusCode::CONFLICT, "conflict", "contended", message).again(),
            StoreError::Unavailable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "store_unavailable", message).again()
            }
            StoreError::Corrupt { .. } | StoreError::Foreign(_) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(status, "unexpected_state", "store_unusable", message)
            }
        }
        .public(words)
    }

    /// The answer, in the words for this audience. What is our own or a provider's fault is logged here, once.
    fn answer(self, audience: Audience) -> Response {
        if self.status.is_server_error() {
            let operation = self.operation.as_ref().map(|operation| operation.as_str());
            tracing::warn!(code = self.code, operation, "{}", self.message);
        }
        let message = match (audience, self.public) {
            (Audience::Storefront, Some(words)) => words.into(),
            (Audience::Storefront, None) | (Audience::Operator, _) => self.message,
        };
        let body = ErrorAnswer {
            kind: self.kind,
            code: self.code,
            message,
            field: self.field,
            operation_id: self.operation.map(|operation| operation.to_string()),
            request_may_have_been_sent: self.sent,
            culprit: self.culprit.map(Culprit::as_str),
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let sent = error.request_may_have_been_sent();
        let (code, operation) = (error.code().to_owned(), error.operation().cloned());
        let problem = match error {
            Error::Refused(refusal) => match refusal.kind() {
                RefusalKind::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", &code, message),
                RefusalKind::InvalidData => Self::invalid(StatusCode::BAD_REQUEST, &code, message),
                RefusalKind::NotAllowed => Self::new(StatusCode::BAD_REQUEST, "not_allowed", &code, message),
                RefusalKind::Conflict => Self::new(StatusCode::CONFLICT, "conflict", &code, message).again(),
            },
            Error::Invalid { field, .. } => {
                let problem = Self::invalid(StatusCode::BAD_REQUEST, &code, message);
                return Self { field: Some(field.into()), ..problem };
            }
            Error::NotFound { .. } => return Self::new(StatusCode::NOT_FOUND, "not_found", &code, message),
            Error::UnknownProvider { .. } => {
                let problem = Self::invalid(StatusCode::BAD_REQUEST, &code, message);
                return Self { field: Some("provider_id".into()), ..problem };
            }
            Error::Rejected { error, .. } => Self::of_rejection(&error, message),
            Error::Fault { fault, .. } => Self::of_fault(&fault, message),
            Error::Unknown { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", &code, message).public(
                "whether the payment went through is not known yet; ask for the session's status before trying again",
            ),
            Error::Review { .. } => Self::new(StatusCode::BAD_GATEWAY, "needs_review", &code, message)
                .public("the payment needs a look by the merchant; do not try again"),
            Error::NotAsked(_) => Self::new(StatusCode::BAD_GATEWAY, "provider_unavailable", &code, message)
                .public("the provider could not be asked"),
            Error::Contended => Self::new(StatusCode::CONFLICT, "conflict", &code, message).again(),
            Error::Store(error) => Self::of_store(&error, message),
        };
        Self { operation, sent: Some(sent), ..problem }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let problem = Self::invalid(StatusCode::BAD_REQUEST, "invalid_data", invalid.message);
        Self { field: invalid.field.map(Into::into), ..problem }
    }
}

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Storefront,
    Operator,
}

/// What is wrong with the request itself has the same words for everybody.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.answer(Audience::Operator)
    }
}

/// A problem told to a storefront.
#[derive(Debug)]
pub(super) struct ForStorefront(Problem);

/// A problem told to an operator or the merchant's server.
#[derive(Debug)]
pub(super) struct ForOperator(Problem);

impl IntoResponse for ForStorefront {
    fn into_response(self) -> Response {
        self.0.answer(Audience::Storefront)
    }
}

impl IntoResponse for ForOperator {
    fn into_response(self) -> Response {
        self.0.answer(Audience::Operator)
    }
}

impl<E: Into<Problem>> From<E> for ForStorefront {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<Problem>> From<E> for ForOperator {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}
