//! One claimed dispatch, told event by event until there is no more, one fails, or the host stops.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tillbox_core::Timestamp;

use super::super::{Host, SUBSCRIBER_MS_MAX, Step};
use super::{LEASE_MS, Stop, is_stopping, schedule};
use crate::metrics::Delivered;
use crate::outgoing::{CALL_MS_MAX, Letter, Undelivered, body, signatures};
use crate::store::{Channel, Dispatch, DispatchProgress, KeptSubscriber, OutboxEvent, StoreError};

/// Events told under one claim; then others have their turn.
const EVENTS_MAX: u32 = 100;

/// Milliseconds after which a claim is renewed before the next call.
const RENEW_MS: u128 = 60_000;

/// Characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 300;

// A call that begins before the claim is renewed ends before the claim does.
const _: () = assert!(
    RENEW_MS + 2 * CALL_MS_MAX as u128 + 10_000 < LEASE_MS as u128
        && RENEW_MS + SUBSCRIBER_MS_MAX as u128 + 10_000 < LEASE_MS as u128
);

pub(super) async fn run(host: &Host, subscriber: &KeptSubscriber, dispatch: Dispatch, stop: Option<Stop>) {
    let id = dispatch.id.clone();
    match tell_all(host, subscriber, dispatch, stop).await {
        Ok(()) => host.step(Step::DeliveryKept),
        Err(StoreError::Conflict) => tracing::warn!(dispatch = id, "a claim was lost; another host tells the rest"),
        // The claim ends by itself, and what was told since it was kept last is told again.
        Err(error) => tracing::warn!(dispatch = id, %error, "how far a subscriber was told could not be kept"),
    }
}

async fn tell_all(
    host: &Host,
    subscriber: &KeptSubscriber,
    dispatch: Dispatch,
    stop: Option<Stop>,
) -> Result<(), StoreError> {
    let store = &host.inner.store;
    let events = store.dispatch_events(dispatch.clone(), dispatch.after, EVENTS_MAX).await?;
    let is_last_page = events.len() < EVENTS_MAX as usize;
    let mut after = dispatch.after;
    let mut claimed = Instant::now();
    for event in events {
        if stop.as_ref().is_some_and(is_stopping) {
            return store.progress(dispatch, DispatchProgress::Told { after }, host.now()).await;
        }
        let sequence = event.sequence;
        // What an operator asks for by its id is told whatever the filter says.
        if dispatch.event.is_some() || is_wanted(&subscriber.filter, &event.kind) {
            if claimed.elapsed().as_millis() > RENEW_MS {
                let until = Timestamp(host.now().0.saturating_add(LEASE_MS));
                store.progress(dispatch.clone(), DispatchProgress::Further { after, until }, host.now()).await?;
                claimed = Instant::now();
            }
            let event = Arc::new(event);
            host.step(Step::BeforeDelivery);
            let told = host.tell(subscriber, &event).await;
            host.step(Step::Delivered);
            if let Err(undelivered) = told {
                return not_told(host, subscriber, dispatch, after, &event, undelivered).await;
            }
            let trace_id = event.trace.map(|trace| trace.trace_id());
            tracing::debug!(subscriber = %subscriber.id, event = event.id.as_str(), kind = event.kind, trace_id, "told");
        }
        after = sequence;
    }
    // Every event up to the last one of a last page was seen, whatever the numbers between them were.
    let after = if is_last_page { dispatch.until } else { after };
    store.progress(dispatch, DispatchProgress::Told { after }, host.now()).await
}

/// Decides about an event that could not be told: again, or never.
async fn not_told(
    host: &Host,
    subscriber: &KeptSubscriber,
    dispatch: Dispatch,
    after: i64,
    event: &OutboxEvent,
    undelivered: Undelivered,
) -> Result<(), StoreError> {
    let (store, now) = (&host.inner.store, host.now());
    let error: String = undelivered.why.chars().take(ERROR_CHARS_MAX).collect();
    let name = subscriber.id.as_str();
    // Attempts count for one event: those of an earlier one that was told meanwhile are no matter.
    let before = if after == dispatch.after { dispatch.attempts } else { 0 };
    let attempts = before.saturating_add(1);
    if undelivered.gone {
        disable(host, subscriber, &error).await?;
    }
    let progress = match schedule::again_at(now, attempts) {
        Some(at) => {
            tracing::warn!(subscriber = name, event = event.id.as_str(), attempts, error, "an event was not taken");
            DispatchProgress::Again { after, attempts, at, error }
        }
        None => {
            host.inner.metrics.webhooks_sent.get_or_create(&Delivered { outcome: "given_up" }).inc();
            tracing::error!(
                subscriber = name,
                event = event.id.as_str(),
                attempts,
                error,
                "an event is given up; `tillbox webhooks redeliver` tells it again"
            );
            DispatchProgress::GivenUp { event: event.id.clone(), sequence: event.sequence, attempts, error }
        }
    };
    store.progress(dispatch, progress, now).await
}

