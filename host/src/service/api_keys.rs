//! API keys: made, shown once, listed, replaced, taken back, and recognised.
//!
//! A key is `sk_` or `pk_`, the end of its id, and 32 bytes from the operating system in hexadecimal. Kept is its SHA-256
//! alone. A slow hash is for passwords, which can be guessed from a list; 256 random bits cannot, however fast the hash is,
//! and it is computed for every request. It knows no HTTP: which route wants which scope is the door's.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tillbox_core::Timestamp;

use super::input::text;
use super::{Error, Host, NOTE_BYTES_MAX};
use crate::clock::new_tail;
use crate::store::{ApiKeyId, ApiKeyKind, KeptApiKey, Listed, Page, Scope, StoreError};

/// Milliseconds between two notes of when a key was last used: an hour, so that using it costs next to nothing.
pub const LAST_USED_MS: i64 = 60 * 60 * 1_000;

/// Milliseconds a key that was replaced may still be used at most: a month to change over.
pub const ROTATION_GRACE_MS_MAX: i64 = 31 * 24 * 60 * 60 * 1_000;

/// Random bytes of a key.
const KEY_BYTES: usize = 32;

/// Characters of the end of an id: a ULID.
const TAIL_CHARS: usize = 26;

/// An API key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Who is to hold it.
    pub kind: ApiKeyKind,
    /// Your own words, at most [`NOTE_BYTES_MAX`] bytes.
    pub title: Option<String>,
    /// What a secret key may do: at least one. A publishable one has none.
    pub scopes: Vec<Scope>,
    /// From when on it does not count any more.
    pub expires_at: Option<Timestamp>,
}

impl NewApiKey {
    /// A key for storefronts.
    #[must_use]
    pub fn publishable() -> Self {
        Self { kind: ApiKeyKind::Publishable, title: None, scopes: Vec::new(), expires_at: None }
    }

    /// A key for the merchant's server or an operator.
    #[must_use]
    pub fn secret(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let scopes = scopes.into_iter().collect();
        Self { kind: ApiKeyKind::Secret, title: None, scopes, expires_at: None }
    }
}

/// An API key, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// `apk_…`
    pub id: ApiKeyId,
    /// Who holds it.
    pub kind: ApiKeyKind,
    /// Its owner's words.
    pub title: Option<String>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The key that took its place.
    pub replaced_by: Option<ApiKeyId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not count any more.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour ([`LAST_USED_MS`]).
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it may do what needs this scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        match scope {
            // Whoever may change something may look at it.
            Scope::Read => !self.scopes.is_empty(),
            Scope::Operate | Scope::Administer => self.scopes.contains(&scope),
        }
    }

    /// Whether it counts at this time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => ApiKeyState::Revoked,
            (None, Some(at)) if at <= now => ApiKeyState::Expired,
            (None, _) => ApiKeyState::Active,
        }
    }
}

/// Whether a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyState {
    /// It does.
    Active,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl ApiKeyState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl From<KeptApiKey> for ApiKey {
    fn from(kept: KeptApiKey) -> Self {
        Self {
            id: kept.id,
            kind: kept.kind,
            title: kept.title,
            scopes: kept.scopes,
            replaced_by: kept.replaced_by,
            created_at: kept.created_at,
            expires_at: kept.expires_at,
            revoked_at: kept.revoked_at,
            last_used_at: kept.last_used_at,
        }
    }
}

/// A key at the one time it is shown. Printing it takes a decision.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedApiKey(String);

impl IssuedApiKey {
    /// The key, for whoever is to call with it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for IssuedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IssuedApiKey(..)")
    }
}

/// Why what was presented is no key that counts. It never holds what was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAKey {
    /// It does not look like one of ours.
    Malformed,
    /// There is none like it.
    Unknown,
    /// It was taken back.
    Revoked(ApiKeyId),
    /// Its time is over.
    Expired(ApiKeyId),
}

impl Host {
    /// Makes an API key. It is shown now and never again.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Store`].
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<(ApiKey, IssuedApiKey), Error> {
        let (kept, issued) = made(self.checked_key(new)?, self.now())?;
        self.inner.store.add_api_key(kept.clone()).await?;
        Ok((kept.into(), issued))
    }

