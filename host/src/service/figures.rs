//! What is counted here, and what only the database can tell, in one text for Prometheus.

use std::time::Duration;

use tillbox_core::event::{Change, Event};
use tillbox_core::state::Collection;

use super::{BreakerState, Host};
use crate::metrics::{KindLabels, OpenLabels, PlaceLabels, SubscriberLabels, VersionLabels};
use crate::store::StoreError;

/// Milliseconds the database may take to tell its figures; then they are left out. Scrapers wait ten seconds.
const FIGURES_MS_MAX: u64 = 5_000;

impl Host {
    /// All metrics of this host in the text format of OpenMetrics 1.0. What the database tells is left out while it does not
    /// answer, and `tillbox_database_up` says so.
    pub async fn metrics_text(&self) -> String {
        // One at a time: two would fill in the same figures.
        let _turn = self.inner.scrape.lock().await;
        let read = tokio::time::timeout(Duration::from_millis(FIGURES_MS_MAX), self.read_figures()).await;
        let is_up = match read {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database's figures are missing among the metrics");
                false
            }
            Err(_) => {
                tracing::warn!("the database's figures are missing among the metrics: it did not answer in time");
                false
            }
        };
        self.inner.metrics.is_up.set(i64::from(is_up));
        self.read_breakers();
        self.inner.metrics.text()
    }

    async fn read_figures(&self) -> Result<(), StoreError> {
        let (metrics, store) = (&self.inner.metrics, &self.inner.store);
        let now = self.now();
        let seconds_since = |at: tillbox_core::Timestamp| now.0.saturating_sub(at.0).max(0) / 1_000;
        let clamped = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for family in [&metrics.open, &metrics.open_oldest] {
            family.clear();
        }
        for family in
            [&metrics.outbox_lag, &metrics.outbox_lag_seconds, &metrics.dispatches, &metrics.dispatches_failed]
        {
            family.clear();
        }
        let pool = store.connections();
        for (state, number) in
            [("most", pool.most), ("open", pool.open), ("idle", pool.idle), ("waiting", pool.waiting)]
        {
            metrics.pool.get_or_create(&PlaceLabels { state }).set(clamped(number));
        }
        for open in store.open_operations().await? {
            let labels = OpenLabels { provider: open.provider.to_string(), state: open.state.as_str() };
            metrics.open.get_or_create(&labels).set(clamped(open.count));
            metrics.open_oldest.get_or_create(&labels).set(seconds_since(open.oldest));
        }
        for lag in store.lags().await? {
            let labels = SubscriberLabels { subscriber: lag.subscriber.to_string() };
            metrics.outbox_lag.get_or_create(&labels).set(clamped(lag.events));
            metrics.outbox_lag_seconds.get_or_create(&labels).set(lag.oldest.map_or(0, seconds_since));
            metrics.dispatches.get_or_create(&labels).set(clamped(lag.open));
            metrics.dispatches_failed.get_or_create(&labels).set(clamped(lag.failed));
        }
        Ok(())
    }

    fn read_breakers(&self) {
        let states = &self.inner.metrics.breaker_state;
        states.clear();
        for (id, provider) in self.inner.registry.loaded() {
            let version = provider.number().map_or_else(|| "given".to_owned(), |number| number.to_string());
            let labels = VersionLabels { provider: id.to_string(), version };
            states.get_or_create(&labels).set(match provider.health().breaker.state {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            });
        }
    }

    /// Counts what is durable now.
    pub(super) fn count(&self, after: &Collection, events: &[Event]) {
        for event in events {
            let Change::OperationSettled(settlement) = &event.change else { continue };
            let Some(operation) = after.operation(&settlement.operation) else { continue };
            let labels = KindLabels {
                provider: operation.provider.to_string(),
                kind: operation.kind.as_str(),
                outcome: settlement.state.as_str(),
            };
            self.inner.metrics.operations.get_or_create(&labels).inc();
        }
    }
}
