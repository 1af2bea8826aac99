//! Who called what to change something, as the store keeps it: a row before, its end after.
//!
//! It does not know what a call is, nor who may make one.

use async_trait::async_trait;
use tillbox_core::Timestamp;

use super::{ApiKeyId, ApiKeyKind, Listed, Page, StoreError};

/// One call that may change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// `aud_…`, growing with time.
    pub id: String,
    /// The key that was shown; nothing where the door asks for none.
    pub api_key: Option<ApiKeyId>,
    /// Its kind.
    pub kind: Option<ApiKeyKind>,
    /// The customer, where a token said who.
    pub customer: Option<String>,
    /// The method.
    pub method: String,
    /// The route, with the names of its parts and not their values.
    pub route: String,
    /// What the path names.
    pub subject: Option<String>,
    /// The request's id, as in the log.
    pub request_id: String,
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// How it ended; nothing as long as nobody knows.
    pub end: Option<AuditEnd>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEnd {
    /// The status of the answer.
    pub status: u16,
    /// The code of the error, where it was one.
    pub code: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// When a row has to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditDurability {
    /// No later than whatever is written through this store from now on: it shares that commit.
    WithTheNext,
    /// When the answer is given.
    Now,
}

/// Which calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// With any of these keys.
    pub api_keys: Vec<String>,
    /// About any of these.
    pub subjects: Vec<String>,
    /// Of these requests.
    pub request_ids: Vec<String>,
    /// Begun in this time.
    pub created: super::Range,
}

/// A place where this survives.
#[async_trait]
pub trait Audits {
    /// Writes that a call begins.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn begin_audit(&self, entry: AuditEntry, durability: AuditDurability) -> Result<(), StoreError>;

    /// Writes how calls ended, by their ids, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn end_audits(&self, ends: Vec<(String, AuditEnd)>) -> Result<(), StoreError>;

    /// Calls, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn audits(&self, filter: AuditFilter, page: Page) -> Result<Listed<AuditEntry>, StoreError>;
}
