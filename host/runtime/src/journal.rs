//! What is written down of a call's exchanges, by whoever keeps it: the intent before the first byte, the answer before the
//! guest sees it, and all that a guest could not find out twice (times, random bytes), so that the same call can be run again
//! without a network.
//!
//! It says when something has to be durable and what. Where it is kept, and what an unanswered intent means, is the host's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::egress::{Left, Received, Refusal};

/// Readings of clocks that are written down in one call. A guest that asks more often is told the last one again: what it
/// could not be told a second time must not decide what it sends.
pub const CLOCK_READINGS_MAX: usize = 4_096;

/// Where the exchanges of one call are kept.
#[async_trait]
pub trait Journal: Send + Sync {
    /// An exchange is about to be sent. When this returns, the intent is durable; until then not a byte has left.
    ///
    /// # Errors
    /// [`NotKept`]: then nothing is sent, and the call ends.
    async fn about_to_send(&self, intent: Intent) -> Result<(), NotKept>;

    /// An exchange has ended, with an answer or without one. When this returns, that is durable; until then the guest has
    /// not seen it.
    ///
    /// # Errors
    /// [`NotKept`]: then the guest never sees it, and the call ends.
    async fn ended(&self, ended: Ended) -> Result<(), NotKept>;

    /// The idempotency key of the n-th request of the call that may change something, from 1.
    fn key(&self, step: u32) -> String;

    /// A moment inside of an exchange has come: for tests that kill a host there, and for traces.
    fn passed(&self, _moment: Moment) {}
}

/// Between which two things a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The connection is made, and the first byte of the request is about to be handed to it.
    BeforeFirstByte,
    /// The last byte of the request has left; no answer was read.
    RequestSent,
    /// The answer is complete, and known to this process alone.
    AnswerRead,
    /// What came of it is durable, and the guest is about to see it.
    BeforeGuest,
}

/// Why something was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotKept {
    /// The operation belongs to somebody else by now.
    Lost,
    /// It could not be written.
    Failed(String),
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the operation belongs to another host by now"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// What is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The place in the call, from 1.
    pub sequence: u32,
    /// `POST`, …
    pub method: String,
    /// The granted host.
    pub host: String,
    /// The path without its query, cleaned.
    pub path: String,
    /// SHA-256 of everything that is asked, in hexadecimal, with secrets as placeholders: a rotated key asks the same.
    pub digest: String,
    /// The key that goes with it; nothing with a `GET`.
    pub idempotency_key: Option<String>,
    /// What is sent, without secrets.
    pub message: Message,
    /// What the guest was told since the intent before.
    pub inputs: Inputs,
    /// Bytes of its body.
    pub sent_bytes: u64,
    /// The longest it can take from now on until the call has ended.
    pub left_of_call: Duration,
}

impl Intent {
    /// Whether the gateway may act upon it.
    #[must_use]
    pub fn may_change(&self) -> bool {
        self.idempotency_key.is_some()
    }
}

/// Query, headers and body of a request, or headers and body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// What follows the `?`, of a request.
    pub query: String,
    /// Names and values. A secret's is a placeholder.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a guest cannot find out a second time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// Where all random bytes of the call come from. Worth as much as the secrets that are made of it.
    pub seed: [u8; 32],
    /// Readings of the wall clock, nanoseconds since 1970 in UTC.
    pub wall: Vec<u64>,
    /// Readings of the monotonic clock, nanoseconds since the call began.
    pub monotonic: Vec<u64>,
}

/// What came of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its place in the call.
    pub sequence: u32,
    /// What left.
    pub left: Left,
    /// What the guest is about to be told: no secret of its own is in it.
    pub answer: Result<Received, Refusal>,
}

/// An exchange that was kept and has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// `POST`, …
    pub method: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// What it asked.
    pub digest: String,
    /// The key that went with it.
    pub idempotency_key: Option<String>,
    /// What the guest had been told before.
    pub inputs: Inputs,
    /// What left.
    pub left: Left,
    /// What the guest was told, or would have been.
    pub answer: Result<Received, Refusal>,
}

/// What a call may do to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// It tells what is. Its requests are `GET` and nothing else, and none of them is kept.
    Reads,
    /// It changes something. Each of its requests carries the host's key and is kept.
    Changes,
}

/// The journal that a call is given with its context, and what an earlier run of the same call has left in it.
#[derive(Clone, Default)]
pub struct Keeping {
    pub(crate) journal: Option<Arc<dyn Journal>>,
    pub(crate) recorded: Arc<Vec<Recorded>>,
}

impl Keeping {
    /// A first run.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal: Some(journal), recorded: Arc::default() }
    }

    /// The same call once more: what was kept is answered from here, in the same order, and not sent. What goes beyond it is
    /// put to the journal as at a first run.
    #[must_use]
    pub fn again(journal: Arc<dyn Journal>, recorded: Vec<Recorded>) -> Self {
        Self { journal: Some(journal), recorded: Arc::new(recorded) }
    }
}

/// What was kept holds answers of gateways.
impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeping({}, {} recorded)", self.journal.is_some(), self.recorded.len())
    }
}

/// Two calls are the same whoever keeps them.
impl PartialEq for Keeping {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Keeping {}
