//! Payments: captured, refunded, canceled, read.

use tillbox_core::command::{Request, Subject};
use tillbox_core::id::{CaptureId, PaymentId, RefundId};
use tillbox_core::outcome::Snapshot;
use tillbox_core::state::Collection;
use tillbox_core::text::Json;
use tillbox_runtime::request::RetrieveRequest;

use super::execute::Executed;
use super::idempotency::{Concluded, Guard};
use super::input::{NOTE_BYTES_MAX, asked, object, text};
use super::list::{bounded, few, short};
use super::subject::state_of_payment;
use super::{Done, Error, Host, NewCapture, NewRefund, PaymentView};
use crate::clock::new_tail;
use crate::store::{Key, Listed, PaymentFilter, Wanted};

impl Host {
    /// A payment with its captures and refunds.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn payment(&self, id: &PaymentId) -> Result<PaymentView, Error> {
        view(&self.stored(&Key::Payment(id.clone())).await?.collection, id)
    }

    /// Payments; a [`Page`](crate::store::Page) alone means all of them, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn payments(&self, wanted: impl Into<Wanted<PaymentFilter>>) -> Result<Listed<PaymentView>, Error> {
        let wanted = wanted.into();
        let filter = &wanted.filter;
        few("id", &filter.ids)?;
        few("payment_collection_id", &filter.collections)?;
        few("payment_session_id", &filter.sessions)?;
        few("provider_id", &filter.providers)?;
        few("currency_code", &filter.currencies)?;
        bounded(&filter.condition)?;
        short(filter.text.as_deref())?;
        let listed = self.inner.store.find_payments(wanted).await?;
        self.parts(listed, |collection, id| view(collection, id).ok()).await
    }

    /// Changes the notes of a payment. No provider hears of it.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Store`].
    pub async fn update_payment(&self, id: &PaymentId, metadata: &str) -> Result<PaymentView, Error> {
        let guard = self.guard("update_payment", id.as_str(), |print| print.json("metadata", Some(metadata)));
        let metadata = object("metadata", Some(metadata))?;
        view(&self.annotate(Subject::Payment(id.clone()), metadata, &guard).await?, id)
    }

    /// Takes money. Without an amount: all that is left. A payment that is captured in full answers as it is.
    ///
    /// An amount alone will do: `host.capture(&id, Some(amount))`, `host.capture(&id, None)`.
    ///
    /// # Errors
    /// [`Error::Refused`] when more is asked than is left, or the payment was canceled; what the provider call may end with.
    pub async fn capture(&self, id: &PaymentId, new: impl Into<NewCapture>) -> Result<Done<PaymentView>, Error> {
        let new = new.into();
        let guard = self.guard("capture", id.as_str(), |print| {
            let print = print.amount("amount", new.amount).text("created_by", new.created_by.as_deref());
            print.json("metadata", new.metadata.as_deref())
        });
        let guard = guard.whole();
        let request = Request::Capture {
            payment: id.clone(),
            capture: CaptureId::from_tail(&new_tail()),
            amount: new.amount,
            asked: asked(new.created_by, new.metadata.as_deref())?,
        };
        payment_done(self.once(&guard, self.on_payment(id, request, &guard)).await?, id)
    }

    /// Gives money back. Without an amount: all that is left to refund.
    ///
    /// # Errors
    /// [`Error::Refused`] when more is asked than is captured and not refunded; [`Error::NotFound`] when the reason does not
    /// exist; what the provider call may end with.
    pub async fn refund(&self, id: &PaymentId, refund: NewRefund) -> Result<Done<PaymentView>, Error> {
        let guard = self.guard("refund", id.as_str(), |print| {
            let print = print.amount("amount", refund.amount).text("note", refund.note.as_deref());
            let print = print.text("refund_reason_id", refund.reason.as_ref().map(|reason| reason.as_str()));
            let print = print.text("created_by", refund.created_by.as_deref());
            print.json("metadata", refund.metadata.as_deref())
        });
        let guard = guard.whole();
        let note = text("note", refund.note, NOTE_BYTES_MAX)?;
        let asked = asked(refund.created_by, refund.metadata.as_deref())?;
        let work = async {
            let request = Request::Refund {
                payment: id.clone(),
                refund: RefundId::from_tail(&new_tail()),
                amount: refund.amount,
                reason: self.given_reason(refund.reason.as_ref()).await?,
                note,
                asked,
            };
            self.on_payment(id, request, &guard).await
        };
        payment_done(self.once(&guard, work).await?, id)
    }

    /// Voids a payment of which nothing is captured.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is captured, in whole or in part, or canceled already; what the provider call may end with.
    pub async fn cancel_payment(&self, id: &PaymentId, note: Option<String>) -> Result<Done<PaymentView>, Error> {
        let guard = self.guard("cancel_payment", id.as_str(), |print| print.text("reason", note.as_deref()));
        let guard = guard.whole();
        let request = Request::Cancel { payment: id.clone(), note: text("reason", note, NOTE_BYTES_MAX)? };
        payment_done(self.once(&guard, self.on_payment(id, request, &guard)).await?, id)
    }

    /// Asks the provider what it knows of a payment. The books are not changed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::NotTaken`] when the provider knows nothing of it; [`Error::NotAsked`].
    pub async fn retrieve_from_provider(&self, id: &PaymentId) -> Result<Done<Snapshot>, Error> {
        let collection = self.stored(&Key::Payment(id.clone())).await?.collection;
        let payment = collection.payment(id).expect("found by this id");
        let session = collection.session(&payment.session).expect("a payment has its session");
        let provider = self.provider(&payment.provider)?;
        let context = self.reading_context(&collection, session);
        let request = RetrieveRequest { payment: state_of_payment(&collection, payment), operation: None };
        let call = provider.retrieve(context, request).await;
        let value = call
            .answer
            .map_err(|failure| super::recheck::not_told("what the provider knows of the payment", failure))?;
        Ok(Done { value, operation: None, report: Some(call.report) })
    }

    /// What is open about the payment is asked first: money that may have moved already must not move again.
    async fn on_payment(&self, id: &PaymentId, request: Request, guard: &Guard) -> Concluded {
        let key = Key::Payment(id.clone());
        Box::pin(self.reconcile_first(&key, |operation| operation.payment.as_ref() == Some(id))).await?;
        Box::pin(self.execute(key, request, Json::empty(), guard)).await
    }
}

fn payment_done(executed: Executed, id: &PaymentId) -> Result<Done<PaymentView>, Error> {
    let Executed { collection, operation, report } = executed;
    Ok(Done { value: view(&collection, id)?, operation, report })
}

fn view(collection: &Collection, id: &PaymentId) -> Result<PaymentView, Error> {
    let payment = collection.payment(id);
    let payment = payment.ok_or_else(|| Error::NotFound { entity: "Payment", id: id.to_string() })?;
    Ok(PaymentView::of(collection, payment))
}
