//! A row in the audit for every command that may change something: who, what, and how it ended.
//!
//! A command works on the database itself and shows no key. The row names the command, and the user of the machine who gave it
//! stands in the request's id. It knows no command.

use std::future::Future;

use super::failure::Failure;
use crate::Host;
use crate::clock::new_tail;
use crate::store::{AuditDurability, AuditEntry};

/// The method in such rows.
pub(super) const METHOD: &str = "CLI";

/// Characters of a user's name that are kept: more than any system gives one.
const USER_CHARS_MAX: usize = 32;

/// The exit code of a command that did what it was asked.
const DONE: u16 = 0;

/// And of one that did not.
const FAILED: u16 = 1;

/// Carries out a command, written down before and after. `words` are those of the command line: `keys revoke`.
///
/// # Errors
/// Those of the command; and when it cannot be written down, then nothing was done.
pub(super) async fn by_hand<T, E: Into<Failure>>(
    host: &Host,
    words: &str,
    subject: Option<&str>,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let id = Host::audit_id();
    let entry = AuditEntry {
        id: id.clone(),
        api_key: None,
        kind: None,
        customer: None,
        method: METHOD.to_owned(),
        route: format!("tillbox {words}"),
        subject: subject.map(str::to_owned),
        request_id: format!("cli_{}_{}", user(), new_tail()),
        idempotency_key: None,
        created_at: host.audit_time(),
        end: None,
    };
    host.begin_audit(entry, AuditDurability::Now).await?;
    let done = call.await.map_err(Into::into);
    host.end_audit(id, if done.is_ok() { DONE } else { FAILED }, None);
    if let Err(error) = host.write_ends().await {
        tracing::warn!(%error, "how the command ended is not in the audit");
    }
    done
}

/// Who gave the command, as far as the environment says.
fn user() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let plain = |name: String| name.chars().filter(|one| one.is_ascii_alphanumeric() || "-._".contains(*one)).collect();
    let name: String = name.map(plain).unwrap_or_default();
    let name: String = name.chars().take(USER_CHARS_MAX).collect();
    if name.is_empty() { "somebody".to_owned() } else { name }
}
