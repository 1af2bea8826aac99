//! Account holders: customers as a provider knows them, and the payment methods they keep there.
//!
//! No money moves here, and still nothing is lost: the row comes before the call, the key of a creation is that of its row, and
//! a creation that was not answered is repeated word for word under the same key. So there is never a second record at the
//! provider. Payment methods have no table: the provider is asked each time.

use tillbox_core::id::{AccountHolderId, OperationId, ProviderId};
use tillbox_core::outcome::{ErrorKind, ProviderError};
use tillbox_core::text::Json;
use tillbox_runtime::request::{AccountHolder, CallContext, Customer};
use tillbox_runtime::{Call, Failure, MoneyImplication, Provider, Reach};

use super::execute::COMMIT_ATTEMPTS;
use super::idempotency::Guard;
use super::input::{object, optional_object};
use super::keys::{STEP_ONLY, idempotency_key};
use super::list::{few, short};
use super::payer::Asking;
use super::{Error, Host, Payer};
use crate::clock::new_tail;
use crate::store::{AccountHolderFilter, KeptHolder, Listed, SideChange, StoreError, Wanted};

const ENTITY: &str = "AccountHolder";

/// What is asked at a creation, for errors.
const MAKING: &str = "creating the account holder";

/// The interface of the contract.
pub(super) const INTERFACE: &str = "account-holders";

/// An account holder to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccountHolder {
    /// Who is asked.
    pub provider: ProviderId,
    /// One that is there already: it is the answer, and nobody is asked.
    pub existing: Option<AccountHolderId>,
    /// The customer. It has to be known who that is, unless one is there already.
    pub customer: Option<Customer>,
    /// What else the provider wants to know: a JSON object.
    pub data: Option<String>,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
}

impl NewAccountHolder {
    /// One for this customer.
    #[must_use]
    pub fn new(provider: ProviderId, customer: Customer) -> Self {
        Self { provider, existing: None, customer: Some(customer), data: None, metadata: None }
    }
}

/// An account holder to be changed. Notes alone change without the provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountHolderUpdate {
    /// The customer as they are now. Their id is that of the account holder.
    pub customer: Option<Customer>,
    /// What else the provider wants to know: a JSON object.
    pub data: Option<String>,
    /// New notes, replacing the old: a JSON object.
    pub metadata: Option<String>,
}

/// A customer as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAccount {
    /// Its id.
    pub id: AccountHolderId,
    /// Who knows them.
    pub provider: ProviderId,
    /// The merchant's id of the customer.
    pub customer: String,
    /// The provider's id of them.
    pub external_id: String,
    /// Their e-mail address, as it was last told.
    pub email: Option<String>,
    /// The provider's private state.
    pub data: Json,
    /// The owner's own notes.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: tillbox_core::Timestamp,
    /// When it last changed.
    pub updated_at: tillbox_core::Timestamp,
}

impl Host {
    /// Makes an account holder, or answers the one that the customer has with the provider. After a call that was not
    /// answered, asking again is safe: it goes on where it was.
    ///
    /// # Errors
    /// [`Error::NotSupported`]; [`Error::Invalid`] without a customer; [`Error::NotTaken`] and [`Error::Broken`] when it
    /// provably was not made; [`Error::Unanswered`] when nobody knows; [`Error::Duplicate`] when the provider knows another
    /// customer of ours under the id it gave.
    pub async fn create_account_holder(&self, new: NewAccountHolder) -> Result<HeldAccount, Error> {
        let guard = self.guard("create_account_holder", "", |print| {
            let print = print.text("provider_id", Some(new.provider.as_str()));
            let print = print.text("account_holder_id", new.existing.as_ref().map(AccountHolderId::as_str));
            let print = print.json("customer", told(new.customer.as_ref()).as_deref());
            print.json("data", new.data.as_deref()).json("metadata", new.metadata.as_deref())
        });
        self.once_plain(&guard, self.make_account_holder(new, &guard)).await
    }

