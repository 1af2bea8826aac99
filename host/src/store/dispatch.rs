//! Who hears of events, and what is on its way to them, as the store keeps it.
//!
//! The outbox is the queue: it was written with the change it tells of. Each subscriber has a place in it, and
//! [`Dispatches::spread`] moves that place on and opens a [`Dispatch`] for every collection it passes. A dispatch is worked
//! on by whoever has claimed it, one at a time; that is what keeps the events of a collection in order, with any number of
//! hosts. The store knows neither HTTP nor when to try again.

use std::fmt;

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::{CollectionId, EventId, ID_LENGTH_MAX};

use super::{Listed, OutboxEvent, Page, SideChange, SideStore, StoreError};

/// Who hears of events: `whep_…` is a webhook endpoint, `sub_…` a subscriber in the process.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(String);

impl SubscriberId {
    /// What ids of webhook endpoints start with, without the underscore.
    pub const WEBHOOK: &'static str = "whep";
    /// What ids of subscribers in the process start with.
    pub const PROCESS: &'static str = "sub";

    /// Checks prefix, length and alphabet; nothing when it is no id of a subscriber.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, tail) = text.split_once('_')?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let known = prefix == Self::WEBHOOK || prefix == Self::PROCESS;
        let good = known && !tail.is_empty() && text.len() <= ID_LENGTH_MAX && tail.bytes().all(allowed);
        good.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a webhook is signed with. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// By a signed POST.
    Webhook {
        /// Where to.
        url: String,
        /// What it is signed with.
        secret: Secret,
        /// A secret that was replaced, and until when it signs as well.
        previous: Option<(Secret, Timestamp)>,
    },
    /// By a call in the process that knows it by name.
    Process,
}

/// A subscriber as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSubscriber {
    /// Its id.
    pub id: SubscriberId,
    /// Grows by one with every change of its owner's.
    pub version: i64,
    /// How it is told.
    pub channel: Channel,
    /// Its owner's words.
    pub description: Option<String>,
    /// Kinds of events (`payment.captured`) or beginnings of them (`payment.*`); none means all.
    pub filter: Vec<String>,
    /// Whether it is told. What happens meanwhile waits for it.
    pub is_enabled: bool,
    /// Why it is not, when the host decided so.
    pub disabled_reason: Option<String>,
    /// How far the outbox was spread for it.
    pub cursor: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner changed it.
    pub updated_at: Timestamp,
}

/// How far a dispatch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DispatchState {
    /// To be told, now or later.
    Open,
    /// Given up; kept for somebody to look at.
    Failed,
}

impl DispatchState {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Failed];

    /// The name used in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Failed => "failed",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text)
    }
}

/// Events of one collection that one subscriber has not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The subscriber and the collection, or the single event.
    pub id: String,
    /// Who is to be told.
    pub subscriber: SubscriberId,
    /// Of what.
    pub collection: CollectionId,
    /// The single event it is about; absent for whatever the collection has to tell.
    pub event: Option<EventId>,
    /// Told so far.
    pub after: i64,
    /// To be told up to here.
    pub until: i64,
    /// How far it has come.
    pub state: DispatchState,
    /// Times the next event was tried in vain.
    pub attempts: u32,
    /// When to try (again); of a claimed one, when the claim ends. Absent once it was given up.
    pub next_action_at: Option<Timestamp>,
    /// Who works on it.
    pub claim: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A wish to work on what is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// For whom.
    pub subscriber: SubscriberId,
    /// Names the claim: who does not know it any more has lost it.
    pub token: String,
    /// The present.
    pub now: Timestamp,
    /// When the claim ends by itself.
    pub until: Timestamp,
    /// How many at most.
    pub limit: u32,
}

