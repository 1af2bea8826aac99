//! Account holders and payment methods, for operators: both carry a provider's private state.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::{AccountHolderId, ProviderId};

use crate::http::wire::parts::{IdOf, Object, Time, raw, time};
use crate::service::{HeldAccount, SavedMethod};

/// A customer as a provider knows them.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct AccountHolderAnswer {
    id: IdOf<AccountHolderId>,
    provider_id: IdOf<ProviderId>,
    customer_id: String,
    external_id: String,
    email: Option<String>,
    data: Object,
    metadata: Option<Object>,
    created_at: Time,
    updated_at: Time,
}

impl From<&HeldAccount> for AccountHolderAnswer {
    fn from(holder: &HeldAccount) -> Self {
        Self {
            id: (&holder.id).into(),
            provider_id: (&holder.provider).into(),
            customer_id: holder.customer.clone(),
            external_id: holder.external_id.clone(),
            email: holder.email.clone(),
            data: raw(&holder.data),
            metadata: holder.metadata.as_ref().map(raw),
            created_at: time(holder.created_at),
            updated_at: time(holder.updated_at),
        }
    }
}

/// A payment method that a customer keeps.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct PaymentMethodAnswer {
    id: String,
    provider_id: IdOf<ProviderId>,
    /// What a payer may see.
    display: Object,
    data: Object,
}

impl From<&SavedMethod> for PaymentMethodAnswer {
    fn from(method: &SavedMethod) -> Self {
        Self {
            id: method.id.clone(),
            provider_id: (&method.provider).into(),
            display: raw(&method.display),
            data: raw(&method.data),
        }
    }
}