/// A receiver that says it is gone is not asked any more. Nothing is lost: once enabled again, it hears all that waits.
async fn disable(host: &Host, subscriber: &KeptSubscriber, error: &str) -> Result<(), StoreError> {
    tracing::error!(subscriber = subscriber.id.as_str(), error, "a webhook endpoint is disabled: its receiver is gone");
    let disabled = KeptSubscriber {
        is_enabled: false,
        disabled_reason: Some(error.to_owned()),
        updated_at: host.now(),
        ..subscriber.clone()
    };
    match host.inner.store.update_subscriber(disabled).await {
        // Its owner has just changed it, and knows better.
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Host {
    async fn tell(&self, subscriber: &KeptSubscriber, event: &Arc<OutboxEvent>) -> Result<(), Undelivered> {
        match &subscriber.channel {
            Channel::Webhook { url, secret, previous } => {
                let (body, now) = (body(event), self.now());
                let replaced = previous.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
                let timestamp = now.0.div_euclid(1_000);
                let id = event.id.as_str();
                let signatures = signatures(std::iter::once(secret).chain(replaced), id, timestamp, &body);
                // The same trace, and a span of this attempt's own.
                let trace = event.trace.map(|trace| trace.child());
                let letter = Letter { url, id, timestamp, signatures: &signatures, body, trace };
                let begun = Instant::now();
                let delivered = self.inner.courier.deliver(letter).await;
                self.inner.metrics.webhook_seconds.observe(begun.elapsed().as_secs_f64());
                let outcome = if delivered.is_ok() { "delivered" } else { "failed" };
                self.inner.metrics.webhooks_sent.get_or_create(&Delivered { outcome }).inc();
                delivered
            }
            Channel::Process => self.call(subscriber, event).await.map_err(|why| Undelivered { why, gone: false }),
        }
    }

    /// In a task of its own: a subscriber that panics has not taken the event, and breaks nothing else.
    async fn call(&self, subscriber: &KeptSubscriber, event: &Arc<OutboxEvent>) -> Result<(), String> {
        let known = self.inner.subscribers.get(&subscriber.id);
        let known = Arc::clone(known.ok_or_else(|| "it is not in this process".to_owned())?);
        let event = Arc::clone(event);
        let mut call = tokio::spawn(async move { known.hear(&event).await.map_err(|error| error.to_string()) });
        let limit = self.inner.subscriber_ms;
        match tokio::time::timeout(Duration::from_millis(limit), &mut call).await {
            Ok(Ok(heard)) => heard,
            Ok(Err(error)) => Err(format!("it broke: {error}")),
            Err(_) => {
                call.abort();
                Err(format!("no answer within {limit} ms"))
            }
        }
    }
}

/// Whether a filter lets a kind through: by its name, by its beginning (`payment.*`), or because it is empty.
pub(in crate::service) fn is_wanted(filter: &[String], kind: &str) -> bool {
    let fits = |wanted: &String| match wanted.strip_suffix('*') {
        Some(beginning) => kind.starts_with(beginning),
        None => kind == wanted,
    };
    filter.is_empty() || filter.iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_kinds_or_their_beginnings() {
        let wanted =
            |filter: &[&str], kind| is_wanted(&filter.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), kind);
        assert!(wanted(&[], "payment.captured"));
        assert!(wanted(&["payment.captured"], "payment.captured"));
        assert!(!wanted(&["payment.captured"], "payment.captured_in_full"));
        assert!(wanted(&["operation.*", "payment.*"], "payment.refunded"));
        assert!(!wanted(&["payment.*"], "payment_session.created"));
    }
}
