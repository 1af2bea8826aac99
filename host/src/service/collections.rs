//! Collections: made, read, changed, canceled. No provider is asked here, save to void what a canceled collection holds.

use serde_json::{Value, json};
use tillbox_core::Money;
use tillbox_core::command::Command;
use tillbox_core::event::Event;
use tillbox_core::id::CollectionId;
use tillbox_core::machine;
use tillbox_core::refusal::Refusal;
use tillbox_core::state::Collection;
use tillbox_core::status::CollectionStatus;

use super::execute::{COMMIT_ATTEMPTS, Executed, applied};
use super::idempotency::{Concluded, Guard, object_of};
use super::input::{CART_ID_BYTES_MAX, COLLECTIONS_AT_ONCE_MAX, ORDER_ID_BYTES_MAX, optional_object, text};
use super::list::{bounded, few, short};
use super::{CollectionUpdate, CollectionUpsert, Error, FIELD_BYTES_MAX, Host, NewCollection, Step};
use crate::clock::new_tail;
use crate::store::{
    CartClaim, Change, CollectionFilter, ExchangeWrite, Key, KeyWrite, Listed, Page, Range, StoreError, Stored, Wanted,
};

impl Host {
    /// Makes a collection.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Store`].
    pub async fn create_collection(&self, new: NewCollection) -> Result<Collection, Error> {
        let guard = self.guard("create_collection", "", |print| {
            let print = print.amount("amount", Some(new.amount)).text("cart_id", new.cart_id.as_deref());
            let print = print.text("order_id", new.order_id.as_deref()).json("metadata", new.metadata.as_deref());
            print.text("customer_id", new.customer.as_deref())
        });
        let work = async {
            let mut change = self.made(new)?;
            let after = change.after.clone();
            let write = guard.end(self, None, &after, || Ok(Executed::unasked(after.clone())));
            change.key.clone_from(&write);
            match self.commit(vec![change]).await {
                Ok(_) => {}
                Err(Error::Store(StoreError::Conflict)) => return Err(Error::Contended),
                Err(error) => return Err(error),
            }
            guard.written(write.as_ref());
            Ok(Executed::unasked(after))
        };
        Ok(self.once(&guard, work).await?.collection)
    }

    /// Makes collections, in one transaction: all or none.
    ///
    /// # Errors
    /// As [`Host::create_collection`], and [`Error::Invalid`] for more than
    /// [`COLLECTIONS_AT_ONCE_MAX`](super::COLLECTIONS_AT_ONCE_MAX).
    pub async fn create_collections(&self, new: Vec<NewCollection>) -> Result<Vec<Collection>, Error> {
        at_once(new.len())?;
        let guard = self.guard("create_collections", "", |print| {
            let told = |new: &NewCollection| {
                let (cart, metadata) = (new.cart_id.as_deref(), new.metadata.as_deref());
                let told = told(None, Some(new.amount), cart, metadata);
                json!({ "order_id": new.order_id, "customer_id": new.customer, "collection": told })
            };
            print.json("payment_collections", Some(&new.iter().map(told).collect::<Value>().to_string()))
        });
        let work = async {
            let made: Vec<Change> = new.into_iter().map(|new| self.made(new)).collect::<Result<_, _>>()?;
            self.change_all(&[], made, &guard).await?.ok_or(Error::Contended)
        };
        self.once_plain(&guard, work).await
    }

    pub(super) fn made(&self, new: NewCollection) -> Result<Change, Error> {
        let customer = text("customer_id", new.customer, FIELD_BYTES_MAX)?;
        let command = Command::CreateCollection {
            id: CollectionId::from_tail(&new_tail()),
            amount: new.amount,
            cart_id: text("cart_id", new.cart_id, CART_ID_BYTES_MAX)?,
            order_id: text("order_id", new.order_id, ORDER_ID_BYTES_MAX)?,
            metadata: optional_object("metadata", new.metadata.as_deref())?,
        };
        let events = machine::decide(None, &command, self.now())?;
        let after = machine::replay(&events).expect("the first event makes the collection");
        Ok(Change { cart: Some(CartClaim::IfNone), customer, ..Change::new(None, after, &events) })
    }