    async fn make_account_holder(&self, new: NewAccountHolder, guard: &Guard) -> Result<HeldAccount, Error> {
        if let Some(existing) = &new.existing {
            return self.account_holder(existing).await;
        }
        let provider = self.holding(&new.provider)?;
        let asking = asking(&new)?;
        let customer = asking.payer.customer.as_ref().expect("checked just now").id.clone();
        let metadata = optional_object("metadata", new.metadata.as_deref())?;
        for _ in 0..COMMIT_ATTEMPTS {
            let found = self.inner.store.account_holder_of(new.provider.clone(), customer.clone()).await?;
            let begun = match found {
                Some(found) if found.external_id.is_some() => return confirmed(found),
                // Somebody asked and was not answered: the same again, whatever is asked for now.
                Some(open) => KeptHolder { attempts: open.attempts.saturating_add(1), updated_at: self.now(), ..open },
                None => self.begun(&new.provider, &customer, &asking, metadata.clone())?,
            };
            if let Some(made) = self.make_holder(provider.as_ref(), begun, guard).await? {
                return Ok(made);
            }
        }
        Err(Error::Contended)
    }

    fn begun(
        &self,
        provider: &ProviderId,
        customer: &str,
        asking: &Asking,
        metadata: Option<Json>,
    ) -> Result<KeptHolder, Error> {
        let now = self.now();
        Ok(KeptHolder {
            id: AccountHolderId::from_tail(&new_tail()),
            provider: provider.clone(),
            customer: customer.to_owned(),
            external_id: None,
            email: asking.payer.customer.as_ref().and_then(|customer| customer.email.clone()),
            data: Json::empty(),
            metadata,
            request: Some(asking.to_json()?),
            attempts: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        })
    }

    /// Asks the provider and writes down what it says; nothing when somebody else was faster.
    async fn make_holder(
        &self,
        provider: &dyn Provider,
        begun: KeptHolder,
        guard: &Guard,
    ) -> Result<Option<HeldAccount>, Error> {
        let asking = begun.request.as_ref().map(Asking::from_json).unwrap_or_default();
        let written = provider.reach() == Reach::Network || begun.attempts > 1;
        if written && !self.kept(&begun).await? {
            return Ok(None);
        }
        let context = CallContext {
            attempt: begun.attempts,
            customer: asking.payer.customer,
            ..self.holder_context(provider, &begun, "create")
        };
        let call = provider.create_account_holder(context, asking.input).await;
        let answer = match answer(MAKING, provider.reach(), call) {
            Ok(answer) => answer,
            Err(error) => {
                // What proves that this attempt did nothing says nothing of the attempts before it.
                let open = matches!(error, Error::Unanswered { .. });
                if open || begun.attempts <= 1 {
                    if written && !open {
                        self.kept(&KeptHolder { deleted_at: Some(self.now()), ..begun }).await?;
                    }
                    return Err(error);
                }
                return Err(Error::Unanswered { what: MAKING, detail: error.to_string() });
            }
        };
        let made = KeptHolder {
            external_id: Some(answer.external_id.clone()),
            data: answer.data,
            request: None,
            updated_at: self.now(),
            ..begun.clone()
        };
        let account = confirmed(made.clone())?;
        if self.write_side(SideChange::KeepHolder(Box::new(made)), guard, &account).await? {
            return Ok(Some(account));
        }
        let other = self.inner.store.account_holder_of(begun.provider.clone(), begun.customer.clone()).await?;
        if other.is_some_and(|other| other.id != begun.id || other.external_id.is_some()) {
            return Ok(None);
        }
        // Nobody was faster, so it is the id: the provider knows another customer of ours under it.
        if written {
            self.kept(&KeptHolder { deleted_at: Some(self.now()), ..begun }).await?;
        }
        Err(Error::Duplicate { entity: ENTITY, field: "external_id", value: answer.external_id })
    }

    /// An account holder.
    ///
    /// # Errors
    /// [`Error::NotFound`], also while no provider has confirmed it; [`Error::Store`].
    pub async fn account_holder(&self, id: &AccountHolderId) -> Result<HeldAccount, Error> {
        confirmed(self.living_holder(id).await?)
    }

