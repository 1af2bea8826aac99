//! What the promises of a store are tested with: databases that come and go, a PostgreSQL server of our own, a wire that can
//! be cut, and collections to keep. The promises themselves are in `tests/`, each written once and run on every store.
//!
//! It knows the doors of the stores, not their insides.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod sample;

pub mod server;

pub mod place;

pub mod wire;
