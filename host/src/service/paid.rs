//! Paid by hand: a collection whose money came in some other way is brought to its end through one provider.
//!
//! Nothing is written that a provider did not confirm: a session is opened, authorized and captured like any other. It can be
//! asked for again at any point and goes on from there.

use tillbox_core::id::{CollectionId, ProviderId, SessionId};
use tillbox_core::refusal::Refusal;
use tillbox_core::state::{Collection, Payment};
use tillbox_core::status::CollectionStatus;

use super::execute::Executed;
use super::idempotency::Concluded;
use super::sessions::no_question;
use super::{Error, Host, NewSession};
use crate::store::Key;

/// Who takes money by hand where nobody is named, the first that is installed.
const BY_HAND: [&str; 2] = ["system_default", "manual_default"];

/// Steps until it is given up: a session, its authorization and its capture, and each of them once more.
const STEPS_MAX: usize = 6;

impl Host {
    /// Brings a collection to its end: what is left is authorized and captured through this provider, or through the one for
    /// money that is taken by hand. A collection that was brought there before answers as it is.
    ///
    /// # Errors
    /// [`Error::Refused`] while anything about it is a question, when other payments hold authorized money, and when it is
    /// canceled or was paid otherwise; [`Error::Invalid`] when it is of another order; [`Error::NotAuthorized`]; what
    /// [`Host::create_session`], [`Host::authorize_session`] and [`Host::capture`] may end with.
    pub async fn mark_as_paid(
        &self,
        id: &CollectionId,
        order_id: &str,
        provider: Option<ProviderId>,
    ) -> Result<Collection, Error> {
        let guard = self.guard("mark_as_paid", id.as_str(), |print| {
            print.text("order_id", Some(order_id)).text("provider_id", provider.as_ref().map(ProviderId::as_str))
        });
        let guard = guard.whole();
        let work = async {
            let provider = self.by_hand(provider)?;
            // Three calls of a provider in one request: on the heap, or the stack would have to hold them all.
            Box::pin(self.pay(id, order_id, &provider)).await
        };
        Ok(self.once(&guard, work).await?.collection)
    }

    fn by_hand(&self, named: Option<ProviderId>) -> Result<ProviderId, Error> {
        if let Some(id) = named {
            return self.provider(&id).map(|_| id);
        }
        let known = BY_HAND.map(ProviderId::from_tail);
        let installed = known.iter().find(|id| self.inner.registry.contains(id));
        let missing = || {
            let known = known.each_ref().map(ProviderId::as_str).join(" nor ");
            Error::invalid("provider_id", format!("is missing, and neither {known} is installed: name a provider"))
        };
        installed.cloned().ok_or_else(missing)
    }

    async fn pay(&self, id: &CollectionId, order_id: &str, provider: &ProviderId) -> Concluded {
        let key = Key::Collection(id.clone());
        let host = self.without_key();
        let mut refused = None;
        for _ in 0..STEPS_MAX {
            let collection = host.reconcile_first(&key, |_| true).await?;
            if collection.order_id.as_deref().is_some_and(|order| order != order_id) {
                return Err(Error::invalid("order_id", "the payment collection belongs to another order"));
            }
            let Some(step) = next(&collection, provider)? else { return Ok(Executed::unasked(collection)) };
            // Somebody else may do the same: what they did shows in the next round.
            if let Some(refusal) = refused {
                return Err(Error::Refused(refusal));
            }
            match Box::pin(host.take(&collection, step, provider)).await {
                Ok(()) => {}
                Err(Error::Refused(refusal)) => refused = Some(refusal),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    async fn take(&self, collection: &Collection, step: Step, provider: &ProviderId) -> Result<(), Error> {
        match step {
            Step::Open => self.create_session(&collection.id, NewSession::new(provider.clone())).await.map(|_| ()),
            Step::Capture(payment) => self.capture(&payment.id, None).await.map(|_| ()),
            Step::Authorize(session) => match self.authorize_session(&session, None).await {
                Ok(done) if done.value.payment.is_some() => Ok(()),
                Ok(done) => Err(Error::NotAuthorized { status: done.value.session.status.as_str(), session }),
                Err(error) => {
                    // It was opened for this and would stay behind.
                    if let (Error::Refused(_), Err(left)) = (&error, self.delete_session(&session).await) {
                        tracing::warn!(session = session.as_str(), error = %left, "a session that is not needed stays");
                    }
                    Err(error)
                }
            },
        }
    }
}

/// What brings it nearer to its end.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Open,
    Authorize(SessionId),
    Capture(Box<Payment>),
}

/// The next step; none where it is at its end through this provider.
fn next(collection: &Collection, provider: &ProviderId) -> Result<Option<Step>, Refusal> {
    no_question(collection, |_| true)?;
    let own = |payment: &&Payment| payment.provider == *provider && payment.canceled_at.is_none();
    let paid_here =
        collection.payments.iter().filter(own).any(|payment| !collection.captured_of(&payment.id).is_zero());
    match collection.status {
        CollectionStatus::Completed if paid_here => return Ok(None),
        CollectionStatus::Completed | CollectionStatus::Canceled => {
            return Err(Refusal::CollectionClosed { status: collection.status.as_str() });
        }
        CollectionStatus::NotPaid
        | CollectionStatus::Awaiting
        | CollectionStatus::Authorized
        | CollectionStatus::PartiallyAuthorized
        | CollectionStatus::PartiallyCaptured
        | CollectionStatus::Failed => {}
    }
    let held = |payment: &&Payment| !collection.capturable(payment).is_zero();
    if let Some(payment) = collection.payments.iter().filter(own).find(held) {
        return Ok(Some(Step::Capture(Box::new(payment.clone()))));
    }
    if collection.payments.iter().any(|payment| held(&payment)) {
        return Err(Refusal::OpenPayments);
    }
    let left = collection.authorizable();
    let opened = collection.live_sessions().find(|session| {
        let unpaid = collection.payment_of(&session.id).is_none();
        session.provider == *provider && session.amount == left && unpaid && session.status.as_str() == "pending"
    });
    Ok(Some(opened.map_or(Step::Open, |session| Step::Authorize(session.id.clone()))))
}