    /// Account holders.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn account_holders(
        &self,
        wanted: impl Into<Wanted<AccountHolderFilter>>,
    ) -> Result<Listed<HeldAccount>, Error> {
        let wanted = wanted.into();
        let filter = &wanted.filter;
        few("id", &filter.ids)?;
        few("provider_id", &filter.providers)?;
        few("customer_id", &filter.customers)?;
        few("external_id", &filter.external_ids)?;
        few("email", &filter.emails)?;
        short(filter.text.as_deref())?;
        let found = self.inner.store.find_account_holders(wanted).await?;
        let items = found.items.into_iter().map(confirmed).collect::<Result<_, _>>()?;
        Ok(Listed { items, count: found.count })
    }

    /// Changes an account holder, at its provider too unless only notes change.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] while the provider has not confirmed it; what the provider call may end with.
    pub async fn update_account_holder(
        &self,
        id: &AccountHolderId,
        update: AccountHolderUpdate,
    ) -> Result<HeldAccount, Error> {
        let guard = self.guard("update_account_holder", id.as_str(), |print| {
            let print = print.json("customer", told(update.customer.as_ref()).as_deref());
            print.json("data", update.data.as_deref()).json("metadata", update.metadata.as_deref())
        });
        self.once_plain(&guard, self.change_account_holder(id, update, &guard)).await
    }

    async fn change_account_holder(
        &self,
        id: &AccountHolderId,
        update: AccountHolderUpdate,
        guard: &Guard,
    ) -> Result<HeldAccount, Error> {
        let mut holder = self.living_holder(id).await?;
        let Some(known) = known_as(&holder) else {
            let what = "Missing account holder data while updating account holder.";
            return Err(Error::invalid("account_holder", what));
        };
        if let Some(metadata) = optional_object("metadata", update.metadata.as_deref())? {
            holder.metadata = Some(metadata);
        }
        if update.customer.is_some() || update.data.is_some() {
            let provider = self.holding(&holder.provider)?;
            let customer = update.customer.unwrap_or_else(|| customer_of(&holder));
            if customer.id != holder.customer {
                let what = format!("{id} is that of customer {}", holder.customer);
                return Err(Error::invalid("customer.id", what));
            }
            let payer = Payer { customer: Some(customer.clone()), locale: None };
            payer.check()?;
            let input = object("data", update.data.as_deref())?;
            let context = CallContext {
                customer: payer.customer,
                account_holder: Some(known.clone()),
                ..self.holder_context(provider.as_ref(), &holder, &format!("update-{}", self.step_tail()))
            };
            let call = provider.update_account_holder(context, input).await;
            let after = answer("changing the account holder", provider.reach(), call)?;
            if after.external_id != known.external_id {
                let detail = format!("asked about {}, the provider says {}", known.external_id, after.external_id);
                return Err(Error::Unanswered { what: "changing the account holder", detail });
            }
            holder.data = after.data;
            holder.email = customer.email;
        }
        holder.updated_at = self.now();
        let account = confirmed(holder.clone())?;
        match self.write_side(SideChange::KeepHolder(Box::new(holder)), guard, &account).await? {
            true => Ok(account),
            false => Err(not_found(id)),
        }
    }

    /// Removes an account holder, at its provider first. Asking again after a call that was not answered is safe.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotSupported`], and what the provider call may end with: the row stays then.
    pub async fn delete_account_holder(&self, id: &AccountHolderId) -> Result<(), Error> {
        let guard = self.guard("delete_account_holder", id.as_str(), |print| print);
        self.once_plain(&guard, self.remove_account_holder(id, &guard)).await
    }

    async fn remove_account_holder(&self, id: &AccountHolderId, guard: &Guard) -> Result<(), Error> {
        let holder = self.living_holder(id).await?;
        let Some(known) = known_as(&holder) else { return Err(not_found(id)) };
        let provider = self.holding(&holder.provider)?;
        let context = CallContext {
            customer: Some(customer_of(&holder)),
            account_holder: Some(known),
            ..self.holder_context(provider.as_ref(), &holder, "delete")
        };
        answer("removing the account holder", provider.reach(), provider.delete_account_holder(context).await)?;
        let now = self.now();
        // Somebody else who was faster did the same.
        let deleted = KeptHolder { updated_at: now, deleted_at: Some(now), ..holder };
        self.write_side(SideChange::KeepHolder(Box::new(deleted)), guard, &()).await.map(|_| ())
    }

    /// What sessions of a customer tell the provider about them.
    pub(super) async fn known_to(
        &self,
        provider: &ProviderId,
        customer: Option<&Customer>,
    ) -> Result<Option<AccountHolder>, Error> {
        let Some(customer) = customer else { return Ok(None) };
        let found = self.inner.store.account_holder_of(provider.clone(), customer.id.clone()).await?;
        Ok(found.as_ref().and_then(known_as))
    }

    pub(super) async fn living_holder(&self, id: &AccountHolderId) -> Result<KeptHolder, Error> {
        let found = self.inner.store.account_holder(id.clone()).await?;
        found.filter(|holder| holder.deleted_at.is_none()).ok_or_else(|| not_found(id))
    }

    /// What calls about an account holder have in common. The step makes the key: one of each row is the same for ever.
    pub(super) fn holder_context(&self, provider: &dyn Provider, holder: &KeptHolder, step: &str) -> CallContext {
        let operation = OperationId::from_tail(&format!("{}-{step}", holder.id));
        let format = provider.info().key_format;
        let key = idempotency_key(&self.inner.host_key, &holder.provider, "", &operation, STEP_ONLY, format);
        CallContext {
            deadline_ms: self.inner.deadline_ms,
            environment: self.inner.environment,
            keeping: self.noting(provider, &holder.provider, &operation),
            ..CallContext::new(operation, key)
        }
    }

    /// Writes a row; `false` when another one stands in its way.
    async fn kept(&self, holder: &KeptHolder) -> Result<bool, Error> {
        match self.inner.store.keep_account_holder(holder.clone()).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn holding(&self, id: &ProviderId) -> Result<std::sync::Arc<dyn Provider>, Error> {
        let provider = self.provider(id)?;
        match provider.info().capabilities.account_holders {
            true => Ok(provider),
            false => Err(Error::NotSupported { provider: id.clone(), interface: INTERFACE }),
        }
    }
}

