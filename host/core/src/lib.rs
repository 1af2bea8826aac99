//! The payment core: what money, statuses and operations mean, and the two pure functions that decide and apply.
//!
//! It knows no clock, no randomness, no database, no provider and no JSON: time and ids are arguments, provider state is
//! opaque text. Every decision can therefore be replayed from its inputs.
//!
//! Modules in reading order:

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![deny(clippy::float_arithmetic)]

pub mod currency;
pub mod money;

pub mod digest;
pub mod id;
pub mod text;
pub mod time;

pub mod outcome;
pub mod status;

pub mod operation;
pub mod state;

pub mod command;
pub mod event;
pub mod refusal;

pub mod schedule;

pub mod machine;

pub use currency::Currency;
pub use digest::ComponentDigest;
pub use money::Money;
pub use time::Timestamp;
