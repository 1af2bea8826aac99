//! A session, as operators and storefronts read it.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::{CollectionId, ProviderId, SessionId};
use tillbox_core::state::{Collection, Session};
use tillbox_core::status::SessionStatus;
use tillbox_core::text::Json;

use super::UncertainAnswer;
use crate::http::wire::parts::{
    CurrencyCode, Decimal, DeclineAnswer, IdOf, Name, NextActionAnswer, Object, RawAmount, StoreDeclineAnswer, Time,
    chosen, currency_code, number, optional_time, raw, raw_amount, time,
};
use crate::service::SessionView;

/// A session, for operators.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct SessionAnswer {
    id: IdOf<SessionId>,
    payment_collection_id: IdOf<CollectionId>,
    provider_id: IdOf<ProviderId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    raw_amount: RawAmount,
    status: Name<SessionStatus>,
    uncertain: Option<UncertainAnswer>,
    data: Object,
    client_data: Option<Object>,
    context: Object,
    provider_reference: Option<String>,
    next_action: Option<NextActionAnswer>,
    decline: Option<DeclineAnswer>,
    metadata: Option<Object>,
    authorized_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
}

impl SessionAnswer {
    pub(in crate::http) fn new(session: &Session, collection: &Collection) -> Self {
        Self::listed(&SessionView::of(collection, session))
    }

    pub(in crate::http) fn listed(view: &SessionView) -> Self {
        let session = &view.session;
        Self {
            id: (&session.id).into(),
            payment_collection_id: (&view.collection).into(),
            provider_id: (&session.provider).into(),
            currency_code: currency_code(session.amount),
            amount: number(session.amount),
            raw_amount: raw_amount(session.amount),
            status: session.status.into(),
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
            deleted_at: optional_time(session.deleted_at),
        }
    }
}

/// A session, for storefronts. `data` is what the provider meant for them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct StoreSessionAnswer {
    id: IdOf<SessionId>,
    payment_collection_id: IdOf<CollectionId>,
    provider_id: IdOf<ProviderId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    raw_amount: RawAmount,
    status: Name<SessionStatus>,
    data: Object,
    next_action: Option<NextActionAnswer>,
    decline: Option<StoreDeclineAnswer>,
    authorized_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
}

impl StoreSessionAnswer {
    pub(in crate::http) fn new(session: &Session, collection: &CollectionId) -> Self {
        Self {
            id: (&session.id).into(),
            payment_collection_id: collection.into(),
            provider_id: (&session.provider).into(),
            currency_code: currency_code(session.amount),
            amount: number(session.amount),
            raw_amount: raw_amount(session.amount),
            status: session.status.into(),
            data: client_data(session.client_data.as_ref()),
            next_action: session.next_action.as_ref().map(Into::into),
            decline: session.decline.as_ref().map(Into::into),
            authorized_at: optional_time(session.authorized_at),
            created_at: time(session.created_at),
            updated_at: time(session.updated_at),
            deleted_at: optional_time(session.deleted_at),
        }
    }
}

/// What the provider meant for the storefront, or nothing.
pub(super) fn client_data(json: Option<&Json>) -> Object {
    raw(json.unwrap_or(&Json::empty()))
}
