//! The ways an issuer or a bank says no, with Stripe's codes and what the host may do about each.
//!
//! Source: Stripe's documentation, "Error codes" and "Decline codes". It knows nothing of intents or payment methods.

use serde::{Deserialize, Serialize};
use tillbox_provider::{Decline, DeclineClass};

/// Why a payment attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// The issuer gave no reason.
    GenericDecline,
    /// Not enough money or credit.
    InsufficientFunds,
    /// Reported lost.
    LostCard,
    /// Reported stolen.
    StolenCard,
    /// Blocked as fraud.
    Fraudulent,
    /// Past its expiry.
    ExpiredCard,
    /// Wrong security code.
    IncorrectCvc,
    /// The issuer could not be asked.
    ProcessingError,
    /// Too much or too often on this card.
    CardVelocityExceeded,
    /// The payer did not pass the 3-D Secure challenge.
    AuthenticationFailure,
    /// The bank account is closed.
    AccountClosed,
    /// There is no such bank account.
    NoAccount,
    /// The account holder has not allowed the debit.
    DebitNotAuthorized,
    /// More than the account may be debited in a week.
    ChargeExceedsWeeklyLimit,
}

impl Reason {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 14] = [
        Self::GenericDecline,
        Self::InsufficientFunds,
        Self::LostCard,
        Self::StolenCard,
        Self::Fraudulent,
        Self::ExpiredCard,
        Self::IncorrectCvc,
        Self::ProcessingError,
        Self::CardVelocityExceeded,
        Self::AuthenticationFailure,
        Self::AccountClosed,
        Self::NoAccount,
        Self::DebitNotAuthorized,
        Self::ChargeExceedsWeeklyLimit,
    ];

    /// Stripe's error code and, below `card_declined`, its decline code.
    pub(crate) fn codes(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::GenericDecline => ("card_declined", Some("generic_decline")),
            Self::InsufficientFunds => ("card_declined", Some("insufficient_funds")),
            Self::LostCard => ("card_declined", Some("lost_card")),
            Self::StolenCard => ("card_declined", Some("stolen_card")),
            Self::Fraudulent => ("card_declined", Some("fraudulent")),
            Self::ExpiredCard => ("expired_card", None),
            Self::IncorrectCvc => ("incorrect_cvc", None),
            Self::ProcessingError => ("processing_error", None),
            Self::CardVelocityExceeded => ("card_declined", Some("card_velocity_exceeded")),
            Self::AuthenticationFailure => ("payment_intent_authentication_failure", None),
            Self::AccountClosed => ("account_closed", None),
            Self::NoAccount => ("no_account", None),
            Self::DebitNotAuthorized => ("debit_not_authorized", None),
            Self::ChargeExceedsWeeklyLimit => ("charge_exceeds_weekly_limit", None),
        }
    }

    /// The most telling code: the decline code where there is one, the error code otherwise.
    pub(crate) fn code(self) -> &'static str {
        let (error, decline) = self.codes();
        decline.unwrap_or(error)
    }

    /// What the host may do about it.
    pub(crate) fn class(self) -> DeclineClass {
        match self {
            Self::ProcessingError => DeclineClass::TryAgainLater,
            Self::IncorrectCvc => DeclineClass::CorrectDetails,
            Self::AuthenticationFailure => DeclineClass::AuthenticationFailed,
            Self::LostCard | Self::StolenCard | Self::Fraudulent => DeclineClass::SuspectedFraud,
            Self::GenericDecline
            | Self::InsufficientFunds
            | Self::ExpiredCard
            | Self::CardVelocityExceeded
            | Self::AccountClosed
            | Self::NoAccount
            | Self::DebitNotAuthorized
            | Self::ChargeExceedsWeeklyLimit => DeclineClass::UseAnotherMethod,
        }
    }

    /// One sentence for operators.
    fn message(self) -> &'static str {
        match self {
            Self::GenericDecline => "The issuer declined the card and gave no reason (card_declined).",
            Self::InsufficientFunds => "There is not enough money for this payment.",
            Self::LostCard => "The card was reported lost (card_declined).",
            Self::StolenCard => "The card was reported stolen (card_declined).",
            Self::Fraudulent => "The payment was blocked because it looks like fraud (card_declined).",
            Self::ExpiredCard => "The card has expired.",
            Self::IncorrectCvc => "The card's security code is wrong.",
            Self::ProcessingError => "The issuer could not be reached; a later try may pass.",
            Self::CardVelocityExceeded => "The card's limit is used up (card_declined).",
            Self::AuthenticationFailure => "The payer did not pass the 3-D Secure challenge.",
            Self::AccountClosed => "The bank account is closed.",
            Self::NoAccount => "The bank account does not exist.",
            Self::DebitNotAuthorized => "The account holder has not authorized the debit.",
            Self::ChargeExceedsWeeklyLimit => "The debit is above what the account may be charged in a week.",
        }
    }

    /// The decline as an outcome carries it.
    pub(crate) fn decline(self) -> Decline {
        Decline { class: self.class(), code: self.code().to_owned(), message: self.message().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_to_the_contract() {
        for reason in Reason::ALL {
            let decline = reason.decline();
            assert!(!decline.code.is_empty() && decline.code.len() <= 64, "{reason:?}");
            assert!(decline.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{reason:?}");
            assert!(decline.message.len() <= 1_024);
        }
    }

    #[test]
    fn classes_of_the_published_declines() {
        assert_eq!(Reason::GenericDecline.class(), DeclineClass::UseAnotherMethod);
        assert_eq!(Reason::InsufficientFunds.class(), DeclineClass::UseAnotherMethod);
        assert_eq!(Reason::ExpiredCard.class(), DeclineClass::UseAnotherMethod);
        assert_eq!(Reason::ProcessingError.class(), DeclineClass::TryAgainLater);
        assert_eq!(Reason::IncorrectCvc.class(), DeclineClass::CorrectDetails);
        assert_eq!(Reason::AuthenticationFailure.class(), DeclineClass::AuthenticationFailed);
        assert_eq!(Reason::LostCard.class(), DeclineClass::SuspectedFraud);
    }
}
