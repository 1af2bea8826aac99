//! How the routes are put together where the defaults do not fit. The default asks every caller who they are.

use super::drain::Drain;
use super::limits::Limits;

/// What a server of your own can say about the routes that it mounts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(super) limits: Limits,
    pub(super) open: bool,
    pub(super) drain: Drain,
}

impl Options {
    /// Other limits than the usual ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks nobody who they are: for a server that does so itself, for every route it passes on. Whoever reaches these
    /// routes may capture and refund.
    #[must_use]
    pub fn without_authentication(mut self) -> Self {
        self.open = true;
        self
    }
}
