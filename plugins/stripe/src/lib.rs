//! The payment provider for Stripe's API, over the host's HTTP.
//!
//! A payment session is a PaymentIntent; an account holder is a Customer; what is saved is a PaymentMethod, set up by a
//! SetupIntent. Nothing is kept in here: what the next call has to know goes into the payment's `data`, and the truth is at
//! Stripe. Every request that changes something carries the key of its call and the id of its operation, so that it can be
//! sent again, and found again.
//!
//! | file | what |
//! |---|---|
//! | `payments`, `refunds`, `customers`, `methods` | what changes something |
//! | `lookup` | what only reads |
//! | `webhooks`, `events` | what Stripe tells by itself |
//! | `api`, `problem`, `decline`, `intent` | Stripe's words and what they mean |
//! | `settings`, `input`, `page` | what operators, storefronts and the checkout page say |
#![deny(missing_docs)]

mod api;
mod customers;
mod decline;
mod events;
mod input;
mod intent;
mod lookup;
mod methods;
mod page;
mod payments;
mod problem;
mod refunds;
mod settings;
mod webhooks;

use tillbox_provider::{
    AccountHolder, AuthorizeRequest, CancelRequest, Capabilities, CaptureRequest, Context, DeleteRequest, Delivery,
    Evidence, InitiateRequest, Json, KeyAlphabet, KeyMemory, Lookup, OperationKind, Outcome, PaymentMethod,
    PaymentState, Provider, ProviderInfo, RefundRequest, Rejection, Result, RetrieveRequest, Snapshot, UpdateRequest,
};

use api::Call;

pub use api::API_VERSION;

/// Characters of the idempotency keys: Stripe takes up to 255, and 64 make collisions unthinkable.
const KEY_LENGTH_MAX: u32 = 64;

/// Seconds for which Stripe recognises a key: the published 24 hours.
const KEY_SECONDS: u64 = 24 * 60 * 60;

/// Seconds by which Stripe's search may lag, by its documentation: under a minute as a rule, an hour in bad times.
const SEARCH_LAG_SECONDS: u64 = 60 * 60;

/// Seconds until what is read by its id shows what an earlier request did: reading does not lag, and a request that was sent
/// may still be under way.
const SETTLING_SECONDS: u64 = 120;

/// The provider.
#[derive(Debug, Clone, Copy)]
pub struct Stripe;

impl Provider for Stripe {
    fn describe() -> ProviderInfo {
        let capabilities = Capabilities {
            partial_capture: true,
            multiple_captures: true,
            partial_refund: true,
            multiple_refunds: true,
            automatic_capture: true,
            cancel_authorized: true,
            update_amount: true,
        };
        let window = KeyMemory::WindowSeconds(KEY_SECONDS);
        ProviderInfo::new("stripe", "Stripe", env!("CARGO_PKG_VERSION"))
            .capabilities(capabilities)
            .currencies(stripe_rules::units::CURRENCIES.iter().copied())
            .settings_schema(settings::SCHEMA)
            .host("api.stripe.com", "all of Stripe's API")
            .secret(api::API_KEY, "the secret key (sk_… or rk_…): it authorizes every request")
            .secret(webhooks::SECRETS[0], "the signing secret (whsec_…) of the webhook endpoint")
            .secret(webhooks::SECRETS[1], "another signing secret while the first one is being replaced")
            .secret(webhooks::SECRETS[2], "a third one, for an endpoint that is being replaced meanwhile")
            .recovery_of_all(window, Lookup::EventualSeconds(SETTLING_SECONDS))
            .recovery(OperationKind::Initiate, window, Lookup::EventualSeconds(SEARCH_LAG_SECONDS))
            .key_format(KEY_LENGTH_MAX, KeyAlphabet::Hexadecimal)
            .docs_url("https://docs.stripe.com/api")
    }

    fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome> {
        payments::initiate(&Call::new(context)?, request)
    }

    fn update(context: &Context, request: &UpdateRequest) -> Result<Outcome> {
        payments::update(&Call::new(context)?, request)
    }

    fn authorize(context: &Context, request: &AuthorizeRequest) -> Result<Outcome> {
        payments::authorize(&Call::new(context)?, request)
    }

    fn capture(context: &Context, request: &CaptureRequest) -> Result<Outcome> {
        payments::capture(&Call::new(context)?, request)
    }

    fn refund(context: &Context, request: &RefundRequest) -> Result<Outcome> {
        refunds::refund(&Call::new(context)?, request)
    }

    fn cancel(context: &Context, request: &CancelRequest) -> Result<Outcome> {
        payments::cancel(&Call::new(context)?, request)
    }

    fn delete(context: &Context, request: &DeleteRequest) -> Result<Outcome> {
        payments::delete(&Call::new(context)?, request)
    }

    fn retrieve(context: &Context, request: &RetrieveRequest) -> Result<Snapshot> {
        lookup::retrieve(&Call::new(context)?, request)
    }

    fn status(context: &Context, payment: &PaymentState) -> Result<Outcome> {
        lookup::status(&Call::new(context)?, payment)
    }

    fn receive_webhook(delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
        webhooks::receive(delivery)
    }

    fn create_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        customers::create(&Call::new(context)?, input)
    }

    fn update_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        customers::update(&Call::new(context)?, input)
    }

    fn retrieve_account_holder(context: &Context) -> Result<AccountHolder> {
        customers::retrieve(&Call::new(context)?)
    }

    fn delete_account_holder(context: &Context) -> Result<()> {
        customers::delete(&Call::new(context)?)
    }

    fn list_payment_methods(context: &Context) -> Result<Vec<PaymentMethod>> {
        methods::list(&Call::new(context)?)
    }

    fn save_payment_method(context: &Context, input: &Json) -> Result<PaymentMethod> {
        methods::save(&Call::new(context)?, input)
    }

    fn delete_payment_method(context: &Context, id: &str) -> Result<()> {
        methods::delete(&Call::new(context)?, id)
    }
}

tillbox_provider::register!(Stripe, webhooks, account_holders, payment_methods);

#[cfg(test)]
mod tests;
