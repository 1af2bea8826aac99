//! What an operator wants to know of a database at a glance: what is open and for how long, who is behind, how busy it is.
//!
//! All of it is counted by the database when somebody asks, from indexes that hold what is open and nothing else.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;
use tillbox_core::operation::OperationState;

use super::{StoreError, SubscriberId};
use crate::metrics::CommitMetrics;

/// Operations of a provider that are in a state that is not the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOperations {
    /// Who was asked.
    pub provider: ProviderId,
    /// How far they have come.
    pub state: OperationState,
    /// How many.
    pub count: u64,
    /// When the oldest began.
    pub oldest: Timestamp,
}

/// How far a subscriber is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// Who.
    pub subscriber: SubscriberId,
    /// Events of the outbox that were not spread for it.
    pub events: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
    /// Dispatches on their way to it.
    pub open: u64,
    /// Events that were given up.
    pub failed: u64,
}

/// Connections of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connections {
    /// As many as there may be.
    pub most: u64,
    /// Open now.
    pub open: u64,
    /// Of those, in nobody's hands.
    pub idle: u64,
    /// Callers that wait for one.
    pub waiting: u64,
}

/// Counting.
#[async_trait]
pub trait Figures {
    /// How changes became durable since the store was opened.
    fn commit_metrics(&self) -> CommitMetrics;

    /// Connections of this host.
    fn connections(&self) -> Connections;

    /// What is open, by provider and state.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn open_operations(&self) -> Result<Vec<OpenOperations>, StoreError>;

    /// How far each subscriber is behind, by id.
    ///
    /// # Errors
    /// As [`Figures::open_operations`].
    async fn lags(&self) -> Result<Vec<Lag>, StoreError>;

    /// The number of the latest event that has one; 0 without any.
    ///
    /// # Errors
    /// As [`Figures::open_operations`].
    async fn last_sequence(&self) -> Result<i64, StoreError>;
}