/// What became of a claimed dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchProgress {
    /// Told up to `after`; the claim goes on until then.
    Further {
        /// Told so far.
        after: i64,
        /// When the claim ends by itself.
        until: Timestamp,
    },
    /// Told up to `after`, and the claim is given back. Nothing is kept of a dispatch that has no more to tell.
    Told {
        /// Told so far.
        after: i64,
    },
    /// Told up to `after`; the next event could not be told and is tried again.
    Again {
        /// Told so far.
        after: i64,
        /// Times it was tried by now.
        attempts: u32,
        /// When to try again.
        at: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// An event is given up and kept as such; the collection's later ones are told.
    GivenUp {
        /// The event.
        event: EventId,
        /// Its place.
        sequence: i64,
        /// Times it was tried.
        attempts: u32,
        /// Why the last attempt failed.
        error: String,
    },
}

/// The part of a store that events leave by.
#[async_trait]
pub trait Dispatches: SideStore {
    /// Adds a subscriber, which will hear what is written from now on: its `cursor` is set here. One that is there already
    /// stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn add_subscriber(&self, subscriber: KeptSubscriber) -> Result<(), StoreError> {
        self.write_side(SideChange::AddSubscriber(Box::new(subscriber)), None).await
    }

    /// All subscribers, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn subscribers(&self) -> Result<Vec<KeptSubscriber>, StoreError>;

    /// Changes what its owner decides; its place in the outbox is not touched.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the version is no longer the latest or it is gone.
    async fn update_subscriber(&self, subscriber: KeptSubscriber) -> Result<(), StoreError> {
        self.write_side(SideChange::UpdateSubscriber(Box::new(subscriber)), None).await
    }

    /// Forgets a subscriber and everything on its way to it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is none.
    async fn remove_subscriber(&self, id: SubscriberId) -> Result<(), StoreError> {
        self.write_side(SideChange::RemoveSubscriber(id), None).await
    }

    /// Opens dispatches for the next events of the outbox, at most `limit`, and answers for how many: 0 when there are none,
    /// it is not enabled, or another host was faster.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn spread(&self, id: SubscriberId, limit: u32, now: Timestamp) -> Result<u64, StoreError>;

    /// Claims what is due, longest waiting first. No two claims get the same dispatch before the first has ended.
    ///
    /// # Errors
    /// As [`Dispatches::subscribers`].
    async fn claim_dispatches(&self, claim: Claim) -> Result<Vec<Dispatch>, StoreError>;

    /// The events of a dispatch after a place, in order, at most `limit`.
    ///
    /// # Errors
    /// As [`Dispatches::subscribers`].
    async fn dispatch_events(&self, of: Dispatch, after: i64, limit: u32) -> Result<Vec<OutboxEvent>, StoreError>;

    /// Says what became of a claimed dispatch. It has no effect when the claim was lost meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a claim that was to go on is lost; [`StoreError::Unavailable`].
    async fn progress(&self, of: Dispatch, progress: DispatchProgress, now: Timestamp) -> Result<(), StoreError>;

    /// What is on its way to a subscriber, or was given up; no state means both.
    ///
    /// # Errors
    /// As [`Dispatches::subscribers`].
    async fn list_dispatches(
        &self,
        id: SubscriberId,
        state: Option<DispatchState>,
        page: Page,
    ) -> Result<Listed<Dispatch>, StoreError>;

    /// One event of the outbox.
    ///
    /// # Errors
    /// As [`Dispatches::subscribers`].
    async fn event(&self, id: EventId) -> Result<Option<OutboxEvent>, StoreError>;

    /// Has one event told once more, beside whatever else is on its way.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn tell_again(&self, id: SubscriberId, event: OutboxEvent, now: Timestamp) -> Result<(), StoreError> {
        self.write_side(SideChange::TellAgain { id, event: Box::new(event), at: now }, None).await
    }

    /// Has everything told once more that was given up.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn tell_failed_again(&self, id: SubscriberId, now: Timestamp) -> Result<(), StoreError> {
        self.write_side(SideChange::TellFailedAgain { id, at: now }, None).await
    }
}
