//! The only way out for a component: one bounded HTTP exchange at a time, to hosts that the operator granted.
//!
//! | step | file |
//! |---|---|
//! | what may be asked for at all | `request` |
//! | who it may be asked of | `rule` |
//! | where that name leads, and whether an address is anybody's business | `resolve`, `address` |
//! | a connection to the address that was checked, under the name that was granted | `connect` |
//! | the exchange: what left, what came back, within which time and size | `exchange` |
//!
//! No redirects, no proxies, no cookies, nothing shared between providers. It knows no payments; what left the process it
//! says exactly, and whoever asks decides what that means.

pub mod address;
mod connect;
mod exchange;
mod request;
pub mod resolve;
pub mod rule;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use exchange::Received;
pub(crate) use request::Asked;

pub use connect::{CONNECT_MS_MAX, HEAD_BYTES_MAX, HEADERS_MAX, IDLE_MAX, IDLE_MS_MAX, RESOLVE_MS_MAX, TLS_MS_MAX};
pub use exchange::{BODY_MS_MAX, RECEIVED_BODY_BYTES_MAX};
pub use request::{SENT_BODY_BYTES_MAX, SENT_HEADER_BYTES_MAX, SENT_HEADERS_MAX};

use connect::{Connector, Pool};
use resolve::Resolve;
use rule::{HostGrant, Policy, RuleError};

/// Milliseconds by which every wait for a gateway ends before the call's own deadline: for the guest to say what became of it.
pub const ANSWER_MARGIN_MS: u64 = 150;

/// How much of a request left the process, as the host saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Left {
    /// Not a byte. Proof.
    Nothing,
    /// Some of it, or all: the gateway may have acted upon it.
    Something,
    /// All of it, and a complete answer came back.
    Answered,
}

impl Left {
    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Something => "something",
            Self::Answered => "answered",
        }
    }
}

/// One exchange, for operators: nothing of a body, a query or a header is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeReport {
    /// `POST`, …
    pub method: String,
    /// The granted host.
    pub host: String,
    /// The path, without its query.
    pub path: String,
    /// The status, where an answer began.
    pub status: Option<u16>,
    /// What left.
    pub left: Left,
    /// Bytes of the body that was to be sent.
    pub sent_bytes: u64,
    /// Bytes of the body that came back, unpacked.
    pub received_bytes: u64,
    /// From the guest's request to its answer.
    pub duration: Duration,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// Why there is no response. Mirrors the contract's `http-error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The line that the operator would have to add. Nothing was sent.
    Denied(String),
    /// The request itself. Nothing was sent.
    Invalid(String),
    /// Nothing was sent.
    NotConnected(String),
    /// Sent, in whole or in part, and no complete answer came.
    Lost(String),
    /// Answered with this status, and with more than the limit.
    TooLarge(u16),
}

impl Refusal {
    fn said(&self) -> String {
        match self {
            Self::Denied(text) => format!("denied: {text}"),
            Self::Invalid(text) => format!("invalid: {text}"),
            Self::NotConnected(text) => format!("not connected: {text}"),
            Self::Lost(text) => format!("lost: {text}"),
            Self::TooLarge(status) => format!("answered {status} with more than the limit"),
        }
    }
}

/// What one provider may reach, and its connections. Never shared with another one.
#[derive(Debug)]
pub struct Egress {
    policy: Policy,
    connector: Connector,
    pool: Pool,
}

impl Egress {
    /// A way out to the granted hosts; `resolver` says where names lead, `roots` whom to trust beside the machine's own list.
    ///
    /// # Errors
    /// [`RuleError`] naming the grant that makes no sense.
    pub fn new(grants: &[HostGrant], resolver: Arc<dyn Resolve>, roots: &[Vec<u8>]) -> Result<Self, RuleError> {
        let policy = Policy::new(grants)?;
        Ok(Self { policy, connector: Connector::new(resolver, roots), pool: Pool::default() })
    }

    /// Performs one exchange, and says what left whatever became of it.
    pub(crate) async fn send(&self, asked: Asked, deadline: Instant) -> (Result<Received, Refusal>, ExchangeReport) {
        let start = Instant::now();
        let mut report = ExchangeReport {
            method: asked.method.as_str().to_owned(),
            host: asked.target.host.clone(),
            path: asked.target.path().to_owned(),
            status: None,
            left: Left::Nothing,
            sent_bytes: asked.body.len() as u64,
            received_bytes: 0,
            duration: Duration::ZERO,
            error: None,
        };
        let deadline = deadline.checked_sub(Duration::from_millis(ANSWER_MARGIN_MS)).unwrap_or(deadline);
        // Policy is the last word before a socket: nothing below decides where a request may go.
        let answer = match self.policy.allows(asked.method, &asked.target) {
            Err(line) => Err(Refusal::Denied(line)),
            Ok(rule) => exchange::perform(&self.connector, &self.pool, rule, asked, deadline, &mut report).await,
        };
        report.duration = start.elapsed();
        report.error = answer.as_ref().err().map(Refusal::said);
        (answer, report)
    }
}
