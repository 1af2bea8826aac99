//! The whole book of one payment, taken from a real flow, to make others like it: the same rows under new ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tillbox_core::id::{CaptureId, CollectionId, EventId, OperationId, PaymentId, RefundId, SessionId};
use tillbox_core::operation::{OperationKind, OperationState, Product};
use tillbox_core::state::Collection;
use tillbox_runtime::Provider;

use super::{Failure, embedded};
use crate::Host;
use crate::cli::load::ID_DEFAULT;
use crate::clock::new_tail;
use crate::store::sqlite::SqliteStore;
use crate::store::{Change, Key, OutboxEvent, Page, Search, Store, StoreError};

/// Events of one flow at most: five steps with a handful each.
const EVENTS_MAX: u32 = 200;

/// A payment's book.
#[derive(Debug, Clone)]
pub(super) struct Book {
    collection: Collection,
    events: Vec<OutboxEvent>,
}

impl Book {
    /// Lets one flow happen on a database in memory, and takes what it left.
    pub(super) async fn write(provider: &Arc<dyn Provider>) -> Result<Self, Failure> {
        let no_book = |error: StoreError| Failure::from(crate::Error::from(error));
        let store = Arc::new(SqliteStore::in_memory().map_err(no_book)?);
        let builder = Host::builder().store(Arc::clone(&store) as Arc<dyn Store>);
        let host = builder.provider(ID_DEFAULT, Arc::clone(provider)).build().await?;
        embedded::flow(&host).await?;
        let listed = store.find_collections(Page { offset: 0, limit: 1 }.into()).await.map_err(no_book)?;
        let id = listed.items.into_iter().next().ok_or_else(|| Failure::new("a flow left no collection"))?;
        let stored = store.load(Key::Collection(id)).await.map_err(no_book)?;
        let collection = stored.ok_or_else(|| Failure::new("a flow left no collection"))?.collection;
        let events = store.events_after(0, EVENTS_MAX).await.map_err(no_book)?;
        Ok(Self { collection, events })
    }

    /// The same once more, as one change that makes all of it.
    pub(super) fn copy(&self) -> Change {
        let mut names = Names::default();
        let mut collection = self.collection.clone();
        names.rename(&mut collection.id, CollectionId::as_str, CollectionId::from_tail);
        for session in &mut collection.sessions {
            names.rename(&mut session.id, SessionId::as_str, SessionId::from_tail);
        }
        for payment in &mut collection.payments {
            names.rename(&mut payment.id, PaymentId::as_str, PaymentId::from_tail);
            names.rename(&mut payment.session, SessionId::as_str, SessionId::from_tail);
        }
        for operation in &mut collection.operations {
            names.rename(&mut operation.id, OperationId::as_str, OperationId::from_tail);
            names.rename(&mut operation.session, SessionId::as_str, SessionId::from_tail);
            if let Some(payment) = &mut operation.payment {
                names.rename(payment, PaymentId::as_str, PaymentId::from_tail);
            }
            match &mut operation.product {
                Product::None => {}
                Product::Capture(id) => names.rename(id, CaptureId::as_str, CaptureId::from_tail),
                Product::Refund(id) => names.rename(id, RefundId::as_str, RefundId::from_tail),
                Product::Payment { payment, capture, capture_operation } => {
                    names.rename(payment, PaymentId::as_str, PaymentId::from_tail);
                    names.rename(capture, CaptureId::as_str, CaptureId::from_tail);
                    names.rename(capture_operation, OperationId::as_str, OperationId::from_tail);
                }
            }
        }
        let mut events = self.events.clone();
        for event in &mut events {
            event.id = EventId::from_tail(&new_tail());
            event.collection = collection.id.clone();
            names.rename_in(&mut event.data);
        }
        Change { events, ..Change::new(None, collection, &[]) }
    }
}

impl Book {
    /// The same as a host leaves it that died while the provider was asked for the refund: nobody knows whether it happened.
    pub(super) fn copy_with_unknown_refund(&self) -> Change {
        let mut change = self.copy();
        let at = change.after.updated_at;
        for operation in &mut change.after.operations {
            if operation.kind == OperationKind::Refund {
                operation.state = OperationState::Unknown;
                operation.provider_reference = None;
                operation.reason = Some("host_stopped".to_owned());
                operation.next_action_at = Some(at);
            }
        }
        // The flow's own events tell of a refund that was made.
        Change { events: Vec::new(), ..change }
    }
}

/// New names for old ones, the same new one wherever the old one stood.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn rename<T>(&mut self, id: &mut T, text: impl Fn(&T) -> &str, from_tail: impl Fn(&str) -> T) {
        let old = text(id);
        if let Some(tail) = self.0.get(old).and_then(|new| new.rsplit_once('_')).map(|(_, tail)| tail) {
            *id = from_tail(tail);
            return;
        }
        let old = old.to_owned();
        *id = from_tail(&new_tail());
        self.0.insert(old, text(id).to_owned());
    }

    fn rename_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(new) = self.0.get(text) {
                    text.clone_from(new);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename_in(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.rename_in(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(all(test, feature = "bundled"))]
mod tests {
    use super::*;

    /// A copy is a book of its own that says the same.
    #[tokio::test]
    async fn a_copy_can_be_kept_beside_its_original() {
        let provider = crate::cli::bench::manual().await.unwrap();
        let book = Book::write(&provider).await.unwrap();
        let store = SqliteStore::in_memory().unwrap();
        for _ in 0..3 {
            let change = book.copy();
            let (id, after) = (change.after.id.clone(), change.after.clone());
            let shown = format!("{change:?}");
            store.commit(change).await.unwrap();
            let kept = store.load(Key::Collection(id)).await.unwrap().unwrap().collection;
            assert_eq!(kept, after);
            assert_eq!(kept.derived_status(), book.collection.status);
            assert_eq!((kept.captured(), kept.refunded()), (book.collection.captured(), book.collection.refunded()));
            for old in [book.collection.id.as_str(), book.collection.payments[0].id.as_str()] {
                assert!(!shown.contains(old), "{old} in {shown}");
            }
        }
        let events = store.events_after(0, EVENTS_MAX).await.unwrap();
        assert_eq!(events.len(), 3 * book.events.len());
        assert_eq!(store.find_payments(Page { offset: 0, limit: 1 }.into()).await.unwrap().count, 3);
    }
}
