//! Which collection a storefront is given for a cart: one, also when two requests make one at the same time.
//!
//! It does not know what a cart is worth, nor when a collection is replaced by another.

use async_trait::async_trait;
use tillbox_core::id::CollectionId;

use super::StoreError;

/// What a new collection is to the cart it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartClaim {
    /// The cart's, unless the cart has one.
    IfNone,
    /// The cart's from now on. The change is a conflict when the cart has another one than this.
    InsteadOf(Option<CollectionId>),
}

/// Where it is kept.
#[async_trait]
pub trait Carts {
    /// The cart's collection, deleted or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn cart_collection(&self, cart_id: String) -> Result<Option<CollectionId>, StoreError>;
}
