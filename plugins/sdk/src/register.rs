//! `register!`, and the shims through which the generated exports reach a [`Provider`].
//!
//! One shim for each interface, generic over the provider: compiled and checked on every target, exported only where the
//! macro says so. A shim converts, calls and converts; it decides nothing.

use std::marker::PhantomData;
use std::sync::Once;

use crate::bindings::account_holders::exports::tillbox::provider::account_holders as wit_holders;
use crate::bindings::payment_methods::exports::tillbox::provider::payment_methods as wit_methods;
use crate::bindings::provider::exports::tillbox::provider::payments as wit;
use crate::bindings::provider::tillbox::provider::types as wit_types;
use crate::bindings::webhooks::exports::tillbox::provider::webhooks as wit_webhooks;
use crate::convert::{self, Interfaces};
use crate::error::{Error, Result};
use crate::limits::{EVIDENCE_MAX, PAYMENT_METHODS_MAX};
use crate::log;
use crate::outcome::Outcome;
use crate::provider::Provider;

/// Makes a component of a [`Provider`]: `payments` always, and the optional interfaces that are named, out of
/// `webhooks`, `account_holders` and `payment_methods`. One that is not named is not in the component at all.
///
/// The named interfaces are declared in `describe` by themselves. On native targets nothing is exported, so that tests and
/// other programs can link the crate.
///
/// ```text
/// tillbox_provider::register!(MyProvider);
/// tillbox_provider::register!(MyProvider, webhooks, account_holders, payment_methods);
/// ```
///
/// The crate's own documentation shows it in a whole provider.
#[macro_export]
macro_rules! register {
    ($provider:ty $(, $interface:ident)* $(,)?) => {
        const _: () = {
            const NAMED: &[&str] = &[$(stringify!($interface)),*];
            type Payments = $crate::__private::Payments<
                $provider,
                { $crate::__private::named(NAMED, "webhooks") },
                { $crate::__private::named(NAMED, "account_holders") },
                { $crate::__private::named(NAMED, "payment_methods") },
            >;
            // Also on native targets, so that a provider that does not fit the trait is found by `cargo test`.
            const _: () = $crate::__private::fits::<Payments>();
            #[cfg(target_family = "wasm")]
            $crate::__private::bindings::provider::export_payments!(
                Payments with_types_in $crate::__private::bindings::provider
            );
            $($crate::__register_interface!($interface, $provider);)*
        };
    };
}

/// One optional interface of [`register!`]. An unknown name matches nothing and stops the compiler.
#[doc(hidden)]
#[macro_export]
macro_rules! __register_interface {
    (webhooks, $provider:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Webhooks = $crate::__private::Webhooks<$provider>;
            $crate::__private::bindings::webhooks::export_webhooks!(
                Webhooks with_types_in $crate::__private::bindings::webhooks
            );
        };
    };
    (account_holders, $provider:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type AccountHolders = $crate::__private::AccountHolders<$provider>;
            $crate::__private::bindings::account_holders::export_account_holders!(
                AccountHolders with_types_in $crate::__private::bindings::account_holders
            );
        };
    };
    (payment_methods, $provider:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type PaymentMethods = $crate::__private::PaymentMethods<$provider>;
            $crate::__private::bindings::payment_methods::export_payment_methods!(
                PaymentMethods with_types_in $crate::__private::bindings::payment_methods
            );
        };
    };
}

/// Whether the list has the name; `const`, because it picks a type.
#[must_use]
pub const fn named(list: &[&str], name: &str) -> bool {
    let mut at = 0;
    while at < list.len() {
        let (left, right) = (list[at].as_bytes(), name.as_bytes());
        let mut same = left.len() == right.len();
        let mut byte = 0;
        while same && byte < left.len() {
            same = left[byte] == right[byte];
            byte += 1;
        }
        if same {
            return true;
        }
        at += 1;
    }
    false
}

/// Compiles only for a shim of a real provider.
pub const fn fits<Shim: wit::Guest>() {}

/// Exports `payments`.
#[derive(Debug)]
pub struct Payments<P, const WEBHOOKS: bool, const ACCOUNT_HOLDERS: bool, const PAYMENT_METHODS: bool>(PhantomData<P>);

/// Exports `webhooks`.
#[derive(Debug)]
pub struct Webhooks<P>(PhantomData<P>);

/// Exports `account-holders`.
#[derive(Debug)]
pub struct AccountHolders<P>(PhantomData<P>);

/// Exports `payment-methods`.
#[derive(Debug)]
pub struct PaymentMethods<P>(PhantomData<P>);

