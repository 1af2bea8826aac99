//! Declines: Stripe's codes, and what the host may do about each.
//!
//! Source: Stripe's documentation, "Decline codes" and "Error codes". The code stays Stripe's own; a code that is not listed
//! asks for another payment method, which is what the documentation says of those without a reason.

use tillbox_provider::{Decline, DeclineClass};

/// What may be done about a code.
fn class(code: &str) -> DeclineClass {
    match code {
        "processing_error"
        | "issuer_not_available"
        | "try_again_later"
        | "reenter_transaction"
        | "approve_with_id"
        | "no_action_taken"
        | "payment_method_provider_timeout"
        | "payment_method_not_available" => DeclineClass::TryAgainLater,
        "incorrect_cvc"
        | "invalid_cvc"
        | "incorrect_number"
        | "invalid_number"
        | "incorrect_zip"
        | "incorrect_address"
        | "incorrect_pin"
        | "invalid_expiry_month"
        | "invalid_expiry_year"
        | "invalid_account"
        | "offline_pin_required"
        | "online_or_offline_pin_required" => DeclineClass::CorrectDetails,
        "authentication_required" => DeclineClass::AuthenticationRequired,
        "payment_intent_authentication_failure"
        | "setup_intent_authentication_failure"
        | "authentication_failure"
        | "mobile_device_authentication_required" => DeclineClass::AuthenticationFailed,
        "fraudulent" | "lost_card" | "stolen_card" | "pickup_card" | "restricted_card" | "merchant_blacklist"
        | "security_violation" | "highest_risk_level" => DeclineClass::SuspectedFraud,
        _ => DeclineClass::UseAnotherMethod,
    }
}

/// A decline by its codes: the issuer's where there is one, the error's otherwise.
pub(crate) fn decline(code: Option<&str>, decline_code: Option<&str>, message: &str) -> Decline {
    let telling = decline_code.or(code).unwrap_or("generic_decline");
    // What went wrong with a 3-D Secure check says the error's code, whatever the issuer adds.
    let class = match code {
        Some("payment_intent_authentication_failure") => DeclineClass::AuthenticationFailed,
        Some("authentication_required") => DeclineClass::AuthenticationRequired,
        Some(_) | None => class(telling),
    };
    Decline::new(class, telling, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_the_published_codes() {
        let class = |code, decline_code| decline(code, decline_code, "").class;
        let declined = Some("card_declined");
        assert_eq!(class(declined, Some("generic_decline")), DeclineClass::UseAnotherMethod);
        assert_eq!(class(declined, Some("insufficient_funds")), DeclineClass::UseAnotherMethod);
        assert_eq!(class(declined, Some("lost_card")), DeclineClass::SuspectedFraud);
        assert_eq!(class(declined, Some("a_code_of_next_year")), DeclineClass::UseAnotherMethod);
        assert_eq!(class(Some("expired_card"), None), DeclineClass::UseAnotherMethod);
        assert_eq!(class(Some("incorrect_cvc"), None), DeclineClass::CorrectDetails);
        assert_eq!(class(Some("processing_error"), None), DeclineClass::TryAgainLater);
        assert_eq!(class(Some("authentication_required"), None), DeclineClass::AuthenticationRequired);
        let failed = Some("payment_intent_authentication_failure");
        assert_eq!(class(failed, None), DeclineClass::AuthenticationFailed);
        assert_eq!(decline(declined, Some("insufficient_funds"), "no").code, "insufficient_funds");
        assert_eq!(decline(None, None, "no").code, "generic_decline");
    }
}
