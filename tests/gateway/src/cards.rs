//! The published test cards, by number and by the names of the test payment methods, and what becomes of them.

/// What a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is charged.
    Succeeds,
    /// The issuer declines: error code and decline code.
    Declines(&'static str, Option<&'static str>),
    /// The payer has to authenticate (3-D Secure), then it is charged.
    Authenticates,
    /// It is charged; refunds are pending first.
    RefundsLater,
    /// It is charged; refunds seem to succeed and fail later.
    RefundsFail,
    /// It is charged, and the payer disputes it.
    Disputes,
}

/// One test card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// Its number.
    pub number: &'static str,
    /// The test payment method that stands for it.
    pub method: &'static str,
    /// Its network.
    pub brand: &'static str,
    /// What it does.
    pub fate: Fate,
}

/// The cards of the published testing guide that the tests need.
pub const CARDS: &[Card] = &[
    card("4242424242424242", "pm_card_visa", "visa", Fate::Succeeds),
    card("5555555555554444", "pm_card_mastercard", "mastercard", Fate::Succeeds),
    card("378282246310005", "pm_card_amex", "amex", Fate::Succeeds),
    declining("4000000000000002", "pm_card_visa_chargeDeclined", "card_declined", Some("generic_decline")),
    declining(
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        Some("insufficient_funds"),
    ),
    declining("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "card_declined", Some("lost_card")),
    declining("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "card_declined", Some("stolen_card")),
    declining("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    declining("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    declining("4000000000000119", "pm_card_chargeDeclinedProcessingError", "processing_error", None),
    card("4000002500003155", "pm_card_authenticationRequiredOnSetup", "visa", Fate::Authenticates),
    card("4000002760003184", "pm_card_authenticationRequired", "visa", Fate::Authenticates),
    card("4000000000007726", "pm_card_pendingRefund", "visa", Fate::RefundsLater),
    card("4000000000005126", "pm_card_refundFail", "visa", Fate::RefundsFail),
    card("4000000000000259", "pm_card_createDispute", "visa", Fate::Disputes),
];

const fn card(number: &'static str, method: &'static str, brand: &'static str, fate: Fate) -> Card {
    Card { number, method, brand, fate }
}

const fn declining(
    number: &'static str,
    method: &'static str,
    code: &'static str,
    decline: Option<&'static str>,
) -> Card {
    card(number, method, "visa", Fate::Declines(code, decline))
}

impl Card {
    /// The card of this number, blanks left out.
    #[must_use]
    pub fn by_number(number: &str) -> Option<&'static Self> {
        let digits: String = number.chars().filter(|character| !character.is_whitespace()).collect();
        CARDS.iter().find(|card| card.number == digits)
    }

    /// The card of this test payment method or test token.
    #[must_use]
    pub fn by_method(name: &str) -> Option<&'static Self> {
        let name = name.strip_prefix("tok_").map_or_else(|| name.to_owned(), |rest| format!("pm_card_{rest}"));
        CARDS.iter().find(|card| card.method == name)
    }

    /// The last four digits.
    #[must_use]
    pub fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_luhn_and_are_found_by_every_name() {
        for card in CARDS {
            let sum: u32 = card
                .number
                .bytes()
                .rev()
                .enumerate()
                .map(|(place, digit)| {
                    let digit = u32::from(digit - b'0');
                    if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
                })
                .sum();
            assert_eq!(sum % 10, 0, "{}", card.number);
            assert_eq!(Card::by_number(card.number), Some(card));
            assert_eq!(Card::by_method(card.method), Some(card));
        }
        assert_eq!(Card::by_number("4242 4242 4242 4242").map(Card::last4), Some("4242"));
        assert_eq!(Card::by_number("4111111111111111"), None);
    }
}
