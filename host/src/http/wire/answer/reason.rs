//! A reason for refunds.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::RefundReasonId;

use crate::http::wire::parts::{IdOf, Object, Time, chosen, optional_time, raw, time};
use crate::store::RefundReason;

/// A reason for refunds, for operators.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct RefundReasonAnswer {
    id: IdOf<RefundReasonId>,
    label: String,
    code: String,
    description: Option<String>,
    metadata: Option<Object>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
}

impl From<&RefundReason> for RefundReasonAnswer {
    fn from(reason: &RefundReason) -> Self {
        Self {
            id: (&reason.id).into(),
            label: reason.label.clone(),
            code: reason.code.clone(),
            description: reason.description.clone(),
            metadata: reason.metadata.as_ref().map(raw),
            created_at: time(reason.created_at),
            updated_at: time(reason.updated_at),
            deleted_at: optional_time(reason.deleted_at),
        }
    }
}
