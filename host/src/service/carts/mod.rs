//! A cart's collection, for storefronts: one for each cart, over what the shop says the cart is worth.
//!
//! No amount comes from a storefront. Where the host was given a [`CartSource`], it is asked each time; else there has to be
//! a collection that the server side made for the cart.

mod callback;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use thiserror::Error as ThisError;
use tillbox_core::command::Command;
use tillbox_core::id::CollectionId;
use tillbox_core::machine;
use tillbox_core::state::Collection;
use tillbox_core::{Currency, Money};

use super::execute::Executed;
use super::idempotency::{Concluded, Guard};
use super::input::{CART_ID_BYTES_MAX, ORDER_ID_BYTES_MAX, text};
use super::{CollectionUpdate, Error, Host, NewCollection};
use crate::store::{CartClaim, Change, CollectionFilter, Key, Page, StoreError, Wanted};

pub use callback::{CART_ANSWER_BYTES_MAX, CART_ANSWER_SECONDS_MAX, CART_CALL_MS_MAX, CartCallback};

/// How often it is looked at again because somebody else was faster with the same cart.
const ATTEMPTS: usize = 16;

/// What a shop knows of its carts and orders.
#[async_trait]
pub trait CartSource: Send + Sync + 'static {
    /// What a cart is worth now; nothing when there is no such cart.
    ///
    /// # Errors
    /// [`CartFailure`] when the shop could not be asked, or said what cannot be right.
    async fn cart(&self, id: &str) -> Result<Option<Money>, CartFailure>;

    /// The currency of an order; nothing when there is no such order. The default knows none.
    ///
    /// # Errors
    /// As [`CartSource::cart`].
    async fn order_currency(&self, id: &str) -> Result<Option<Currency>, CartFailure> {
        let _ = id;
        Ok(None)
    }
}

/// Why a shop did not tell.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum CartFailure {
    /// It could not be asked. It may answer in a moment.
    #[error("the shop could not be asked: {0}")]
    Unavailable(String),
    /// It answered what cannot be right: somebody has to correct it.
    #[error("the shop's answer cannot be right: {0}")]
    Wrong(String),
}

/// A cart's collection, where there is one that can be used, and the one that the cart is bound to.
type Found = (Option<Collection>, Option<CollectionId>);

impl Host {
    /// The one collection of a cart. With a [`CartSource`]: over what the cart is worth now, made where there is none; one
    /// that is over another amount is changed, its sessions abandoned first. Without one: the one that was made for the cart
    /// and is neither deleted nor canceled.
    ///
    /// # Errors
    /// [`Error::Invalid`]; [`Error::NotFound`] when there is no such cart; [`Error::Cart`]; [`Error::Refused`] when the amount
    /// changed and the collection cannot be changed any more: it stays as it is.
    pub async fn collection_of_cart(&self, cart_id: &str) -> Result<Collection, Error> {
        Ok(self.found_or_made_for_cart(cart_id).await?.0)
    }

    /// The same, and whether this call is the one that made it: of several at once, one is.
    ///
    /// # Errors
    /// As [`Host::collection_of_cart`].
    pub async fn found_or_made_for_cart(&self, cart_id: &str) -> Result<(Collection, bool), Error> {
        text("cart_id", Some(cart_id.to_owned()), CART_ID_BYTES_MAX)?;
        let guard = self.guard("collection_of_cart", cart_id, |print| print).whole();
        let is_made = AtomicBool::new(false);
        let collection = self.once(&guard, self.of_cart(cart_id, &guard, &is_made)).await?.collection;
        Ok((collection, is_made.into_inner()))
    }

