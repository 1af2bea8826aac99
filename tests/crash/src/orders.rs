//! What a host in another process is told, one JSON object a line, and what it says back.
//!
//! Amounts are minor units of euros. An answer says what was acknowledged, so that it can be looked for after a restart.

use serde::{Deserialize, Serialize};

use crate::fate::End;
use crate::gateway::Manner;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Make a collection.
    Collect {
        /// Over how much.
        amount: i64,
    },
    /// Make several collections in one go; the last one is acknowledged for all.
    CollectMany {
        /// Over how much each.
        amount: i64,
        /// How many.
        count: usize,
    },
    /// Note that nothing more is expected of a collection.
    Complete {
        /// Which.
        collection: String,
    },
    /// Take a collection out of sight.
    Forget {
        /// Which.
        collection: String,
    },
    /// Change a collection's amount.
    Recollect {
        /// Which.
        collection: String,
        /// To how much.
        amount: i64,
    },
    /// Cancel a collection with everything in it.
    Abandon {
        /// Which.
        collection: String,
    },
    /// Open a session.
    Open {
        /// In which collection.
        collection: String,
        /// With which provider.
        provider: String,
        /// Over how much; absent: all that is left.
        amount: Option<i64>,
    },
    /// Change a session's amount.
    Update {
        /// Which.
        session: String,
        /// To how much.
        amount: i64,
    },
    /// Abandon a session.
    Delete {
        /// Which.
        session: String,
    },
    /// Authorize, with a card number that nobody may keep.
    Authorize {
        /// Which session.
        session: String,
    },
    /// Capture.
    Capture {
        /// Which payment.
        payment: String,
        /// How much; absent: all that is left.
        amount: Option<i64>,
    },
    /// Refund.
    Refund {
        /// Which payment.
        payment: String,
        /// How much; absent: all that is left.
        amount: Option<i64>,
    },
    /// Void.
    Cancel {
        /// Which payment.
        payment: String,
    },
    /// Take a webhook request.
    Webhook {
        /// Of which provider.
        provider: String,
        /// Its body.
        body: String,
    },
    /// Ask the provider about an operation.
    Recheck {
        /// Which.
        operation: String,
    },
    /// Go on until nothing that is due is left to find out.
    Recover,
    /// Go on until subscribers have heard of everything.
    Tell,
    /// Meet the end at this step from now on; 0: live.
    Arm {
        /// The step, counted from 1.
        at: i64,
        /// The end.
        end: End,
    },
    /// Behave like this from now on.
    Behave {
        /// How.
        manner: Manner,
        /// Milliseconds each call takes.
        delay_ms: u32,
    },
    /// Carry out an order under an idempotency key.
    Once {
        /// The key.
        key: String,
        /// The order.
        order: Box<Order>,
    },
    /// Listen for HTTP on a port of this machine.
    Listen,
    /// Answer.
    Ping,
}

impl Order {
    /// The same order under an idempotency key.
    #[must_use]
    pub fn once(self, key: impl Into<String>) -> Self {
        Self::Once { key: key.into(), order: Box::new(self) }
    }
}

/// What was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ack {
    /// The collection.
    pub collection: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The payment.
    pub payment: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// Its state.
    pub state: Option<String>,
    /// The amount of the collection, where the order was about that.
    pub amount_minor: Option<i64>,
    /// The port it listens on, where the order was to listen.
    pub port: Option<u16>,
    /// The key that opens it there.
    pub key: Option<String>,
}

/// Why there is no acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The host's stable code.
    pub code: String,
    /// Its words.
    pub text: String,
    /// The operation, where one is in the books.
    pub operation: Option<String>,
}

/// A line from the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// It did what it was told.
    Done(u64, Ack),
    /// It did not, or does not know.
    Trouble(u64, Trouble),
    /// It dies or falls asleep now, at this step.
    Struck(String),
}
