//! The guest SDK: what a payment provider is written with.
#![deny(missing_docs)]

#[doc(hidden)]
pub mod bindings;
mod context;
mod convert;
mod error;
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
pub use webhook::{Action, Delivery, Evidence, Header, Rejection, Subject};

/// What [`register!`] expands to. No part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::register::{AccountHolders, PaymentMethods, Payments, Webhooks, fits, named};
}
