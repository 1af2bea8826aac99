//! The merchant's own list of reasons for refunds, as the store keeps it. A deleted reason is still read where it was given.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::RefundReasonId;
use tillbox_core::text::Json;

use super::condition::{Condition, ReasonField};
use super::{Listed, SideChange, SideStore, StoreError, Wanted};

/// A reason for refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReason {
    /// Its id.
    pub id: RefundReasonId,
    /// For people.
    pub label: String,
    /// For programs and providers; no two living reasons share one.
    pub code: String,
    /// More for people.
    pub description: Option<String>,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// Which reasons.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefundReasonFilter {
    /// Any of these.
    pub ids: Vec<RefundReasonId>,
    /// With any of these codes.
    pub codes: Vec<String>,
    /// Made in this time.
    pub created: super::Range,
    /// Last changed in this time.
    pub updated: super::Range,
    /// With this text in label, code or description, whatever the case of its ASCII letters.
    pub text: Option<String>,
    /// And what else is wanted.
    pub condition: Condition<ReasonField>,
    /// Deleted ones too.
    pub with_deleted: bool,
}

/// Keeping reasons.
#[async_trait]
pub trait Reasons: SideStore {
    /// Writes reasons, all or none: new ones, and changed ones in the place of the old.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another living reason has a code or one of them was deleted meanwhile;
    /// [`StoreError::Unavailable`].
    async fn keep_refund_reasons(&self, reasons: Vec<RefundReason>) -> Result<(), StoreError> {
        self.write_side(SideChange::KeepReasons(reasons), None).await
    }

    /// Writes the reasons a database begins with, once in its life: whatever was deleted since stays deleted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn seed_refund_reasons(&self, reasons: Vec<RefundReason>) -> Result<(), StoreError>;

    /// Reasons by their ids, deleted ones too.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn refund_reasons(&self, ids: Vec<RefundReasonId>) -> Result<Vec<RefundReason>, StoreError>;

    /// Reasons that fit.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn find_refund_reasons(&self, wanted: Wanted<RefundReasonFilter>)
    -> Result<Listed<RefundReason>, StoreError>;
}
