//! The one trait that a provider implements.

use crate::context::{AccountHolder, Context};
use crate::error::{Error, Result};
use crate::info::ProviderInfo;
use crate::json::Json;
use crate::outcome::Outcome;
use crate::payment_method::PaymentMethod;
use crate::request::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, PaymentState, RefundRequest,
    RetrieveRequest, Snapshot, UpdateRequest,
};
use crate::webhook::{Delivery, Evidence, Rejection};

/// A payment provider.
///
/// ```text
/// initiate ─► update* ─► authorize ─► capture* ─► refund*
///     │                      │
///     └─► delete             └─► cancel          retrieve and status at any time, any number of times
/// ```
///
/// There is no `self`: every call runs in a fresh instance, and nothing in memory outlives it. State lives in `data`, or
/// at the gateway.
///
/// The rules for every function that changes something:
/// - **Replay.** A second call with the same [`Context::idempotency_key`] and the same request has no second effect and
///   answers what the first one answered: status, amount and reference alike.
/// - **A decline is an answer**, [`Outcome::declined`]. An [`Error`] means that there is no answer.
/// - **Never panic** for an expected failure. A panic is logged, and the outcome is then unknown to the host.
///
/// The functions with a body belong to optional interfaces. Write yours and name the interface in
/// [`register!`](crate::register); the bodies given here are never exported.
pub trait Provider {
    /// Says what this provider is and can do.
    ///
    /// Pure: the same answer each time, without reading settings or logging. The host compares two calls.
    fn describe() -> ProviderInfo;

    /// Opens a payment at the provider.
    ///
    /// Nothing is taken from the payer, unless the provider declares automatic capture. Any status is possible except
    /// `canceled`.
    ///
    /// # Errors
    /// [`Error`] when there is no answer.
    fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome>;

    /// Changes the amount or the details of a payment that is not authorized yet.
    ///
    /// # Errors
    /// A conflict when it is already authorized, captured or canceled.
    fn update(context: &Context, request: &UpdateRequest) -> Result<Outcome>;

    /// Reserves the amount, or reports what became of the reservation. Called again after a next action was done.
    ///
    /// # Errors
    /// [`Error`] when there is no answer.
    fn authorize(context: &Context, request: &AuthorizeRequest) -> Result<Outcome>;

    /// Takes exactly the request's amount.
    ///
    /// `captured` with the echo of this capture's amount; `pending` when it settles later; `declined`.
    ///
    /// # Errors
    /// A conflict when nothing is left to capture, or the payment was canceled.
    fn capture(context: &Context, request: &CaptureRequest) -> Result<Outcome>;

    /// Gives exactly the request's amount back.
    ///
    /// `captured` with the echo of this refund's amount when it is done (the payment stays captured); `pending` when it
    /// is on its way; `declined` when it was refused.
    ///
    /// # Errors
    /// A conflict when more is asked than is left to refund.
    fn refund(context: &Context, request: &RefundRequest) -> Result<Outcome>;

    /// Releases what is reserved and not captured (void): `canceled`, or `pending` when the release is on its way.
    ///
    /// # Errors
    /// A conflict when the payment is captured.
    fn cancel(context: &Context, request: &CancelRequest) -> Result<Outcome>;

    /// Abandons a session that was never authorized, so that it can never be paid any more: `canceled`.
    ///
    /// # Errors
    /// A conflict when it is authorized or captured.
    fn delete(context: &Context, request: &DeleteRequest) -> Result<Outcome>;

    /// Tells what the provider knows of a payment, and of one operation. Reads only.
    ///
    /// # Errors
    /// Not found when the provider knows neither the payment nor the operation. Everything else proves nothing.
    fn retrieve(context: &Context, request: &RetrieveRequest) -> Result<Snapshot>;

    /// Tells where the payment stands now. Reads only; the lighter sister of [`Provider::retrieve`].
    ///
    /// # Errors
    /// As [`Provider::retrieve`].
    fn status(context: &Context, payment: &PaymentState) -> Result<Outcome>;

    /// Interface `webhooks`: verifies one delivery and says what it claims, at most 64 claims.
    ///
    /// Pure: the same delivery gives the same answer, for ever.
    ///
    /// # Errors
    /// [`Rejection`] when the delivery proves nothing.
    fn receive_webhook(delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
        let _ = delivery;
        Err(Rejection::Failed(absent("webhooks")))
    }

    /// Interface `account-holders`: makes a record for [`Context::customer`].
    ///
    /// # Errors
    /// An invalid request when the context holds no customer.
    fn create_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        let _ = (context, input);
        Err(absent("account holders"))
    }

    /// Interface `account-holders`: brings [`Context::account_holder`] up to date with the customer.
    ///
    /// # Errors
    /// Not found proves that nothing changed.
    fn update_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        let _ = (context, input);
        Err(absent("account holders"))
    }

    /// Interface `account-holders`: reads [`Context::account_holder`].
    ///
    /// # Errors
    /// Not found when the provider does not know it.
    fn retrieve_account_holder(context: &Context) -> Result<AccountHolder> {
        let _ = context;
        Err(absent("account holders"))
    }

    /// Interface `account-holders`: removes [`Context::account_holder`]. One that is already gone is success.
    ///
    /// # Errors
    /// [`Error`] when there is no answer.
    fn delete_account_holder(context: &Context) -> Result<()> {
        let _ = context;
        Err(absent("account holders"))
    }

    /// Interface `payment-methods`: what [`Context::account_holder`] has saved, newest first, at most 100.
    ///
    /// # Errors
    /// [`Error`] when there is no answer.
    fn list_payment_methods(context: &Context) -> Result<Vec<PaymentMethod>> {
        let _ = context;
        Err(absent("payment methods"))
    }

    /// Interface `payment-methods`: saves one for [`Context::account_holder`].
    ///
    /// # Errors
    /// An invalid request when the input names none.
    fn save_payment_method(context: &Context, input: &Json) -> Result<PaymentMethod> {
        let _ = (context, input);
        Err(absent("payment methods"))
    }

    /// Interface `payment-methods`: removes one by the provider's token. One that is already gone is success.
    ///
    /// # Errors
    /// [`Error`] when there is no answer.
    fn delete_payment_method(context: &Context, id: &str) -> Result<()> {
        let _ = (context, id);
        Err(absent("payment methods"))
    }
}

fn absent(what: &str) -> Error {
    Error::not_supported(format_args!("this provider keeps no {what}"))
}
