//! Captures and refunds as they are listed and read. Both are operations that are done; there is no second book.

use tillbox_core::command::Subject;
use tillbox_core::id::{CaptureId, RefundId};
use tillbox_core::state::Collection;

use super::input::object;
use super::list::{bounded, few};
use super::view::{Capture, Refund};
use super::{Error, Host};
use crate::store::{CaptureFilter, Key, Listed, RefundFilter, Wanted};

impl Host {
    /// Captures; a [`Page`](crate::store::Page) alone means all of them, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn captures(&self, wanted: impl Into<Wanted<CaptureFilter>>) -> Result<Listed<Capture>, Error> {
        let wanted = wanted.into();
        few("id", &wanted.filter.ids)?;
        few("payment_id", &wanted.filter.payments)?;
        few("created_by", &wanted.filter.created_by)?;
        bounded(&wanted.filter.condition)?;
        let listed = self.inner.store.find_captures(wanted).await?;
        self.parts(listed, |collection, id| capture(collection, id).ok()).await
    }

    /// A capture.
    ///
    /// # Errors
    /// [`Error::NotFound`], also while nobody knows whether it happened; [`Error::Store`].
    pub async fn retrieve_capture(&self, id: &CaptureId) -> Result<Capture, Error> {
        capture(&self.stored(&Key::Capture(id.clone())).await?.collection, id)
    }

    /// Changes the notes of a capture.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Store`].
    pub async fn update_capture(&self, id: &CaptureId, metadata: &str) -> Result<Capture, Error> {
        let guard = self.guard("update_capture", id.as_str(), |print| print.json("metadata", Some(metadata)));
        let metadata = object("metadata", Some(metadata))?;
        capture(&self.annotate(Subject::Capture(id.clone()), metadata, &guard).await?, id)
    }

    /// Refunds; a [`Page`](crate::store::Page) alone means all of them, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn refunds(&self, wanted: impl Into<Wanted<RefundFilter>>) -> Result<Listed<Refund>, Error> {
        let wanted = wanted.into();
        few("id", &wanted.filter.ids)?;
        few("payment_id", &wanted.filter.payments)?;
        few("refund_reason_id", &wanted.filter.reasons)?;
        few("created_by", &wanted.filter.created_by)?;
        bounded(&wanted.filter.condition)?;
        let listed = self.inner.store.find_refunds(wanted).await?;
        self.parts(listed, |collection, id| refund(collection, id).ok()).await
    }

    /// A refund.
    ///
    /// # Errors
    /// [`Error::NotFound`], also while nobody knows whether it happened; [`Error::Store`].
    pub async fn retrieve_refund(&self, id: &RefundId) -> Result<Refund, Error> {
        refund(&self.stored(&Key::Refund(id.clone())).await?.collection, id)
    }

    /// Changes the notes of a refund.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Store`].
    pub async fn update_refund(&self, id: &RefundId, metadata: &str) -> Result<Refund, Error> {
        let guard = self.guard("update_refund", id.as_str(), |print| print.json("metadata", Some(metadata)));
        let metadata = object("metadata", Some(metadata))?;
        refund(&self.annotate(Subject::Refund(id.clone()), metadata, &guard).await?, id)
    }
}

fn capture(collection: &Collection, id: &CaptureId) -> Result<Capture, Error> {
    let found = collection.operations.iter().filter_map(Capture::of).find(|capture| capture.id == *id);
    found.ok_or_else(|| Error::NotFound { entity: "Capture", id: id.to_string() })
}

fn refund(collection: &Collection, id: &RefundId) -> Result<Refund, Error> {
    let found = collection.operations.iter().filter_map(Refund::of).find(|refund| refund.id == *id);
    found.ok_or_else(|| Error::NotFound { entity: "Refund", id: id.to_string() })
}
