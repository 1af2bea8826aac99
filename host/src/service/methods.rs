//! Payment methods that customers keep at a provider. There is no table: the provider is asked each time, and what it answers
//! is handed on. No card number ever passes here, only the provider's tokens.

use std::sync::Arc;

use serde_json::{Value, json};
use tillbox_core::id::{AccountHolderId, ProviderId};
use tillbox_core::text::Json;
use tillbox_runtime::Provider;
use tillbox_runtime::request::{CallContext, PaymentMethod};

use super::holders::{answer, customer_of, known_as};
use super::idempotency::object_of;
use super::input::object;
use super::{Error, Host};
use crate::clock::new_tail;
use crate::store::KeptHolder;

/// Bytes of a caller's own key for saving a payment method.
pub const METHOD_KEY_BYTES_MAX: usize = 255;

/// Bytes of a provider's token: the contract's limit.
pub const METHOD_ID_BYTES_MAX: usize = 255;

/// Payment methods that one request may save or remove: the contract's limit on a list of them.
pub const METHODS_AT_ONCE_MAX: usize = 100;

/// A payment method to be saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewPaymentMethod {
    /// What the storefront has from the provider: a JSON object.
    pub data: Option<String>,
    /// Yours, the same when you ask again after a call that was not answered: the method is saved once. Without one, each
    /// request is a new one.
    pub key: Option<String>,
}

/// A payment method that a customer keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMethod {
    /// The provider's token.
    pub id: String,
    /// Who keeps it.
    pub provider: ProviderId,
    /// What a payer may see.
    pub display: Json,
    /// The provider's private state of it.
    pub data: Json,
}

impl Host {
    /// What a customer keeps at their provider, as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotSupported`], [`Error::NotTaken`], [`Error::NotAsked`].
    pub async fn payment_methods(&self, holder: &AccountHolderId) -> Result<Vec<SavedMethod>, Error> {
        let (holder, provider) = self.keeping(holder).await?;
        let context = self.method_context(provider.as_ref(), &holder, &format!("list-{}", new_tail()))?;
        let listed = provider
            .list_payment_methods(context)
            .await
            .answer
            .map_err(|failure| super::recheck::not_told("the payment methods", failure))?;
        Ok(listed.into_iter().map(|method| saved(method, &holder)).collect())
    }

    /// Saves one payment method.
    ///
    /// # Errors
    /// As [`Host::save_payment_methods`].
    pub async fn save_payment_method(
        &self,
        holder: &AccountHolderId,
        new: NewPaymentMethod,
    ) -> Result<SavedMethod, Error> {
        let guard = self.guard("save_payment_method", holder.as_str(), |print| {
            print.json("data", new.data.as_deref()).text("key", new.key.as_deref())
        });
        let mut methods = self.once_plain(&guard, self.save_methods(holder, vec![new])).await?;
        Ok(methods.pop().expect("one for one"))
    }

    /// Saves payment methods, one after another; the first that fails ends it, and those before it are saved.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::NotSupported`], and what the provider call may end with.
    pub async fn save_payment_methods(
        &self,
        holder: &AccountHolderId,
        new: Vec<NewPaymentMethod>,
    ) -> Result<Vec<SavedMethod>, Error> {
        let guard = self.guard("save_payment_methods", holder.as_str(), |print| {
            let told = |new: &NewPaymentMethod| json!({ "data": object_of(new.data.as_deref()), "key": new.key });
            print.json("payment_methods", Some(&new.iter().map(told).collect::<Value>().to_string()))
        });
        self.once_plain(&guard, self.save_methods(holder, new)).await
    }

