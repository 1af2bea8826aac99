//! Keys that callers gave their requests, as the store keeps them: who used which for what, and what the answer was.
//!
//! It does not know what a request is. Whether two of them are the same, and what an answer means, is the service's.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::OperationId;

use super::StoreError;

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// What tells the request that used it from others.
    pub fingerprint: String,
    /// The operation it led to.
    pub operation: Option<OperationId>,
    /// Who wrote the row last: a name made for one request, never used again.
    pub holder: String,
    /// What the caller was told; absent as long as that is not settled.
    pub answer: Option<String>,
    /// From when on the row counts as absent.
    pub expires_at: Timestamp,
}

/// A key that is taken, or taken over, together with the change it guards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWrite {
    /// Whose key: keys of different callers never meet.
    pub caller: String,
    /// The key.
    pub key: String,
    /// The holder that was read; nothing when there was no row, or an expired one. Anything else there is a conflict, and so
    /// is a row with an answer.
    pub before: Option<String>,
    /// What the row is from now on. Fingerprint and expiry stay as they are where it is taken over.
    pub row: KeyRow,
    /// When.
    pub at: Timestamp,
}

/// A place where keys survive.
#[async_trait]
pub trait KeyStore {
    /// What is kept of a key, expired or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn key(&self, caller: String, key: String) -> Result<Option<KeyRow>, StoreError>;

    /// Writes a key without a change: for a request that changed nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else holds it: nothing was written. [`StoreError::Unavailable`] otherwise.
    async fn write_key(&self, write: KeyWrite) -> Result<(), StoreError>;

    /// Deletes keys that have expired by then, at most `limit`, and tells how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn purge_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
