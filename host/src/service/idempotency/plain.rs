//! Answers that speak of no single operation: lists, reasons, providers, endpoints. They are kept as plain JSON with the key,
//! written in the transaction of the change, and given again from there.
//!
//! What belongs to an operation is `answer`'s. No answer here holds a secret.

use serde_json::{Value, json};
use tillbox_core::Timestamp;
use tillbox_core::id::{AccountHolderId, ProviderId, RefundReasonId};
use tillbox_core::state::Collection;
use tillbox_core::text::Json;

use super::super::{Error, HeldAccount, Host, PaymentProvider, SavedMethod, WebhookEndpoint};
use super::guard::Guard;
use crate::store::{
    KeyWrite, RefundReason, SideChange, StoreError, SubscriberId, snapshot_from_text, snapshot_to_text,
};

/// What can be kept with a key and given again, whole.
pub(in crate::service) trait Plain: Sized {
    fn to_kept(&self) -> Value;
    /// Nothing when no version of this program wrote it.
    fn from_kept(kept: &Value) -> Option<Self>;
}

impl Host {
    /// Carries out `work` unless the key has its answer already. `work` writes the key with its change, by
    /// [`Host::write_side`]; an answer that came without a change is written here.
    pub(in crate::service) async fn once_plain<T: Plain>(
        &self,
        guard: &Guard,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if let Some(answer) = self.told(guard).await? {
            return Ok(answer);
        }
        let done = work.await;
        if guard.is_settled() {
            return done;
        }
        match done {
            Err(error @ (Error::Store(_) | Error::Invalid { .. })) => Err(error),
            // It may be the view of somebody who lost a race for the key.
            Err(error) => self.told(guard).await?.ok_or(error),
            Ok(done) => {
                let Some(write) = guard.plain(self, &done) else { return Ok(done) };
                match self.inner.store.write_key(write).await {
                    Ok(()) => Ok(done),
                    Err(StoreError::Conflict) => self.told(guard).await?.ok_or(Error::Contended),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Makes a change durable, and its answer with the key of the request; `false` when something stood in the way of it.
    ///
    /// # Errors
    /// [`Error::Contended`] when it was the key, [`Error::Store`].
    pub(in crate::service) async fn write_side<T: Plain>(
        &self,
        change: SideChange,
        guard: &Guard,
        answer: &T,
    ) -> Result<bool, Error> {
        let write = guard.plain(self, answer);
        match self.inner.store.write_side(change, write.clone()).await {
            Ok(()) => {
                guard.written(write.as_ref());
                Ok(true)
            }
            Err(StoreError::Conflict) if guard.lost(self).await? => Err(Error::Contended),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The answer that the key has.
    async fn told<T: Plain>(&self, guard: &Guard) -> Result<Option<T>, Error> {
        let Some(text) = self.kept_text(guard).await? else { return Ok(None) };
        let kept: Option<Value> = serde_json::from_str(&text).ok();
        let corrupt = || StoreError::Corrupt {
            table: "idempotency",
            id: "answer".to_owned(),
            what: "no answer of this request".to_owned(),
        };
        let answer = kept.as_ref().and_then(|kept| T::from_kept(kept.get("plain")?));
        Ok(Some(answer.ok_or_else(corrupt)?))
    }
}

impl Guard {
    /// What to write with a change, or alone.
    pub(in crate::service) fn plain<T: Plain>(&self, host: &Host, answer: &T) -> Option<KeyWrite> {
        self.settled(host, || json!({ "plain": answer.to_kept() }).to_string())
    }
}

/// A JSON object of a caller for a fingerprint inside of a list. One that cannot be read is the text it is.
pub(in crate::service) fn object_of(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
}

fn owned(kept: &Value) -> Option<String> {
    kept.as_str().map(str::to_owned)
}

fn time(kept: &Value) -> Option<Timestamp> {
    kept.as_i64().map(Timestamp)
}

impl Plain for () {
    fn to_kept(&self) -> Value {
        Value::Null
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        kept.is_null().then_some(())
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn to_kept(&self) -> Value {
        self.iter().map(T::to_kept).collect()
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        kept.as_array()?.iter().map(T::from_kept).collect()
    }
}

impl Plain for Collection {
    fn to_kept(&self) -> Value {
        snapshot_to_text(self).into()
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        snapshot_from_text(kept.as_str()?).ok()
    }
}

impl Plain for RefundReason {
    fn to_kept(&self) -> Value {
        json!({
            "id": self.id.as_str(), "label": self.label, "code": self.code, "description": self.description,
            "metadata": self.metadata.as_ref().map(Json::as_str),
            "created_at": self.created_at.0, "updated_at": self.updated_at.0,
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            id: RefundReasonId::parse(kept["id"].as_str()?).ok()?,
            label: owned(&kept["label"])?,
            code: owned(&kept["code"])?,
            description: owned(&kept["description"]),
            metadata: kept["metadata"].as_str().map(Json::from_checked),
            created_at: time(&kept["created_at"])?,
            updated_at: time(&kept["updated_at"])?,
            deleted_at: None,
        })
    }
}

impl Plain for HeldAccount {
    fn to_kept(&self) -> Value {
        json!({
            "id": self.id.as_str(), "provider": self.provider.as_str(), "customer": self.customer,
            "external_id": self.external_id, "email": self.email, "data": self.data.as_str(),
            "metadata": self.metadata.as_ref().map(Json::as_str),
            "created_at": self.created_at.0, "updated_at": self.updated_at.0,
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            id: AccountHolderId::parse(kept["id"].as_str()?).ok()?,
            provider: ProviderId::parse(kept["provider"].as_str()?).ok()?,
            customer: owned(&kept["customer"])?,
            external_id: owned(&kept["external_id"])?,
            email: owned(&kept["email"]),
            data: Json::from_checked(kept["data"].as_str()?),
            metadata: kept["metadata"].as_str().map(Json::from_checked),
            created_at: time(&kept["created_at"])?,
            updated_at: time(&kept["updated_at"])?,
        })
    }
}

impl Plain for SavedMethod {
    fn to_kept(&self) -> Value {
        json!({
            "id": self.id, "provider": self.provider.as_str(), "display": self.display.as_str(),
            "data": self.data.as_str(),
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            id: owned(&kept["id"])?,
            provider: ProviderId::parse(kept["provider"].as_str()?).ok()?,
            display: Json::from_checked(kept["display"].as_str()?),
            data: Json::from_checked(kept["data"].as_str()?),
        })
    }
}

impl Plain for PaymentProvider {
    fn to_kept(&self) -> Value {
        json!({
            "id": self.id.as_str(), "is_enabled": self.is_enabled, "is_installed": self.is_installed,
            "created_at": self.created_at.0, "updated_at": self.updated_at.0,
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            id: ProviderId::parse(kept["id"].as_str()?).ok()?,
            is_enabled: kept["is_enabled"].as_bool()?,
            is_installed: kept["is_installed"].as_bool()?,
            created_at: time(&kept["created_at"])?,
            updated_at: time(&kept["updated_at"])?,
        })
    }
}

impl Plain for WebhookEndpoint {
    fn to_kept(&self) -> Value {
        json!({
            "id": self.id.as_str(), "url": self.url, "description": self.description, "events": self.events,
            "is_enabled": self.is_enabled, "disabled_reason": self.disabled_reason,
            "previous_secret_until": self.previous_secret_until.map(|until| until.0),
            "created_at": self.created_at.0, "updated_at": self.updated_at.0,
        })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        Some(Self {
            id: SubscriberId::parse(kept["id"].as_str()?)?,
            url: owned(&kept["url"])?,
            description: owned(&kept["description"]),
            events: kept["events"].as_array()?.iter().map(owned).collect::<Option<_>>()?,
            is_enabled: kept["is_enabled"].as_bool()?,
            disabled_reason: owned(&kept["disabled_reason"]),
            previous_secret_until: time(&kept["previous_secret_until"]),
            created_at: time(&kept["created_at"])?,
            updated_at: time(&kept["updated_at"])?,
        })
    }
}
