//! Account holders and payment methods, for operators: both carry a provider's private state.

use serde::Serialize;

use crate::http::wire::parts::{Raw, raw, time};
use crate::service::{HeldAccount, SavedMethod};

/// A customer as a provider knows them.
#[derive(Debug, Serialize)]
pub(in crate::http) struct AccountHolderAnswer {
    id: String,
    provider_id: String,
    customer_id: String,
    external_id: String,
    email: Option<String>,
    data: Raw,
    metadata: Option<Raw>,
    created_at: String,
    updated_at: String,
}

impl From<&HeldAccount> for AccountHolderAnswer {
    fn from(holder: &HeldAccount) -> Self {
        Self {
            id: holder.id.to_string(),
            provider_id: holder.provider.to_string(),
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
#[derive(Debug, Serialize)]
pub(in crate::http) struct PaymentMethodAnswer {
    id: String,
    provider_id: String,
    /// What a payer may see.
    display: Raw,
    data: Raw,
}

impl From<&SavedMethod> for PaymentMethodAnswer {
    fn from(method: &SavedMethod) -> Self {
        Self {
            id: method.id.clone(),
            provider_id: method.provider.to_string(),
            display: raw(&method.display),
            data: raw(&method.data),
        }
    }
}
