//! The audit: that a call begins, before it can change anything, and how it ended.
//!
//! The beginning shares the commit of whatever the call changes first, so it costs no fsync of its own; the ends of many calls
//! are written together, a moment later. A crash in that moment leaves a call without an end, never a change without a call.
//! It knows no HTTP: who calls it says what was called.

use std::sync::Mutex;
use std::time::Duration;

use super::{Error, Host};
use crate::clock::new_tail;
use crate::store::{AuditDurability, AuditEnd, AuditEntry, AuditFilter, Listed, Page};

/// Milliseconds in which ends are collected before they are written in one commit: short enough to look at, long enough to
/// cost a busy host twenty commits a second at most.
pub const AUDIT_ENDS_MS: u64 = 50;

/// Ends that wait at most while the database cannot be written: past that the oldest calls stay without one.
pub const AUDIT_ENDS_MAX: usize = 10_000;

/// Ends in one transaction: a few milliseconds.
const BATCH: usize = 256;

/// Ends that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<Vec<(String, AuditEnd)>>);

impl Ends {
    /// Adds some; whether there were none before.
    fn put(&self, ends: impl IntoIterator<Item = (String, AuditEnd)>) -> bool {
        let mut waiting = self.0.lock().expect("no holder panics");
        let first = waiting.is_empty();
        waiting.extend(ends);
        let too_many = waiting.len().saturating_sub(AUDIT_ENDS_MAX);
        waiting.drain(..too_many);
        first
    }

    fn take(&self) -> Vec<(String, AuditEnd)> {
        let mut waiting = self.0.lock().expect("no holder panics");
        let count = waiting.len().min(BATCH);
        waiting.drain(..count).collect()
    }
}

impl Host {
    /// A new name for an entry of the audit.
    #[must_use]
    pub fn audit_id() -> String {
        format!("aud_{}", new_tail())
    }

    /// The present time, for an entry of the audit.
    #[must_use]
    pub fn audit_time(&self) -> tillbox_core::Timestamp {
        self.now()
    }

    /// Writes that a call begins. Nothing may be changed for it before this has come back.
    ///
    /// # Errors
    /// [`Error::Store`]: then the call must not be made.
    pub async fn begin_audit(&self, entry: AuditEntry, durability: AuditDurability) -> Result<(), Error> {
        Ok(self.inner.store.begin_audit(entry, durability).await?)
    }

    /// Notes how a call ended; it is written within [`AUDIT_ENDS_MS`] or little more.
    pub fn end_audit(&self, id: String, status: u16, code: Option<String>) {
        let end = AuditEnd { status, code, at: self.now() };
        if self.inner.ends.put([(id, end)]) {
            let host = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(AUDIT_ENDS_MS)).await;
                if let Err(error) = host.write_ends().await {
                    tracing::warn!(%error, "how calls ended is not in the audit yet");
                }
            });
        }
    }

    /// Calls that may have changed something, newest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn audit(&self, filter: AuditFilter, page: Page) -> Result<Listed<AuditEntry>, Error> {
        self.write_ends().await?;
        Ok(self.inner.store.audits(filter, page).await?)
    }

    /// Writes the ends that wait. What cannot be written waits on.
    pub(crate) async fn write_ends(&self) -> Result<(), Error> {
        loop {
            let ends = self.inner.ends.take();
            if ends.is_empty() {
                return Ok(());
            }
            if let Err(error) = self.inner.store.end_audits(ends.clone()).await {
                self.inner.ends.put(ends);
                return Err(error.into());
            }
        }
    }
}
