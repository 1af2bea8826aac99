//! Tillbox: a payment host. The payment core, a store that survives, and every provider behind one trait, whether it is a
//! sandboxed WebAssembly component or native Rust.
//!
//! The promise: money is never guessed. A call that gave no answer leaves a question, and the host answers it by asking the
//! provider; never by inventing a failure, never by charging twice.
//!
//! A host in five lines, and the first payment through a sandboxed component (`examples/embed.rs` goes on from here):
//!
//! ```
//! use tillbox::Host;
//! use tillbox::core::id::ProviderId;
//! use tillbox::currency::money;
//! use tillbox::runtime::{Grants, Runtime, RuntimeConfig};
//! use tillbox::service::{NewCollection, NewSession};
//!
//! # #[cfg(feature = "bundled")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::new(RuntimeConfig::default())?;
//! let manual = runtime.check(tillbox::bundled::MANUAL).await?.grant(Grants::default())?;
//! let host = Host::builder().in_memory().provider("default", manual).build().await?;
//! let collection = host.create_collection(NewCollection::new(money("10.50", "EUR")?)).await?;
//! let session = host.create_session(&collection.id, NewSession::new(ProviderId::parse("pp_manual_default")?)).await?;
//!
//! let authorization = host.authorize_session(&session.value.id, None).await?.value;
//! let payment = authorization.payment.ok_or("not authorized")?;
//! let captured = host.capture(&payment.payment.id, None).await?.value.captured;
//! assert_eq!(captured, money("10.50", "EUR")?);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "bundled"))]
//! # fn main() {}
//! ```
//!
//! Modules in reading order, each using only those above it:

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod clock;
pub mod currency;
pub mod metrics;
pub mod redact;
pub mod trace;

pub mod store;

pub mod outgoing;

pub mod service;

pub mod http;

#[doc(hidden)]
pub mod cli;

pub use service::{Error, Host, HostBuilder};
pub use tillbox_core as core;
/// The providers that come with the host, as component bytes.
#[cfg(feature = "bundled")]
pub use tillbox_plugins as bundled;
pub use tillbox_runtime as runtime;
