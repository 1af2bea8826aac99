//! Work that is due, shared between the hosts of one database: who takes a piece has it to themselves for a while.
//!
//! A claim only keeps several hosts from doing the same at once. What they may do is decided elsewhere: by versions and by
//! the tokens of leases, which a claim that has run out does not weaken.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{OperationId, ProviderId};

use super::{KeptDelivery, StoreError};

/// Whose operations are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of this provider.
    Of(ProviderId),
    /// Those of all providers but these.
    NotOf(Vec<ProviderId>),
    /// All.
    Everybodys,
}

/// An operation that is due, and ours for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The operation.
    pub id: OperationId,
    /// Who was asked.
    pub provider: ProviderId,
    /// Since when it is due.
    pub due_at: Timestamp,
}

/// Taking due work.
#[async_trait]
pub trait Claims {
    /// At most `limit` operations that are due and that nobody has, those that have waited longest first. They are ours
    /// until `until`, or until they are changed, whichever comes first. Two who claim at once never get the same.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn claim_operations(
        &self,
        whose: Whose,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// The same for webhook deliveries that are open.
    ///
    /// # Errors
    /// As [`Claims::claim_operations`].
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeptDelivery>, StoreError>;

    /// An open delivery was looked into without an end: it is due again at this time, and anybody's. A closed one stays as
    /// it is.
    ///
    /// # Errors
    /// As [`super::Store::commit`].
    async fn postpone_delivery(&self, id: String, next: Timestamp) -> Result<(), StoreError>;
}