    /// Makes changes durable, all or none, and answers what they led to.
    async fn commit(&self, mut changes: Vec<Change>) -> Result<Vec<Collection>, Error> {
        let after = changes.iter().map(|change| change.after.clone()).collect();
        self.step(Step::BeforeCommit);
        match changes.len() {
            0 => {}
            1 => self.inner.store.commit(changes.remove(0)).await?,
            _ => self.inner.store.commit_all(changes).await?,
        }
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

    /// Collections; a [`Page`](crate::store::Page) alone means all of them, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn collections(&self, wanted: impl Into<Wanted<CollectionFilter>>) -> Result<Listed<Collection>, Error> {
        let wanted = wanted.into();
        check(&wanted.filter)?;
        let with_deleted = wanted.filter.with_deleted;
        let listed = self.inner.store.find_collections(wanted).await?;
        let items = listed.items.into_iter().map(|id| (id, ())).collect();
        let listed = Listed { items, count: listed.count };
        let seen = |collection: &Collection| with_deleted || collection.deleted_at.is_none();
        self.parts(listed, |collection, ()| seen(collection).then(|| collection.clone())).await
    }

    /// Changes amount or notes of a collection. What is authorized or may be stays covered.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Invalid`], [`Error::NotFound`], [`Error::Store`].
    pub async fn update_collection(&self, id: &CollectionId, update: CollectionUpdate) -> Result<Collection, Error> {
        let guard = self.guard("update_collection", id.as_str(), |print| {
            print.amount("amount", update.amount).json("metadata", update.metadata.as_deref())
        });
        let command = update_command(&update)?;
        let key = Key::Collection(id.clone());
        let work = self.change_as(&key, |_| Ok(command.clone()), &guard);
        Ok(self.once(&guard, work).await?.collection)
    }

    /// Changes every collection that fits the filter, in one transaction: all of them or none. Answers all of them, newest
    /// first; none when none fits.
    ///
    /// # Errors
    /// As [`Host::update_collection`], and [`Error::Invalid`] when more than
    /// [`COLLECTIONS_AT_ONCE_MAX`](super::COLLECTIONS_AT_ONCE_MAX) fit.
    pub async fn update_collections(
        &self,
        filter: CollectionFilter,
        update: CollectionUpdate,
    ) -> Result<Vec<Collection>, Error> {
        check(&filter)?;
        let guard = self.guard("update_collections", "", |print| {
            let print = print.json("filter", Some(&told_filter(&filter).to_string()));
            print.amount("amount", update.amount).json("metadata", update.metadata.as_deref())
        });
        self.once_plain(&guard, self.update_all(filter, &update, &guard)).await
    }

    async fn update_all(
        &self,
        filter: CollectionFilter,
        update: &CollectionUpdate,
        guard: &Guard,
    ) -> Result<Vec<Collection>, Error> {
        let command = update_command(update)?;
        let page = Page { offset: 0, limit: Page::LIMIT_MAX };
        for _ in 0..COMMIT_ATTEMPTS {
            let listed = self.inner.store.find_collections(Wanted::of(filter.clone(), page)).await?;
            at_once(usize::try_from(listed.count).unwrap_or(usize::MAX))?;
            let commands: Vec<_> = listed.items.iter().map(|id| (id.clone(), command.clone())).collect();
            if let Some(after) = self.change_all(&commands, Vec::new(), guard).await? {
                return Ok(after);
            }
        }
        Err(Error::Contended)
    }

    /// Changes those that have an id and makes those that have none, in one transaction: all or none, answered in the order
    /// in which they were given.
    ///
    /// # Errors
    /// As [`Host::update_collection`] and [`Host::create_collections`]; [`Error::Invalid`] when a new one has no amount, one
    /// that exists is given a cart, or one is named twice.
    pub async fn upsert_collections(&self, upserts: Vec<CollectionUpsert>) -> Result<Vec<Collection>, Error> {
        at_once(upserts.len())?;
        let guard = self.guard("upsert_collections", "", |print| {
            let told = |upsert: &CollectionUpsert| {
                let (cart, metadata) = (upsert.cart_id.as_deref(), upsert.metadata.as_deref());
                told(upsert.id.as_ref(), upsert.amount, cart, metadata)
            };
            print.json("payment_collections", Some(&upserts.iter().map(told).collect::<Value>().to_string()))
        });
        self.once_plain(&guard, self.upsert_all(upserts, &guard)).await
    }