fn asking(new: &NewAccountHolder) -> Result<Asking, Error> {
    let missing = || Error::invalid("customer", "is missing; say whose account it is");
    let customer = new.customer.clone().ok_or_else(missing)?;
    if customer.id.is_empty() {
        return Err(Error::invalid("customer.id", "is empty; say whose account it is"));
    }
    let payer = Payer { customer: Some(customer), locale: None };
    payer.check()?;
    Ok(Asking { payer, input: object("data", new.data.as_deref())? })
}

/// The customer for a fingerprint: of a request that is wrong, nothing.
fn told(customer: Option<&Customer>) -> Option<String> {
    let payer = Payer { customer: Some(customer?.clone()), locale: None };
    let row: serde_json::Value = serde_json::from_str(payer.to_json(None).ok()?.as_str()).ok()?;
    Some(row["customer"].to_string())
}

fn confirmed(holder: KeptHolder) -> Result<HeldAccount, Error> {
    let external_id = holder.external_id.ok_or_else(|| not_found(&holder.id))?;
    Ok(HeldAccount {
        id: holder.id,
        provider: holder.provider,
        customer: holder.customer,
        external_id,
        email: holder.email,
        data: holder.data,
        metadata: holder.metadata,
        created_at: holder.created_at,
        updated_at: holder.updated_at,
    })
}

pub(super) fn known_as(holder: &KeptHolder) -> Option<AccountHolder> {
    holder.external_id.clone().map(|external_id| AccountHolder { external_id, data: holder.data.clone() })
}

pub(super) fn customer_of(holder: &KeptHolder) -> Customer {
    Customer { id: holder.customer.clone(), email: holder.email.clone(), ..Customer::default() }
}

fn not_found(id: &AccountHolderId) -> Error {
    Error::NotFound { entity: ENTITY, id: id.to_string() }
}

/// The answer, or what is known of a call without one: the host's own record of the bytes first, then what the provider
/// vouches for.
pub(super) fn answer<T>(what: &'static str, reach: Reach, call: Call<T>) -> Result<T, Error> {
    let nowhere = reach == Reach::Nowhere;
    match call.answer {
        Ok(answer) => Ok(answer),
        Err(Failure::Error(ProviderError { kind: ErrorKind::NotSupported, code, message, .. })) => {
            let error = ProviderError { kind: ErrorKind::NotSupported, code, message, data: None };
            Err(Error::NotTaken { what, error })
        }
        Err(Failure::Error(error)) if nowhere || error.kind.proves_nothing_happened() => {
            Err(Error::NotTaken { what, error })
        }
        Err(Failure::Fault(fault)) if nowhere || fault.implies() == MoneyImplication::NothingSent => {
            Err(Error::Broken { what, fault })
        }
        Err(Failure::Error(error)) => {
            Err(Error::Unanswered { what, detail: format!("{}: {}", error.code, error.message) })
        }
        Err(Failure::Fault(fault)) => Err(Error::Unanswered { what, detail: fault.to_string() }),
    }
}
