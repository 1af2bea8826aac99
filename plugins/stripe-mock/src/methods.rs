//! Stripe's published test payment methods and what each does.
//!
//! Source: Stripe's documentation, "Testing" (cards) and the testing sections of ACH Direct Debit and SEPA Direct
//! Debit. The names are Stripe's own; the last four digits are those of the published test number behind each name. A
//! number itself is never accepted: card numbers have no place in a payment's data.

use crate::decline::Reason;

/// What a payment method does when a payment is confirmed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Approved at once.
    Approve,
    /// Declined at once.
    Decline(Reason),
    /// Asks for a 3-D Secure challenge; once that is passed, approved or declined.
    Challenge(Option<Reason>),
    /// Decides later.
    Delayed {
        /// How it ends; `None` stays in `processing` for ever.
        end: Option<Result<(), Reason>>,
        /// Milliseconds it takes at least.
        least_ms: u64,
    },
}

/// What kind of payment method it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A card of this brand.
    Card(&'static str),
    /// A United States bank account (ACH Direct Debit).
    UsBankAccount,
    /// A SEPA bank account.
    SepaDebit,
}

impl Kind {
    /// Stripe's `type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Card(_) => "card",
            Self::UsBankAccount => "us_bank_account",
            Self::SepaDebit => "sepa_debit",
        }
    }

    /// The one currency it can be charged in; `None` for any.
    pub(crate) fn currency(self) -> Option<&'static str> {
        match self {
            Self::Card(_) => None,
            Self::UsBankAccount => Some("USD"),
            Self::SepaDebit => Some("EUR"),
        }
    }
}

/// One test payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method {
    /// The published id.
    pub(crate) id: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
    /// Last four digits.
    pub(crate) last4: &'static str,
    /// What it does.
    pub(crate) behaviour: Behaviour,
    /// Whether what is captured is disputed.
    pub(crate) disputes: bool,
}

/// Milliseconds a method "after at least three minutes" takes.
const THREE_MINUTES_MS: u64 = 180_000;

const VISA: Kind = Kind::Card("visa");

const fn approve(id: &'static str, brand: &'static str, last4: &'static str) -> Method {
    Method { id, kind: Kind::Card(brand), last4, behaviour: Behaviour::Approve, disputes: false }
}

const fn decline(id: &'static str, last4: &'static str, reason: Reason) -> Method {
    Method { id, kind: VISA, last4, behaviour: Behaviour::Decline(reason), disputes: false }
}

const fn challenge(id: &'static str, last4: &'static str, then: Option<Reason>) -> Method {
    Method { id, kind: VISA, last4, behaviour: Behaviour::Challenge(then), disputes: false }
}

const fn dispute(id: &'static str, last4: &'static str) -> Method {
    Method { id, kind: VISA, last4, behaviour: Behaviour::Approve, disputes: true }
}

const fn debit(kind: Kind, id: &'static str, last4: &'static str, end: Option<Result<(), Reason>>) -> Method {
    Method { id, kind, last4, behaviour: Behaviour::Delayed { end, least_ms: 0 }, disputes: false }
}

const fn ach(id: &'static str, last4: &'static str, end: Option<Result<(), Reason>>) -> Method {
    debit(Kind::UsBankAccount, id, last4, end)
}

const fn sepa(id: &'static str, last4: &'static str, end: Result<(), Reason>) -> Method {
    debit(Kind::SepaDebit, id, last4, Some(end))
}

const fn disputed(method: Method) -> Method {
    Method { disputes: true, ..method }
}

const fn slowly(method: Method) -> Method {
    match method.behaviour {
        Behaviour::Delayed { end, .. } => {
            Method { behaviour: Behaviour::Delayed { end, least_ms: THREE_MINUTES_MS }, ..method }
        }
        Behaviour::Approve | Behaviour::Decline(_) | Behaviour::Challenge(_) => method,
    }
}

