//! Who hears of events inside the process. It knows events and nothing of how they get there.

use async_trait::async_trait;

use crate::store::OutboxEvent;

/// Why an event was not taken. It is told again later.
pub type NotHeard = Box<dyn std::error::Error + Send + Sync>;

/// Hears of events in the process that embeds the host.
///
/// Every event is told at least once: one that was taken just before a crash is told again, so remember
/// [`OutboxEvent::id`] of what you did. The events of a payment collection are told in order, one after the other; those of
/// different collections at the same time. An error, a panic, or [`SUBSCRIBER_MS_MAX`](super::SUBSCRIBER_MS_MAX) without an
/// answer means that the event is told again, later and later for three days, and the collection's next ones wait for it.
///
/// ```
/// use tillbox::service::{NotHeard, Subscriber};
/// use tillbox::store::OutboxEvent;
///
/// struct Ledger;
///
/// #[async_trait::async_trait]
/// impl Subscriber for Ledger {
///     async fn hear(&self, event: &OutboxEvent) -> Result<(), NotHeard> {
///         println!("{} {} {}", event.id, event.kind, event.data);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait Subscriber: Send + Sync + 'static {
    /// Takes an event.
    ///
    /// # Errors
    /// Anything: the text is kept with the event and shown to operators.
    async fn hear(&self, event: &OutboxEvent) -> Result<(), NotHeard>;
}
