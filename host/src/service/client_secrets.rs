//! The client secret of a collection: what a storefront shows to act on it. An id alone is not enough, since ids stand in
//! links, logs and mails.
//!
//! It is HMAC-SHA-256 (RFC 2104) of the collection's id and a number, under a key derived from the database's own. So it is
//! kept nowhere, needs no row, moves with the database, and another number makes another secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tillbox_core::id::CollectionId;

use super::payer::Payer;
use super::{Error, Host};
use crate::store::{CollectionAccess, Key};

/// What a client secret begins with.
const PREFIX: &str = "cs_";

/// Keeps this use of the database's key apart from every other.
const PURPOSE: &[u8] = b"tillbox: client secrets of payment collections";

/// A client secret. Printing it takes a decision.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The secret, for the storefront that is to act on the collection.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

impl Host {
    /// The secret that opens this collection to a storefront. Give it to the payer's browser and to nobody else.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn client_secret(&self, id: &CollectionId) -> Result<ClientSecret, Error> {
        let access = self.inner.store.collection_access(id.clone()).await?;
        Ok(self.secret_of(id, access.secret_version))
    }

    /// Makes another secret for a collection; the one before it opens nothing any more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn rotate_client_secret(&self, id: &CollectionId) -> Result<ClientSecret, Error> {
        self.stored(&Key::Collection(id.clone())).await?;
        self.inner.store.next_secret(id.clone()).await?;
        self.client_secret(id).await
    }

    /// Whether this is the secret of the collection. Whether there is such a collection makes no difference to the time it
    /// takes, and neither does how much of a secret is right.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn is_client_secret(&self, id: &CollectionId, presented: &str) -> Result<bool, Error> {
        let secret = self.client_secret(id).await?;
        Ok(secret.0.as_bytes().ct_eq(presented.as_bytes()).into())
    }

    /// The customer a collection was made for, where it was made for one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn customer_of(&self, id: &CollectionId) -> Result<Option<String>, Error> {
        Ok(self.inner.store.collection_access(id.clone()).await?.customer)
    }

    /// Whether a collection is this customer's: it was made for them, or the merchant's server opened a session in it for
    /// them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn belongs_to(&self, id: &CollectionId, customer: &str) -> Result<bool, Error> {
        if let Some(owner) = self.customer_of(id).await? {
            return Ok(owner == customer);
        }
        let Some(stored) = self.inner.store.load(Key::Collection(id.clone())).await? else { return Ok(false) };
        let mut payers = stored.collection.live_sessions().map(|session| Payer::from_json(&session.context).0.customer);
        Ok(payers.any(|payer| payer.is_some_and(|payer| payer.id == customer)))
    }

    /// Whether a collection is of this cart.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn is_of_cart(&self, id: &CollectionId, cart_id: &str) -> Result<bool, Error> {
        let stored = self.inner.store.load(Key::Collection(id.clone())).await?;
        Ok(stored.is_some_and(|stored| stored.collection.cart_id.as_deref() == Some(cart_id)))
    }

    fn secret_of(&self, id: &CollectionId, version: i64) -> ClientSecret {
        let hmac = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        let mut key = hmac(&self.inner.host_key);
        key.update(PURPOSE);
        let mut mac = hmac(&key.finalize().into_bytes());
        mac.update(&version.to_be_bytes());
        mac.update(id.as_str().as_bytes());
        let mut text = PREFIX.to_owned();
        for byte in mac.finalize().into_bytes() {
            text.push_str(&format!("{byte:02x}"));
        }
        ClientSecret(text)
    }

    /// The first secret of a collection that was made just now.
    #[must_use]
    pub fn first_client_secret(&self, id: &CollectionId) -> ClientSecret {
        self.secret_of(id, CollectionAccess::FIRST_SECRET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::money;
    use crate::service::NewCollection;

    #[tokio::test]
    async fn a_secret_opens_its_collection_until_it_is_replaced() {
        let builder = Host::builder().in_memory().without_background_work();
        let host = builder.build().await.unwrap();
        let new = || NewCollection::new(money("1", "EUR").unwrap());
        let (one, other) =
            (host.create_collection(new()).await.unwrap().id, host.create_collection(new()).await.unwrap().id);
        let secret = host.client_secret(&one).await.unwrap();
        assert_eq!(secret, host.first_client_secret(&one));
        assert!(host.is_client_secret(&one, secret.reveal()).await.unwrap());
        assert!(!format!("{secret:?}").contains(PREFIX));
        let text = secret.reveal().to_owned();
        for wrong in ["", PREFIX, &text[..text.len() - 1], &format!("{text}0"), &text.to_ascii_uppercase()] {
            assert!(!host.is_client_secret(&one, wrong).await.unwrap(), "{wrong}");
        }
        assert!(!host.is_client_secret(&other, &text).await.unwrap());
        let next = host.rotate_client_secret(&one).await.unwrap();
        assert_ne!(next, host.rotate_client_secret(&one).await.unwrap());
        for old in [&secret, &next] {
            assert!(!host.is_client_secret(&one, old.reveal()).await.unwrap());
        }
        let stranger = Host::builder().in_memory().without_background_work().build().await.unwrap();
        assert_ne!(stranger.first_client_secret(&one), secret, "each database has its own");
        let missing = CollectionId::from_tail("nobody");
        assert!(host.rotate_client_secret(&missing).await.is_err());
    }

    #[tokio::test]
    async fn a_collection_is_its_customers() {
        let host = Host::builder().in_memory().without_background_work().build().await.unwrap();
        let new = NewCollection { customer: Some("cus_1".into()), ..NewCollection::new(money("1", "EUR").unwrap()) };
        let made = host.create_collection(new.clone()).await.unwrap().id;
        assert_eq!(host.customer_of(&made).await.unwrap().as_deref(), Some("cus_1"));
        assert!(host.belongs_to(&made, "cus_1").await.unwrap());
        assert!(!host.belongs_to(&made, "cus_2").await.unwrap());
        host.rotate_client_secret(&made).await.unwrap();
        assert!(host.belongs_to(&made, "cus_1").await.unwrap());
        let nobody = host.create_collection(NewCollection { customer: None, ..new }).await.unwrap().id;
        assert!(!host.belongs_to(&nobody, "cus_1").await.unwrap());
        assert!(!host.belongs_to(&CollectionId::from_tail("x"), "cus_1").await.unwrap());
    }
}
