//! Changes of what stands beside the collections, each with the key of the request that wants it: both or neither.
//!
//! It does not know what a request is, and decides nothing: a change that finds something else in its place is a conflict.

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;

use super::{KeptHolder, KeptSubscriber, KeyWrite, OutboxEvent, RefundReason, StoreError, SubscriberId, VersionStep};

/// A change of what is no collection.
#[derive(Debug, Clone, PartialEq)]
pub enum SideChange {
    /// [`Reasons::keep_refund_reasons`](super::Reasons::keep_refund_reasons)
    KeepReasons(Vec<RefundReason>),
    /// [`Holders::keep_account_holder`](super::Holders::keep_account_holder)
    KeepHolder(Box<KeptHolder>),
    /// [`Providers::switch_provider`](super::Providers::switch_provider)
    SwitchProvider {
        /// Which.
        id: ProviderId,
        /// On or off.
        is_enabled: bool,
        /// When.
        at: Timestamp,
    },
    /// [`Providers::set_region_providers`](super::Providers::set_region_providers)
    SetRegion {
        /// Which.
        region: String,
        /// Who serves it.
        providers: Vec<ProviderId>,
    },
    /// [`Dispatches::add_subscriber`](super::Dispatches::add_subscriber)
    AddSubscriber(Box<KeptSubscriber>),
    /// [`Dispatches::update_subscriber`](super::Dispatches::update_subscriber)
    UpdateSubscriber(Box<KeptSubscriber>),
    /// [`Dispatches::remove_subscriber`](super::Dispatches::remove_subscriber)
    RemoveSubscriber(SubscriberId),
    /// [`Dispatches::tell_again`](super::Dispatches::tell_again)
    TellAgain {
        /// Whom.
        id: SubscriberId,
        /// What.
        event: Box<OutboxEvent>,
        /// When.
        at: Timestamp,
    },
    /// [`Dispatches::tell_failed_again`](super::Dispatches::tell_failed_again)
    TellFailedAgain {
        /// Whom.
        id: SubscriberId,
        /// When.
        at: Timestamp,
    },
    /// Steps of versions of providers, all or none, in this order.
    MoveVersions(Vec<VersionStep>),
}

/// A place where such changes survive.
#[async_trait]
pub trait SideStore: Send + Sync {
    /// Makes a change durable, and the key of its request with it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when something else stands in the place of either: nothing was written.
    /// [`StoreError::Unavailable`] otherwise.
    async fn write_side(&self, change: SideChange, key: Option<KeyWrite>) -> Result<(), StoreError>;
}
