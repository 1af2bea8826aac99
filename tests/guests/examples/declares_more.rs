//! Declares webhooks and does not export them. Loading must refuse.
//!
//! It refuses to be wrong in anything else.

use tillbox_guests::Provider;
use tillbox_guests::honest_info;
use tillbox_guests::payments::{Capabilities, ProviderInfo};

/// Promises what it does not have.
#[derive(Debug)]
pub struct DeclaresMore;

impl Provider for DeclaresMore {
    fn describe() -> ProviderInfo {
        let honest = honest_info("declares-more");
        ProviderInfo { capabilities: honest.capabilities | Capabilities::WEBHOOKS, ..honest }
    }
}

tillbox_guests::export!(DeclaresMore);
