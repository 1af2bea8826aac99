//! What can go wrong while a component is built, as one message that says what to do.
//!
//! It refuses to have variants: nobody acts differently on them. Every message is for the person at the terminal.

use std::fmt;

/// A component could not be built. [`Display`](fmt::Display) is the whole message, several lines long where needed.
#[derive(Debug)]
pub struct BuildError(String);

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}
