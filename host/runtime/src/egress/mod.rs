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
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use request::{Asked, Method};

pub use connect::{CONNECT_MS_MAX, HEAD_BYTES_MAX, HEADERS_MAX, IDLE_MAX, IDLE_MS_MAX, RESOLVE_MS_MAX, TLS_MS_MAX};
pub use exchange::{BODY_MS_MAX, FIRST_BYTE_MS_MAX, RECEIVED_BODY_BYTES_MAX, Received};
pub use request::{SENT_BODY_BYTES_MAX, SENT_HEADER_BYTES_MAX, SENT_HEADERS_MAX};

use connect::{Connector, Pool};
use resolve::Resolve;
use rule::{HostGrant, Policy, RuleError};

use crate::fault::Culprit;
use crate::journal::Moment;
use crate::limits::HOST_NAME_BYTES_MAX;
use crate::redact::Redactor;

/// Milliseconds by which every wait for a gateway ends before the call's own deadline: for the guest to say what became of it.
pub const ANSWER_MARGIN_MS: u64 = 150;

/// Bytes of a URL that are shown: paths of gateways have under a hundred.
const URL_BYTES_SHOWN: usize = 256;

/// Bytes of a method that are shown.
const METHOD_BYTES_SHOWN: usize = 16;

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
    /// What became of it instead of an answer.
    pub fault: Option<ExchangeFault>,
    /// The same in words.
    pub error: Option<String>,
}

/// What became of a request that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExchangeFault {
    /// To a host, or by a method or path, that was not granted.
    Denied,
    /// With a secret in it that may not go there.
    Secret,
    /// The granted name leads to an address that is nobody's business.
    Astray,
    /// The request itself is not acceptable.
    Invalid,
    /// No connection.
    NotConnected,
    /// Sent, in whole or in part, and no complete answer came.
    Lost,
    /// Answered, and with more than the limit.
    TooLarge,
}

impl ExchangeFault {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Denied, Self::Secret, Self::Astray, Self::Invalid, Self::NotConnected, Self::Lost, Self::TooLarge];

    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Secret => "secret",
            Self::Astray => "astray",
            Self::Invalid => "invalid",
            Self::NotConnected => "not_connected",
            Self::Lost => "lost",
            Self::TooLarge => "too_large",
        }
    }

    /// Whose fault it is: whoever asked for what it may not, or whoever did not answer as they should.
    #[must_use]
    pub fn culprit(self) -> Culprit {
        match self {
            Self::Denied | Self::Secret | Self::Invalid => Culprit::Guest,
            Self::Astray | Self::NotConnected | Self::Lost | Self::TooLarge => Culprit::Gateway,
        }
    }
}

impl ExchangeReport {
    fn new(method: &str, host: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            status: None,
            left: Left::Nothing,
            sent_bytes: 0,
            received_bytes: 0,
            duration: Duration::ZERO,
            fault: None,
            error: None,
        }
    }

    /// Of a request that may be made.
    pub(crate) fn of(asked: &Asked) -> Self {
        let path = asked.secrets.line(asked.target.path(), URL_BYTES_SHOWN);
        let host = asked.secrets.line(&asked.target.host, HOST_NAME_BYTES_MAX);
        let sent_bytes = asked.body.len() as u64;
        Self { sent_bytes, ..Self::new(asked.method.as_str(), &host, &path) }
    }

    /// The same with what became of it instead of an answer.
    pub(crate) fn refused(self, refusal: &Refusal, secrets: &Redactor) -> Self {
        Self { fault: Some(refusal.fault()), error: Some(secrets.text(refusal.said())), ..self }
    }

    /// Of a request that came no further than the door. What was written in the place of a URL is shown up to where its
    /// query would begin.
    pub(crate) fn turned_away(method: &str, url: &str, refusal: &Refusal, secrets: &Redactor) -> Self {
        let method = secrets.line(method, METHOD_BYTES_SHOWN);
        let report = match request::Target::parse(url) {
            Ok(target) => {
                let host = secrets.line(&target.host, HOST_NAME_BYTES_MAX);
                Self::new(&method, &host, &secrets.line(target.path(), URL_BYTES_SHOWN))
            }
            Err(_) => {
                let shown = url.split(['?', '#']).next().unwrap_or("");
                Self::new(&method, "", &secrets.line(shown, URL_BYTES_SHOWN))
            }
        };
        report.refused(refusal, secrets)
    }
}

/// Why there is no response. Mirrors the contract's `http-error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The line that the operator would have to add. Nothing was sent.
    Denied(String),
    /// A secret that may not go there, and what the operator would have to grant. Nothing was sent.
    Secret(String),
    /// The name leads where nothing may go, and the line that would allow it. Nothing was sent.
    Astray(String),
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
    /// The same without the words.
    #[must_use]
    pub fn fault(&self) -> ExchangeFault {
        match self {
            Self::Denied(_) => ExchangeFault::Denied,
            Self::Secret(_) => ExchangeFault::Secret,
            Self::Astray(_) => ExchangeFault::Astray,
            Self::Invalid(_) => ExchangeFault::Invalid,
            Self::NotConnected(_) => ExchangeFault::NotConnected,
            Self::Lost(_) => ExchangeFault::Lost,
            Self::TooLarge(_) => ExchangeFault::TooLarge,
        }
    }

    /// In words.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::Denied(text) | Self::Secret(text) | Self::Astray(text) => format!("denied: {text}"),
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

    /// Whether a request may be made at all.
    pub(crate) fn allows(&self, asked: &Asked) -> Result<(), Refusal> {
        self.policy.allows(asked.method, &asked.target).map(|_| ()).map_err(Refusal::Denied)
    }

    /// Performs one exchange, tells its moments as they pass, and says what left whatever became of it.
    pub(crate) async fn send(
        &self,
        asked: Asked,
        deadline: Instant,
        pass: &(dyn Fn(Moment) + Send + Sync),
    ) -> (Result<Received, Refusal>, ExchangeReport) {
        let start = Instant::now();
        let secrets = asked.secrets.clone();
        let mut report = ExchangeReport::of(&asked);
        let deadline = deadline.checked_sub(Duration::from_millis(ANSWER_MARGIN_MS)).unwrap_or(deadline);
        let course = Course { deadline, pass };
        // Policy is the last word before a socket: nothing below decides where a request may go.
        let answer = match self.policy.allows(asked.method, &asked.target) {
            Err(line) => Err(Refusal::Denied(line)),
            Ok(rule) => exchange::perform(&self.connector, &self.pool, rule, asked, course, &mut report).await,
        };
        // A gateway that echoes what it was sent must not tell the guest what it may use and not read.
        let answer = answer.map(|received| received.without(&secrets));
        report.duration = start.elapsed();
        report.fault = answer.as_ref().err().map(Refusal::fault);
        report.error = answer.as_ref().err().map(|refusal| secrets.text(refusal.said()));
        (answer, report)
    }
}

/// Until when an exchange may take, and who hears how far it is.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) deadline: Instant,
    pub(crate) pass: &'a (dyn Fn(Moment) + Send + Sync),
}
