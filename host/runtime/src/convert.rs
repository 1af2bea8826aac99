//! The border to the contract: checked types to the bindings' types and back.
//!
//! Types of WIT never leave this module and the two that call through it. What goes out was checked before; what comes
//! in is an allegation, and becomes a checked type here or a fault that names the field and the rule.

mod describe;
mod hidden;
mod incoming;
mod outgoing;

pub(crate) use describe::provider_info;
pub(crate) use hidden::Hidden;
pub(crate) use incoming::{account_holder, claims, nothing, outcome, payment_method, payment_methods, snapshot};
pub(crate) use outgoing::{
    authorize, cancel, capture, context, delete, delivery, initiate, payment_state, refund, retrieve, update,
};
