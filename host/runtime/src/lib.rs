//! The provider runtime: bytes become a checked component, a checked component answers bounded calls.
//!
//! It knows no database, no HTTP server and no payment rules. It knows how to keep code that nobody trusts inside its
//! limits, and how to say truthfully what became of a call. Absent on purpose: outgoing network (no guest can reach
//! anything yet, see [`provider::Reach`]), secrets, and warm instances (an instance lives for one call).
//!
//! Modules in reading order:

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod fault;
pub mod info;
pub mod provider;
pub mod request;

pub mod json;
pub mod limits;
pub mod text;

pub use fault::{Culprit, Fault, MoneyImplication};
pub use info::ProviderInfo;
pub use provider::{Call, CallReport, Failure, Provider, Reach};
