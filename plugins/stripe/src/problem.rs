//! What Stripe's errors mean: which of them prove that nothing was done, and which leave a question.
//!
//! Source: Stripe's documentation, "Errors", "Error codes" and "Idempotent requests". Only what it says of itself is believed:
//! a request that failed inside, or that is still under way, has no outcome yet.

use tillbox_provider::Error;

use crate::api::Problem;

/// Codes that say: not in this state. What they are about stays as it was.
const CONFLICTS: &[&str] = &[
    "payment_intent_unexpected_state",
    "setup_intent_unexpected_state",
    "intent_invalid_state",
    "charge_already_captured",
    "charge_already_refunded",
    "charge_disputed",
    "charge_expired_for_capture",
    "charge_not_refundable",
    "capture_charge_authorization_expired",
    "payment_intent_action_required",
    "refund_disputed_payment",
    "resource_already_exists",
];

impl Problem {
    /// The code where there is one, the type otherwise.
    pub(crate) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or(&self.kind)
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the object asked for is not there.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404 || self.is("resource_missing")
    }

    /// Whether the intent is in a state that forbids what was asked.
    pub(crate) fn is_state(&self) -> bool {
        self.status == 400 && CONFLICTS.contains(&self.code())
    }

    /// Whether the issuer, the bank or Stripe's own rules said no: an answer.
    pub(crate) fn is_decline(&self) -> bool {
        self.status == 402 && self.kind == "card_error"
    }

    pub(crate) fn text(&self) -> &str {
        self.message.as_deref().unwrap_or("Stripe gives no reason")
    }

    /// As an error, when the request would have changed something.
    pub(crate) fn after_sending(&self) -> Error {
        let message = self.text();
        let error = match self.status {
            // The key belongs to another request: one with this key was made, and this is not its answer.
            400 if self.kind == "idempotency_error" => Error::outcome_unknown(message),
            400 if self.is_missing() => Error::not_found(message),
            400 if self.is_state() => Error::conflict(message),
            400 => Error::invalid_request(message),
            401 | 403 => Error::authentication(message),
            402 => Error::conflict(message),
            404 => Error::not_found(message),
            429 => Error::rate_limited(self.retry_after_ms, message),
            // 409: the same request is under way; 5xx: it broke, and may have been carried out.
            _ => Error::outcome_unknown(message),
        };
        error.code(self.code())
    }

    /// As an error, when the request only read.
    pub(crate) fn while_reading(&self) -> Error {
        let message = self.text();
        let error = match self.status {
            401 | 403 => Error::authentication(message),
            404 => Error::not_found(message),
            429 => Error::rate_limited(self.retry_after_ms, message),
            _ if self.is_missing() => Error::not_found(message),
            _ => Error::unavailable(message),
        };
        error.code(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillbox_provider::ErrorKind;

    fn problem(status: u16, kind: &str, code: Option<&str>) -> Problem {
        let text = serde_json::json!({ "type": kind, "code": code, "message": "no" }).to_string();
        Problem { status, retry_after_ms: 7_000, ..serde_json::from_str(&text).unwrap() }
    }

    #[test]
    fn only_what_stripe_says_of_itself_is_proof() {
        let rows = [
            (400, "invalid_request_error", Some("parameter_missing"), ErrorKind::InvalidRequest),
            (400, "invalid_request_error", Some("resource_missing"), ErrorKind::NotFound),
            (400, "invalid_request_error", Some("charge_already_refunded"), ErrorKind::Conflict),
            (400, "invalid_request_error", Some("payment_intent_unexpected_state"), ErrorKind::Conflict),
            (400, "idempotency_error", None, ErrorKind::OutcomeUnknown),
            (401, "invalid_request_error", None, ErrorKind::Authentication),
            (403, "invalid_request_error", None, ErrorKind::Authentication),
            (402, "card_error", Some("card_declined"), ErrorKind::Conflict),
            (404, "invalid_request_error", Some("resource_missing"), ErrorKind::NotFound),
            (409, "idempotency_error", Some("idempotency_key_in_use"), ErrorKind::OutcomeUnknown),
            (409, "invalid_request_error", Some("lock_timeout"), ErrorKind::OutcomeUnknown),
            (429, "invalid_request_error", Some("rate_limit"), ErrorKind::RateLimited { retry_after_ms: 7_000 }),
            (424, "api_error", None, ErrorKind::OutcomeUnknown),
            (500, "api_error", None, ErrorKind::OutcomeUnknown),
            (503, "api_error", None, ErrorKind::OutcomeUnknown),
            (302, "", None, ErrorKind::OutcomeUnknown),
        ];
        for (status, kind, code, expected) in rows {
            assert_eq!(problem(status, kind, code).after_sending().kind, expected, "{status} {kind} {code:?}");
        }
    }

    #[test]
    fn a_reading_that_fails_has_changed_nothing() {
        assert_eq!(problem(500, "api_error", None).while_reading().kind, ErrorKind::Unavailable);
        assert_eq!(problem(409, "", Some("lock_timeout")).while_reading().kind, ErrorKind::Unavailable);
        assert_eq!(problem(404, "", None).while_reading().kind, ErrorKind::NotFound);
        assert_eq!(problem(401, "", None).while_reading().kind, ErrorKind::Authentication);
    }
}
