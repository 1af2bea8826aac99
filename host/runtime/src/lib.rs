//! The provider runtime: bytes become a checked component, a checked component answers bounded calls.
//!
//! It knows no database, no HTTP server and no payment rules. It knows how to keep code that nobody trusts inside its
//! limits, and how to say truthfully what became of a call. A guest reaches the network through [`egress`] alone, host
//! by host. Absent on purpose: sockets, and warm instances (an instance lives for one call).
//!
//! ```no_run
//! use tillbox_runtime::{Grants, Runtime, RuntimeConfig};
//!
//! # async fn load(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::new(RuntimeConfig::default())?;
//! let package = runtime.check(bytes).await?;
//! println!("{} imports {:?}", package.info().identifier, package.report().imports);
//! let provider = package.grant(Grants::default())?;
//! # drop(provider);
//! # Ok(())
//! # }
//! ```
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

pub mod egress;
pub mod grant;
pub mod journal;
pub mod manifest;
pub mod secrets;
mod settings;

mod cache;
pub mod engine;
mod interfaces;
mod shape;

pub mod component;
pub mod report;

mod bindings;
mod calls;
mod convert;
mod door;
mod guest;
mod held;
mod inputs;
mod instance;
mod network;
mod pipe;
mod redact;
mod stdio;

pub use calls::ComponentProvider;
pub use component::{CheckError, Package};
pub use egress::{ExchangeFault, ExchangeReport, Left};
pub use engine::{EngineError, Runtime, RuntimeConfig};
pub use fault::{Culprit, Fault, MoneyImplication};
pub use grant::{GrantError, Grants};
pub use info::ProviderInfo;
pub use interfaces::CONTRACT_VERSION;
pub use network::{EXCHANGES_MAX, RANDOM_REQUEST_BYTES_MAX};
pub use provider::{Call, CallReport, Failure, Inspection, Provider, Reach};
pub use report::InspectReport;
pub use secrets::{SecretGrant, SecretSource};
pub use settings::SettingsError;
