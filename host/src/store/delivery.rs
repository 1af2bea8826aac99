//! Webhook deliveries and the claims in them, as the store keeps them.

use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Stored; not verified yet, or verified and waiting for what it speaks of.
    Open,
    /// Every claim in it was merged.
    Applied,
    /// Its signature or its body was refused. It proves nothing.
    Rejected,
    /// It waited too long for what it speaks of; somebody should look.
    Unmatched,
}

impl DeliveryState {
    /// The name used in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Unmatched => "unmatched",
        }
    }
}

/// A webhook request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDelivery {
    /// Ours: `whin_…`.
    pub id: String,
    /// Who it is for.
    pub provider: ProviderId,
    /// Header names and values in order, values mapped byte by byte to U+0000 to U+00FF.
    pub headers: Vec<(String, String)>,
    /// The query string.
    pub query: String,
    /// The raw body.
    pub body: Vec<u8>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// How often it was looked into without an end.
    pub attempts: u32,
    /// When it is looked into next.
    pub next_action_at: Timestamp,
}

/// A claim that is merged with a change; the same event id never counts twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedClaim {
    /// Whose claim.
    pub provider: ProviderId,
    /// The provider's event id.
    pub event_id: String,
    /// The delivery that carried it.
    pub delivery: String,
    /// When it was merged.
    pub at: Timestamp,
}
