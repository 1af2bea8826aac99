//! Opaque text the core carries and never reads: a provider's private state, a storefront's input, metadata.

use std::fmt;
use std::sync::Arc;

/// A JSON object as text. Whoever makes one has checked it; the core only hands it on.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Takes text that the caller has checked to be a JSON object.
    #[must_use]
    pub fn from_checked(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The empty object.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_checked("{}")
    }

    /// Whether it is the empty object, written as [`Json::empty`] writes it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        &*self.0 == "{}"
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text under a seal that only the host can open: what a payer typed in, for as long as it may have to be said again.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Arc<str>);

impl Sealed {
    /// Takes what the host has sealed.
    #[must_use]
    pub fn from_sealed(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The sealed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Only the length, as for [`Json`].
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::empty()
    }
}

/// Only the length: private state must not drift into logs through a debug print.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}