    /// No row is written: what is asked is repeated under the same provider key until it has its answer.
    async fn save_methods(
        &self,
        holder: &AccountHolderId,
        new: Vec<NewPaymentMethod>,
    ) -> Result<Vec<SavedMethod>, Error> {
        at_once(new.len())?;
        let (holder, provider) = self.keeping(holder).await?;
        let mut asked = Vec::with_capacity(new.len());
        let tail = self.step_tail();
        for (place, new) in new.into_iter().enumerate() {
            let input = object("data", new.data.as_deref())?;
            let step = step(new.key.as_deref(), &format!("{tail}-{place}"))?;
            asked.push((self.method_context(provider.as_ref(), &holder, &step)?, input));
        }
        let mut methods = Vec::with_capacity(asked.len());
        for (context, input) in asked {
            let call = provider.save_payment_method(context, input).await;
            methods.push(saved(answer("saving the payment method", provider.reach(), call)?, &holder));
        }
        Ok(methods)
    }

    /// Removes payment methods by the provider's tokens, one after another. One that is gone already is fine, so asking again
    /// is safe.
    ///
    /// # Errors
    /// As [`Host::save_payment_methods`].
    pub async fn delete_payment_methods(&self, holder: &AccountHolderId, ids: &[String]) -> Result<(), Error> {
        let named = ids.join(" ");
        let guard = self.guard("delete_payment_methods", holder.as_str(), |print| print.text("id", Some(&named)));
        self.once_plain(&guard, self.remove_methods(holder, ids)).await
    }

    async fn remove_methods(&self, holder: &AccountHolderId, ids: &[String]) -> Result<(), Error> {
        at_once(ids.len())?;
        let wrong = ids.iter().find(|id| id.is_empty() || id.len() > METHOD_ID_BYTES_MAX);
        if wrong.is_some() {
            return Err(Error::invalid("id", format!("1 to {METHOD_ID_BYTES_MAX} bytes")));
        }
        let (holder, provider) = self.keeping(holder).await?;
        let tail = self.step_tail();
        for (place, id) in ids.iter().enumerate() {
            let context = self.method_context(provider.as_ref(), &holder, &format!("remove-{tail}-{place}"))?;
            let call = provider.delete_payment_method(context, id.clone()).await;
            answer("removing the payment method", provider.reach(), call)?;
        }
        Ok(())
    }

    async fn keeping(&self, id: &AccountHolderId) -> Result<(KeptHolder, Arc<dyn Provider>), Error> {
        let holder = self.living_holder(id).await?;
        let provider = self.provider(&holder.provider)?;
        match provider.info().capabilities.payment_methods {
            true => Ok((holder, provider)),
            false => Err(Error::NotSupported { provider: holder.provider, interface: "payment-methods" }),
        }
    }

    fn method_context(&self, provider: &dyn Provider, holder: &KeptHolder, step: &str) -> Result<CallContext, Error> {
        let known = known_as(holder);
        let missing = || Error::NotFound { entity: "AccountHolder", id: holder.id.to_string() };
        Ok(CallContext {
            customer: Some(customer_of(holder)),
            account_holder: Some(known.ok_or_else(missing)?),
            ..self.holder_context(provider, holder, step)
        })
    }
}

/// A caller's key may be any text; an id holds only some letters.
fn step(key: Option<&str>, tail: &str) -> Result<String, Error> {
    let Some(key) = key else { return Ok(format!("save-{tail}")) };
    if key.is_empty() || key.len() > METHOD_KEY_BYTES_MAX {
        return Err(Error::invalid("key", format!("1 to {METHOD_KEY_BYTES_MAX} bytes")));
    }
    Ok(format!("save-{}", super::keys::digest(key)))
}

fn at_once(count: usize) -> Result<(), Error> {
    match count {
        0..=METHODS_AT_ONCE_MAX => Ok(()),
        more => {
            let what = format!("{more} at once, at most {METHODS_AT_ONCE_MAX} are allowed");
            Err(Error::invalid("payment_methods", what))
        }
    }
}

fn saved(method: PaymentMethod, holder: &KeptHolder) -> SavedMethod {
    SavedMethod { id: method.id, provider: holder.provider.clone(), display: method.display, data: method.data }
}
