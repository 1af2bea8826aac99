//! Points in time. The core has no clock: every timestamp comes in as an argument.

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0
    }
}