impl<P, const W: bool, const A: bool, const M: bool> wit::Guest for Payments<P, W, A, M>
where
    P: Provider,
{
    fn describe() -> wit::ProviderInfo {
        log_panics();
        convert::info_out(P::describe(), Interfaces { webhooks: W, account_holders: A, payment_methods: M })
    }

    fn initiate(context: wit::Context, request: wit::InitiateRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::initiate_in, P::initiate)
    }

    fn update(context: wit::Context, request: wit::UpdateRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::update_in, P::update)
    }

    fn authorize(context: wit::Context, request: wit::AuthorizeRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::authorize_in, P::authorize)
    }

    fn capture(context: wit::Context, request: wit::CaptureRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::capture_in, P::capture)
    }

    fn refund(context: wit::Context, request: wit::RefundRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::refund_in, P::refund)
    }

    fn cancel(context: wit::Context, request: wit::CancelRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::cancel_in, P::cancel)
    }

    fn delete(context: wit::Context, request: wit::DeleteRequest) -> Result<wit::Outcome, wit::Error> {
        outcome(context, request, convert::delete_in, P::delete)
    }

    fn retrieve(context: wit::Context, request: wit::RetrieveRequest) -> Result<wit::Snapshot, wit::Error> {
        answer(|| {
            let request = convert::retrieve_in(request)?;
            convert::snapshot_out(P::retrieve(&convert::context_in(context), &request)?)
        })
    }

    fn status(context: wit::Context, payment: wit::PaymentState) -> Result<wit::Outcome, wit::Error> {
        outcome(context, payment, convert::payment_in, P::status)
    }
}

impl<P: Provider> wit_webhooks::Guest for Webhooks<P> {
    fn receive(delivery: wit_webhooks::Delivery) -> Result<Vec<wit_webhooks::Evidence>, wit_webhooks::Rejection> {
        log_panics();
        let claims = P::receive_webhook(&convert::delivery_in(delivery)).map_err(convert::rejection_out)?;
        let failed = |error| convert::rejection_out(crate::Rejection::Failed(error));
        bounded("claims in a delivery", claims.len(), EVIDENCE_MAX).map_err(failed)?;
        claims.into_iter().map(convert::evidence_out).collect::<Result<_>>().map_err(failed)
    }
}

impl<P: Provider> wit_holders::Guest for AccountHolders<P> {
    fn create(context: wit_types::Context, input: String) -> Result<wit_types::AccountHolder, wit_types::Error> {
        answer(|| {
            let holder = P::create_account_holder(&convert::context_in(context), &convert::json_in(input))?;
            convert::account_holder_out(holder)
        })
    }

    fn update(context: wit_types::Context, input: String) -> Result<wit_types::AccountHolder, wit_types::Error> {
        answer(|| {
            let holder = P::update_account_holder(&convert::context_in(context), &convert::json_in(input))?;
            convert::account_holder_out(holder)
        })
    }

    fn retrieve(context: wit_types::Context) -> Result<wit_types::AccountHolder, wit_types::Error> {
        answer(|| convert::account_holder_out(P::retrieve_account_holder(&convert::context_in(context))?))
    }

    fn delete(context: wit_types::Context) -> Result<(), wit_types::Error> {
        answer(|| P::delete_account_holder(&convert::context_in(context)))
    }
}

impl<P: Provider> wit_methods::Guest for PaymentMethods<P> {
    fn list_methods(context: wit_types::Context) -> Result<Vec<wit_methods::PaymentMethod>, wit_types::Error> {
        answer(|| {
            let methods = P::list_payment_methods(&convert::context_in(context))?;
            bounded("payment methods in a list", methods.len(), PAYMENT_METHODS_MAX)?;
            methods.into_iter().map(convert::payment_method_out).collect()
        })
    }

    fn save(context: wit_types::Context, input: String) -> Result<wit_methods::PaymentMethod, wit_types::Error> {
        answer(|| {
            let method = P::save_payment_method(&convert::context_in(context), &convert::json_in(input))?;
            convert::payment_method_out(method)
        })
    }

    fn delete(context: wit_types::Context, id: String) -> Result<(), wit_types::Error> {
        answer(|| P::delete_payment_method(&convert::context_in(context), &id))
    }
}

/// Runs one function that answers with an outcome.
fn outcome<In, Request>(
    context: wit_types::Context,
    request: In,
    convert_in: fn(In) -> Result<Request>,
    call: fn(&crate::Context, &Request) -> Result<Outcome>,
) -> Result<wit_types::Outcome, wit_types::Error> {
    answer(|| convert::outcome_out(call(&convert::context_in(context), &convert_in(request)?)?))
}

fn answer<T>(call: impl FnOnce() -> Result<T>) -> Result<T, wit_types::Error> {
    log_panics();
    call().map_err(convert::error_out)
}

fn bounded(what: &str, count: usize, count_max: usize) -> Result<()> {
    if count > count_max {
        return Err(Error::other("too-many", format_args!("{count} {what}, more than {count_max}")));
    }
    Ok(())
}

/// Sends what a panic says to the operator. The trap that follows carries no message. Installed once per instance; on
/// native targets the test runner's own hook stays.
fn log_panics() {
    static INSTALLED: Once = Once::new();
    if cfg!(target_family = "wasm") {
        INSTALLED.call_once(|| std::panic::set_hook(Box::new(log_panic)));
    }
}

fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    match panic.location() {
        Some(location) => log::error(message, &[("panic_at", location)]),
        None => log::error(message, &[]),
    }
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
