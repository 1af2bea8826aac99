//! Finding collections and what is in them: filters, order, pages. Deleted collections and what is in them are found only by
//! those who ask for them.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{CaptureId, CollectionId, PaymentId, ProviderId, RefundId, RefundReasonId, SessionId};
use tillbox_core::status::{CollectionStatus, SessionStatus};

use super::condition::{CollectionField, Condition, MovementField, PaymentField, SessionField};
use super::{Listed, Page, StoreError};

/// A span of time, both ends included; an absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub to: Option<Timestamp>,
}

/// What a list is ordered by. Equal ones are ordered by id, so pages never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// The id, which grows with time.
    #[default]
    Id,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// How much, in minor units. It says something within one currency.
    Amount,
    /// What people read: reasons for refunds have it.
    Label,
    /// What programs read: reasons for refunds have it.
    Code,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: By,
    /// The greatest first.
    pub descending: bool,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self { by: By::Id, descending: true }
    }
}

/// What of a list is wanted. A filter with several fields wants what fits all of them; an empty list of values wants any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<F> {
    /// Which ones.
    pub filter: F,
    /// In which order.
    pub order: Order,
    /// Which part of them.
    pub page: Page,
}

impl<F: Default> From<Page> for Wanted<F> {
    /// All of them, newest first.
    fn from(page: Page) -> Self {
        Self { filter: F::default(), order: Order::default(), page }
    }
}

impl<F> Wanted<F> {
    /// Those that fit the filter, newest first.
    #[must_use]
    pub fn of(filter: F, page: Page) -> Self {
        Self { filter, order: Order::default(), page }
    }
}

/// Which collections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectionFilter {
    /// Any of these.
    pub ids: Vec<CollectionId>,
    /// Of any of these carts.
    pub cart_ids: Vec<String>,
    /// In any of these statuses.
    pub statuses: Vec<CollectionStatus>,
    /// In any of these currencies: ISO 4217 codes, upper case.
    pub currencies: Vec<String>,
    /// Made in this time.
    pub created: Range,
    /// Last changed in this time.
    pub updated: Range,
    /// With this text in the id, the cart's id or the order's id, whatever the case of its ASCII letters.
    pub text: Option<String>,
    /// And what else is wanted.
    pub condition: Condition<CollectionField>,
    /// Deleted ones too.
    pub with_deleted: bool,
}

/// Which sessions. Those that were deleted are never found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionFilter {
    /// Any of these.
    pub ids: Vec<SessionId>,
    /// Of any of these collections.
    pub collections: Vec<CollectionId>,
    /// With any of these providers.
    pub providers: Vec<ProviderId>,
    /// In any of these statuses.
    pub statuses: Vec<SessionStatus>,
    /// Made in this time.
    pub created: Range,
    /// Last changed in this time.
    pub updated: Range,
    /// And what else is wanted.
    pub condition: Condition<SessionField>,
}

/// Which payments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentFilter {
    /// Any of these.
    pub ids: Vec<PaymentId>,
    /// Of any of these collections.
    pub collections: Vec<CollectionId>,
    /// From any of these sessions.
    pub sessions: Vec<SessionId>,
    /// With any of these providers.
    pub providers: Vec<ProviderId>,
    /// In any of these currencies: ISO 4217 codes, upper case.
    pub currencies: Vec<String>,
    /// Captured in full, or not.
    pub captured: Option<bool>,
    /// Voided, or not.
    pub canceled: Option<bool>,
    /// Made in this time.
    pub created: Range,
    /// Last changed in this time.
    pub updated: Range,
    /// With this text in the id, the session's id or the provider's reference, whatever the case of its ASCII letters.
    pub text: Option<String>,
    /// And what else is wanted.
    pub condition: Condition<PaymentField>,
    /// Those of deleted collections too.
    pub with_deleted: bool,
}

/// Which captures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaptureFilter {
    /// Any of these.
    pub ids: Vec<CaptureId>,
    /// Of any of these payments.
    pub payments: Vec<PaymentId>,
    /// Asked for by any of these.
    pub created_by: Vec<String>,
    /// Made in this time.
    pub created: Range,
    /// And what else is wanted. A capture has no reason.
    pub condition: Condition<MovementField>,
}

/// Which refunds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefundFilter {
    /// Any of these.
    pub ids: Vec<RefundId>,
    /// Of any of these payments.
    pub payments: Vec<PaymentId>,
    /// For any of these reasons.
    pub reasons: Vec<RefundReasonId>,
    /// Asked for by any of these.
    pub created_by: Vec<String>,
    /// Made in this time.
    pub created: Range,
    /// And what else is wanted.
    pub condition: Condition<MovementField>,
}

/// Lists. Each answers ids; what they stand for is read with its collection.
#[async_trait]
pub trait Search {
    /// Collections.
    ///
    /// # Errors
    /// As [`super::Store::load`].
    async fn find_collections(&self, wanted: Wanted<CollectionFilter>) -> Result<Listed<CollectionId>, StoreError>;

    /// Sessions, each with its collection.
    ///
    /// # Errors
    /// As [`super::Store::load`].
    async fn find_sessions(
        &self,
        wanted: Wanted<SessionFilter>,
    ) -> Result<Listed<(CollectionId, SessionId)>, StoreError>;

    /// Payments, each with its collection.
    ///
    /// # Errors
    /// As [`super::Store::load`].
    async fn find_payments(
        &self,
        wanted: Wanted<PaymentFilter>,
    ) -> Result<Listed<(CollectionId, PaymentId)>, StoreError>;

    /// Captures that are done, each with its collection.
    ///
    /// # Errors
    /// As [`super::Store::load`].
    async fn find_captures(
        &self,
        wanted: Wanted<CaptureFilter>,
    ) -> Result<Listed<(CollectionId, CaptureId)>, StoreError>;

    /// Refunds that are done, each with its collection.
    ///
    /// # Errors
    /// As [`super::Store::load`].
    async fn find_refunds(&self, wanted: Wanted<RefundFilter>) -> Result<Listed<(CollectionId, RefundId)>, StoreError>;
}
