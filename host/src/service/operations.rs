//! Operations and events, for operators: what was asked of providers, and what the outside was told.

use tillbox_core::id::OperationId;
use tillbox_core::operation::{Operation, OperationState};

use super::{Error, Host};
use crate::store::{Key, Listed, OperationEntry, OutboxEvent, Page};

/// Events in one answer: small rows, one screenful many times over.
pub const EVENTS_MAX: u32 = 1_000;

impl Host {
    /// One operation.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn operation(&self, id: &OperationId) -> Result<Operation, Error> {
        let collection = self.stored(&Key::Operation(id.clone())).await?.collection;
        Ok(collection.operation(id).expect("found by this id").clone())
    }

    /// Operations in any of these states, newest first; no states means all.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn operations(&self, states: &[OperationState], page: Page) -> Result<Listed<OperationEntry>, Error> {
        Ok(self.inner.store.list_operations(states.to_vec(), page).await?)
    }

    /// Events after a sequence number, oldest first, at most [`EVENTS_MAX`].
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn events_after(&self, sequence: i64, limit: u32) -> Result<Vec<OutboxEvent>, Error> {
        Ok(self.inner.store.events_after(sequence, limit.min(EVENTS_MAX)).await?)
    }
}
