//! Honest in `payments`, and overdoes in the optional interfaces what it is told to: `methods=101` as the external id of
//! the account holder in the context, `claims=65` as the query of a delivery. What is told wrongly traps, so that a test
//! with a typing error fails. The SDK would refuse every one of these answers before the host sees it.
//!
//! It refuses to overdo two things at once.

use tillbox_guests::honest_info;
use tillbox_guests::payments::{Capabilities, ProviderInfo};
use tillbox_guests::types::{AccountHolder, Context, Error, ErrorKind, Money};

use bindings::exports::tillbox::provider::payment_methods::PaymentMethod;
use bindings::exports::tillbox::provider::webhooks::{Action, Delivery, Evidence, Rejection, Subject};
use bindings::exports::tillbox::provider::{account_holders, payment_methods, webhooks};

/// The optional interfaces, with the types of the mandatory one.
#[allow(missing_debug_implementations, unreachable_pub, clippy::wildcard_enum_match_arm, rust_2018_idioms)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package tillbox:overdoes;
            world optional {
                include tillbox:provider/with-webhooks@0.1.0;
                include tillbox:provider/with-account-holders@0.1.0;
                include tillbox:provider/with-payment-methods@0.1.0;
            }
        ",
        with: { "tillbox:provider/types@0.1.0": tillbox_guests::types },
    });
}

/// Does more than it may.
#[derive(Debug)]
pub struct Overdoes;

tillbox_guests::export!(Overdoes);

#[cfg(target_family = "wasm")]
bindings::export!(Overdoes with_types_in bindings);

impl tillbox_guests::Provider for Overdoes {
    fn describe() -> ProviderInfo {
        let honest = honest_info("overdoes");
        let optional = Capabilities::WEBHOOKS | Capabilities::ACCOUNT_HOLDERS | Capabilities::PAYMENT_METHODS;
        ProviderInfo { capabilities: honest.capabilities | optional, ..honest }
    }
}

impl webhooks::Guest for Overdoes {
    fn receive(delivery: Delivery) -> Result<Vec<Evidence>, Rejection> {
        let honest = Evidence {
            event_id: "evt_1".into(),
            occurred_at_ms: Some(delivery.received_at_ms),
            subject: Some(Subject::ProviderReference("ref-1".into())),
            action: Action::Captured,
            amount: None,
            operation_id: None,
            reason: None,
            extensions: "{}".into(),
        };
        let (what, count) = told(&delivery.query);
        let claim = match what {
            "claims" => return Ok((0..count).map(|_| honest.clone()).collect()),
            "error-code" => return Err(Rejection::Failed(error_of(count))),
            "event-id" => Evidence { event_id: "e".repeat(count), ..honest },
            "reason" => Evidence { reason: Some("r".repeat(count)), ..honest },
            "reference" => Evidence { subject: Some(Subject::ProviderReference("r".repeat(count))), ..honest },
            "session" => Evidence { subject: Some(Subject::Session("s".repeat(count))), ..honest },
            "operation-id" => Evidence { operation_id: Some("o".repeat(count)), ..honest },
            "extensions" => Evidence { extensions: object_of_length(count), ..honest },
            "exponent" => {
                let exponent = u8::try_from(count).expect("a small number");
                Evidence { amount: Some(Money { minor_units: 1, exponent, currency: "EUR".into() }), ..honest }
            }
            other => panic!("{other} is nothing to overdo in a claim"),
        };
        Ok(vec![claim])
    }
}

impl account_holders::Guest for Overdoes {
    fn create(context: Context, _input: String) -> Result<AccountHolder, Error> {
        holder(&context)
    }

    fn update(context: Context, _input: String) -> Result<AccountHolder, Error> {
        holder(&context)
    }

    fn retrieve(context: Context) -> Result<AccountHolder, Error> {
        holder(&context)
    }

    fn delete(context: Context) -> Result<(), Error> {
        nothing(&context)
    }
}

impl payment_methods::Guest for Overdoes {
    fn list_methods(context: Context) -> Result<Vec<PaymentMethod>, Error> {
        match order(&context) {
            ("methods", count) => Ok((0..count).map(|_| honest_method()).collect()),
            _ => Ok(vec![honest_method(), method(&context)?]),
        }
    }

    fn save(context: Context, _input: String) -> Result<PaymentMethod, Error> {
        method(&context)
    }

    fn delete(context: Context, _id: String) -> Result<(), Error> {
        nothing(&context)
    }
}

fn holder(context: &Context) -> Result<AccountHolder, Error> {
    match order(context) {
        ("id", count) => Ok(AccountHolder { external_id: "x".repeat(count), data: "{}".into() }),
        ("data", count) => Ok(AccountHolder { external_id: "x".into(), data: object_of_length(count) }),
        ("error-code", count) => Err(error_of(count)),
        (other, _) => panic!("{other} is nothing to overdo in an account holder"),
    }
}

fn method(context: &Context) -> Result<PaymentMethod, Error> {
    match order(context) {
        ("id", count) => Ok(PaymentMethod { id: "x".repeat(count), ..honest_method() }),
        ("display", count) => Ok(PaymentMethod { display: object_of_length(count), ..honest_method() }),
        ("data", count) => Ok(PaymentMethod { data: object_of_length(count), ..honest_method() }),
        ("error-code", count) => Err(error_of(count)),
        (other, _) => panic!("{other} is nothing to overdo in a payment method"),
    }
}

fn nothing(context: &Context) -> Result<(), Error> {
    match order(context) {
        ("error-code", count) => Err(error_of(count)),
        (other, _) => panic!("{other} is nothing to overdo in an answer that is nothing"),
    }
}

fn honest_method() -> PaymentMethod {
    PaymentMethod { id: "pm_1".into(), display: "{}".into(), data: "{}".into() }
}

fn error_of(code_bytes: usize) -> Error {
    Error { kind: ErrorKind::Conflict, code: "c".repeat(code_bytes), message: "no".into(), data: None }
}

fn order(context: &Context) -> (&str, usize) {
    let holder = context.account_holder.as_ref().expect("what to overdo stands in the account holder");
    told(&holder.external_id)
}

/// `methods=101`.
fn told(order: &str) -> (&str, usize) {
    let (what, count) = order.split_once('=').expect("what, an equals sign, how much");
    (what, count.parse().expect("a number"))
}

fn object_of_length(bytes: usize) -> String {
    let frame = "{\"x\":\"\"}".len();
    format!("{{\"x\":\"{}\"}}", "x".repeat(bytes.saturating_sub(frame)))
}
