//! Never comes back from `describe`. Loading must end within the deadline of `describe`.
//!
//! It refuses to use memory or imports while it turns.

use tillbox_guests::{Provider, payments::ProviderInfo};

/// Turns for ever.
#[derive(Debug)]
pub struct DescribeLoops;

impl Provider for DescribeLoops {
    fn describe() -> ProviderInfo {
        loop {
            std::hint::spin_loop();
        }
    }
}

tillbox_guests::export!(DescribeLoops);
