//! Errors, in the shape that Stripe's clients know: a status and `{"error": {"type", "code", "message", "param", …}}`.

use serde_json::{Map, Value, json};

/// A request that was turned down, or a card that was.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What stands under `error`.
    pub error: Map<String, Value>,
}

impl Problem {
    fn new(status: u16, kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("type".to_owned(), kind.into());
        error.insert("message".to_owned(), message.into().into());
        if let Some(code) = code {
            error.insert("code".to_owned(), code.into());
        }
        Self { status, error }
    }

    /// A request that can never be right.
    #[must_use]
    pub fn invalid(code: Option<&str>, param: Option<&str>, message: impl Into<String>) -> Self {
        let problem = Self::new(400, "invalid_request_error", code, message);
        param.map_or(problem.clone(), |param| problem.with("param", param.into()))
    }

    /// An object that there is not.
    #[must_use]
    pub fn missing(what: &str, id: &str) -> Self {
        let problem =
            Self::new(404, "invalid_request_error", Some("resource_missing"), format!("No such {what}: '{id}'"));
        problem.with("param", what.into())
    }

    /// A key that is not ours.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            401,
            "invalid_request_error",
            None,
            "Invalid API Key provided: give the secret key as Bearer or as Basic user name",
        )
    }

    /// The state of the object does not allow it.
    #[must_use]
    pub fn unexpected_state(intent: &Value, verb: &str) -> Self {
        let status = intent["status"].as_str().unwrap_or_default();
        let message = format!("This PaymentIntent could not be {verb} because it has a status of {status}.");
        Self::invalid(Some("payment_intent_unexpected_state"), None, message).with("payment_intent", intent.clone())
    }

    /// The issuer says no.
    #[must_use]
    pub fn declined(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        let problem = Self::new(402, "card_error", Some(code), message);
        decline_code.map_or(problem.clone(), |decline| problem.with("decline_code", decline.into()))
    }

    /// The key was used for another request.
    #[must_use]
    pub fn other_parameters(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key \
             other than '{key}' if you meant to execute a different request."
        );
        Self::new(400, "idempotency_error", None, message)
    }

    /// The first request with the key is still under way.
    #[must_use]
    pub fn in_flight(key: &str) -> Self {
        let message = format!("There is currently another in-progress request using this idempotency key: {key}");
        Self::new(409, "idempotency_error", Some("idempotency_key_in_use"), message)
    }

    /// Something broke here.
    #[must_use]
    pub fn broken(message: impl Into<String>) -> Self {
        Self::new(500, "api_error", None, message)
    }

    /// Adds to what stands under `error`.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.error.insert(key.to_owned(), value);
        self
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::broken(format!("the ledger: {error}"))
    }
}
