//! A reason for refunds.

use serde::Serialize;

use crate::http::wire::parts::{Raw, raw, time};
use crate::store::RefundReason;

/// A reason for refunds, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct RefundReasonAnswer {
    id: String,
    label: String,
    code: String,
    description: Option<String>,
    metadata: Option<Raw>,
    created_at: String,
    updated_at: String,
}

impl From<&RefundReason> for RefundReasonAnswer {
    fn from(reason: &RefundReason) -> Self {
        Self {
            id: reason.id.to_string(),
            label: reason.label.clone(),
            code: reason.code.clone(),
            description: reason.description.clone(),
            metadata: reason.metadata.as_ref().map(raw),
            created_at: time(reason.created_at),
            updated_at: time(reason.updated_at),
        }
    }
}
