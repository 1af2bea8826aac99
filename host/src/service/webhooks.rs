//! Webhooks in: stored as they are, verified by the provider, merged as evidence.
//!
//! The order is the point: the raw request is durable before anybody looks into it, so nothing that goes wrong later loses
//! it. What does not verify proves nothing. What verifies and speaks of something unknown waits, because an event may arrive
//! before the reply that makes it known.

use tillbox_core::command::{Command, ObservedIds};
use tillbox_core::event::{Change as EventChange, Event, SetAside};
use tillbox_core::id::{CaptureId, OperationId, ProviderId, RefundId, SessionId};
use tillbox_core::machine;
use tillbox_core::outcome::{Evidence, EvidenceAction, EvidenceSubject};
use tillbox_runtime::Failure;
use tillbox_runtime::request::{Delivery, DeliveryHeader, Rejection};

use super::execute::{COMMIT_ATTEMPTS, applied};
use super::{Error, Host, Step};
use crate::clock::new_tail;
use crate::metrics::ReasonLabels;
use crate::store::{Change, DeliveryState, KeptDelivery, Key, MergedClaim, StoreError};

/// Bytes of a webhook's body: the contract's limit.
pub const WEBHOOK_BYTES_MAX: usize = 256 * 1024;

/// Headers of a webhook: the contract's limit.
pub const WEBHOOK_HEADERS_MAX: usize = 100;

/// How long a verified delivery waits for what it speaks of, milliseconds. Gateways redeliver for about three days; a payment
/// that nobody knows by then was not made here.
const WAIT_MS_MAX: i64 = super::WEBHOOKS_MS;

/// Deliveries looked at in one read of a round.
const ROUND_MAX: u32 = 100;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Verified and merged, or known already.
    Applied,
    /// Verified; it waits for what it speaks of.
    Waiting,
    /// Not verified. The text is for operators.
    Rejected(String),
}

/// A webhook request from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingWebhook {
    /// Names and raw values, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The query string without `?`.
    pub query: String,
    /// The raw body, at most [`WEBHOOK_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

impl Host {
    /// Takes a webhook request for a provider.
    ///
    /// # Errors
    /// [`Error::UnknownProvider`]; [`Error::Invalid`] when the provider takes none or it is larger than the contract allows; [`Error::NotAsked`] when it is
    /// kept but could not be verified now: it will be, and a redelivery does no harm.
    pub async fn receive_webhook(&self, provider: &ProviderId, webhook: IncomingWebhook) -> Result<Received, Error> {
        if !self.provider(provider)?.info().capabilities.webhooks {
            return Err(Error::invalid("provider", format!("{provider} takes no webhooks")));
        }
        if webhook.body.len() > WEBHOOK_BYTES_MAX {
            return Err(Error::invalid("body", format!("at most {WEBHOOK_BYTES_MAX} bytes are allowed")));
        }
        if webhook.headers.len() > WEBHOOK_HEADERS_MAX {
            return Err(Error::invalid("headers", format!("at most {WEBHOOK_HEADERS_MAX} are allowed")));
        }
        let latin1 = |bytes: Vec<u8>| bytes.into_iter().map(char::from).collect::<String>();
        let now = self.now();
        let kept = KeptDelivery {
            id: format!("whin_{}", new_tail()),
            provider: provider.clone(),
            headers: webhook.headers.into_iter().map(|(name, value)| (name, latin1(value))).collect(),
            query: webhook.query,
            body: webhook.body,
            received_at: now,
            attempts: 0,
            next_action_at: super::recovery::delivery_due(0, now),
        };
        self.step(Step::BeforeKeep);
        self.inner.store.keep_delivery(kept.clone()).await?;
        self.step(Step::Kept);
        let received = self.process(&kept).await;
        let reason = match &received {
            Ok(Received::Applied) => "applied",
            Ok(Received::Waiting) => "waiting",
            Ok(Received::Rejected(_)) => "rejected",
            Err(_) => "kept",
        };
        self.inner.metrics.webhooks_received.get_or_create(&ReasonLabels { reason }).inc();
        received
    }

