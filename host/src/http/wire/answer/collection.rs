//! A collection, as operators and storefronts read it.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::CollectionId;
use tillbox_core::state::Collection;
use tillbox_core::status::CollectionStatus;

use super::{PaymentAnswer, SessionAnswer, StoreSessionAnswer, UncertainAnswer};
use crate::http::wire::parts::{
    CurrencyCode, Decimal, IdOf, Name, Object, Time, currency_code, number, optional_time, raw, time,
};
use crate::service::PaymentView;

/// A collection, for operators.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct CollectionAnswer {
    id: IdOf<CollectionId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    status: Name<CollectionStatus>,
    authorized_amount: Decimal,
    captured_amount: Decimal,
    refunded_amount: Decimal,
    cart_id: Option<String>,
    metadata: Option<Object>,
    uncertain: Option<UncertainAnswer>,
    completed_at: Option<Time>,
    canceled_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    payment_sessions: Vec<SessionAnswer>,
    payments: Vec<PaymentAnswer>,
}

impl From<&Collection> for CollectionAnswer {
    fn from(collection: &Collection) -> Self {
        let payments = collection.payments.iter().map(|payment| PaymentView::of(collection, payment));
        Self {
            id: (&collection.id).into(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            status: collection.status.into(),
            authorized_amount: number(collection.authorized()),
            captured_amount: number(collection.captured()),
            refunded_amount: number(collection.refunded()),
            cart_id: collection.cart_id.clone(),
            metadata: collection.metadata.as_ref().map(raw),
            uncertain: collection.uncertain(|_| true).map(Into::into),
            completed_at: optional_time(collection.completed_at),
            canceled_at: optional_time(collection.canceled_at),
            created_at: time(collection.created_at),
            updated_at: time(collection.updated_at),
            payment_sessions: collection
                .live_sessions()
                .map(|session| SessionAnswer::new(session, collection))
                .collect(),
            payments: payments.map(|payment| PaymentAnswer::from(&payment)).collect(),
        }
    }
}

/// A collection, for storefronts.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct StoreCollectionAnswer {
    id: IdOf<CollectionId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    status: Name<CollectionStatus>,
    payment_sessions: Vec<StoreSessionAnswer>,
}

impl From<&Collection> for StoreCollectionAnswer {
    fn from(collection: &Collection) -> Self {
        Self {
            id: (&collection.id).into(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            status: collection.status.into(),
            payment_sessions: collection
                .live_sessions()
                .map(|session| StoreSessionAnswer::new(session, &collection.id))
                .collect(),
        }
    }
}
