//! What the payer is shown while a payment is open, from the operator's settings.
//!
//! It travels as client data, the only part of an outcome that a storefront may read. Nothing private is in it.

use serde::Serialize;
use tillbox_provider::checkout::Checkout;
use tillbox_provider::{Json, Outcome, Result, Status, settings};

/// What a storefront can show. The names are part of this provider's interface to storefronts; `checkout` is for the
/// host's own checkout page, which says the same in sentences.
#[derive(Serialize)]
struct Instructions<'a> {
    /// What the payer should state, so that the person who takes the money finds the payment.
    reference: &'a str,
    /// How and where to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    /// Who receives the money.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee: Option<String>,
    /// For the host's checkout page.
    checkout: Checkout,
}

/// Adds the instructions to an outcome, as long as there is something to pay. Client data is replaced as a whole, so the
/// storefront stops seeing them when the money is there or the payment is canceled.
pub(crate) fn attach(outcome: Outcome, reference: &str) -> Result<Outcome> {
    let payable = match outcome.status {
        Status::Pending | Status::RequiresMore | Status::PendingAuthorization | Status::Authorized => true,
        Status::Captured | Status::Canceled | Status::Declined | Status::Error => false,
    };
    if !payable {
        return Ok(outcome);
    }
    // The host checked both against the schema: strings of a bounded length, far below the limit of client data.
    let (instructions, payee) = (settings::get("instructions"), settings::get("payee"));
    let checkout = checkout(outcome.status, reference, instructions.as_deref(), payee.as_deref());
    Ok(outcome.client_data(Json::of(&Instructions { reference, instructions, payee, checkout })?))
}

/// Nothing is typed in: the payer says that they will pay, and is then shown how.
fn checkout(status: Status, reference: &str, instructions: Option<&str>, payee: Option<&str>) -> Checkout {
    let page = match status {
        Status::Authorized => Checkout::new()
            .title("Your order is accepted")
            .text("Please pay as shown here. The merchant confirms it when the money is there."),
        Status::Pending
        | Status::RequiresMore
        | Status::PendingAuthorization
        | Status::Captured
        | Status::Canceled
        | Status::Declined
        | Status::Error => Checkout::new()
            .title("Pay by transfer or in person")
            .text("Nothing is charged now. You are shown how to pay after you have confirmed.")
            .submit("Confirm"),
    };
    let page = [("Pay to", payee), ("How to pay", instructions)]
        .into_iter()
        .filter_map(|(label, value)| value.map(|value| (label, value)))
        .fold(page, |page, (label, value)| page.detail(label, value));
    page.detail("Reference", reference)
}
