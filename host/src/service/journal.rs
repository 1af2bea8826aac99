//! What the host itself recorded of the bytes of a call whose holder is gone: the place where the journal of HTTP exchanges
//! reports to recovery.
//!
//! | exchange rows at restart | meaning | answer here |
//! |---|---|---|
//! | none | nothing was sent | [`Sent::Nothing`]: proof |
//! | about to send | it may have been sent | [`Sent::Maybe`]: the recovery declaration decides |
//! | answered | the gateway answered | [`Sent::Answered`], once the guest was run again from the journal without a network |
//!
//! There are no exchange rows yet: what a component sent is known as long as its host lives, and no longer. A native provider
//! sends by its own means and leaves no record. Of both nothing is known here, and nothing is claimed.

use tillbox_core::command::Sent;
use tillbox_core::operation::Operation;

use super::Host;

impl Host {
    /// What left the process for an operation whose holder is gone.
    pub(super) fn recorded(&self, _operation: &Operation) -> Sent {
        Sent::Maybe
    }
}
