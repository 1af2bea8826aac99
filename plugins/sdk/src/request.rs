//! Requests: what the host asks of a payment, and the snapshot that answers `retrieve`.
//!
//! Amounts and ids are the host's. `input` is what a storefront sent along, an allegation: check all of it.

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::money::Money;
use crate::outcome::Outcome;

/// The kinds of operation (`types.operation-kind`): one for each function that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// [`Provider::initiate`](crate::Provider::initiate)
    Initiate,
    /// [`Provider::update`](crate::Provider::update)
    Update,
    /// [`Provider::authorize`](crate::Provider::authorize)
    Authorize,
    /// [`Provider::capture`](crate::Provider::capture)
    Capture,
    /// [`Provider::refund`](crate::Provider::refund)
    Refund,
    /// [`Provider::cancel`](crate::Provider::cancel)
    Cancel,
    /// [`Provider::delete`](crate::Provider::delete)
    Delete,
}

impl OperationKind {
    /// Every kind, in the order of a payment's life.
    pub const ALL: [Self; 7] =
        [Self::Initiate, Self::Update, Self::Authorize, Self::Capture, Self::Refund, Self::Cancel, Self::Delete];
}

/// The payment as the host's books have it (`payments.payment-state`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentState {
    /// The `data` of the latest outcome, untouched.
    pub data: Json,
    /// The latest provider reference of the payment. Absent when the reply to `initiate` was lost.
    pub provider_reference: Option<String>,
    /// The amount of the session.
    pub amount: Money,
    /// Captured so far, by the books.
    pub captured: Money,
    /// Refunded so far, by the books.
    pub refunded: Money,
}

impl PaymentState {
    /// The private state as a type.
    ///
    /// # Errors
    /// Kind [`ErrorKind::Other`](crate::ErrorKind::Other) with code `data` when it does not fit the type: it was
    /// written by another version, or was lost together with the reply to `initiate` and is `{}`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.data.as_str()).map_err(|error| Error::other("data", error))
    }
}

/// Reads what a storefront sent; what does not fit is the sender's fault.
fn read_input<T: DeserializeOwned>(input: &Json) -> Result<T> {
    serde_json::from_str(input.as_str()).map_err(Error::invalid_request)
}

/// Asks for a new payment (`payments.initiate-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiateRequest {
    /// What will be authorized.
    pub amount: Money,
    /// What the storefront sent along (payment method, return URL).
    pub input: Json,
}

impl InitiateRequest {
    /// The storefront's input as a type.
    ///
    /// # Errors
    /// Kind [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it does not fit.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T> {
        read_input(&self.input)
    }
}

/// Asks for a change before authorization (`payments.update-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRequest {
    /// The payment.
    pub payment: PaymentState,
    /// The new amount, same currency.
    pub amount: Money,
    /// What the storefront sent along.
    pub input: Json,
}

impl UpdateRequest {
    /// The storefront's input as a type.
    ///
    /// # Errors
    /// As [`InitiateRequest::input`].
    pub fn input<T: DeserializeOwned>(&self) -> Result<T> {
        read_input(&self.input)
    }
}

/// Asks for authorization (`payments.authorize-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The payment.
    pub payment: PaymentState,
    /// What the storefront sent along, the result of a next action for one.
    pub input: Json,
}

impl AuthorizeRequest {
    /// The storefront's input as a type.
    ///
    /// # Errors
    /// As [`InitiateRequest::input`].
    pub fn input<T: DeserializeOwned>(&self) -> Result<T> {
        read_input(&self.input)
    }
}

/// Asks to take money (`payments.capture-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRequest {
    /// The payment.
    pub payment: PaymentState,
    /// How much. Always given: a partial capture never captures the rest.
    pub amount: Money,
    /// The host's id of the capture (`capt_…`).
    pub capture_id: String,
    /// True when this takes all that is left.
    pub is_final: bool,
}

/// Asks to give money back (`payments.refund-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The payment.
    pub payment: PaymentState,
    /// How much. Always given.
    pub amount: Money,
    /// The host's id of the refund (`ref_…`).
    pub refund_id: String,
    /// The merchant's reason code, where given.
    pub reason: Option<String>,
    /// A note for the provider's records, at most 1,024 bytes.
    pub note: Option<String>,
}

/// Asks to void (`payments.cancel-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// The payment.
    pub payment: PaymentState,
    /// Why, at most 1,024 bytes.
    pub reason: Option<String>,
}

/// Asks to forget a session that was never authorized (`payments.delete-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRequest {
    /// The payment.
    pub payment: PaymentState,
}

/// The operation whose fate the host wants to know (`payments.operation-reference`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationReference {
    /// What the lost call carried as [`Context::operation_id`](crate::Context::operation_id).
    pub operation_id: String,
    /// What the lost call carried as [`Context::idempotency_key`](crate::Context::idempotency_key).
    pub idempotency_key: String,
    /// Which function it was.
    pub kind: OperationKind,
    /// What it asked for, where an amount was part of it.
    pub amount: Option<Money>,
}

/// Asks what the provider knows (`payments.retrieve-request`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrieveRequest {
    /// The payment; its reference may be absent and its `data` may be `{}` after a lost `initiate`.
    pub payment: PaymentState,
    /// The operation to look for; absent when the host just wants the payment's present state.
    pub operation: Option<OperationReference>,
}

/// What the provider knows of a payment (`payments.snapshot`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The payment's present state, as `authorize` would answer it.
    pub outcome: Outcome,
    /// Captured so far at the provider.
    pub captured: Money,
    /// Refunded so far at the provider.
    pub refunded: Money,
    /// In dispute (chargeback), 0 when there is none.
    pub disputed: Money,
    /// The outcome of the operation asked for; absent when the provider does not know it.
    pub operation: Option<Outcome>,
}
