//! A request without a result, as its caller is told: status, stable code, one sentence, and what to do next.
//!
//! Two audiences. Operators and the merchant's server get the service's own words. A storefront gets a sentence that
//! holds nothing of a provider or of the database; the code and the operation's id are the same for both.
//!
//! Long because every error of the service has its line here.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tillbox_core::id::OperationId;
use tillbox_core::outcome::{ErrorKind, ProviderError};
use tillbox_core::refusal::RefusalKind;
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::{Culprit, Fault};

use super::audit::AnsweredCode;
use super::document;
use super::limits::RETRY_AFTER_SECONDS;
use super::wire::{ErrorAnswer, IdOf, Invalid};
use crate::service::{CartFailure, Error};
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
    pub(super) fn new(status: StatusCode, kind: &'static str, code: &str, message: impl Into<Box<str>>) -> Self {
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

    pub(super) fn media_type(message: &str) -> Self {
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

    pub(super) fn too_many(wait: Duration) -> Self {
        let message =
            "too many requests from this caller; nothing was done, try again after the time that `Retry-After` says";
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "rate_limit_exceeded", message);
        Self { retry_after_seconds: Some(seconds.max(RETRY_AFTER_SECONDS)), ..problem.nothing_sent() }
    }

    pub(super) fn too_many_streams() -> Self {
        let message = "as many event streams are open as may be; read `GET /admin/events` meanwhile";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "too_many_streams", message).nothing_sent().again()
    }

    pub(super) fn draining() -> Self {
        let message = "the host is about to stop";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "draining", message).nothing_sent().again()
    }

    pub(super) fn not_working() -> Self {
        let message = "the host's work in the background has ended; its log says why, and a new start begins it again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "background_work_ended", message)
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
        if let Fault::Host(HostFault::Tripped { retry_after_ms }) = fault {
            return Self::tripped(*retry_after_ms, message);
        }
        let (status, again) = match (fault.culprit(), fault) {
            (Culprit::Guest | Culprit::Operator | Culprit::Gateway, _) => (StatusCode::BAD_GATEWAY, false),
            (Culprit::Host, Fault::Host(HostFault::Busy { .. } | HostFault::Late)) => {
                (StatusCode::SERVICE_UNAVAILABLE, true)
            }
            (Culprit::Host, _) => (StatusCode::INTERNAL_SERVER_ERROR, false),
        };
        let problem = Self::new(status, "provider_fault", fault.code(), message);
        let problem = Self { culprit: Some(fault.culprit()), ..problem };
        let problem = problem.public("the payment could not be processed, and nothing was charged");
        if again { problem.again() } else { problem }
    }

    /// A provider that is not called for a while.
    fn tripped(retry_after_ms: u64, message: String) -> Self {
        let seconds = retry_after_ms.div_ceil(1_000).max(RETRY_AFTER_SECONDS);
        let public = Some("the payment could not be processed, and nothing was charged; try again later");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_fault", "provider_tripped", message);
        Self { public, culprit: Some(Culprit::Guest), retry_after_seconds: Some(seconds), ..problem }
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
            StoreError::Disk(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "store_disk_failed", message)
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
        debug_assert!(
            document::knows(self.status.as_u16(), self.kind, &self.code),
            "{} {} {}: add it to `document/failures.rs`",
            self.status,
            self.kind,
            self.code,
        );
        let message = match (audience, self.public) {
            (Audience::Storefront, Some(words)) => words.into(),
            (Audience::Storefront, None) | (Audience::Operator, _) => self.message,
        };
        let body = ErrorAnswer {
            kind: self.kind,
            code: self.code,
            message,
            field: self.field,
            operation_id: self.operation.map(IdOf::new),
            request_may_have_been_sent: self.sent,
            culprit: self.culprit.map(Culprit::as_str),
        };
        let (status, code) = (self.status, AnsweredCode(body.code.clone()));
        let mut response = (status, Json(body)).into_response();
        response.extensions_mut().insert(code);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 11.6.1: what would have been good.
            for scheme in ["Bearer realm=\"tillbox\"", "Basic realm=\"tillbox\", charset=\"UTF-8\""] {
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
        }
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
                RefusalKind::Conflict => Self::new(StatusCode::CONFLICT, "conflict", &code, message)
                    .public("something about this payment is still being decided; try again in a moment")
                    .again(),
            },
            Error::Invalid { field, .. } => {
                let problem = Self::invalid(StatusCode::BAD_REQUEST, &code, message);
                return Self { field: Some(field.into()), ..problem };
            }
            Error::NotFound { .. } => return Self::new(StatusCode::NOT_FOUND, "not_found", &code, message),
            Error::Duplicate { .. } => {
                return Self::new(StatusCode::UNPROCESSABLE_ENTITY, "duplicate_error", &code, message);
            }
            Error::UnknownProvider { .. } => {
                let problem = Self::invalid(StatusCode::BAD_REQUEST, &code, message);
                return Self { field: Some("provider_id".into()), ..problem };
            }
            Error::Tripped { retry_after_ms, .. } => Self::tripped(retry_after_ms, message),
            Error::Version(refusal) => Self::of_version(&refusal, message),
            Error::NotEnabled { .. } => Self::invalid(StatusCode::BAD_REQUEST, &code, message),
            Error::NotSupported { .. } => Self::new(StatusCode::BAD_REQUEST, "not_allowed", &code, message),
            Error::Rejected { error, .. } | Error::NotTaken { error, .. } => Self::of_rejection(&error, message),
            Error::Fault { fault, .. } | Error::Broken { fault, .. } => Self::of_fault(&fault, message),
            Error::Unanswered { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", &code, message)
                .public("the provider did not answer; try again")
                .again(),
            Error::Unknown { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", &code, message).public(
                "whether the payment went through is not known yet; ask for the session's status before trying again",
            ),
            Error::Review { .. } => Self::new(StatusCode::BAD_GATEWAY, "needs_review", &code, message)
                .public("the payment needs a look by the merchant; do not try again"),
            Error::NotAsked(_) | Error::ComponentGone { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "provider_unavailable", &code, message)
                    .public("the provider could not be asked")
            }
            Error::Cart(CartFailure::Unavailable(_)) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &code, message)
                    .public("the shop could not say what the cart is worth; try again")
                    .again()
            }
            Error::Cart(CartFailure::Wrong(_)) => {
                Self::new(StatusCode::BAD_GATEWAY, "cart_source_fault", &code, message)
                    .public("the shop could not say what the cart is worth")
            }
            Error::NotAuthorized { .. } => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self::new(status, "payment_authorization_error", &code, message)
                    .public("the payment was not authorized")
            }
            Error::KeyReused { field } => {
                let problem = Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, &code, message).nothing_sent();
                return Self { field: Some(field.into()), ..problem };
            }
            Error::KeyInUse { .. } => Self::new(StatusCode::CONFLICT, "conflict", &code, message)
                .public("the same request is under way; ask again in a moment")
                .again(),
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

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value;
    use tillbox_core::id::ProviderId;
    use tillbox_core::outcome::ProviderError;
    use tillbox_core::refusal::Refusal;
    use tillbox_runtime::fault::DeadlineAt;

    use super::*;

    fn operation() -> OperationId {
        OperationId::from_tail("1")
    }

    fn provider() -> ProviderId {
        ProviderId::from_tail("x_y")
    }

    fn rejected(kind: ErrorKind) -> Error {
        let error = ProviderError { kind, code: "raw_code".into(), message: "raw words".into(), data: None };
        Error::Rejected { operation: operation(), error }
    }

    fn fault(fault: Fault) -> Error {
        Error::Fault { operation: operation(), fault }
    }

    async fn told(response: Response) -> Value {
        let body = to_bytes(response.into_body(), 4_096).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Every kind of error: the status, the type, whether it may have been sent, and whether to come back soon.
    fn cases() -> Vec<(Error, u16, &'static str, Option<bool>, bool)> {
        let raw = || "raw words".to_owned();
        let trap = Fault::Trap { message: raw(), frames: vec![raw()], stderr: raw() };
        let slow = Fault::Deadline { at: DeadlineAt::GuestCode, deadline_ms: 1, frames: vec![raw()] };
        let open = Refusal::UncertainCharge { operation: operation() };
        vec![
            (Error::Refused(open), 409, "conflict", Some(false), true),
            (Error::Refused(Refusal::OpenPayments), 400, "not_allowed", Some(false), false),
            (Error::Refused(Refusal::AmountNotPositive { what: "Refund" }), 400, "invalid_data", Some(false), false),
            (Error::NotFound { entity: "Payment", id: "pay_1".into() }, 404, "not_found", None, false),
            (Error::Invalid { field: "amount".into(), message: "no".into() }, 400, "invalid_data", None, false),
            (
                Error::Duplicate { entity: "RefundReason", field: "code", value: "a".into() },
                422,
                "duplicate_error",
                None,
                false,
            ),
            (Error::NotEnabled { provider: provider(), region: None }, 400, "invalid_data", Some(false), false),
            (
                Error::NotSupported { provider: provider(), interface: "account-holders" },
                400,
                "not_allowed",
                Some(false),
                false,
            ),
            (Error::Unanswered { what: "it", detail: raw() }, 504, "outcome_unknown", Some(true), true),
            (rejected(ErrorKind::InvalidRequest), 422, "provider_rejected", Some(false), false),
            (rejected(ErrorKind::Conflict), 422, "provider_rejected", Some(false), false),
            (rejected(ErrorKind::RateLimited { retry_after_ms: 0 }), 503, "provider_rejected", Some(false), true),
            (rejected(ErrorKind::Unavailable), 503, "provider_rejected", Some(false), true),
            (rejected(ErrorKind::Authentication), 502, "provider_rejected", Some(false), false),
            (fault(trap), 502, "provider_fault", Some(false), false),
            (fault(slow), 502, "provider_fault", Some(false), false),
            (fault(Fault::Host(HostFault::Busy { scope: "host" })), 503, "provider_fault", Some(false), true),
            (fault(Fault::Host(HostFault::Late)), 503, "provider_fault", Some(false), true),
            (fault(Fault::Host(HostFault::Panic(raw()))), 500, "provider_fault", Some(false), false),
            (Error::Unknown { operation: operation(), detail: raw() }, 504, "outcome_unknown", Some(true), false),
            (
                Error::Review { operation: operation(), reason: raw(), detail: raw() },
                502,
                "needs_review",
                Some(true),
                false,
            ),
            (
                Error::NotAuthorized { session: tillbox_core::id::SessionId::from_tail("1"), status: "error" },
                422,
                "payment_authorization_error",
                Some(false),
                false,
            ),
            (Error::Cart(CartFailure::Unavailable(raw())), 503, "unavailable", Some(false), true),
            (Error::Cart(CartFailure::Wrong(raw())), 502, "cart_source_fault", Some(false), false),
            (Error::NotAsked(raw()), 502, "provider_unavailable", Some(false), false),
            (Error::KeyReused { field: "amount".into() }, 422, "invalid_data", Some(false), false),
            (Error::KeyInUse { operation: operation() }, 409, "conflict", Some(true), true),
            (Error::Contended, 409, "conflict", Some(false), true),
            (Error::Store(StoreError::Unavailable(raw())), 503, "unavailable", Some(true), true),
            (Error::Store(StoreError::Disk(raw())), 503, "unavailable", Some(true), false),
            (Error::Store(StoreError::Foreign(raw())), 500, "unexpected_state", Some(false), false),
        ]
    }

    #[tokio::test]
    async fn every_error_has_its_status_and_only_operators_read_the_details() {
        for (error, status, kind, sent, again) in cases() {
            let what = error.to_string();
            let problem = Problem::from(error);
            let response = ForStorefront(problem.clone()).into_response();
            assert_eq!(response.status().as_u16(), status, "{what}");
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), again, "{what}");
            let public = told(response).await;
            assert_eq!(public["type"], kind, "{what}");
            assert_eq!(public.get("request_may_have_been_sent").and_then(Value::as_bool), sent, "{what}");
            assert!(!public.to_string().contains("raw"), "{public}");
            let operator = told(ForOperator(problem).into_response()).await;
            assert_eq!(operator["message"], what.as_str());
            assert_eq!(operator["code"], public["code"]);
        }
    }
}
