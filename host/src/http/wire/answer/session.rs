//! A session, as operators and storefronts read it.

use serde::Serialize;
use tillbox_core::id::CollectionId;
use tillbox_core::state::{Collection, Session};
use tillbox_core::text::Json;

use super::UncertainAnswer;
use crate::http::wire::parts::{
    DeclineAnswer, NextActionAnswer, Raw, StoreDeclineAnswer, currency_code, number, optional_time, raw, time,
};
use crate::service::SessionView;

/// A session, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct SessionAnswer {
    id: String,
    payment_collection_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    uncertain: Option<UncertainAnswer>,
    data: Raw,
    client_data: Option<Raw>,
    context: Raw,
    provider_reference: Option<String>,
    next_action: Option<NextActionAnswer>,
    decline: Option<DeclineAnswer>,
    metadata: Option<Raw>,
    authorized_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl SessionAnswer {
    pub(in crate::http) fn new(session: &Session, collection: &Collection) -> Self {
        Self::listed(&SessionView::of(collection, session))
    }

    pub(in crate::http) fn listed(view: &SessionView) -> Self {
        let session = &view.session;
        Self {
            id: session.id.to_string(),
            payment_collection_id: view.collection.to_string(),
            provider_id: session.provider.to_string(),
            currency_code: currency_code(session.amount),
            amount: number(session.amount),
            status: session.status.as_str(),
            uncertain: view.uncertain.map(Into::into),
            data: raw(&session.data),
            client_data: session.client_data.as_ref().map(raw),
            context: raw(&session.context),
            provider_reference: session.provider_reference.clone(),
            next_action: session.next_action.as_ref().map(Into::into),
            decline: session.decline.as_ref().map(Into::into),
            metadata: session.metadata.as_ref().map(raw),
            authorized_at: optional_time(session.authorized_at),
            created_at: time(session.created_at),
            updated_at: time(session.updated_at),
        }
    }
}

/// A session, for storefronts. `data` is what the provider meant for them.
#[derive(Debug, Serialize)]
pub(in crate::http) struct StoreSessionAnswer {
    id: String,
    payment_collection_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    data: Raw,
    next_action: Option<NextActionAnswer>,
    decline: Option<StoreDeclineAnswer>,
    authorized_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl StoreSessionAnswer {
    pub(in crate::http) fn new(session: &Session, collection: &CollectionId) -> Self {
        Self {
            id: session.id.to_string(),
            payment_collection_id: collection.to_string(),
            provider_id: session.provider.to_string(),
            currency_code: currency_code(session.amount),
            amount: number(session.amount),
            status: session.status.as_str(),
            data: client_data(session.client_data.as_ref()),
            next_action: session.next_action.as_ref().map(Into::into),
            decline: session.decline.as_ref().map(Into::into),
            authorized_at: optional_time(session.authorized_at),
            created_at: time(session.created_at),
            updated_at: time(session.updated_at),
        }
    }
}

/// What the provider meant for the storefront, or nothing.
pub(super) fn client_data(json: Option<&Json>) -> Raw {
    raw(json.unwrap_or(&Json::empty()))
}
