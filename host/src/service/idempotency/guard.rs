//! One request under its key: what is known of the key before anything is done, and what is written down with what is done.
//!
//! A row without an answer is a request under way, or one that ended without an answer (5xx). Its operation tells which: it
//! is asked about like any open operation, and what it came to is the answer. An operation that provably did not happen
//! leaves the key free for another attempt.

use std::sync::{Arc, Mutex};

use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::operation::OperationState;
use tillbox_core::state::Collection;

use super::super::execute::{Executed, conclude_state};
use super::super::{Error, Host};
use super::answer::{self, Concluded};
use super::fingerprint::Fingerprint;
use super::key::{Carried, IDEMPOTENCY_KEY_MS};
use crate::clock::new_tail;
use crate::store::{Key, KeyRow, KeyWrite, StoreError};

/// A request under its key, or under none.
#[derive(Debug, Default)]
pub(in crate::service) struct Guard(Option<Guarded>);

#[derive(Debug)]
struct Guarded {
    carried: Arc<Carried>,
    print: Fingerprint,
    /// Whether the answer shows the collection as a whole.
    whole: bool,
    /// The name under which this request holds the key.
    holder: String,
    /// The holder that a write has to name.
    before: Mutex<Option<String>>,
    /// The answer, once it is written.
    written: Mutex<Option<String>>,
}

/// What a key says about a request.
enum Seen {
    /// This is its answer.
    Answer(Box<Concluded>),
    /// Nothing stands against doing it; a row that was left without an effect is taken over from this holder.
    Free(Option<String>),
}

impl Guard {
    /// For requests whose answer shows the whole collection, not one session of it.
    pub(in crate::service) fn whole(mut self) -> Self {
        if let Some(guarded) = &mut self.0 {
            guarded.whole = true;
        }
        self
    }

    /// What to write with the intent of an operation.
    pub(in crate::service) fn intent(&self, host: &Host, operation: &OperationId) -> Option<KeyWrite> {
        self.0.as_ref().map(|guarded| guarded.write(host, Some(operation), None))
    }

    /// What to write with the end of a request. An answer that is not kept leaves the row open, bound to its operation.
    pub(in crate::service) fn end(
        &self,
        host: &Host,
        operation: Option<&OperationId>,
        after: &Collection,
        conclude: impl FnOnce() -> Concluded,
    ) -> Option<KeyWrite> {
        let guarded = self.0.as_ref()?;
        let concluded = conclude();
        let session = guarded.session(after, operation);
        let text = answer::to_text(&concluded, after, session.as_ref());
        if text.is_none() && operation.is_none() {
            return None;
        }
        Some(guarded.write(host, operation, text))
    }

    /// What to write with the end of a request whose answer is a text already.
    pub(super) fn settled(&self, host: &Host, answer: impl FnOnce() -> String) -> Option<KeyWrite> {
        self.0.as_ref().map(|guarded| guarded.write(host, None, Some(answer())))
    }

    /// Whether its answer is in the store, or it has no key.
    pub(super) fn is_settled(&self) -> bool {
        self.0.as_ref().is_none_or(|guarded| guarded.written.lock().expect("no holder panics").is_some())
    }

    /// What was written is in the store.
    pub(in crate::service) fn written(&self, write: Option<&KeyWrite>) {
        let (Some(guarded), Some(write)) = (&self.0, write) else { return };
        *guarded.before.lock().expect("no holder panics") = Some(guarded.holder.clone());
        guarded.written.lock().expect("no holder panics").clone_from(&write.row.answer);
    }

    /// Whether somebody else has the key by now.
    pub(in crate::service) async fn lost(&self, host: &Host) -> Result<bool, Error> {
        let Some(guarded) = &self.0 else { return Ok(false) };
        let before = guarded.before.lock().expect("no holder panics").clone();
        Ok(host.row(&guarded.carried).await?.map(|row| row.holder) != before)
    }
}

impl Guarded {
    fn write(&self, host: &Host, operation: Option<&OperationId>, answer: Option<String>) -> KeyWrite {
        let at = host.now();
        KeyWrite {
            caller: self.carried.key.caller().to_owned(),
            key: self.carried.key.key().to_owned(),
            before: self.before.lock().expect("no holder panics").clone(),
            row: KeyRow {
                fingerprint: self.print.to_text(),
                operation: operation.cloned(),
                holder: self.holder.clone(),
                answer,
                expires_at: tillbox_core::Timestamp(at.0.saturating_add(IDEMPOTENCY_KEY_MS)),
            },
            at,
        }
    }

    /// The session that the answer is cut to.
    fn session(&self, after: &Collection, operation: Option<&OperationId>) -> Option<SessionId> {
        let operation = operation.filter(|_| !self.whole).and_then(|id| after.operation(id));
        operation.map(|operation| operation.session.clone())
    }
}

impl Host {
    /// Begins a request: `route` is the use case, `id` what the path names, `fields` adds the body.
    pub(in crate::service) fn guard(
        &self,
        route: &'static str,
        id: &str,
        fields: impl FnOnce(Fingerprint) -> Fingerprint,
    ) -> Guard {
        Guard(self.key.as_ref().map(|carried| Guarded {
            carried: Arc::clone(carried),
            print: fields(Fingerprint::new(&self.inner.host_key, route, id)),
            whole: false,
            holder: new_tail(),
            before: Mutex::default(),
            written: Mutex::default(),
        }))
    }

