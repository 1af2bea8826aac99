//! Writes to the log from `describe`, which must call no import.
//!
//! It refuses to do harm beyond that: the answer itself is honest.

use tillbox_guests::{Provider, honest_info, log, payments::ProviderInfo};

/// Cannot keep quiet.
#[derive(Debug)]
pub struct DescribeLogs;

impl Provider for DescribeLogs {
    fn describe() -> ProviderInfo {
        log::write(log::Level::Info, "describing myself", &[]);
        honest_info("describe-logs")
    }
}

tillbox_guests::export!(DescribeLogs);
