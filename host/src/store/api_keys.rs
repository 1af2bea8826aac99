//! Keys of the HTTP door's callers, as the store keeps them: a digest, what the key may do, and how long.
//!
//! It never sees a key, and decides nothing: whether a key still counts is the service's.

use std::fmt;

use async_trait::async_trait;
use tillbox_core::Timestamp;
use tillbox_core::id::ID_LENGTH_MAX;

use super::{Listed, Page, StoreError};

/// Names an API key where the key itself must not stand: in lists, in logs, in the audit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyId(String);

impl ApiKeyId {
    /// What ids start with, without the underscore.
    pub const PREFIX: &'static str = "apk";

    /// Checks prefix, length and alphabet; nothing when it is no id of a key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, tail) = text.split_once('_')?;
        let good = prefix == Self::PREFIX && !tail.is_empty() && text.len() <= ID_LENGTH_MAX;
        (good && tail.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiKeyKind {
    /// A storefront: anybody who looks at its pages can read the key.
    Publishable,
    /// The merchant's server, or an operator.
    Secret,
}

impl ApiKeyKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Publishable, Self::Secret];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What a secret key may do. Both [`Scope::Operate`] and [`Scope::Administer`] include reading, and neither the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Move money: collections, sessions, captures, refunds, customers' accounts.
    Operate,
    /// Say how the host works: providers, regions, webhook endpoints, verdicts about operations; read the audit.
    Administer,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Administer];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Administer => "administer",
        }
    }

    /// The scope of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Who holds it.
    pub kind: ApiKeyKind,
    /// Its owner's words.
    pub title: Option<String>,
    /// What it may do; nothing for publishable ones.
    pub scopes: Vec<Scope>,
    /// The SHA-256 of the whole key.
    pub digest: [u8; 32],
    /// The key that took its place.
    pub replaced_by: Option<ApiKeyId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not count any more.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// About when it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// A place where keys survive.
#[async_trait]
pub trait ApiKeys {
    /// Keeps a new key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of this id, [`StoreError::Unavailable`].
    async fn add_api_key(&self, key: KeptApiKey) -> Result<(), StoreError>;

    /// Keeps a new key in the place of another, which ends then, or when it would have ended anyway.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the other one was replaced or revoked meanwhile: nothing was written.
    /// [`StoreError::Unavailable`].
    async fn replace_api_key(&self, id: ApiKeyId, ends_at: Timestamp, by: KeptApiKey) -> Result<(), StoreError>;

    /// Takes a key back. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn revoke_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError>;

    /// Says that a key was used.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn use_api_key(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError>;

    /// A key by its id, whether it still counts or not. It is asked for with every request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<KeptApiKey>, StoreError>;

    /// Keys, newest first, ended ones too.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn api_keys(&self, page: Page) -> Result<Listed<KeptApiKey>, StoreError>;
}
