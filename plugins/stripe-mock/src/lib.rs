//! A payment provider without a network: Stripe's PaymentIntent lifecycle, kept in the payment's own `data`.
//!
//! It is driven by Stripe's published test payment methods (`pm_card_visa` approves, `pm_card_visa_chargeDeclined` is
//! declined, `pm_card_authenticationRequired` asks for 3-D Secure, `pm_usBankAccount_success` settles later …) and moves
//! no money. A storefront says `{"payment_method":"pm_card_visa"}` to `initiate`, `update` or `authorize`, and
//! `{"three_d_secure":"complete"}` or `"fail"` to `authorize` after a challenge.
//!
//! The gateway *is* the `data` the host keeps: what the host did not store did not happen. That is why keys are
//! remembered for ever and `retrieve` finds everything at once.
//!
//! Two interfaces are spoken beside `payments`: `webhooks`, and `account-holders`. `payment-methods` is left out; see the
//! module `holders` for why.
#![deny(missing_docs)]

mod clock;
mod decline;
mod events;
mod holders;
mod identifier;
mod input;
mod intent;
mod ledger;
mod methods;
mod page;
mod payment;
mod payments;
mod settings;
mod signature;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod webhooks;

use tillbox_provider::{
    AccountHolder, AuthorizeRequest, CancelRequest, Capabilities, CaptureRequest, Context, DeleteRequest, Delivery,
    Evidence, InitiateRequest, Json, KeyAlphabet, KeyMemory, Lookup, Outcome, PaymentState, Provider, ProviderInfo,
    RefundRequest, Rejection, Result, RetrieveRequest, Snapshot, UpdateRequest,
};

use payments::Call;
use settings::Settings;

/// Characters of the idempotency keys: Stripe takes up to 255, and 64 make collisions unthinkable.
const KEY_LENGTH_MAX: u32 = 64;

/// The provider.
#[derive(Debug, Clone, Copy)]
pub struct StripeMock;

fn settings() -> Result<Settings> {
    Settings::read(tillbox_provider::settings::get)
}

/// Runs `act` with everything a call has beside its request.
fn call<R, T>(context: &Context, request: &R, act: fn(Call<'_>, &R) -> Result<T>) -> Result<T> {
    act(Call { context, settings: &settings()?, now_ms: clock::now_ms() }, request)
}

impl Provider for StripeMock {
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
        ProviderInfo::new("stripe-mock", "Stripe (mock)", env!("CARGO_PKG_VERSION"))
            .capabilities(capabilities)
            .currencies(stripe_rules::units::CURRENCIES.iter().copied())
            .settings_schema(settings::SCHEMA)
            .recovery_of_all(KeyMemory::Forever, Lookup::Strong)
            .key_format(KEY_LENGTH_MAX, KeyAlphabet::Hexadecimal)
            .docs_url("https://docs.stripe.com/testing")
    }

    fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome> {
        call(context, request, payments::initiate)
    }

    fn update(context: &Context, request: &UpdateRequest) -> Result<Outcome> {
        call(context, request, payments::update)
    }

    fn authorize(context: &Context, request: &AuthorizeRequest) -> Result<Outcome> {
        call(context, request, payments::authorize)
    }

    fn capture(context: &Context, request: &CaptureRequest) -> Result<Outcome> {
        call(context, request, payments::capture)
    }

    fn refund(context: &Context, request: &RefundRequest) -> Result<Outcome> {
        call(context, request, payments::refund)
    }

    fn cancel(context: &Context, request: &CancelRequest) -> Result<Outcome> {
        call(context, request, payments::cancel)
    }

    fn delete(context: &Context, request: &DeleteRequest) -> Result<Outcome> {
        call(context, request, payments::delete)
    }

    fn retrieve(_: &Context, request: &RetrieveRequest) -> Result<Snapshot> {
        payments::retrieve(clock::now_ms(), request)
    }

    fn status(_: &Context, payment: &PaymentState) -> Result<Outcome> {
        payments::status(clock::now_ms(), payment)
    }

    fn receive_webhook(delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
        webhooks::receive(&settings()?, delivery)
    }

    fn create_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        holders::create(context, input)
    }

    fn update_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        holders::update(context, input)
    }

    fn retrieve_account_holder(context: &Context) -> Result<AccountHolder> {
        holders::retrieve(context)
    }

    fn delete_account_holder(_: &Context) -> Result<()> {
        holders::delete();
        Ok(())
    }
}

tillbox_provider::register!(StripeMock, webhooks, account_holders);
