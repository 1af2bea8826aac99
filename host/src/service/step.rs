//! The steps between which a host can die, told to whoever listens: tests that kill a host at each of them, and traces.
//!
//! A listener hears which step was reached and nothing of the payment. Without one, a step costs a comparison.

use std::sync::Arc;

use super::Host;

/// A point in the work of a host. What is told before it is done, and what after it, is durable or outside by then or not
/// at all: a host that dies between two steps dies in no third way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The core has decided; nothing is written.
    Decided,
    /// A change is about to be handed to the store.
    BeforeCommit,
    /// The change is durable. Of a provider that can reach a network, the first one is the intent.
    Committed,
    /// A provider is about to be asked to do something.
    BeforeCall,
    /// A provider wants to send a request, and nothing of that is written.
    BeforeIntent,
    /// That it is about to be sent is durable.
    IntentKept,
    /// The connection is made; not a byte of the request has left.
    BeforeFirstByte,
    /// The last byte has left; no answer was read.
    RequestSent,
    /// The gateway has answered. Nothing of it is written.
    AnswerRead,
    /// Its answer is durable.
    AnswerKept,
    /// The provider is about to see it.
    BeforeGuest,
    /// It has answered, or the call broke. The answer is known to this process alone.
    Answered,
    /// A provider is about to be run again from the journal.
    BeforeRerun,
    /// It was. What it said is known to this process alone.
    Rerun,
    /// A provider is about to be asked what became of an operation.
    BeforeLookup,
    /// It has told. Nothing of it is written.
    LookedUp,
    /// A webhook request is about to be kept.
    BeforeKeep,
    /// It is durable; nobody has looked into it.
    Kept,
    /// A provider is about to verify a webhook request.
    BeforeVerify,
    /// It has; what it claims is not merged.
    Verified,
    /// Everything that a webhook request claims is merged, and it is about to be closed.
    BeforeClose,
    /// It is closed.
    Closed,
    /// A subscriber is about to be told an event.
    BeforeDelivery,
    /// It was told, or could not be. That it was is known to this process and to the subscriber.
    Delivered,
    /// How far the subscriber was told is durable.
    DeliveryKept,
    /// A provider's component is durable; no version names it yet.
    ComponentKept,
    /// Another version serves by the books; this host has not loaded it yet.
    VersionMoved,
}

impl Step {
    /// Every step.
    pub const ALL: &'static [Self] = &[
        Self::Decided,
        Self::BeforeCommit,
        Self::Committed,
        Self::BeforeCall,
        Self::BeforeIntent,
        Self::IntentKept,
        Self::BeforeFirstByte,
        Self::RequestSent,
        Self::AnswerRead,
        Self::AnswerKept,
        Self::BeforeGuest,
        Self::Answered,
        Self::BeforeRerun,
        Self::Rerun,
        Self::BeforeLookup,
        Self::LookedUp,
        Self::BeforeKeep,
        Self::Kept,
        Self::BeforeVerify,
        Self::Verified,
        Self::BeforeClose,
        Self::Closed,
        Self::BeforeDelivery,
        Self::Delivered,
        Self::DeliveryKept,
        Self::ComponentKept,
        Self::VersionMoved,
    ];

    /// A name for reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::BeforeCommit => "before_commit",
            Self::Committed => "committed",
            Self::BeforeCall => "before_call",
            Self::BeforeIntent => "before_intent",
            Self::IntentKept => "intent_kept",
            Self::BeforeFirstByte => "before_first_byte",
            Self::RequestSent => "request_sent",
            Self::AnswerRead => "answer_read",
            Self::AnswerKept => "answer_kept",
            Self::BeforeGuest => "before_guest",
            Self::Answered => "answered",
            Self::BeforeRerun => "before_rerun",
            Self::Rerun => "rerun",
            Self::BeforeLookup => "before_lookup",
            Self::LookedUp => "looked_up",
            Self::BeforeKeep => "before_keep",
            Self::Kept => "kept",
            Self::BeforeVerify => "before_verify",
            Self::Verified => "verified",
            Self::BeforeClose => "before_close",
            Self::Closed => "closed",
            Self::BeforeDelivery => "before_delivery",
            Self::Delivered => "delivered",
            Self::DeliveryKept => "delivery_kept",
            Self::ComponentKept => "component_kept",
            Self::VersionMoved => "version_moved",
        }
    }
}

/// Who hears of steps. It is called in the middle of the work: whatever it does, the payment waits for it.
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

impl Host {
    pub(in crate::service) fn step(&self, step: Step) {
        if step == Step::Committed {
            self.inner.wake.committed();
        }
        if let Some(listener) = &self.inner.on_step {
            listener(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::service::NewCollection;

    #[tokio::test]
    async fn a_listener_hears_the_steps_in_order() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let host = Host::builder().in_memory().on_step(Arc::new(move |step| ears.lock().unwrap().push(step)));
        let host = host.build().await.unwrap();
        host.create_collection(NewCollection::new(crate::currency::money("1", "EUR").unwrap())).await.unwrap();
        assert_eq!(*heard.lock().unwrap(), [Step::BeforeCommit, Step::Committed]);
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Step::ALL.iter().map(|step| step.as_str()).collect();
        assert_eq!(names.len(), Step::ALL.len());
    }
}