/// All of them.
pub(crate) const METHODS: &[Method] = &[
    approve("pm_card_visa", "visa", "4242"),
    approve("pm_card_visa_debit", "visa", "5556"),
    approve("pm_card_mastercard", "mastercard", "4444"),
    approve("pm_card_mastercard_debit", "mastercard", "8210"),
    approve("pm_card_mastercard_prepaid", "mastercard", "5100"),
    approve("pm_card_amex", "amex", "0005"),
    approve("pm_card_discover", "discover", "1117"),
    approve("pm_card_diners", "diners", "3237"),
    approve("pm_card_jcb", "jcb", "0505"),
    approve("pm_card_unionpay", "unionpay", "0005"),
    approve("pm_card_threeDSecureOptional", "visa", "3055"),
    approve("pm_card_amex_threeDSecureNotSupported", "amex", "0005"),
    decline("pm_card_chargeDeclined", "0002", Reason::GenericDecline),
    decline("pm_card_visa_chargeDeclined", "0002", Reason::GenericDecline),
    decline("pm_card_chargeDeclinedInsufficientFunds", "9995", Reason::InsufficientFunds),
    decline("pm_card_visa_chargeDeclinedInsufficientFunds", "9995", Reason::InsufficientFunds),
    decline("pm_card_visa_chargeDeclinedLostCard", "9987", Reason::LostCard),
    decline("pm_card_visa_chargeDeclinedStolenCard", "9979", Reason::StolenCard),
    decline("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "6975", Reason::CardVelocityExceeded),
    decline("pm_card_chargeDeclinedFraudulent", "0019", Reason::Fraudulent),
    decline("pm_card_radarBlock", "0019", Reason::Fraudulent),
    decline("pm_card_chargeDeclinedExpiredCard", "0069", Reason::ExpiredCard),
    decline("pm_card_chargeDeclinedIncorrectCvc", "0127", Reason::IncorrectCvc),
    decline("pm_card_chargeDeclinedProcessingError", "0119", Reason::ProcessingError),
    // The attachment to a customer works, the charge does not.
    decline("pm_card_chargeCustomerFail", "0341", Reason::GenericDecline),
    // The lookup before the challenge fails, so that no challenge is ever shown.
    decline("pm_card_threeDSecureRequiredProcessingError", "1280", Reason::GenericDecline),
    challenge("pm_card_authenticationRequired", "3184", None),
    challenge("pm_card_authenticationRequiredOnSetup", "3155", None),
    challenge("pm_card_authenticationRequiredSetupForOffSession", "0446", None),
    challenge("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "3178", Some(Reason::InsufficientFunds)),
    challenge("pm_card_threeDSecure2Required", "3220", None),
    challenge("pm_card_threeDSecureRequired", "3063", None),
    challenge("pm_card_threeDSecureRequiredChargeDeclined", "1629", Some(Reason::GenericDecline)),
    dispute("pm_card_createDispute", "0259"),
    dispute("pm_card_createDisputeProductNotReceived", "2685"),
    ach("pm_usBankAccount_success", "6789", Some(Ok(()))),
    ach("pm_usBankAccount_accountClosed", "1113", Some(Err(Reason::AccountClosed))),
    ach("pm_usBankAccount_noAccount", "1116", Some(Err(Reason::NoAccount))),
    ach("pm_usBankAccount_insufficientFunds", "2227", Some(Err(Reason::InsufficientFunds))),
    ach("pm_usBankAccount_debitNotAuthorized", "3335", Some(Err(Reason::DebitNotAuthorized))),
    disputed(ach("pm_usBankAccount_dispute", "5559", Some(Ok(())))),
    ach("pm_usBankAccount_processing", "0009", None),
    ach("pm_usBankAccount_weeklyLimitExceeded", "7771", Some(Err(Reason::ChargeExceedsWeeklyLimit))),
    sepa("pm_sepaDebit_success_de", "3000", Ok(())),
    slowly(sepa("pm_sepaDebit_successDelayed_de", "3003", Ok(()))),
    sepa("pm_sepaDebit_failed_de", "3001", Err(Reason::GenericDecline)),
    slowly(sepa("pm_sepaDebit_failedDelayed_de", "3004", Err(Reason::GenericDecline))),
    disputed(sepa("pm_sepaDebit_disputed_de", "3002", Ok(()))),
    sepa("pm_sepaDebit_insufficientFunds_de", "2227", Err(Reason::InsufficientFunds)),
];

/// The method of this published id.
pub(crate) fn find(id: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.id == id)
}

/// One name for each path, for people who named a method that does not exist. All names would not fit in a message.
pub(crate) const EXAMPLES: &[&str] = &[
    "pm_card_visa",
    "pm_card_visa_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_authenticationRequired",
    "pm_card_threeDSecureRequiredChargeDeclined",
    "pm_card_createDispute",
    "pm_usBankAccount_success",
    "pm_usBankAccount_insufficientFunds",
    "pm_usBankAccount_processing",
    "pm_sepaDebit_success_de",
    "pm_sepaDebit_failed_de",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_no_card_numbers() {
        let names: BTreeSet<&str> = METHODS.iter().map(|method| method.id).collect();
        assert_eq!(names.len(), METHODS.len());
        for method in METHODS {
            assert!(method.id.starts_with("pm_"), "{}", method.id);
            assert!(method.last4.len() == 4 && method.last4.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(find(method.id).is_some());
        }
        assert!(EXAMPLES.iter().all(|id| find(id).is_some()));
        assert!(find("4242424242424242").is_none());
        assert!(find("pm_card_nobody").is_none());
    }
}
