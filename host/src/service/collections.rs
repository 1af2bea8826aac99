//! Collections: made, read, changed, canceled. No provider is asked here, save to void what a canceled collection holds.

use tillbox_core::command::Command;
use tillbox_core::event::Event;
use tillbox_core::id::CollectionId;
use tillbox_core::machine;
use tillbox_core::refusal::Refusal;
use tillbox_core::state::Collection;

use super::execute::{COMMIT_ATTEMPTS, applied};
use super::input::{CART_ID_BYTES_MAX, optional_object, text};
use super::{Error, Host, NewCollection, Step};
use crate::clock::new_tail;
use crate::store::{Change, Key, Listed, Page, StoreError, Stored};

impl Host {
    /// Makes a collection.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Store`].
    pub async fn create_collection(&self, new: NewCollection) -> Result<Collection, Error> {
        let command = Command::CreateCollection {
            id: CollectionId::from_tail(&new_tail()),
            amount: new.amount,
            cart_id: text("cart_id", new.cart_id, CART_ID_BYTES_MAX)?,
            metadata: optional_object("metadata", new.metadata.as_deref())?,
        };
        let events = machine::decide(None, &command, self.now())?;
        let after = machine::replay(&events).expect("the first event makes the collection");
        self.step(Step::BeforeCommit);
        self.inner.store.commit(Change::new(None, after.clone(), &events)).await?;
        self.step(Step::Committed);
        Ok(after)
    }

    /// A collection with everything in it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn collection(&self, id: &CollectionId) -> Result<Collection, Error> {
        Ok(self.stored(&Key::Collection(id.clone())).await?.collection)
    }

    /// Collections, newest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn collections(&self, page: Page) -> Result<Listed<Collection>, Error> {
        let listed = self.inner.store.list_collections(page).await?;
        let mut items = Vec::with_capacity(listed.items.len());
        for id in &listed.items {
            items.push(self.collection(id).await?);
        }
        Ok(Listed { items, count: listed.count })
    }

    /// Changes amount or notes of a collection. What is authorized or may be stays covered.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Invalid`], [`Error::NotFound`], [`Error::Store`].
    pub async fn update_collection(
        &self,
        id: &CollectionId,
        amount: Option<tillbox_core::Money>,
        metadata: Option<&str>,
    ) -> Result<Collection, Error> {
        let command = Command::UpdateCollection { amount, metadata: optional_object("metadata", metadata)? };
        self.change(&Key::Collection(id.clone()), |_| Ok(command.clone())).await
    }

    /// Cancels a collection: every payment that is only authorized is voided at its provider first.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is completed, canceled already, or something about it is open; what a provider says about a
    /// payment that cannot be voided.
    pub async fn cancel_collection(&self, id: &CollectionId) -> Result<Collection, Error> {
        let collection = self.collection(id).await?;
        if collection.canceled_at.is_some() || collection.completed_at.is_some() {
            return Err(Refusal::CollectionClosed { status: collection.status.as_str() }.into());
        }
        let held = |payment: &&tillbox_core::state::Payment| {
            payment.canceled_at.is_none() && collection.captured_of(&payment.id).is_zero()
        };
        for payment in collection.payments.iter().filter(held) {
            self.cancel_payment(&payment.id, Some("the collection was canceled".to_owned())).await?;
        }
        self.change(&Key::Collection(id.clone()), |_| Ok(Command::CancelCollection)).await
    }

    /// Carries out a command that asks no provider, deciding anew when somebody else was faster.
    pub(super) async fn change(
        &self,
        key: &Key,
        command: impl Fn(&Collection) -> Result<Command, Error>,
    ) -> Result<Collection, Error> {
        for _ in 0..COMMIT_ATTEMPTS {
            let stored = self.stored(key).await?;
            let command = command(&stored.collection)?;
            let events = machine::decide(Some(&stored.collection), &command, self.now())?;
            if events.is_empty() {
                return Ok(stored.collection);
            }
            if let Some(after) = self.committed(stored, &events).await? {
                return Ok(after);
            }
        }
        Err(Error::Contended)
    }

    /// Makes events durable; nothing when somebody else was faster.
    pub(super) async fn committed(&self, before: Stored, events: &[Event]) -> Result<Option<Collection>, Error> {
        let after = applied(&before.collection, events);
        self.step(Step::BeforeCommit);
        match self.inner.store.commit(Change::new(Some(before), after.clone(), events)).await {
            Ok(()) => {
                self.step(Step::Committed);
                Ok(Some(after))
            }
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn stored(&self, key: &Key) -> Result<Stored, Error> {
        let (entity, id) = match key {
            Key::Collection(id) => ("PaymentCollection", id.as_str()),
            Key::Session(id) => ("PaymentSession", id.as_str()),
            Key::Payment(id) => ("Payment", id.as_str()),
            Key::Operation(id) => ("Operation", id.as_str()),
        };
        let found = self.inner.store.load(key.clone()).await?;
        found.ok_or_else(|| Error::NotFound { entity, id: id.to_owned() })
    }
}
