//! Webhooks: a stored delivery goes in, verified evidence comes out. The provider decides nothing.

use crate::error::Error;
use crate::json::Json;
use crate::money::Money;

/// One header field, in the order received (`webhooks.header`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// As received; compare without regard to case.
    pub name: String,
    /// As received; each byte is one character, U+0000 to U+00FF.
    pub value: String,
}

/// A request as it arrived (`webhooks.delivery`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Headers in order, repeated ones included.
    pub headers: Vec<Header>,
    /// The query string without `?`, or empty.
    pub query: String,
    /// The raw bytes of the body. Signatures are over these bytes: never parse before you verify.
    pub body: Vec<u8>,
    /// When the host received it: milliseconds since 1970-01-01T00:00:00Z. Measure a signature's age against this.
    pub received_at_ms: u64,
}

impl Delivery {
    /// Every value of a header, in order; the name without regard to case.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    }

    /// The first value of a header; the name without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
    }
}

/// What the evidence speaks of (`webhooks.subject`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The host's session id, taken from the gateway's metadata.
    Session(String),
    /// The gateway's own reference, as an outcome gave it.
    ProviderReference(String),
}

/// What happened, in the provider's view (`webhooks.action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The amount is reserved.
    Authorized,
    /// Money was taken; the amount is cumulative.
    Captured,
    /// Money was given back; the amount is cumulative.
    Refunded,
    /// The attempt failed or was declined; the payer may try again.
    Failed,
    /// Under way.
    Pending,
    /// The payer has to act.
    RequiresMore,
    /// Voided, expired or abandoned.
    Canceled,
    /// A dispute (chargeback) was opened; the amount is what is in dispute.
    Disputed,
    /// Valid, but of no interest to the host.
    NotSupported,
}

/// One claim about one payment, verified by its signature (`webhooks.evidence`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The gateway's event id: the dedupe key, at most 255 bytes.
    pub event_id: String,
    /// When it happened at the gateway: milliseconds since 1970-01-01T00:00:00Z.
    pub occurred_at_ms: Option<u64>,
    /// What it speaks of; absent only for [`Action::NotSupported`].
    pub subject: Option<Subject>,
    /// What happened.
    pub action: Action,
    /// **Cumulative** amount, so that order does not matter.
    pub amount: Option<Money>,
    /// The host's operation id where the gateway's metadata holds it.
    pub operation_id: Option<String>,
    /// A short reason for operators; longer than 64 bytes is cut.
    pub reason: Option<String>,
    /// Room to grow.
    pub extensions: Json,
}

impl Evidence {
    /// A claim about a payment.
    #[must_use]
    pub fn new(event_id: impl Into<String>, action: Action, subject: Subject) -> Self {
        Self { subject: Some(subject), action, ..Self::not_supported(event_id) }
    }

    /// A valid event that is of no interest to the host.
    #[must_use]
    pub fn not_supported(event_id: impl Into<String>) -> Self {
        Self {
            event_id: event_id.into(),
            occurred_at_ms: None,
            subject: None,
            action: Action::NotSupported,
            amount: None,
            operation_id: None,
            reason: None,
            extensions: Json::empty(),
        }
    }

    /// With the gateway's time.
    #[must_use]
    pub fn occurred_at_ms(mut self, milliseconds: u64) -> Self {
        self.occurred_at_ms = Some(milliseconds);
        self
    }

    /// With the cumulative amount.
    #[must_use]
    pub fn amount(mut self, amount: Money) -> Self {
        self.amount = Some(amount);
        self
    }

    /// With the host's operation id.
    #[must_use]
    pub fn operation_id(mut self, operation_id: impl Into<String>) -> Self {
        self.operation_id = Some(operation_id.into());
        self
    }

    /// With a short reason for operators.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// Why a delivery was not taken (`webhooks.rejection`). The texts are for operators; longer than 1,024 bytes is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// No signature, a wrong one, or one outside the time window.
    BadSignature(String),
    /// Signed, but not understood.
    Malformed(String),
    /// Could not verify for another reason, a missing setting for one.
    Failed(Error),
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Behind a verified signature, a body that does not read is malformed.
impl From<serde_json::Error> for Rejection {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
