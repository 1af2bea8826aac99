//! Why a version of a provider is not installed, or does not serve. What served before goes on.

use thiserror::Error;
use tillbox_core::ComponentDigest;
use tillbox_core::id::ProviderId;
use tillbox_runtime::{CheckError, GrantError};

use crate::store::VersionState;

/// Why not. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionRefusal {
    /// The bytes are no provider that this host can load.
    #[error("the component is refused: {0}")]
    Component(#[from] CheckError),
    /// What it would be given does not fit it.
    #[error("the grants do not fit the component: {0}")]
    Grants(#[from] GrantError),
    /// The bytes are not those that were meant.
    #[error("the component's digest is {found}, and {expected} was asked for: the file is not the one that was meant")]
    Digest {
        /// What was asked for.
        expected: ComponentDigest,
        /// What the bytes have.
        found: ComponentDigest,
    },
    /// Nobody has given the host this component.
    #[error("no component with the digest {digest} was brought here; upload it first")]
    UnknownComponent {
        /// The digest.
        digest: ComponentDigest,
    },
    /// It says that it is another provider.
    #[error("the component is `{found}`, and {provider} is `{expected}`: install it under an id of its own")]
    Identifier {
        /// What is installed.
        provider: ProviderId,
        /// Its identifier.
        expected: String,
        /// The component's.
        found: String,
    },
    /// It is older than it may be.
    #[error(
        "version {found} is below {minimum}, the lowest that is accepted: roll back to a version that served before, or say \
         another minimum"
    )]
    Downgrade {
        /// The component's version.
        found: String,
        /// The lowest that is accepted.
        minimum: String,
    },
    /// There is one already.
    #[error("{provider} is installed; upgrade it, or choose another id")]
    Installed {
        /// Which.
        provider: ProviderId,
    },
    /// It was not installed here, but given to the host at its start.
    #[error("{provider} was not installed here; install it first, then it can be upgraded, rolled back and removed")]
    NotInstalled {
        /// Which.
        provider: ProviderId,
    },
    /// No version waits for an approval, or not this one.
    #[error("no version of {provider} waits for approval{}", number.map(|number| format!(" as number {number}")).unwrap_or_default())]
    NothingProposed {
        /// Whose.
        provider: ProviderId,
        /// The number that was named.
        number: Option<u32>,
    },
    /// There is nothing to go back to, or not this.
    #[error("{provider} has no earlier version to roll back to{}", number.map(|number| format!(" under number {number}")).unwrap_or_default())]
    NothingEarlier {
        /// Whose.
        provider: ProviderId,
        /// The number that was named.
        number: Option<u32>,
    },
    /// A version is not in a state from which it could be moved.
    #[error("version {number} of {provider} is {}; {remedy}", state.as_str())]
    State {
        /// Whose.
        provider: ProviderId,
        /// Which.
        number: u32,
        /// Its state.
        state: VersionState,
        /// What to do.
        remedy: &'static str,
    },
    /// It is in the books, and this host cannot run it.
    #[error("version {number} of {provider} cannot be loaded: {why}")]
    Unloadable {
        /// Whose.
        provider: ProviderId,
        /// Which.
        number: u32,
        /// Why not.
        why: String,
    },
    /// Operations are open that only this component can finish.
    #[error(
        "{open} operations that began with {provider} are open, and only the component they began with finishes them; wait, \
         or force it and resolve them by hand"
    )]
    InUse {
        /// Whose.
        provider: ProviderId,
        /// How many.
        open: u64,
    },
    /// This host was built without a sandbox to load components into.
    #[error("this host has no runtime for components: give it one with `HostBuilder::runtime`")]
    NoRuntime,
}

impl VersionRefusal {
    /// A stable code, part of the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Component(error) => error.code(),
            Self::Grants(error) => error.code(),
            Self::Digest { .. } => "digest_mismatch",
            Self::UnknownComponent { .. } => "component_unknown",
            Self::Identifier { .. } => "identifier_mismatch",
            Self::Downgrade { .. } => "version_below_minimum",
            Self::Installed { .. } => "provider_installed",
            Self::NotInstalled { .. } => "provider_not_installed",
            Self::NothingProposed { .. } => "nothing_proposed",
            Self::NothingEarlier { .. } => "nothing_earlier",
            Self::State { .. } => "version_state",
            Self::Unloadable { .. } => "version_unloadable",
            Self::InUse { .. } => "version_in_use",
            Self::NoRuntime => "no_runtime",
        }
    }

    /// Whether what was sent is at fault, and not the state of things.
    #[must_use]
    pub fn is_input(&self) -> bool {
        match self {
            Self::Component(_)
            | Self::Grants(_)
            | Self::Digest { .. }
            | Self::UnknownComponent { .. }
            | Self::Identifier { .. }
            | Self::Unloadable { .. }
            | Self::Downgrade { .. } => true,
            Self::Installed { .. }
            | Self::NotInstalled { .. }
            | Self::NothingProposed { .. }
            | Self::NothingEarlier { .. }
            | Self::State { .. }
            | Self::InUse { .. }
            | Self::NoRuntime => false,
        }
    }
}
