//! Tillbox: a payment host. The payment core, a store that survives, and every provider behind one trait, whether it is a
//! sandboxed WebAssembly component or native Rust.
//!
//! The promise: money is never guessed. A call that gave no answer leaves a question, and the host answers it by asking the
//! provider; never by inventing a failure, never by charging twice.
//!
//! Modules in reading order, each using only those above it:

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod clock;
pub mod currency;

pub mod store;

pub mod service;

pub mod http;

#[doc(hidden)]
pub mod cli;

pub use service::{Error, Host, HostBuilder};
pub use tillbox_core as core;
pub use tillbox_runtime as runtime;
