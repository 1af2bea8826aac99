//! A change as the store takes it: the collection before and after, and what is told to the outside.

use tillbox_core::event::Event;
use tillbox_core::state::Collection;

use super::carts::CartClaim;
use super::delivery::MergedClaim;
use super::exchanges::ExchangeWrite;
use super::idempotency::KeyWrite;
use super::outbox::OutboxEvent;

/// A collection with the version it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The collection.
    pub collection: Collection,
    /// Grows by one with every change.
    pub version: i64,
}

/// Everything one decision changes.
#[derive(Debug, Clone)]
pub struct Change {
    /// What the decision was made on; nothing for a new collection.
    pub before: Option<Stored>,
    /// What it led to.
    pub after: Collection,
    /// What the outside is told, in order.
    pub events: Vec<OutboxEvent>,
    /// The webhook claim that led to it, if one did. The change is a conflict when the claim was merged already.
    pub claim: Option<MergedClaim>,
    /// The idempotency key that guards it, if there is one. The change is a conflict when somebody else holds the key.
    pub key: Option<KeyWrite>,
    /// What a new collection is to its cart, if it has one.
    pub cart: Option<CartClaim>,
    /// The customer that a new collection is made for.
    pub customer: Option<String>,
    /// What it does to exchanges with gateways.
    pub exchanges: Vec<ExchangeWrite>,
}

impl Change {
    /// A change from the events of a decision.
    #[must_use]
    pub fn new(before: Option<Stored>, after: Collection, events: &[Event]) -> Self {
        let events = events.iter().filter_map(|event| OutboxEvent::of(&after, event)).collect();
        Self { before, after, events, claim: None, key: None, cart: None, customer: None, exchanges: Vec::new() }
    }
}
