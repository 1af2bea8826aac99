//! The journal of calls that change something and have no operation in the books: account holders and saved payment methods.
//!
//! Their rows in tables of their own say what is asked again, with the same key. What is written here is told to people and
//! read by nobody else: no lease guards it, and no provider is run again from it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tillbox_core::id::{OperationId, ProviderId};
use tillbox_runtime::Provider;
use tillbox_runtime::info::KeyFormat;
use tillbox_runtime::journal::{Ended, Intent, Journal, Keeping, Moment, NotKept};

use super::journal::{no_seal, not_kept, row, step_of};
use super::keys::idempotency_key;
use super::{Host, Step, exchanges};
use crate::store::KeptExchange;

struct Noted {
    host: Host,
    operation: OperationId,
    provider: ProviderId,
    component: Option<String>,
    format: KeyFormat,
    /// Each call is a run of its own.
    run: u64,
    rows: Mutex<Vec<KeptExchange>>,
}

impl Host {
    /// What a call is given under the name of an operation that is not in the books.
    pub(super) fn noting(&self, provider: &dyn Provider, id: &ProviderId, operation: &OperationId) -> Keeping {
        Keeping::new(Arc::new(Noted {
            host: self.without_key(),
            operation: operation.clone(),
            provider: id.clone(),
            component: provider.inspection().map(|inspection| inspection.report.digest_sha256.clone()),
            format: provider.info().key_format,
            run: u64::try_from(self.now().0).unwrap_or_default(),
            rows: Mutex::default(),
        }))
    }
}

#[async_trait]
impl Journal for Noted {
    async fn about_to_send(&self, intent: Intent) -> Result<(), NotKept> {
        self.host.step(Step::BeforeIntent);
        let row = row(&self.host, (&self.operation, &self.provider, self.component.as_deref()), &intent, self.run)?;
        self.host.inner.store.note_exchange(row.clone()).await.map_err(not_kept)?;
        self.rows.lock().expect("no holder panics").push(row);
        self.host.step(Step::IntentKept);
        Ok(())
    }

    async fn ended(&self, ended: Ended) -> Result<(), NotKept> {
        let host = &self.host;
        let mut end = exchanges::end(&host.inner.seal, &self.operation, &ended, host.now()).ok_or_else(no_seal)?;
        if !host.inner.seal.has_operator_key() {
            // Nobody is run again from it.
            end.answered = None;
        }
        let known =
            self.rows.lock().expect("no holder panics").iter().find(|row| row.sequence == ended.sequence).cloned();
        let row = known.ok_or(NotKept::Lost)?;
        host.inner.store.note_exchange(KeptExchange { end: Some(end), ..row }).await.map_err(not_kept)?;
        host.step(Step::AnswerKept);
        Ok(())
    }

    fn key(&self, step: u32) -> String {
        let (host_key, step) = (&self.host.inner.host_key, step.to_string());
        idempotency_key(host_key, &self.provider, "", &self.operation, &step, self.format)
    }

    fn passed(&self, moment: Moment) {
        self.host.step(step_of(moment));
    }
}
