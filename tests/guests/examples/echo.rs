//! The well-behaved neighbour: its calls must go on whatever the others do.
//!
//! It refuses to do anything but echo.

use tillbox_guests::Provider;

/// Honest in everything.
#[derive(Debug)]
pub struct Echo;

impl Provider for Echo {}

tillbox_guests::export!(Echo);