    /// Carries out `work` unless the key has its answer already. Whatever `work` says without having written the key may be
    /// the view of somebody who lost a race for it: the key is looked at once more.
    pub(in crate::service) fn once(
        &self,
        guard: &Guard,
        work: impl Future<Output = Concluded> + Send,
    ) -> impl Future<Output = Concluded> + Send {
        let work = Box::pin(work);
        async move {
            match &guard.0 {
                None => work.await,
                Some(guarded) => self.once_under(guarded, work).await,
            }
        }
    }

    async fn once_under(&self, guarded: &Guarded, work: impl Future<Output = Concluded> + Send) -> Concluded {
        match Box::pin(self.known(guarded)).await? {
            Seen::Answer(answer) => return *answer,
            Seen::Free(before) => *guarded.before.lock().expect("no holder panics") = before,
        }
        let concluded = work.await;
        if let Some(text) = guarded.written.lock().expect("no holder panics").take() {
            let report = concluded.ok().and_then(|executed| executed.report);
            let kept = answer::from_text(&text)?;
            return kept.map(|executed| Executed { report, ..executed });
        }
        let mine = guarded.before.lock().expect("no holder panics").as_deref() == Some(guarded.holder.as_str());
        match concluded {
            Err(error @ (Error::Store(_) | Error::Invalid { .. })) => Err(error),
            // The operation exists and its end is written: what it says is not kept, and nobody else has another answer.
            Err(error) if mine => Err(error),
            Err(error) => match Box::pin(self.known(guarded)).await? {
                Seen::Answer(answer) => *answer,
                Seen::Free(_) => Err(error),
            },
            Ok(executed) => Box::pin(self.keep_answer(guarded, executed)).await,
        }
    }

    /// Writes down an answer that came without a change of its own.
    async fn keep_answer(&self, guarded: &Guarded, executed: Executed) -> Concluded {
        let operation = executed.operation.as_ref().map(|operation| operation.id.clone());
        let (after, report) = (executed.collection.clone(), executed.report.clone());
        let concluded = Ok(executed);
        let session = guarded.session(&after, operation.as_ref());
        let text = answer::to_text(&concluded, &after, session.as_ref());
        let text = text.expect("an answer that is no error is kept");
        match self.inner.store.write_key(guarded.write(self, operation.as_ref(), Some(text.clone()))).await {
            Ok(()) => Ok(Executed { report, ..answer::from_text(&text)?? }),
            Err(StoreError::Conflict) => match Box::pin(self.known(guarded)).await? {
                Seen::Answer(answer) => *answer,
                Seen::Free(_) => Err(Error::Contended),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// What is kept of a key that has not expired.
    async fn row(&self, carried: &Carried) -> Result<Option<KeyRow>, Error> {
        let (caller, key) = (carried.key.caller().to_owned(), carried.key.key().to_owned());
        Ok(self.inner.store.key(caller, key).await?.filter(|row| row.expires_at > self.now()))
    }

    /// The text of the answer that the key has. A row that was left without one is taken over by what is written next.
    pub(super) async fn kept_text(&self, guard: &Guard) -> Result<Option<String>, Error> {
        let Some(guarded) = &guard.0 else { return Ok(None) };
        let row = self.bound(guarded).await?;
        let answer = row.as_ref().and_then(|row| row.answer.clone());
        match answer {
            Some(_) => guarded.carried.replay(),
            None => *guarded.before.lock().expect("no holder panics") = row.map(|row| row.holder),
        }
        Ok(answer)
    }

    /// What is kept of the key, if it is that of the same request.
    async fn bound(&self, guarded: &Guarded) -> Result<Option<KeyRow>, Error> {
        let row = self.row(&guarded.carried).await?;
        match row.as_ref().and_then(|row| guarded.print.difference(&row.fingerprint)) {
            Some(field) => Err(Error::KeyReused { field }),
            None => Ok(row),
        }
    }

    /// What the key says now. An operation without an answer is asked about first.
    async fn known(&self, guarded: &Guarded) -> Result<Seen, Error> {
        let Some(row) = self.bound(guarded).await? else { return Ok(Seen::Free(None)) };
        if let Some(text) = &row.answer {
            guarded.carried.replay();
            return Ok(Seen::Answer(Box::new(answer::from_text(text)?)));
        }
        let Some(id) = row.operation else { return Ok(Seen::Free(Some(row.holder))) };
        // Who cannot be asked proves nothing: the operation stays what it is.
        match Box::pin(self.recheck(&id)).await {
            Ok(_) | Err(Error::NotAsked(_) | Error::UnknownProvider { .. } | Error::Refused(_) | Error::Contended) => {}
            Err(error) => return Err(error),
        }
        let collection = self.stored(&Key::Operation(id.clone())).await?.collection;
        let operation = collection.operation(&id).expect("found by this id");
        match operation.state {
            OperationState::Running => Err(Error::KeyInUse { operation: id }),
            OperationState::Rejected | OperationState::Absent => Ok(Seen::Free(Some(row.holder))),
            OperationState::Unknown
            | OperationState::NeedsReview
            | OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Pending => match conclude_state(collection, &id) {
                Ok(executed) => {
                    *guarded.before.lock().expect("no holder panics") = Some(row.holder);
                    Ok(Seen::Answer(Box::new(Box::pin(self.keep_answer(guarded, executed)).await)))
                }
                Err(error) => Ok(Seen::Answer(Box::new(Err(error)))),
            },
        }
    }
}
