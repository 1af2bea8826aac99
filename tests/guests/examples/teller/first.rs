//! The first version of the teller.
//!
//! It keeps nothing.

#[path = "till.rs"]
mod till;

till::teller!(Teller, "1.0.0");
