//! Who may act on a collection beside the merchant, as the store keeps it: a customer's id, and a number.
//!
//! It knows no secret; what the number counts is the service's.

use async_trait::async_trait;
use tillbox_core::id::CollectionId;

use super::StoreError;

/// What is kept of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionAccess {
    /// The customer it was made for, by the merchant's own id.
    pub customer: Option<String>,
    /// Which of its client secrets counts.
    pub secret_version: i64,
}

impl CollectionAccess {
    /// The number of a collection's first secret.
    pub const FIRST_SECRET: i64 = 1;
}

/// A collection of which nothing was written down.
impl Default for CollectionAccess {
    fn default() -> Self {
        Self { customer: None, secret_version: Self::FIRST_SECRET }
    }
}

/// A place where this survives. The customer is written with the collection ([`super::Change::customer`]).
#[async_trait]
pub trait Accesses {
    /// What is kept of a collection; the default where nothing was written down, also for a collection that is not there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn collection_access(&self, id: CollectionId) -> Result<CollectionAccess, StoreError>;

    /// Counts the secret on: from now on the next one counts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], also when there is no such collection.
    async fn next_secret(&self, id: CollectionId) -> Result<(), StoreError>;
}
