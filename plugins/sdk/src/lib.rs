//! The guest SDK: what a payment provider is written with.
//!
//! A provider is a WebAssembly component. To its author it is one type that implements [`Provider`] and one
//! [`register!`] line; the contract (`wit/`) behind it stays out of sight. The names here are the contract's names.
//!
//! # A provider, and a test of it
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use tillbox_provider::{
//!     AuthorizeRequest, CancelRequest, CaptureRequest, Context, DeleteRequest, Error, InitiateRequest, Json, Money,
//!     Outcome, PaymentState, Provider, ProviderInfo, RefundRequest, Result, RetrieveRequest, Snapshot, Status,
//!     UpdateRequest,
//! };
//!
//! /// Takes vouchers. The whole payment is its `data`.
//! struct Voucher;
//!
//! tillbox_provider::register!(Voucher);
//!
//! /// What is kept between two calls, as a JSON object.
//! #[derive(Serialize, Deserialize)]
//! struct Kept {
//!     code: String,
//!     amount: Money,
//! }
//!
//! /// What a storefront sends along.
//! #[derive(Deserialize)]
//! struct Input {
//!     code: String,
//! }
//!
//! impl Provider for Voucher {
//!     fn describe() -> ProviderInfo {
//!         ProviderInfo::new("voucher", "Voucher", "0.1.0").currencies(["EUR"])
//!     }
//!
//!     fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome> {
//!         let Input { code } = request.input()?; // refused as an invalid request when it does not fit
//!         let state = Json::of(&Kept { code, amount: request.amount })?;
//!         Ok(Outcome::pending(state).amount(request.amount).reference(&context.operation_id))
//!     }
//!
//!     fn authorize(_: &Context, request: &AuthorizeRequest) -> Result<Outcome> {
//!         let kept: Kept = request.payment.data()?;
//!         if kept.amount.exceeds(request.payment.amount)? {
//!             return Err(Error::conflict("the voucher was opened for more"));
//!         }
//!         Ok(Outcome::authorized(request.payment.data.clone()).amount(request.payment.amount))
//!     }
//!
//!     fn status(_: &Context, payment: &PaymentState) -> Result<Outcome> {
//!         Ok(Outcome::pending(payment.data.clone()))
//!     }
//!
//!     fn capture(_: &Context, request: &CaptureRequest) -> Result<Outcome> {
//!         Ok(Outcome::captured(request.payment.data.clone()).amount(request.amount).reference(&request.capture_id))
//!     }
//!
//!     fn cancel(_: &Context, request: &CancelRequest) -> Result<Outcome> {
//!         Ok(Outcome::canceled(request.payment.data.clone()).amount(request.payment.amount))
//!     }
//!
//!     fn delete(_: &Context, request: &DeleteRequest) -> Result<Outcome> {
//!         Ok(Outcome::canceled(request.payment.data.clone()))
//!     }
//!
//!     fn update(_: &Context, _: &UpdateRequest) -> Result<Outcome> {
//!         Err(Error::not_supported("a voucher does not change"))
//!     }
//!
//!     fn refund(_: &Context, _: &RefundRequest) -> Result<Outcome> {
//!         Err(Error::not_supported("a voucher is not given back"))
//!     }
//!
//!     fn retrieve(context: &Context, request: &RetrieveRequest) -> Result<Snapshot> {
//!         let payment = &request.payment;
//!         let (captured, refunded) = (payment.captured, payment.refunded);
//!         let outcome = Self::status(context, payment)?;
//!         Ok(Snapshot { outcome, captured, refunded, disputed: payment.amount.zeroed(), operation: None })
//!     }
//! }
//!
//! // A unit test: no WebAssembly, no host.
//! use tillbox_provider::testing;
//!
//! let amount = testing::money(1050, 2, "EUR");
//! let request = InitiateRequest { amount, input: testing::json(r#"{"code":"V-1"}"#) };
//! let opened = Voucher::initiate(&testing::context("payop_1"), &request)?;
//! let payment = testing::payment(&opened, amount);
//! let request = AuthorizeRequest { payment, input: Json::empty() };
//! let authorized = Voucher::authorize(&testing::context("payop_2"), &request)?;
//! assert_eq!((authorized.status, authorized.amount), (Status::Authorized, Some(amount)));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Making the component
//!
//! The crate's type is `cdylib`. `cargo rustc --lib --crate-type cdylib --target wasm32-wasip2 --release` builds it; with
//! `rlib` beside it in `Cargo.toml`, the option `--crate-type` keeps link-time optimisation on, and the file small.
//! `plugins/manual` is a whole provider to copy.
//!
//! # What is not here, and why
//!
//! - The contract's `reveal`, the plain text of a secret: [`Secret`] handles do for headers and signatures.
//! - Clocks and randomness. A replay must answer alike; time comes in with a webhook's delivery, identity with the
//!   context.
//! - State between calls. Every call runs in a fresh instance.
//! - `wit-bindgen`. Its types are not part of this API and change without notice.
#![deny(missing_docs)]

#[doc(hidden)]
pub mod bindings;
pub mod checkout;
mod context;
mod convert;
pub mod crypto;
mod error;
mod form;
pub mod http;
mod info;
mod json;
pub mod limits;
pub mod log;
mod money;
mod outcome;
mod payment_method;
mod provider;
mod register;
mod request;
mod secret;
pub mod settings;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod webhook;

pub use context::{AccountHolder, Address, Context, Customer, Environment};
pub use error::{Error, ErrorKind, Result};
pub use info::{
    Capabilities, HostWanted, KeyAlphabet, KeyFormat, KeyMemory, Lookup, ProviderInfo, Recovery, SecretWanted,
};
pub use json::Json;
pub use money::{Money, MoneyError};
pub use outcome::{Decline, DeclineClass, NextAction, Outcome, Status};
pub use payment_method::PaymentMethod;
pub use provider::Provider;
pub use request::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, OperationKind, OperationReference,
    PaymentState, RefundRequest, RetrieveRequest, Snapshot, UpdateRequest,
};
pub use secret::{Secret, SecretError};
pub use webhook::{Action, Delivery, Evidence, Header, Rejection, Subject};

/// What [`register!`] expands to. No part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::register::{AccountHolders, PaymentMethods, Payments, Webhooks, fits, named};
}
