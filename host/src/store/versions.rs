//! Versions of providers that an operator installed, and the components they are made of, as the store keeps them.
//!
//! It does not know what a grant allows, nor which version ought to serve: it keeps one serving version of each provider,
//! and moves them as it is told, all steps of a change or none.

use async_trait::async_trait;
use tillbox_core::id::ProviderId;
use tillbox_core::{ComponentDigest, Timestamp};

use super::{SideStore, StoreError};

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionState {
    /// It waits for an operator to approve what it may do.
    Proposed,
    /// New operations take it.
    Serving,
    /// It served, and finishes what it began.
    Retired,
    /// It never served and never will.
    Rejected,
    /// It served, and was taken away: nothing runs on it any more.
    Removed,
}

impl VersionState {
    /// All of them, as a version goes through them.
    pub const ALL: [Self; 5] = [Self::Proposed, Self::Serving, Self::Retired, Self::Rejected, Self::Removed];

    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Serving => "serving",
            Self::Retired => "retired",
            Self::Rejected => "rejected",
            Self::Removed => "removed",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether operations that began on it may still run on it.
    #[must_use]
    pub fn runs(self) -> bool {
        match self {
            Self::Serving | Self::Retired => true,
            Self::Proposed | Self::Rejected | Self::Removed => false,
        }
    }
}

/// A version of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVersion {
    /// Whose.
    pub provider: ProviderId,
    /// The number of the installation, from 1.
    pub number: u32,
    /// The component.
    pub digest: ComponentDigest,
    /// As the component says.
    pub identifier: String,
    /// As the component says.
    pub version: String,
    /// The lowest version that an upgrade may have from here, where the operator said one.
    pub minimum_version: Option<String>,
    /// What it may do, as JSON. It names secrets and holds none.
    pub grants: String,
    /// How far it has come.
    pub state: VersionState,
    /// Who brought it.
    pub proposed_by: String,
    /// Who said that it may do this.
    pub approved_by: Option<String>,
    /// When it was brought.
    pub created_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// Since when it serves, or did when it last served.
    pub served_from: Option<Timestamp>,
    /// Until when it served.
    pub served_until: Option<Timestamp>,
}

/// One step of a change of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionStep {
    /// Writes down that there is such a provider, enabled, unless it is known.
    Register(ProviderId, Timestamp),
    /// Adds a version as it is.
    Add(Box<KeptVersion>),
    /// Moves a version on; a conflict when it is no longer in the state it was seen in.
    Move {
        /// Whose.
        provider: ProviderId,
        /// Which.
        number: u32,
        /// The state it was seen in.
        from: VersionState,
        /// The state it comes to.
        to: VersionState,
        /// Who approves it, where that is what moves it.
        approved_by: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// A place where versions and components survive.
#[async_trait]
pub trait Versions: SideStore {
    /// Keeps a component under its digest. Keeping it again changes nothing; one that was kept in part is completed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn keep_component(&self, digest: ComponentDigest, bytes: Vec<u8>) -> Result<(), StoreError>;

    /// What is kept under a digest; empty where nothing is. Whether it is whole its digest says.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn component(&self, digest: ComponentDigest) -> Result<Vec<u8>, StoreError>;

    /// Makes a change of versions durable, all steps or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a version is not as a step says, or there is one of that number: nothing was written.
    async fn move_versions(&self, steps: Vec<VersionStep>) -> Result<(), StoreError> {
        self.write_side(super::SideChange::MoveVersions(steps), None).await
    }

    /// Every version of every provider, by provider and number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn provider_versions(&self) -> Result<Vec<KeptVersion>, StoreError>;

    /// How many operations of a provider are open that began with each component.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn open_by_component(&self, provider: ProviderId) -> Result<Vec<(ComponentDigest, u64)>, StoreError>;
}
