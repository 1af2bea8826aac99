//! What the host's own checkout page asks of a payer.
//!
//! Cards are typed into Stripe's own script and nowhere else, so the page can only name payment methods: in test mode
//! Stripe's published ones, one for each thing that can happen.

use tillbox_provider::checkout::{Checkout, Choice, Field};

use crate::intent::State;

/// The methods that are offered in test mode, and what each is for.
const OFFERED: &[(&str, &str, &str)] = &[
    ("pm_card_visa", "Visa ending in 4242", "The bank agrees"),
    ("pm_card_authenticationRequired", "Visa ending in 3184", "The bank asks for 3-D Secure first"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "Visa ending in 9995", "Declined: not enough money"),
    ("pm_card_visa_chargeDeclined", "Visa ending in 0002", "Declined"),
];

/// What the page shows while the intent is where it is; nothing when nothing is asked of the payer.
pub(crate) fn checkout(state: State, is_live: bool) -> Option<Checkout> {
    match state {
        State::RequiresPaymentMethod | State::RequiresConfirmation | State::RequiresAction => Some(form(is_live)),
        State::Processing | State::RequiresCapture | State::Succeeded | State::Canceled => None,
    }
}

fn form(is_live: bool) -> Checkout {
    let checkout = Checkout::new().title("Pay by card").return_url("return_url");
    if is_live {
        return checkout.text("Confirm the payment with the method you chose.");
    }
    let offered = OFFERED.iter().map(|(id, name, what)| Choice::new(*id, *name).hint(*what));
    checkout.text("This is a test: no money moves.").field(Field::choice(
        "payment_method",
        "Test payment method",
        offered,
    ))
}