    async fn upsert_all(&self, upserts: Vec<CollectionUpsert>, guard: &Guard) -> Result<Vec<Collection>, Error> {
        let (mut commands, mut made, mut order) = (Vec::new(), Vec::new(), Vec::new());
        for upsert in upserts {
            let Some(id) = upsert.id else {
                let amount = upsert.amount.ok_or_else(|| Error::invalid("amount", "a new collection needs one"))?;
                let (cart_id, metadata) = (upsert.cart_id, upsert.metadata);
                let new = NewCollection { cart_id, metadata, ..NewCollection::new(amount) };
                made.push(self.made(new)?);
                order.push((true, made.len() - 1));
                continue;
            };
            if upsert.cart_id.is_some() {
                return Err(Error::invalid("cart_id", format!("{id} keeps the cart it was made for")));
            }
            if commands.iter().any(|(known, _)| *known == id) {
                return Err(Error::invalid("id", format!("{id} stands twice in the request")));
            }
            commands
                .push((id, update_command(&CollectionUpdate { amount: upsert.amount, metadata: upsert.metadata })?));
            order.push((false, commands.len() - 1));
        }
        for _ in 0..COMMIT_ATTEMPTS {
            let place = |(new, index): &(bool, usize)| if *new { commands.len() + index } else { *index };
            let places: Vec<usize> = order.iter().map(place).collect();
            if let Some(after) = self.change_all_in(&commands, made.clone(), &places, guard).await? {
                return Ok(after);
            }
        }
        Err(Error::Contended)
    }

    /// Carries out one command for each collection and adds new ones, all or none; nothing when somebody else was faster.
    /// Answers the changed ones, then the new ones.
    async fn change_all(
        &self,
        commands: &[(CollectionId, Command)],
        made: Vec<Change>,
        guard: &Guard,
    ) -> Result<Option<Vec<Collection>>, Error> {
        let places: Vec<usize> = (0..commands.len() + made.len()).collect();
        self.change_all_in(commands, made, &places, guard).await
    }

