//! Collections deleted: abandoned at their providers first, and then only not found any more.
//!
//! What holds money, or may, is not deleted; the core says what that is.

use tillbox_core::command::Command;
use tillbox_core::id::CollectionId;
use tillbox_core::machine;
use tillbox_core::refusal::Refusal;

use super::collections::at_once;
use super::idempotency::{Concluded, Guard};
use super::{Error, Host};
use crate::store::Key;

impl Host {
    /// Takes a collection out of sight, its sessions abandoned at their providers first. Nothing leaves the books, and money
    /// that is heard of later brings it back.
    ///
    /// # Errors
    /// [`Error::Refused`] while anything is authorized, captured or uncertain; [`Error::NotFound`]; what a provider says about
    /// a session that cannot be abandoned.
    pub async fn delete_collection(&self, id: &CollectionId) -> Result<(), Error> {
        let guard = self.guard("delete_collection", id.as_str(), |print| print);
        let work = async {
            self.deletable(id).await?;
            self.delete(id, &guard).await
        };
        self.once(&guard, work).await.map(|_| ())
    }

    /// The same for several. None is touched when one of them holds money; from then on they go one by one, since their
    /// providers do: a provider that refuses leaves those before it deleted and the rest as they were.
    ///
    /// # Errors
    /// As [`Host::delete_collection`], and [`Error::Invalid`] for more than
    /// [`COLLECTIONS_AT_ONCE_MAX`](super::COLLECTIONS_AT_ONCE_MAX).
    pub async fn delete_collections(&self, ids: &[CollectionId]) -> Result<(), Error> {
        at_once(ids.len())?;
        let named = ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ");
        let guard = self.guard("delete_collections", &named, |print| print);
        let work = async {
            let mut left = Vec::with_capacity(ids.len());
            for id in ids {
                // A request that is made again under its key goes on where it stopped.
                if self.key.is_some() && self.is_deleted(id).await? {
                    continue;
                }
                self.deletable(id).await?;
                left.push(id);
            }
            for id in left {
                Box::pin(self.without_key().delete(id, &Guard::default())).await?;
            }
            Ok(())
        };
        self.once_plain(&guard, work).await
    }

    async fn is_deleted(&self, id: &CollectionId) -> Result<bool, Error> {
        let found = self.inner.store.load(Key::Collection(id.clone())).await?;
        Ok(found.is_some_and(|stored| stored.collection.deleted_at.is_some()))
    }

    async fn deletable(&self, id: &CollectionId) -> Result<(), Error> {
        match machine::decide(Some(&self.collection(id).await?), &Command::DeleteCollection, self.now()) {
            Ok(_) | Err(Refusal::LiveSessions) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The key is written with the last step; a repeated request passes over those that are done.
    async fn delete(&self, id: &CollectionId, guard: &Guard) -> Concluded {
        for session in self.collection(id).await?.live_sessions() {
            let host = self.without_key();
            match Box::pin(host.delete_session(&session.id)).await {
                // Somebody else abandons it at the same time; it is what was wanted.
                Ok(_) | Err(Error::NotFound { .. } | Error::Refused(Refusal::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        self.change_as(&Key::Collection(id.clone()), |_| Ok(Command::DeleteCollection), guard).await
    }
}
