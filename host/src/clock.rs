//! The two things the core must be given: the time and unique names. Replaceable, so that a test can fix both.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use tillbox_core::Timestamp;
use ulid::Ulid;

/// Where the present time comes from.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The tail of a new id: a ULID, 26 characters, unguessable in its last 80 bits and ordered by time.
#[must_use]
pub fn new_tail() -> String {
    Ulid::generate().to_string()
}