    /// Keys, newest first, those that have ended too.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn api_keys(&self, page: Page) -> Result<Listed<ApiKey>, Error> {
        let Listed { items, count } = self.inner.store.api_keys(page).await?;
        Ok(Listed { items: items.into_iter().map(ApiKey::from).collect(), count })
    }

    /// A key, whether it still counts or not.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn api_key(&self, id: &ApiKeyId) -> Result<ApiKey, Error> {
        Ok(self.kept_key(id).await?.into())
    }

    /// Takes a key back: from now on it opens nothing. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn revoke_api_key(&self, id: &ApiKeyId) -> Result<ApiKey, Error> {
        self.kept_key(id).await?;
        self.inner.store.revoke_api_key(id.clone(), self.now()).await?;
        Ok(self.kept_key(id).await?.into())
    }

    /// Makes a key of the same kind, title, scopes and end in the place of another, which goes on for `grace_ms` milliseconds,
    /// 0 to [`ROTATION_GRACE_MS_MAX`], or until it would have ended anyway.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] when it was revoked, has expired or was replaced already; [`Error::Store`].
    pub async fn rotate_api_key(&self, id: &ApiKeyId, grace_ms: i64) -> Result<(ApiKey, IssuedApiKey), Error> {
        if !(0..=ROTATION_GRACE_MS_MAX).contains(&grace_ms) {
            return Err(Error::invalid("grace_ms", format!("0 to {ROTATION_GRACE_MS_MAX} milliseconds")));
        }
        let (old, now) = (self.kept_key(id).await?, self.now());
        let state = ApiKey::from(old.clone()).state(now);
        if state != ApiKeyState::Active {
            return Err(Error::invalid("id", format!("{id} is {}; make a new key instead", state.as_str())));
        }
        let new = NewApiKey { kind: old.kind, title: old.title, scopes: old.scopes, expires_at: old.expires_at };
        let (kept, issued) = made(new, now)?;
        let ends_at = Timestamp(now.0.saturating_add(grace_ms));
        match self.inner.store.replace_api_key(id.clone(), ends_at, kept.clone()).await {
            Ok(()) => Ok((kept.into(), issued)),
            Err(StoreError::Conflict) => {
                let what =
                    format!("{id} was replaced or revoked already; `tillbox keys list` shows what took its place");
                Err(Error::invalid("id", what))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whose key this is. What does not look like a key is never looked for.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn authenticate(&self, presented: &str) -> Result<Result<ApiKey, NotAKey>, Error> {
        let Some((kind, id)) = named(presented) else { return Ok(Err(NotAKey::Malformed)) };
        let Some(kept) = self.inner.store.api_key(id).await? else { return Ok(Err(NotAKey::Unknown)) };
        // The time this takes says nothing about how much of a key is right.
        let same = bool::from(kept.digest.ct_eq(&digest(presented)));
        if !same || kept.kind != kind {
            return Ok(Err(NotAKey::Unknown));
        }
        let (key, now) = (ApiKey::from(kept), self.now());
        match key.state(now) {
            ApiKeyState::Revoked => return Ok(Err(NotAKey::Revoked(key.id))),
            ApiKeyState::Expired => return Ok(Err(NotAKey::Expired(key.id))),
            ApiKeyState::Active => {}
        }
        if key.last_used_at.is_none_or(|at| now.0.saturating_sub(at.0) >= LAST_USED_MS) {
            let (host, id) = (self.clone(), key.id.clone());
            // Nobody waits for it, and it is no reason to turn anybody away.
            tokio::spawn(async move {
                if let Err(error) = host.inner.store.use_api_key(id, now).await {
                    tracing::debug!(%error, "the last use of a key was not noted");
                }
            });
        }
        Ok(Ok(key))
    }

    async fn kept_key(&self, id: &ApiKeyId) -> Result<KeptApiKey, Error> {
        let missing = || Error::NotFound { entity: "ApiKey", id: id.to_string() };
        self.inner.store.api_key(id.clone()).await?.ok_or_else(missing)
    }

    fn checked_key(&self, new: NewApiKey) -> Result<NewApiKey, Error> {
        let mut scopes = new.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        match (new.kind, scopes.is_empty()) {
            (ApiKeyKind::Secret, true) => {
                let what = "a secret key needs at least one of read, operate, administer: without one it opens nothing";
                return Err(Error::invalid("scopes", what));
            }
            (ApiKeyKind::Publishable, false) => {
                return Err(Error::invalid(
                    "scopes",
                    "a publishable key has none: anybody can read it in a shop's pages",
                ));
            }
            (ApiKeyKind::Secret, false) | (ApiKeyKind::Publishable, true) => {}
        }
        if new.expires_at.is_some_and(|at| at <= self.now()) {
            return Err(Error::invalid("expires_at", "is in the past"));
        }
        Ok(NewApiKey { title: text("title", new.title, NOTE_BYTES_MAX)?, scopes, ..new })
    }
}

fn made(new: NewApiKey, now: Timestamp) -> Result<(KeptApiKey, IssuedApiKey), Error> {
    let mut random = [0; KEY_BYTES];
    getrandom::fill(&mut random).map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    let tail = new_tail();
    let mut key = format!("{}{tail}_", prefix(new.kind));
    for byte in random {
        key.push_str(&format!("{byte:02x}"));
    }
    let kept = KeptApiKey {
        id: ApiKeyId::parse(&format!("{}_{tail}", ApiKeyId::PREFIX)).expect("made of a prefix and a ULID"),
        kind: new.kind,
        title: new.title,
        scopes: new.scopes,
        digest: digest(&key),
        replaced_by: None,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    Ok((kept, IssuedApiKey(key)))
}

const fn prefix(kind: ApiKeyKind) -> &'static str {
    match kind {
        ApiKeyKind::Publishable => "pk_",
        ApiKeyKind::Secret => "sk_",
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The kind and the id that a key names; nothing when it does not look like one.
fn named(key: &str) -> Option<(ApiKeyKind, ApiKeyId)> {
    let kind = ApiKeyKind::ALL.into_iter().find(|kind| key.starts_with(prefix(*kind)))?;
    let (tail, secret) = key.get(prefix(kind).len()..)?.split_once('_')?;
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let good = tail.len() == TAIL_CHARS && secret.len() == 2 * KEY_BYTES && secret.bytes().all(hexadecimal);
    let id = ApiKeyId::parse(&format!("{}_{tail}", ApiKeyId::PREFIX))?;
    good.then_some((kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn host() -> Host {
        Host::builder().in_memory().without_background_work().build().await.unwrap()
    }

    #[tokio::test]
    async fn a_key_opens_what_it_was_made_for_until_it_ends() {
        let host = host().await;
        let (key, issued) = host.create_api_key(NewApiKey::secret([Scope::Operate])).await.unwrap();
        assert!(issued.reveal().starts_with("sk_") && !format!("{issued:?}").contains("sk_"));
        let found = host.authenticate(issued.reveal()).await.unwrap().unwrap();
        assert_eq!(found.id, key.id);
        assert!(found.may(Scope::Read) && found.may(Scope::Operate) && !found.may(Scope::Administer));
        let (next, replacing) = host.rotate_api_key(&key.id, 60_000).await.unwrap();
        assert_ne!(replacing, issued);
        for alive in [&issued, &replacing] {
            assert!(host.authenticate(alive.reveal()).await.unwrap().is_ok());
        }
        assert!(host.rotate_api_key(&key.id, 0).await.unwrap_err().to_string().contains("replaced"));
        host.revoke_api_key(&next.id).await.unwrap();
        assert_eq!(host.authenticate(replacing.reveal()).await.unwrap(), Err(NotAKey::Revoked(next.id.clone())));
        assert!(host.rotate_api_key(&next.id, 0).await.unwrap_err().to_string().contains("revoked"));
        let (last, short) = host.create_api_key(NewApiKey::publishable()).await.unwrap();
        host.rotate_api_key(&last.id, 0).await.unwrap();
        assert_eq!(host.authenticate(short.reveal()).await.unwrap(), Err(NotAKey::Expired(last.id)));
    }

    #[tokio::test]
    async fn what_is_nearly_a_key_is_none() {
        let host = host().await;
        let (_, issued) = host.create_api_key(NewApiKey::secret([Scope::Read])).await.unwrap();
        let key = issued.reveal();
        let last = if key.ends_with('0') { "1" } else { "0" };
        for wrong in [
            "",
            "sk_",
            &key[..key.len() - 1],
            &format!("{key}0"),
            &key.to_ascii_uppercase(),
            &format!("{}é", &key[..key.len() - 2]),
            &key.replacen("sk_", "apk_", 1),
        ] {
            assert_eq!(host.authenticate(wrong).await.unwrap(), Err(NotAKey::Malformed), "{wrong}");
        }
        for wrong in [format!("{}{last}", &key[..key.len() - 1]), key.replacen("sk_", "pk_", 1)] {
            assert_eq!(host.authenticate(&wrong).await.unwrap(), Err(NotAKey::Unknown), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_key_that_makes_no_sense_is_not_made() {
        let host = host().await;
        let publishable = NewApiKey { scopes: vec![Scope::Read], ..NewApiKey::publishable() };
        let past = NewApiKey { expires_at: Some(Timestamp(1)), ..NewApiKey::publishable() };
        for (new, field) in [(NewApiKey::secret([]), "scopes"), (publishable, "scopes"), (past, "expires_at")] {
            assert!(host.create_api_key(new).await.unwrap_err().to_string().starts_with(field));
        }
        let all = Page { offset: 0, limit: 9 };
        assert_eq!(host.api_keys(all).await.unwrap().count, 0);
    }
}
