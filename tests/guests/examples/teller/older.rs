//! A version of the teller from before the first one.
//!
//! It keeps nothing.

#[path = "till.rs"]
mod till;
#[macro_use]
#[path = "versions.rs"]
mod versions;

teller!(Teller, "0.9.0");
