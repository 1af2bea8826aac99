//! How the routes are put together where the defaults do not fit. The default asks every caller who they are.

use std::sync::Arc;

use super::cors::{Cors, Origins};
use super::drain::Drain;
use super::limits::Limits;
use super::tokens::CustomerTokens;

/// What a server of your own can say about the routes that it mounts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(super) limits: Limits,
    pub(super) open: bool,
    pub(super) drain: Drain,
    pub(super) cors: Cors,
    pub(super) tokens: Option<Arc<dyn CustomerTokens>>,
}

impl Options {
    /// Other limits than the usual ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets customers show a token instead of a client secret: [`JwtTokens`](super::JwtTokens), or whatever your shop has.
    #[must_use]
    pub fn customer_tokens(mut self, tokens: Arc<dyn CustomerTokens>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// The pages of other origins that may call `/store` from a browser. Without this, none.
    #[must_use]
    pub fn store_origins(mut self, origins: Origins) -> Self {
        self.cors.store = origins;
        self
    }

    /// The pages of other origins that may call `/admin` from a browser. Without this, none.
    #[must_use]
    pub fn admin_origins(mut self, origins: Origins) -> Self {
        self.cors.admin = origins;
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
