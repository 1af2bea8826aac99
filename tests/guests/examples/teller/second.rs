//! The second version of the teller: the same permissions.
//!
//! It keeps nothing.

#[path = "till.rs"]
mod till;

till::teller!(Teller, "1.1.0");
