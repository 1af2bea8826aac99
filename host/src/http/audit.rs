//! A row in the audit for every call that may change something: who, what, when, and how it ended. No body, no query, no
//! secret is looked at.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;

use super::idempotency;
use super::limits::ECHO_CHARS_MAX;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::Host;
use crate::clock::new_tail;
use crate::service::{ApiKey, IDEMPOTENCY_KEY_BYTES_MAX};
use crate::store::{AuditDurability, AuditEntry};

/// The id of a request, put there by whoever logs it.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// The code of an error, put there by the problem that was answered.
#[derive(Debug, Clone)]
pub(super) struct AnsweredCode(pub(super) Box<str>);

/// A call under way.
#[derive(Debug)]
pub(super) struct Call {
    host: Host,
    id: String,
}

/// Notes that a call begins; nothing for one that only reads.
///
/// # Errors
/// When it cannot be noted: then it must not be made.
pub(super) async fn begin(
    host: &Host,
    route: &str,
    key: Option<&ApiKey>,
    parts: &mut Parts,
) -> Result<Option<Call>, Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(None);
    }
    let id = Host::audit_id();
    let subject = RawPathParams::from_request_parts(parts, &()).await.ok();
    let subject = subject.as_ref().and_then(|params| params.iter().next()).map(|(_, value)| shown(value));
    let given = idempotency::read(&parts.headers).ok().flatten();
    let entry = AuditEntry {
        id: id.clone(),
        api_key: key.map(|key| key.id.clone()),
        kind: key.map(|key| key.kind),
        customer: parts.extensions.get::<Visitor>().and_then(Visitor::customer).map(str::to_owned),
        method: parts.method.to_string(),
        route: route.to_owned(),
        subject,
        request_id: match parts.extensions.get::<RequestId>() {
            Some(RequestId(id)) => id.clone(),
            None => format!("req_{}", new_tail()),
        },
        idempotency_key: given.filter(|key| key.len() <= IDEMPOTENCY_KEY_BYTES_MAX),
        created_at: host.audit_time(),
        end: None,
    };
    host.begin_audit(entry, durability(route)).await?;
    Ok(Some(Call { host: host.clone(), id }))
}

/// A provider is asked about account holders and payment methods before the host has written anything of its own, so there is
/// no commit to share before the first effect.
fn durability(route: &str) -> AuditDurability {
    if route.contains("/admin/account-holders") { AuditDurability::Now } else { AuditDurability::WithTheNext }
}

fn shown(text: &str) -> String {
    text.chars().take(ECHO_CHARS_MAX).collect()
}

impl Call {
    /// Notes how it ended.
    pub(super) fn end(self, response: &Response) {
        let code = response.extensions().get::<AnsweredCode>().map(|code| code.0.to_string());
        self.host.end_audit(self.id, response.status().as_u16(), code);
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::TABLE;
    use super::*;

    /// What asks a provider outside of operations.
    #[test]
    fn what_has_no_commit_of_its_own_first_is_written_down_at_once() {
        let now: Vec<&str> = TABLE
            .iter()
            .filter(|(path, method, _)| *method != "GET" && durability(path) == AuditDurability::Now)
            .map(|(path, _, _)| *path)
            .collect();
        assert!(now.contains(&"/admin/account-holders/{id}/payment-methods"), "{now:?}");
        assert!(now.iter().all(|path| path.starts_with("/admin/account-holders")), "{now:?}");
    }
}