    /// The id of the collection that a cart has already; nothing is made or changed.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn known_collection_of_cart(&self, cart_id: &str) -> Result<Option<CollectionId>, Error> {
        text("cart_id", Some(cart_id.to_owned()), CART_ID_BYTES_MAX)?;
        Ok(self.found_for(cart_id).await?.0.map(|collection| collection.id))
    }

    async fn of_cart(&self, cart_id: &str, guard: &Guard, is_made: &AtomicBool) -> Concluded {
        let missing = || Error::NotFound { entity: "Cart", id: cart_id.to_owned() };
        let Some(source) = &self.inner.cart_source else {
            let (found, _) = self.found_for(cart_id).await?;
            return found.map(Executed::unasked).ok_or_else(missing);
        };
        let worth = source.cart(cart_id).await?.ok_or_else(missing)?;
        for _ in 0..ATTEMPTS {
            match self.found_for(cart_id).await? {
                (Some(collection), _) if collection.amount == worth => return Ok(Executed::unasked(collection)),
                (Some(collection), _) => self.bring_to(&collection, worth).await?,
                (None, bound) => {
                    if let Some(made) = self.bind(cart_id, worth, bound, guard).await? {
                        is_made.store(true, Ordering::Relaxed);
                        return Ok(Executed::unasked(made));
                    }
                }
            }
            if guard.lost(self).await? {
                break;
            }
        }
        Err(Error::Contended)
    }

    async fn found_for(&self, cart_id: &str) -> Result<Found, Error> {
        let open = |collection: &Collection| collection.deleted_at.is_none() && collection.canceled_at.is_none();
        let bound = self.inner.store.cart_collection(cart_id.to_owned()).await?;
        if let Some(id) = &bound
            && let Some(stored) = self.inner.store.load(Key::Collection(id.clone())).await?
            && open(&stored.collection)
        {
            return Ok((Some(stored.collection), bound));
        }
        let filter = CollectionFilter { cart_ids: vec![cart_id.to_owned()], ..CollectionFilter::default() };
        let newest = self.collections(Wanted::of(filter, Page { offset: 0, limit: Page::LIMIT_MAX })).await?;
        Ok((newest.items.into_iter().find(open), bound))
    }

    /// Makes the cart's collection; nothing when somebody else was faster.
    async fn bind(
        &self,
        cart_id: &str,
        worth: Money,
        instead_of: Option<CollectionId>,
        guard: &Guard,
    ) -> Result<Option<Collection>, Error> {
        let made = self.made(NewCollection { cart_id: Some(cart_id.to_owned()), ..NewCollection::new(worth) })?;
        let after = made.after.clone();
        let key = guard.end(self, None, &after, || Ok(Executed::unasked(after.clone())));
        let change = Change { cart: Some(CartClaim::InsteadOf(instead_of)), key: key.clone(), ..made };
        match self.inner.store.commit(change).await {
            Ok(()) => {
                guard.written(key.as_ref());
                Ok(Some(after))
            }
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings a collection to what its cart is worth now. What speaks against it is said before a session is abandoned. A
    /// collection keeps its currency, so for another one it makes way.
    async fn bring_to(&self, collection: &Collection, worth: Money) -> Result<(), Error> {
        let (host, id) = (self.without_key(), &collection.id);
        if collection.currency() != worth.currency() {
            return host.delete_collection(id).await;
        }
        let update = CollectionUpdate { amount: Some(worth), metadata: None };
        let command = Command::UpdateCollection { amount: Some(worth), metadata: None };
        machine::decide(Some(collection), &command, self.now())?;
        host.abandon_sessions(&Key::Collection(id.clone()), &Guard::default()).await?;
        host.update_collection(id, update).await.map(|_| ())
    }

    /// The currency of an amount that comes without one: that of the order where the shop knows it, else the host's own.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is neither; [`Error::Cart`].
    pub async fn currency_of_order(&self, order_id: Option<&str>) -> Result<Currency, Error> {
        if let (Some(source), Some(order)) = (&self.inner.cart_source, order_id) {
            text("order_id", Some(order.to_owned()), ORDER_ID_BYTES_MAX)?;
            if let Some(currency) = source.order_currency(order).await? {
                return Ok(currency);
            }
        }
        let missing = || Error::invalid("currency_code", "is missing, and the host has no default currency");
        self.inner.default_currency.ok_or_else(missing)
    }
}

/// What a host was given.
pub(super) type Source = Arc<dyn CartSource>;
