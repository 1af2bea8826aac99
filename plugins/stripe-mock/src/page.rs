//! What the host's checkout page asks a payer of this provider, and how its challenges are walked through there.
//!
//! Where Stripe's own script would take a card number, the page offers published test payment methods by name: one for
//! each thing that can happen. A challenge is answered on the page, since nothing is behind its address.

use tillbox_provider::checkout::{Challenge, Checkout, Choice, Field};
use tillbox_provider::{Json, Result};

use crate::intent::{Intent, State};
use crate::methods::{self, Kind};

/// The methods that are offered, and what each is for. Bank accounts are offered in their own currency only.
const OFFERED: &[(&str, &str)] = &[
    ("pm_card_visa", "The bank agrees"),
    ("pm_card_authenticationRequired", "The bank asks for 3-D Secure first"),
    ("pm_card_chargeDeclinedInsufficientFunds", "Declined: not enough money"),
    ("pm_card_chargeDeclinedIncorrectCvc", "Declined: wrong security code"),
    ("pm_card_threeDSecureRequiredChargeDeclined", "Declined after 3-D Secure"),
    ("pm_sepaDebit_success_de", "The bank decides later"),
    ("pm_usBankAccount_processing", "The bank decides later"),
];

/// What the page shows while the intent is where it is; nothing when nothing is asked of the payer.
pub(crate) fn checkout(intent: &Intent) -> Result<Option<Checkout>> {
    Ok(match intent.status {
        State::RequiresPaymentMethod | State::RequiresConfirmation => Some(form(intent)),
        State::RequiresAction => Some(form(intent).challenge(challenge()?)),
        State::Processing | State::RequiresCapture | State::Succeeded | State::Canceled => None,
    })
}

fn form(intent: &Intent) -> Checkout {
    let currency = intent.currency_code();
    let offered = OFFERED.iter().filter_map(|(id, what)| {
        let method = methods::find(id)?;
        let fits = method.kind.currency().is_none_or(|only| only == currency);
        fits.then(|| Choice::new(*id, format!("{} ending in {}", name(method.kind), method.last4)).hint(*what))
    });
    Checkout::new().title("Pay by card or bank account").text("This is a test: no money moves.").field(Field::choice(
        "payment_method",
        "Test payment method",
        offered,
    ))
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Card(_) => "Visa",
        Kind::UsBankAccount => "US bank account",
        Kind::SepaDebit => "SEPA account",
    }
}

fn challenge() -> Result<Challenge> {
    let text = "Your bank wants to know that it is you. This is a test bank: choose how the check ends.";
    Ok(Challenge::new("3-D Secure", text)
        .answer("Complete the check", &Json::parse(r#"{"three_d_secure":"complete"}"#)?)
        .answer("Fail the check", &Json::parse(r#"{"three_d_secure":"fail"}"#)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_offered_is_known_and_a_card_is_named_by_its_brand() {
        for (id, _) in OFFERED {
            let method = methods::find(id).unwrap_or_else(|| panic!("{id}"));
            assert!(matches!(method.kind, Kind::Card("visa") | Kind::UsBankAccount | Kind::SepaDebit), "{id}");
        }
    }
}
