//! The first version of the teller.
//!
//! It keeps nothing.

#[path = "till.rs"]
mod till;
#[macro_use]
#[path = "versions.rs"]
mod versions;

teller!(Teller, "1.0.0");
