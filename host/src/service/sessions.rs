//! Sessions: opened, changed, abandoned, authorized.

use tillbox_core::command::{AuthorizationIds, Request, Subject};
use tillbox_core::id::{CaptureId, CollectionId, OperationId, PaymentId, SessionId};
use tillbox_core::operation::{Operation, OperationKind, OperationState};
use tillbox_core::refusal::Refusal;
use tillbox_core::state::{Collection, Session};
use tillbox_core::status::SessionStatus;
use tillbox_core::text::Json;

use super::execute::Executed;
use super::idempotency::{Concluded, Guard};
use super::input::{object, optional_object};
use super::list::{bounded, few};
use super::subject::state_of_session;
use super::{Authorization, Done, Error, Host, NewSession, Payer, PaymentView, SessionUpdate, SessionView};
use crate::clock::new_tail;
use crate::store::{Key, Listed, SessionFilter, Wanted};

/// How often the others are abandoned because a new one came in between: each time, one of those who contend gets through.
const REPLACE_ATTEMPTS: usize = 8;

impl Host {
    /// Opens a session with a provider. A collection can have several: other providers to choose from, or installments.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::UnknownProvider`], [`Error::NotEnabled`], [`Error::Refused`], and what
    /// the provider call may end with. A session whose opening failed stays in the books with status `error`.
    pub async fn create_session(&self, collection: &CollectionId, new: NewSession) -> Result<Done<Session>, Error> {
        let Done { value: (_, session), operation, report } = self.open_session(collection, new).await?;
        Ok(Done { value: session, operation, report })
    }

    /// The same, with the collection as the session left it.
    ///
    /// # Errors
    /// As [`Host::create_session`].
    pub async fn open_session(
        &self,
        collection: &CollectionId,
        new: NewSession,
    ) -> Result<Done<(Collection, Session)>, Error> {
        let (payer, data) = (new.payer.to_json(None)?, object("data", new.data.as_deref())?);
        let guard = self.guard("create_session", collection.as_str(), |print| {
            let print = print.text("provider_id", Some(new.provider.as_str())).amount("amount", new.amount);
            let print = print.json("data", new.data.as_deref()).json("metadata", new.metadata.as_deref());
            let print = print.text("region_id", new.region.as_deref());
            let print = print.text("replaces_others", new.replaces_others.then_some("true"));
            print.json("context", Some(payer.as_str()))
        });
        let guard = guard.whole();
        let work = self.open(collection, new, data, &guard);
        let Executed { collection, operation, report } = self.once(&guard, work).await?;
        let session = operation.as_ref().map(|operation| operation.session.clone());
        let session = session.expect("a session is opened by an operation");
        let value = (collection.clone(), live_session(&collection, &session)?);
        Ok(Done { value, operation, report })
    }

    async fn open(&self, collection: &CollectionId, new: NewSession, data: Json, guard: &Guard) -> Concluded {
        let provider = self.provider(&new.provider)?;
        self.admit(&new.provider, new.region).await?;
        let holder = self.known_to(&new.provider, new.payer.customer.as_ref()).await?;
        let stored = self.stored(&Key::Collection(collection.clone())).await?.collection;
        let code = stored.currency().code().to_owned();
        if !provider.info().takes_currency(&code) {
            return Err(Error::invalid("provider_id", format!("{} does not take {code}", new.provider)));
        }
        let replaces_others = new.replaces_others;
        let request = Request::CreateSession {
            session: SessionId::from_tail(&new_tail()),
            provider: new.provider,
            amount: new.amount,
            context: new.payer.to_json(holder)?,
            metadata: optional_object("metadata", new.metadata.as_deref())?,
            is_sole: replaces_others,
            products: authorization_ids(),
        };
        let key = Key::Collection(collection.clone());
        for _ in 0..REPLACE_ATTEMPTS {
            // Whatever else speaks against it is said before anything is abandoned.
            match Box::pin(self.execute(key.clone(), request.clone(), data.clone(), guard)).await {
                Err(Error::Refused(Refusal::LiveSessions)) if replaces_others => {
                    Box::pin(self.abandon_sessions(&key, guard)).await?;
                }
                other => return other,
            }
        }
        Err(Error::Contended)
    }