    /// Goes through all deliveries that are still open, due or not: those that could not be verified, and those that wait.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn process_open_deliveries(&self) -> Result<usize, Error> {
        let (mut done, mut after) = (0, String::new());
        loop {
            let kept = self.inner.store.open_deliveries(after, ROUND_MAX).await?;
            let Some(last) = kept.last() else {
                return Ok(done);
            };
            after = last.id.clone();
            for delivery in &kept {
                match self.process(delivery).await {
                    Ok(Received::Applied | Received::Rejected(_)) => done += 1,
                    Ok(Received::Waiting) => {}
                    Err(Error::Store(error)) if !matches!(error, StoreError::Corrupt { .. }) => {
                        return Err(error.into());
                    }
                    Err(error) => tracing::warn!(delivery = delivery.id, %error, "a webhook is kept, not verified"),
                }
            }
        }
    }

    pub(super) async fn process(&self, kept: &KeptDelivery) -> Result<Received, Error> {
        let provider = self.provider(&kept.provider)?;
        let raw = |value: &str| value.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let headers = kept.headers.iter();
        self.step(Step::BeforeVerify);
        let call = provider.receive_webhook(Delivery {
            headers: headers.map(|(name, value)| DeliveryHeader { name: name.clone(), value: raw(value) }).collect(),
            query: kept.query.clone(),
            body: kept.body.clone(),
            received_at: kept.received_at,
            deadline_ms: self.inner.deadline_ms,
        });
        let answer = call.await.answer;
        self.step(Step::Verified);
        let claims = match answer {
            Ok(Ok(claims)) => claims,
            Ok(Err(Rejection::BadSignature(why) | Rejection::Malformed(why))) => {
                self.close(kept, DeliveryState::Rejected, Some(&why)).await?;
                return Ok(Received::Rejected(why));
            }
            Ok(Err(Rejection::Failed(error))) => return Err(super::recheck::not_asked(Failure::Error(error))),
            Err(failure) => return Err(super::recheck::not_asked(failure)),
        };
        let too_old = self.now().0.saturating_sub(kept.received_at.0) > WAIT_MS_MAX;
        let mut waiting = false;
        for claim in &claims {
            waiting |= !self.merge(kept, claim, too_old).await?;
        }
        match (waiting, too_old) {
            (false, _) => {
                self.close(kept, DeliveryState::Applied, None).await?;
                Ok(Received::Applied)
            }
            (true, true) => {
                let why = "it speaks of a payment that nobody knows here";
                self.close(kept, DeliveryState::Unmatched, Some(why)).await?;
                Ok(Received::Rejected(why.to_owned()))
            }
            (true, false) => Ok(Received::Waiting),
        }
    }

    /// Merges one claim; `false` when what it speaks of is not known yet, or fits nothing in the books yet. At the last look
    /// a claim that still fits nothing is written down as such, for somebody to see.
    async fn merge(&self, kept: &KeptDelivery, claim: &Evidence, last_look: bool) -> Result<bool, Error> {
        if claim.action == EvidenceAction::NotSupported {
            return Ok(true);
        }
        let Some(session) = self.subject(&kept.provider, claim).await? else {
            return Ok(false);
        };
        // Made once: a repeated decision adds the same capture or refund, not another one.
        let ids = ObservedIds {
            operation: OperationId::from_tail(&new_tail()),
            capture: CaptureId::from_tail(&new_tail()),
            refund: RefundId::from_tail(&new_tail()),
        };
        for _ in 0..COMMIT_ATTEMPTS {
            if self.inner.store.is_merged(kept.provider.clone(), claim.event_id.clone()).await? {
                return Ok(true);
            }
            let Some(stored) = self.inner.store.load(Key::Session(session.clone())).await? else {
                return Ok(false);
            };
            // A provider speaks of its own sessions only.
            if stored.collection.session(&session).is_none_or(|session| session.provider != kept.provider) {
                return Ok(false);
            }
            let observe = Command::Observe { session: session.clone(), evidence: claim.clone(), ids: ids.clone() };
            let events = machine::decide(Some(&stored.collection), &observe, self.now())?;
            if fits_nothing(&events) && !last_look {
                return Ok(false);
            }
            let after = applied(&stored.collection, &events);
            let merged = MergedClaim {
                provider: kept.provider.clone(),
                event_id: claim.event_id.clone(),
                delivery: kept.id.clone(),
                at: self.now(),
            };
            let exchanges = self.forgotten(&stored.collection, &after);
            let change = Change { claim: Some(merged), exchanges, ..Change::new(Some(stored), after.clone(), &events) };
            self.step(Step::BeforeCommit);
            match self.inner.store.commit(change).await {
                Ok(()) => {
                    self.step(Step::Committed);
                    self.count(&after, &events);
                    return Ok(true);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended)
    }

    async fn subject(&self, provider: &ProviderId, claim: &Evidence) -> Result<Option<SessionId>, Error> {
        match &claim.subject {
            Some(EvidenceSubject::Session(session)) => Ok(Some(session.clone())),
            Some(EvidenceSubject::ProviderReference(reference)) => {
                Ok(self.inner.store.session_by_reference(provider.clone(), reference.clone()).await?)
            }
            None => Ok(None),
        }
    }

    async fn close(&self, kept: &KeptDelivery, state: DeliveryState, detail: Option<&str>) -> Result<(), Error> {
        let detail = detail.map(str::to_owned);
        self.step(Step::BeforeClose);
        self.inner.store.close_delivery(kept.id.clone(), state, detail, self.now()).await?;
        self.step(Step::Closed);
        Ok(())
    }
}

/// Whether a claim was set aside because the books explain it with nothing they hold now. A later change may.
fn fits_nothing(events: &[Event]) -> bool {
    let unmatched =
        |event: &Event| matches!(event.change, EventChange::EvidenceSetAside { why: SetAside::Unmatched, .. });
    events.iter().any(unmatched)
}