    /// The same, answered in another order. The key of the request is written with the first change.
    async fn change_all_in(
        &self,
        commands: &[(CollectionId, Command)],
        made: Vec<Change>,
        places: &[usize],
        guard: &Guard,
    ) -> Result<Option<Vec<Collection>>, Error> {
        let (mut changes, mut after) = (Vec::new(), Vec::new());
        for (id, command) in commands {
            let stored = self.stored(&Key::Collection(id.clone())).await?;
            let events = machine::decide(Some(&stored.collection), command, self.now())?;
            after.push(applied(&stored.collection, &events));
            if !events.is_empty() {
                changes.push(Change::new(Some(stored), after.last().expect("pushed above").clone(), &events));
            }
        }
        after.extend(made.iter().map(|change| change.after.clone()));
        changes.extend(made);
        let after: Vec<Collection> = places.iter().map(|place| after[*place].clone()).collect();
        let write = changes.first_mut().and_then(|first| {
            first.key = guard.plain(self, &after);
            first.key.clone()
        });
        match self.commit(changes).await {
            Ok(_) => {
                guard.written(write.as_ref());
                Ok(Some(after))
            }
            Err(Error::Store(StoreError::Conflict)) if guard.lost(self).await? => Err(Error::Contended),
            Err(Error::Store(StoreError::Conflict)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes that nothing more is expected of a collection. Its status says what was paid, and stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn complete_collection(&self, id: &CollectionId) -> Result<Collection, Error> {
        let guard = self.guard("complete_collection", id.as_str(), |print| print);
        let key = Key::Collection(id.clone());
        let work = self.change_as(&key, |_| Ok(Command::CompleteCollection), &guard);
        Ok(self.once(&guard, work).await?.collection)
    }

    /// The same for several, in one transaction: all or none.
    ///
    /// # Errors
    /// As [`Host::complete_collection`], and [`Error::Invalid`] for more than
    /// [`COLLECTIONS_AT_ONCE_MAX`](super::COLLECTIONS_AT_ONCE_MAX).
    pub async fn complete_collections(&self, ids: &[CollectionId]) -> Result<Vec<Collection>, Error> {
        at_once(ids.len())?;
        let mut commands: Vec<(CollectionId, Command)> = Vec::new();
        for id in ids {
            if commands.iter().all(|(known, _)| known != id) {
                commands.push((id.clone(), Command::CompleteCollection));
            }
        }
        let named = commands.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ");
        let guard = self.guard("complete_collections", &named, |print| print);
        let work = async {
            for _ in 0..COMMIT_ATTEMPTS {
                if let Some(after) = self.change_all(&commands, Vec::new(), &guard).await? {
                    return Ok(after);
                }
            }
            Err(Error::Contended)
        };
        self.once_plain(&guard, work).await
    }

    /// Cancels a collection: every payment that is only authorized is voided at its provider first.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is completed, canceled already, or something about it is open; what a provider says about a
    /// payment that cannot be voided.
    pub async fn cancel_collection(&self, id: &CollectionId) -> Result<Collection, Error> {
        let guard = self.guard("cancel_collection", id.as_str(), |print| print);
        Ok(self.once(&guard, self.void_and_cancel(id, &guard)).await?.collection)
    }

    /// The key is written with the last step; a repeated request passes over those that are done.
    async fn void_and_cancel(&self, id: &CollectionId, guard: &Guard) -> Concluded {
        let collection = self.collection(id).await?;
        if collection.canceled_at.is_some() || collection.status == CollectionStatus::Completed {
            return Err(Refusal::NotCancelable { status: collection.status.as_str() }.into());
        }
        let held = |payment: &&tillbox_core::state::Payment| {
            payment.canceled_at.is_none() && collection.captured_of(&payment.id).is_zero()
        };
        for payment in collection.payments.iter().filter(held) {
            let note = Some("the collection was canceled".to_owned());
            let host = self.without_key();
            match Box::pin(host.cancel_payment(&payment.id, note)).await {
                // Somebody else voids it at the same time; it is what was wanted.
                Ok(_) | Err(Error::Refused(Refusal::PaymentCanceled { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        self.change_as(&Key::Collection(id.clone()), |_| Ok(Command::CancelCollection), guard).await
    }

    /// Carries out a command that asks no provider, deciding anew when somebody else was faster.
    pub(super) async fn change(
        &self,
        key: &Key,
        command: impl Fn(&Collection) -> Result<Command, Error>,
    ) -> Result<Collection, Error> {
        Ok(self.change_as(key, command, &Guard::default()).await?.collection)
    }

    /// The same as the whole of a request, under its key.
    pub(super) async fn change_as(
        &self,
        key: &Key,
        command: impl Fn(&Collection) -> Result<Command, Error>,
        guard: &Guard,
    ) -> Concluded {
        for _ in 0..COMMIT_ATTEMPTS {
            let stored = self.stored(key).await?;
            let command = command(&stored.collection)?;
            let events = machine::decide(Some(&stored.collection), &command, self.now())?;
            if events.is_empty() {
                return Ok(Executed::unasked(stored.collection));
            }
            let after = applied(&stored.collection, &events);
            let write = guard.end(self, None, &after, || Ok(Executed::unasked(after.clone())));
            if self.committed_as(stored, &after, &events, write.as_ref()).await? {
                guard.written(write.as_ref());
                return Ok(Executed::unasked(after));
            }
            if guard.lost(self).await? {
                break;
            }
        }
        Err(Error::Contended)
    }

    /// Makes events durable, and the request's key with them; `false` when somebody else was faster, with either.
    pub(super) async fn committed_as(
        &self,
        before: Stored,
        after: &Collection,
        events: &[Event],
        key: Option<&KeyWrite>,
    ) -> Result<bool, Error> {
        self.committed_with(before, after, events, key, Vec::new()).await
    }

    /// The same with what it does to exchanges.
    pub(super) async fn committed_with(
        &self,
        before: Stored,
        after: &Collection,
        events: &[Event],
        key: Option<&KeyWrite>,
        mut exchanges: Vec<ExchangeWrite>,
    ) -> Result<bool, Error> {
        self.step(Step::BeforeCommit);
        exchanges.extend(self.forgotten(&before.collection, after));
        let change = Change { key: key.cloned(), exchanges, ..Change::new(Some(before), after.clone(), events) };
        match self.inner.store.commit(change).await {
            Ok(()) => {
                self.step(Step::Committed);
                self.count(after, events);
                Ok(true)
            }
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The collection of something, deleted or not: for what never changes, its id and its currency. A request that is made
    /// again finds them as it did the first time.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub(crate) async fn books(&self, key: &Key) -> Result<Collection, Error> {
        match self.inner.store.load(key.clone()).await? {
            Some(stored) => Ok(stored.collection),
            None => Ok(self.stored(key).await?.collection),
        }
    }

    pub(super) async fn stored(&self, key: &Key) -> Result<Stored, Error> {
        let (entity, id) = match key {
            Key::Collection(id) => ("PaymentCollection", id.as_str()),
            Key::Session(id) => ("PaymentSession", id.as_str()),
            Key::Payment(id) => ("Payment", id.as_str()),
            Key::Operation(id) => ("Operation", id.as_str()),
            Key::Capture(id) => ("Capture", id.as_str()),
            Key::Refund(id) => ("Refund", id.as_str()),
        };
        let found = self.inner.store.load(key.clone()).await?;
        // Operations are the books: whoever looks after them sees those of deleted collections too.
        let books = matches!(key, Key::Operation(_));
        let found = found.filter(|stored| books || stored.collection.deleted_at.is_none());
        found.ok_or_else(|| Error::NotFound { entity, id: id.to_owned() })
    }
}

/// One of many in a fingerprint.
fn told(id: Option<&CollectionId>, amount: Option<Money>, cart_id: Option<&str>, metadata: Option<&str>) -> Value {
    let amount = amount.map(|amount| format!("{} {}", amount.currency().code(), amount.minor_units()));
    let id = id.map(CollectionId::as_str);
    json!({ "id": id, "amount": amount, "cart_id": cart_id, "metadata": object_of(metadata) })
}

fn told_filter(filter: &CollectionFilter) -> Value {
    let CollectionFilter { ids, cart_ids, statuses, currencies, created, updated, text, condition, with_deleted } =
        filter;
    let range = |range: &Range| json!([range.from.map(|from| from.0), range.to.map(|to| to.0)]);
    json!({
        "id": ids.iter().map(CollectionId::as_str).collect::<Vec<_>>(), "cart_id": cart_ids,
        "status": statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>(), "currency_code": currencies,
        "created_at": range(created), "updated_at": range(updated), "q": text,
        "condition": format!("{condition:?}"), "with_deleted": with_deleted,
    })
}

fn update_command(update: &CollectionUpdate) -> Result<Command, Error> {
    let metadata = optional_object("metadata", update.metadata.as_deref())?;
    Ok(Command::UpdateCollection { amount: update.amount, metadata })
}

fn check(filter: &CollectionFilter) -> Result<(), Error> {
    few("id", &filter.ids)?;
    few("cart_id", &filter.cart_ids)?;
    few("currency_code", &filter.currencies)?;
    bounded(&filter.condition)?;
    short(filter.text.as_deref())
}

pub(super) fn at_once(count: usize) -> Result<(), Error> {
    match count {
        0..=COLLECTIONS_AT_ONCE_MAX => Ok(()),
        more => {
            let what = format!("{more} at once, at most {COLLECTIONS_AT_ONCE_MAX} are allowed");
            Err(Error::invalid("payment_collections", what))
        }
    }
}
