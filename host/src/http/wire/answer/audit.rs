//! An entry of the audit.

use schemars::JsonSchema;
use serde::Serialize;

use crate::http::wire::parts::{Time, time};
use crate::store::{ApiKeyKind, AuditEntry};

/// One call that may have changed something.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct AuditEntryAnswer {
    id: String,
    /// The key that was shown; absent where the server around these routes says who calls.
    api_key_id: Option<String>,
    /// `publishable` or `secret`.
    kind: Option<String>,
    /// The customer, where a token said who.
    customer_id: Option<String>,
    method: String,
    /// With the names of its parts, not their values.
    route: String,
    /// What the path names.
    subject_id: Option<String>,
    request_id: String,
    idempotency_key: Option<String>,
    /// The status of the answer; absent as long as nobody knows how the call ended.
    status: Option<u16>,
    code: Option<String>,
    created_at: Time,
    ended_at: Option<Time>,
}

impl From<AuditEntry> for AuditEntryAnswer {
    fn from(entry: AuditEntry) -> Self {
        let (status, ended_at) = entry.end.as_ref().map(|end| (end.status, time(end.at))).unzip();
        Self {
            id: entry.id,
            api_key_id: entry.api_key.map(|id| id.to_string()),
            kind: entry.kind.map(ApiKeyKind::as_str).map(str::to_owned),
            customer_id: entry.customer,
            method: entry.method,
            route: entry.route,
            subject_id: entry.subject,
            request_id: entry.request_id,
            idempotency_key: entry.idempotency_key,
            status,
            code: entry.end.and_then(|end| end.code),
            created_at: time(entry.created_at),
            ended_at,
        }
    }
}
