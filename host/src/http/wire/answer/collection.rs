//! A collection, as operators and storefronts read it.

use serde::Serialize;
use tillbox_core::state::Collection;

use super::{PaymentAnswer, SessionAnswer, StoreSessionAnswer, UncertainAnswer};
use crate::http::wire::parts::{Raw, currency_code, number, optional_time, raw, time};
use crate::service::PaymentView;

/// A collection, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct CollectionAnswer {
    id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    authorized_amount: Raw,
    captured_amount: Raw,
    refunded_amount: Raw,
    cart_id: Option<String>,
    metadata: Option<Raw>,
    uncertain: Option<UncertainAnswer>,
    completed_at: Option<String>,
    canceled_at: Option<String>,
    created_at: String,
    updated_at: String,
    payment_sessions: Vec<SessionAnswer>,
    payments: Vec<PaymentAnswer>,
}

impl From<&Collection> for CollectionAnswer {
    fn from(collection: &Collection) -> Self {
        let payments = collection.payments.iter().map(|payment| PaymentView::of(collection, payment));
        Self {
            id: collection.id.to_string(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            status: collection.status.as_str(),
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
#[derive(Debug, Serialize)]
pub(in crate::http) struct StoreCollectionAnswer {
    id: String,
    currency_code: String,
    amount: Raw,
    status: &'static str,
    payment_sessions: Vec<StoreSessionAnswer>,
}

impl From<&Collection> for StoreCollectionAnswer {
    fn from(collection: &Collection) -> Self {
        Self {
            id: collection.id.to_string(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            status: collection.status.as_str(),
            payment_sessions: collection
                .live_sessions()
                .map(|session| StoreSessionAnswer::new(session, &collection.id))
                .collect(),
        }
    }
}
