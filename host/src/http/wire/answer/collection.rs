//! A collection, as operators and storefronts read it.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::CollectionId;
use tillbox_core::state::Collection;
use tillbox_core::status::CollectionStatus;

use super::{PaymentAnswer, SessionAnswer, StoreSessionAnswer, UncertainAnswer};
use crate::http::wire::parts::{
    CurrencyCode, Decimal, IdOf, Name, Object, RawAmount, Time, chosen, currency_code, number, optional_time, raw,
    raw_amount, time,
};
use crate::service::{ClientSecret, CollectionSummary, PaymentView};

/// A collection without what is in it, for operators.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct SummaryAnswer {
    id: IdOf<CollectionId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    raw_amount: RawAmount,
    status: Name<CollectionStatus>,
    authorized_amount: Decimal,
    captured_amount: Decimal,
    refunded_amount: Decimal,
    cart_id: Option<String>,
    order_id: Option<String>,
    /// The customer it was made for; in answers about one collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    /// What opens it to a storefront; in answers about one collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    metadata: Option<Object>,
    uncertain: Option<UncertainAnswer>,
    completed_at: Option<Time>,
    canceled_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
}

impl From<&CollectionSummary> for SummaryAnswer {
    fn from(collection: &CollectionSummary) -> Self {
        Self {
            id: (&collection.id).into(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            raw_amount: raw_amount(collection.amount),
            status: collection.status.into(),
            authorized_amount: number(collection.authorized),
            captured_amount: number(collection.captured),
            refunded_amount: number(collection.refunded),
            cart_id: collection.cart_id.clone(),
            order_id: collection.order_id.clone(),
            customer_id: None,
            client_secret: None,
            metadata: collection.metadata.as_ref().map(raw),
            uncertain: collection.uncertain.map(Into::into),
            completed_at: optional_time(collection.completed_at),
            canceled_at: optional_time(collection.canceled_at),
            created_at: time(collection.created_at),
            updated_at: time(collection.updated_at),
            deleted_at: optional_time(collection.deleted_at),
        }
    }
}

/// A collection, for operators.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct CollectionAnswer {
    #[serde(flatten)]
    summary: SummaryAnswer,
    payment_sessions: Vec<SessionAnswer>,
    payments: Vec<PaymentAnswer>,
}

impl From<&Collection> for CollectionAnswer {
    fn from(collection: &Collection) -> Self {
        let summary = CollectionSummary::of(collection);
        let view = |payment| PaymentView::of_summed(collection, payment, summary.clone());
        let payments = collection.payments.iter().map(view);
        Self {
            summary: (&summary).into(),
            payment_sessions: collection
                .live_sessions()
                .map(|session| SessionAnswer::new(session, collection))
                .collect(),
            payments: payments.map(|payment| PaymentAnswer::from(&payment)).collect(),
        }
    }
}

impl CollectionAnswer {
    /// With what opens it, and whose it is.
    pub(in crate::http) fn opened_by(self, secret: &ClientSecret, customer: Option<String>) -> Self {
        let client_secret = Some(secret.reveal().to_owned());
        Self { summary: SummaryAnswer { client_secret, customer_id: customer, ..self.summary }, ..self }
    }
}

/// A collection, for storefronts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct StoreCollectionAnswer {
    id: IdOf<CollectionId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    raw_amount: RawAmount,
    status: Name<CollectionStatus>,
    authorized_amount: Decimal,
    captured_amount: Decimal,
    refunded_amount: Decimal,
    completed_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
    /// In the answer to who has it made, and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    payment_sessions: Vec<StoreSessionAnswer>,
}

impl From<&Collection> for StoreCollectionAnswer {
    fn from(collection: &Collection) -> Self {
        Self {
            id: (&collection.id).into(),
            currency_code: currency_code(collection.amount),
            amount: number(collection.amount),
            raw_amount: raw_amount(collection.amount),
            status: collection.status.into(),
            authorized_amount: number(collection.authorized()),
            captured_amount: number(collection.captured()),
            refunded_amount: number(collection.refunded()),
            completed_at: optional_time(collection.completed_at),
            created_at: time(collection.created_at),
            updated_at: time(collection.updated_at),
            deleted_at: optional_time(collection.deleted_at),
            client_secret: None,
            payment_sessions: collection
                .live_sessions()
                .map(|session| StoreSessionAnswer::new(session, &collection.id))
                .collect(),
        }
    }
}

impl StoreCollectionAnswer {
    /// With what opens it.
    pub(in crate::http) fn opened_by(self, secret: Option<&ClientSecret>) -> Self {
        Self { client_secret: secret.map(|secret| secret.reveal().to_owned()), ..self }
    }
}
