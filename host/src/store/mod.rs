//! What must survive. The store keeps collections and tells what happened to them; it decides nothing.
//!
//! One change is one transaction: the collection, its sessions, payments and operations, and the events for the outside,
//! together or not at all, and only on top of the version that the decision was made on.

mod access;
mod api_keys;
mod audit;
mod carts;
mod change;
mod claims;
mod condition;
mod delivery;
mod dispatch;
mod exchanges;
mod fault;
mod figures;
mod holders;
mod idempotency;
mod open;
mod outbox;
pub mod postgres;
mod providers;
mod reasons;
mod search;
mod side;
mod sql;
pub mod sqlite;
mod transfer;
mod versions;

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{CaptureId, CollectionId, OperationId, PaymentId, ProviderId, RefundId, SessionId};
use tillbox_core::operation::OperationState;

pub use access::{Accesses, CollectionAccess};
pub use api_keys::{ApiKeyId, ApiKeyKind, ApiKeys, KeptApiKey, Scope};
pub use audit::{AuditDurability, AuditEnd, AuditEntry, AuditFilter, Audits};
pub use carts::{CartClaim, Carts};
pub use change::{Change, Stored};
pub use claims::{Claimed, Claims, Whose};
pub use condition::{
    CollectionField, Condition, MovementField, Operand, PaymentField, ReasonField, SessionField, Test,
};
pub use delivery::{DeliveryState, KeptDelivery, MergedClaim};
pub use dispatch::{
    Channel, Claim, Dispatch, DispatchProgress, DispatchState, Dispatches, KeptSubscriber, Secret, SubscriberId,
};
pub use exchanges::{ExchangeEnd, ExchangeState, ExchangeWrite, Exchanges, KeptExchange};
pub use fault::StoreError;
pub use figures::{Connections, Figures, Lag, OpenOperations};
pub use holders::{AccountHolderFilter, Holders, KeptHolder};
pub use idempotency::{KeyRow, KeyStore, KeyWrite};
pub use open::open;
pub use outbox::OutboxEvent;
pub use providers::{Admission, KeptProvider, Providers};
pub use reasons::{Reasons, RefundReason, RefundReasonFilter};
pub use search::{
    By, CaptureFilter, CollectionFilter, Order, PaymentFilter, Range, RefundFilter, Search, SessionFilter, Wanted,
};
pub use side::{SideChange, SideStore};
pub use sql::snapshot::{from_text as snapshot_from_text, to_text as snapshot_to_text};
pub use transfer::{Moved, Progress, migrate};
pub use versions::{KeptVersion, VersionState, VersionStep, Versions};

/// How a collection is found: by its own id or by that of anything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The collection itself.
    Collection(CollectionId),
    /// The one that holds the session.
    Session(SessionId),
    /// The one that holds the payment.
    Payment(PaymentId),
    /// The one that holds the operation.
    Operation(OperationId),
    /// The one that holds the capture.
    Capture(CaptureId),
    /// The one that holds the refund.
    Refund(RefundId),
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows to pass over.
    pub offset: u32,
    /// Rows to answer, at most [`Page::LIMIT_MAX`].
    pub limit: u32,
}

impl Page {
    /// Rows in one answer: a screenful many times over, and still milliseconds.
    pub const LIMIT_MAX: u32 = 200;
}

/// A part of a list and the length of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The part.
    pub items: Vec<T>,
    /// How many there are in all.
    pub count: u64,
}

/// An operation in a list: enough to find it, the collection holds the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationEntry {
    /// Its id.
    pub id: OperationId,
    /// The collection it belongs to.
    pub collection: CollectionId,
    /// Who was asked.
    pub provider: ProviderId,
    /// How far it has come.
    pub state: OperationState,
}

/// A place where collections survive.
#[async_trait]
pub trait Store:
    Search
    + Reasons
    + Providers
    + Holders
    + Claims
    + Carts
    + Dispatches
    + KeyStore
    + SideStore
    + ApiKeys
    + Figures
    + Accesses
    + Audits
    + Exchanges
    + Versions
    + Send
    + Sync
    + std::fmt::Debug
    + 'static
{
    /// The collection and the version of it that a change must name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn load(&self, key: Key) -> Result<Option<Stored>, StoreError>;

    /// Makes a change durable, as a whole.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the version is no longer the latest: nothing was written, decide again.
    /// [`StoreError::Unavailable`] otherwise.
    async fn commit(&self, change: Change) -> Result<(), StoreError>;

    /// Makes several changes durable, all of them or none. They are of different collections.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn commit_all(&self, changes: Vec<Change>) -> Result<(), StoreError>;

    /// Operations in any of these states, newest first; an empty list of states means all.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn list_operations(
        &self,
        states: Vec<OperationState>,
        page: Page,
    ) -> Result<Listed<OperationEntry>, StoreError>;

    /// Events told to the outside after this sequence number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError>;

    /// Keeps a webhook request before anybody looks into it.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn keep_delivery(&self, delivery: KeptDelivery) -> Result<(), StoreError>;

    /// Says what became of a delivery.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn close_delivery(
        &self,
        id: String,
        state: DeliveryState,
        detail: Option<String>,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deliveries that are open, oldest first, at most `limit`, after this id.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn open_deliveries(&self, after: String, limit: u32) -> Result<Vec<KeptDelivery>, StoreError>;

    /// Whether a claim was merged already.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn is_merged(&self, provider: ProviderId, event_id: String) -> Result<bool, StoreError>;

    /// The session whose payment the provider calls by this reference.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn session_by_reference(
        &self,
        provider: ProviderId,
        reference: String,
    ) -> Result<Option<SessionId>, StoreError>;

    /// A secret of this database, made at the first call: 32 random bytes that provider keys are derived from. It lives and
    /// dies with the operations whose keys it makes.
    ///
    /// # Errors
    /// As [`Store::load`].
    async fn host_key(&self) -> Result<[u8; 32], StoreError>;

    /// Whether a change could be made durable now.
    ///
    /// # Errors
    /// Why not.
    async fn check(&self) -> Result<(), StoreError>;
}