    /// Abandons every session that could still be paid, and none of which it is a question whether it was. Another request
    /// with the same key may have opened one of them: it is looked for after they were read and before any is abandoned.
    pub(super) async fn abandon_sessions(&self, key: &Key, guard: &Guard) -> Result<(), Error> {
        let collection = self.reconcile_first(key, |_| true).await?;
        let unpaid: Vec<&Session> =
            collection.live_sessions().filter(|session| collection.payment_of(&session.id).is_none()).collect();
        for session in &unpaid {
            no_question(&collection, |operation| operation.session == session.id)?;
        }
        if guard.lost(self).await? {
            return Err(Error::Contended);
        }
        for session in unpaid {
            let host = self.without_key();
            match Box::pin(host.delete_session(&session.id)).await {
                // Somebody else abandons it at the same time, it was paid meanwhile, or its provider never knew it.
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(Error::Refused(Refusal::NotFound { .. } | Refusal::SessionClosed { .. })) => {}
                Err(Error::Rejected { .. }) if never_opened(&collection, &session.id) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A session that was not abandoned.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn session(&self, id: &SessionId) -> Result<Session, Error> {
        let collection = self.stored(&Key::Session(id.clone())).await?.collection;
        live_session(&collection, id)
    }

    /// The collection a session belongs to.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn collection_of_session(&self, id: &SessionId) -> Result<Collection, Error> {
        Ok(self.stored(&Key::Session(id.clone())).await?.collection)
    }

    /// Changes a session that is not authorized yet; notes alone can be changed at any time. Payer and notes are changed even
    /// when the provider turns the rest down.
    ///
    /// # Errors
    /// As [`Host::create_session`].
    pub async fn update_session(&self, id: &SessionId, update: SessionUpdate) -> Result<Done<Session>, Error> {
        let Done { value, operation, report } = self.change_session(id, update).await?;
        Ok(Done { value: value.session, operation, report })
    }

    /// The same, with what is a question about the session.
    ///
    /// # Errors
    /// As [`Host::update_session`].
    pub async fn change_session(&self, id: &SessionId, update: SessionUpdate) -> Result<Done<SessionView>, Error> {
        let payer = update.payer.as_ref().map(|payer| payer.to_json(None)).transpose()?;
        let guard = self.guard("update_session", id.as_str(), |print| {
            let print = print.amount("amount", update.amount).json("data", update.data.as_deref());
            let print = print.json("metadata", update.metadata.as_deref());
            print.json("context", payer.as_ref().map(|payer| payer.as_str()))
        });
        let metadata = optional_object("metadata", update.metadata.as_deref())?;
        let notes_only = update.amount.is_none() && update.data.is_none() && update.payer.is_none();
        if let (true, Some(metadata)) = (notes_only, &metadata) {
            let collection = self.annotate(Subject::Session(id.clone()), metadata.clone(), &guard).await?;
            return session_done(Executed::unasked(collection), id);
        }
        let input = object("data", update.data.as_deref())?;
        let work = async {
            let request = Request::UpdateSession {
                session: id.clone(),
                amount: update.amount,
                context: self.new_context(id, update.payer.as_ref()).await?,
                metadata,
                products: authorization_ids(),
            };
            Box::pin(self.execute(Key::Session(id.clone()), request, input, &guard)).await
        };
        let executed = self.once(&guard, work).await?;
        session_done(executed, id)
    }

    /// What a session keeps of a new payer: with their record at the session's provider, where there is one.
    async fn new_context(&self, id: &SessionId, payer: Option<&Payer>) -> Result<Option<Json>, Error> {
        let Some(payer) = payer else { return Ok(None) };
        let provider = self.session(id).await?.provider;
        let holder = self.known_to(&provider, payer.customer.as_ref()).await?;
        payer.to_json(holder).map(Some)
    }

    /// Sessions that were not abandoned.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn sessions(&self, wanted: impl Into<Wanted<SessionFilter>>) -> Result<Listed<SessionView>, Error> {
        let wanted = wanted.into();
        let filter = &wanted.filter;
        few("id", &filter.ids)?;
        few("payment_collection_id", &filter.collections)?;
        few("provider_id", &filter.providers)?;
        bounded(&filter.condition)?;
        let listed = self.inner.store.find_sessions(wanted).await?;
        let view = |collection: &Collection, id: &SessionId| {
            live_session(collection, id).ok().map(|session| SessionView::of(collection, &session))
        };
        self.parts(listed, view).await
    }

    /// Abandons a session at its provider. It stays in the books and can never be paid any more.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is authorized, and what the provider call may end with.
    pub async fn delete_session(&self, id: &SessionId) -> Result<Done<()>, Error> {
        let request = Request::DeleteSession { session: id.clone() };
        let guard = self.guard("delete_session", id.as_str(), |print| print);
        let work = self.execute(Key::Session(id.clone()), request, Json::empty(), &guard);
        let executed = self.once(&guard, work).await?;
        Ok(Done { value: (), operation: executed.operation, report: executed.report })
    }

    /// Authorizes a session, or goes on after a next action was done. `data` is what the storefront sent for the provider.
    ///
    /// What is still open about the session is asked of the provider first. A decline, a next action and a decision that comes
    /// later are answers: they come back as the session's status, without a payment.
    ///
    /// # Errors
    /// [`Error::Refused`], and what the provider call may end with.
    pub async fn authorize_session(&self, id: &SessionId, data: Option<&str>) -> Result<Done<Authorization>, Error> {
        let Done { value: (view, payment), operation, report } = self.authorize_in_view(id, data).await?;
        Ok(Done { value: Authorization { session: view.session, payment }, operation, report })
    }

    /// The same, with what is a question about the session.
    ///
    /// # Errors
    /// As [`Host::authorize_session`].
    pub async fn authorize_in_view(
        &self,
        id: &SessionId,
        data: Option<&str>,
    ) -> Result<Done<(SessionView, Option<PaymentView>)>, Error> {
        let guard = self.guard("authorize_session", id.as_str(), |print| print.json("data", data));
        let input = object("data", data)?;
        let executed = self.once(&guard, self.authorize(id, input, &guard)).await?;
        let payment = executed.collection.payment_of(id);
        let payment = payment.map(|payment| PaymentView::of(&executed.collection, payment));
        let Done { value: view, operation, report } = session_done(executed, id)?;
        Ok(Done { value: (view, payment), operation, report })
    }

    async fn authorize(&self, id: &SessionId, input: Json, guard: &Guard) -> Concluded {
        let collection = self.reconcile_first(&Key::Session(id.clone()), |operation| operation.session == *id).await?;
        let session = live_session(&collection, id)?;
        let deciding = collection
            .operations
            .iter()
            .any(|operation| operation.session == *id && operation.state == OperationState::Pending);
        if deciding && session.status != SessionStatus::Authorized {
            return Ok(Executed::unasked(collection));
        }
        let request = Request::Authorize { session: id.clone(), products: authorization_ids() };
        Box::pin(self.execute(Key::Session(id.clone()), request, input, guard)).await
    }

    /// Asks the provider where a session stands. The books are not changed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::NotTaken`] when the provider knows nothing of it; [`Error::NotAsked`].
    pub async fn session_status(&self, id: &SessionId) -> Result<Done<tillbox_core::outcome::Outcome>, Error> {
        let collection = self.stored(&Key::Session(id.clone())).await?.collection;
        let session = live_session(&collection, id)?;
        let state = match collection.payment_of(id) {
            Some(payment) => super::subject::state_of_payment(&collection, payment),
            None => state_of_session(&collection, &session),
        };
        let provider = self.provider(&session.provider)?;
        let context = self.reading_context(&collection, &session);
        let call = provider.status(context, state).await;
        let value = call.answer.map_err(|failure| super::recheck::not_told("the status of the session", failure))?;
        Ok(Done { value, operation: None, report: Some(call.report) })
    }
}

/// Refuses while it is a question what became of an operation.
pub(super) fn no_question(collection: &Collection, concerns: impl Fn(&Operation) -> bool) -> Result<(), Refusal> {
    let open = |operation: &&Operation| operation.state.reserves() && concerns(operation);
    match collection.operations.iter().find(open) {
        None => Ok(()),
        Some(operation) if matches!(operation.state, OperationState::Running | OperationState::Pending) => {
            Err(Refusal::InFlight { operation: operation.id.clone() })
        }
        Some(operation) => Err(Refusal::UncertainCharge { operation: operation.id.clone() }),
    }
}

/// Whether opening it provably did not happen.
fn never_opened(collection: &Collection, session: &SessionId) -> bool {
    let failed = |operation: &Operation| {
        operation.kind == OperationKind::Initiate
            && operation.session == *session
            && matches!(operation.state, OperationState::Rejected | OperationState::Absent)
    };
    collection.operations.iter().any(failed)
}

/// Ids for what an authorization may make.
pub(super) fn authorization_ids() -> AuthorizationIds {
    AuthorizationIds {
        payment: PaymentId::from_tail(&new_tail()),
        capture: CaptureId::from_tail(&new_tail()),
        capture_operation: OperationId::from_tail(&new_tail()),
    }
}

pub(super) fn live_session(collection: &Collection, id: &SessionId) -> Result<Session, Error> {
    let session = collection.session(id).filter(|session| session.deleted_at.is_none()).cloned();
    session.ok_or_else(|| Error::NotFound { entity: "PaymentSession", id: id.to_string() })
}

fn session_done(executed: Executed, id: &SessionId) -> Result<Done<SessionView>, Error> {
    let value = SessionView::of(&executed.collection, &live_session(&executed.collection, id)?);
    Ok(Done { value, operation: executed.operation, report: executed.report })
}
