//! The second version of the teller: the same permissions.
//!
//! It keeps nothing.

#[path = "till.rs"]
mod till;
#[macro_use]
#[path = "versions.rs"]
mod versions;

teller!(Teller, "1.1.0");
