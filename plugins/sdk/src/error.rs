//! Errors: calls that ended without an answer. A decline is an answer and not in here.

use std::fmt;

use serde::Serialize;

use crate::json::Json;
use crate::money::MoneyError;

/// What most functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no answer (`types.error-kind`). Few and closed: each is something the host acts on.
///
/// **Proof** marks the kinds by which the provider vouches that nothing happened. Return one only when that is certain:
/// after a request was sent, hardly anything proves that it had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be right, whoever sends it. Proof.
    InvalidRequest,
    /// The operator's credentials or settings were refused. Proof.
    Authentication,
    /// The gateway does not know the payment. Proof.
    NotFound,
    /// The payment is in a state that forbids this. Proof.
    Conflict,
    /// Too many requests. Proof.
    RateLimited {
        /// Milliseconds to wait, 0 where the gateway does not say.
        retry_after_ms: u64,
    },
    /// The gateway said that it did not take the request, or nothing was sent. Proof.
    Unavailable,
    /// The provider cannot do this at all. Proof.
    NotSupported,
    /// A request was sent and no usable answer came. Not proof: the host asks again before it believes anything.
    OutcomeUnknown,
    /// Anything else, with a code of at most 64 bytes. Not proof.
    Other(String),
}

impl ErrorKind {
    /// The contract's name of the kind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::Authentication => "authentication",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::NotSupported => "not-supported",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Other(_) => "other",
        }
    }
}

/// A call that ended without an answer (`types.error`).
///
/// `?` makes one from [`serde_json::Error`] and [`MoneyError`]. Both become [`ErrorKind::Other`], which proves nothing,
/// because a `?` may well stand behind the line that moved the money. Where nothing can have happened yet, say so:
/// `.map_err(Error::invalid_request)?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the host acts on.
    pub kind: ErrorKind,
    /// The provider's code for operators; longer than 64 bytes is cut.
    pub code: String,
    /// One sentence for operators; longer than 1,024 bytes is cut. Never shown raw to a payer.
    pub message: String,
    /// New private state, where the failure changed it. Absent: the earlier `data` stays.
    pub data: Option<Json>,
}

impl Error {
    /// Makes an error whose code is the name of its kind, or the kind's own code for [`ErrorKind::Other`].
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        let code = if let ErrorKind::Other(code) = &kind { code.clone() } else { kind.name().to_owned() };
        Self { kind, code, message: message.to_string(), data: None }
    }

    /// The request cannot be right, whoever sends it.
    #[must_use]
    pub fn invalid_request(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// The operator's credentials or settings were refused.
    #[must_use]
    pub fn authentication(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Authentication, message)
    }

    /// The gateway does not know the payment.
    #[must_use]
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The payment is in a state that forbids this.
    #[must_use]
    pub fn conflict(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Too many requests; milliseconds to wait, 0 where the gateway does not say.
    #[must_use]
    pub fn rate_limited(retry_after_ms: u64, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::RateLimited { retry_after_ms }, message)
    }

    /// The gateway did not take the request, or nothing was sent.
    #[must_use]
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// The provider cannot do this at all.
    #[must_use]
    pub fn not_supported(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotSupported, message)
    }

    /// A request was sent and no usable answer came.
    #[must_use]
    pub fn outcome_unknown(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::OutcomeUnknown, message)
    }

    /// Anything else.
    #[must_use]
    pub fn other(code: &str, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Other(code.to_owned()), message)
    }

    /// With the provider's own code for operators.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// With new private state, because the failure changed it.
    ///
    /// # Errors
    /// As [`Json::of`].
    pub fn data<T: Serialize + ?Sized>(mut self, state: &T) -> Result<Self> {
        self.data = Some(Json::of(state)?);
        Ok(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.kind.name(), self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::other("json", error)
    }
}

impl From<MoneyError> for Error {
    fn from(error: MoneyError) -> Self {
        Self::other("money", error)
    }
}
