//! What a provider says when it is asked, beside what the books say.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::outcome::{Outcome, ProviderStatus, Snapshot};

use super::session::client_data;
use crate::http::wire::parts::{
    CurrencyCode, Decimal, DeclineAnswer, Name, NextActionAnswer, Object, StoreDeclineAnswer, currency_code, number,
    raw,
};

/// What a provider says of a payment right now, for operators. The books are not changed by asking.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct OutcomeAnswer {
    status: Name<ProviderStatus>,
    amount: Option<Decimal>,
    currency_code: Option<CurrencyCode>,
    provider_reference: Option<String>,
    data: Object,
    client_data: Option<Object>,
    next_action: Option<NextActionAnswer>,
    decline: Option<DeclineAnswer>,
}

impl From<&Outcome> for OutcomeAnswer {
    fn from(outcome: &Outcome) -> Self {
        Self {
            status: outcome.status.into(),
            amount: outcome.amount.map(number),
            currency_code: outcome.amount.map(currency_code),
            provider_reference: outcome.provider_reference.clone(),
            data: raw(&outcome.data),
            client_data: outcome.client_data.as_ref().map(raw),
            next_action: outcome.next_action.as_ref().map(Into::into),
            decline: outcome.decline.as_ref().map(Into::into),
        }
    }
}

/// The same, for storefronts.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct StoreOutcomeAnswer {
    status: Name<ProviderStatus>,
    data: Object,
    next_action: Option<NextActionAnswer>,
    decline: Option<StoreDeclineAnswer>,
}

impl From<&Outcome> for StoreOutcomeAnswer {
    fn from(outcome: &Outcome) -> Self {
        Self {
            status: outcome.status.into(),
            data: client_data(outcome.client_data.as_ref()),
            next_action: outcome.next_action.as_ref().map(Into::into),
            decline: outcome.decline.as_ref().map(Into::into),
        }
    }
}

/// Everything a provider knows of a payment.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct SnapshotAnswer {
    #[serde(flatten)]
    outcome: OutcomeAnswer,
    captured_amount: Decimal,
    refunded_amount: Decimal,
    disputed_amount: Decimal,
}

impl From<&Snapshot> for SnapshotAnswer {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            outcome: OutcomeAnswer::from(&snapshot.outcome),
            captured_amount: number(snapshot.captured),
            refunded_amount: number(snapshot.refunded),
            disputed_amount: number(snapshot.disputed),
        }
    }
}
