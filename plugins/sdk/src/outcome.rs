//! Outcomes: what a provider answers, declines included. A call that has no answer is an [`Error`].

use serde::Serialize;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::limits::{CLIENT_DATA_BYTES_MAX, REFERENCE_BYTES_MAX};
use crate::money::Money;

/// Where a payment stands at the provider (`types.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing is decided yet and nothing is asked of the payer.
    Pending,
    /// The payer has to do something: see [`Outcome::next_action`].
    RequiresMore,
    /// The payment method decides later (bank debit, voucher). The order may go on; money is not certain.
    PendingAuthorization,
    /// The amount is reserved and can be captured.
    Authorized,
    /// The amount was taken.
    Captured,
    /// Voided or abandoned. Nothing is reserved.
    Canceled,
    /// The issuer or the provider said no: see [`Outcome::decline`]. Another try in the same session is allowed.
    Declined,
    /// The provider reports that this payment broke at its side. Final; nothing was taken.
    Error,
}

/// What the host may do about a decline (`types.decline-class`). Closed; the open vocabulary is [`Decline::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclineClass {
    /// A later try with the same method may pass.
    TryAgainLater,
    /// The payer can correct what they entered.
    CorrectDetails,
    /// Only another payment method can help.
    UseAnotherMethod,
    /// The issuer wants authentication first (3-D Secure).
    AuthenticationRequired,
    /// Authentication was tried and failed.
    AuthenticationFailed,
    /// Suspected fraud, lost or stolen: never tell the payer why.
    SuspectedFraud,
    /// None of the above.
    Unspecified,
}

/// A refusal by the issuer or the provider (`types.decline`). An answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// What the host acts on.
    pub class: DeclineClass,
    /// The provider's code, shown to operators: at most 64 bytes of `a-z 0-9 _ - .`. On the way out it is cut, upper
    /// case becomes lower case and any other character `_`: a gateway's odd code must not cost the whole answer.
    pub code: String,
    /// One sentence for operators; longer than 1,024 bytes is cut. Never shown raw to a payer.
    pub message: String,
}

impl Decline {
    /// Makes one.
    #[must_use]
    pub fn new(class: DeclineClass, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into() }
    }
}

/// What the payer has to do before `authorize` is called again (`types.next-action`). Travels to the storefront: no
/// private state in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextAction {
    /// Send the browser to a page.
    Redirect {
        /// Absolute `https:` URL.
        url: String,
    },
    /// A 3-D Secure challenge (EMV 3-D Secure).
    ThreeDSecure {
        /// Absolute `https:` URL to send the browser to.
        url: String,
        /// Milliseconds until the challenge expires, where the provider says so.
        expires_in_ms: Option<u64>,
    },
    /// Show these instructions: bank details, voucher number, QR code.
    Display {
        /// The instructions.
        instructions: Json,
    },
    /// Something the storefront's own provider script understands.
    Other {
        /// Whatever the script understands.
        payload: Json,
    },
}

/// The answer of every function that moves or may move money (`types.outcome`).
///
/// ```
/// use tillbox_provider::{Json, Money, Outcome, Status};
///
/// let outcome = Outcome::authorized(Json::of(&serde_json::json!({ "id": "pi_1" }))?)
///     .amount(Money::new(1050, 2, "EUR")?)
///     .reference("pi_1");
/// assert_eq!(outcome.status, Status::Authorized);
/// # Ok::<(), tillbox_provider::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where the payment stands now.
    pub status: Status,
    /// The provider's private state. Replaces the earlier `data` as a whole.
    pub data: Json,
    /// The only part a storefront may read; at most 16,384 bytes. Replaces the earlier one as a whole.
    pub client_data: Option<Json>,
    /// The gateway's own id of what was done, at most 255 bytes.
    pub provider_reference: Option<String>,
    /// What the provider says happened: the amount authorized, captured, refunded or released.
    pub amount: Option<Money>,
    /// Present exactly when the status is [`Status::Declined`].
    pub decline: Option<Decline>,
    /// Present exactly when the status is [`Status::RequiresMore`].
    pub next_action: Option<NextAction>,
    /// Room to grow; the empty object when there is nothing to say.
    pub extensions: Json,
}

impl Outcome {
    /// An outcome of any status with nothing but `data`. [`Outcome::declined`] and [`Outcome::requires_more`] give the
    /// two statuses that need something beside it.
    #[must_use]
    pub fn new(status: Status, data: Json) -> Self {
        Self {
            status,
            data,
            client_data: None,
            provider_reference: None,
            amount: None,
            decline: None,
            next_action: None,
            extensions: Json::empty(),
        }
    }

    /// Nothing is decided yet.
    #[must_use]
    pub fn pending(data: Json) -> Self {
        Self::new(Status::Pending, data)
    }

    /// The payer has to act.
    #[must_use]
    pub fn requires_more(data: Json, action: NextAction) -> Self {
        Self { next_action: Some(action), ..Self::new(Status::RequiresMore, data) }
    }

    /// The payment method decides later.
    #[must_use]
    pub fn pending_authorization(data: Json) -> Self {
        Self::new(Status::PendingAuthorization, data)
    }

    /// The amount is reserved.
    #[must_use]
    pub fn authorized(data: Json) -> Self {
        Self::new(Status::Authorized, data)
    }

    /// The amount was taken.
    #[must_use]
    pub fn captured(data: Json) -> Self {
        Self::new(Status::Captured, data)
    }

    /// Voided or abandoned.
    #[must_use]
    pub fn canceled(data: Json) -> Self {
        Self::new(Status::Canceled, data)
    }

    /// The issuer or the provider said no.
    #[must_use]
    pub fn declined(data: Json, decline: Decline) -> Self {
        Self { decline: Some(decline), ..Self::new(Status::Declined, data) }
    }

    /// With the amount that the provider says was authorized, captured, refunded or released.
    #[must_use]
    pub fn amount(mut self, amount: Money) -> Self {
        self.amount = Some(amount);
        self
    }

    /// With the gateway's own id of what was done.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.provider_reference = Some(reference.into());
        self
    }

    /// With what a storefront may read.
    #[must_use]
    pub fn client_data(mut self, client_data: Json) -> Self {
        self.client_data = Some(client_data);
        self
    }

    /// With the private state written from a type.
    ///
    /// # Errors
    /// As [`Json::of`].
    pub fn data<T: Serialize + ?Sized>(mut self, state: &T) -> Result<Self> {
        self.data = Json::of(state)?;
        Ok(self)
    }

    /// Checks the rules that the host checks: decline and next action exactly with their status, client data and
    /// reference within their limits. Runs by itself on everything a registered provider answers; call it in tests.
    ///
    /// # Errors
    /// Kind [`ErrorKind::Other`](crate::ErrorKind::Other) with code `outcome`, which proves nothing, naming the rule.
    pub fn check(&self) -> Result<()> {
        let broken = |rule: &str| Err(Error::other("outcome", rule));
        if self.decline.is_some() != (self.status == Status::Declined) {
            return broken("a decline goes with status declined, and only with it");
        }
        if self.next_action.is_some() != (self.status == Status::RequiresMore) {
            return broken("a next action goes with status requires-more, and only with it");
        }
        if self.client_data.as_ref().is_some_and(|data| data.as_str().len() > CLIENT_DATA_BYTES_MAX) {
            return broken("the client data is longer than 16,384 bytes");
        }
        if self.provider_reference.as_ref().is_some_and(|text| text.is_empty() || text.len() > REFERENCE_BYTES_MAX) {
            return broken("the provider reference is empty or longer than 255 bytes");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_keeps_the_rules_of_its_status() {
        let decline = || Decline::new(DeclineClass::Unspecified, "no", "No.");
        let action = || NextAction::Redirect { url: "https://example.com/".to_owned() };
        let plain = |status| Outcome::new(status, Json::empty());
        assert!(Outcome::declined(Json::empty(), decline()).check().is_ok());
        assert!(Outcome::requires_more(Json::empty(), action()).check().is_ok());
        assert!(plain(Status::Authorized).check().is_ok());
        let broken = [
            plain(Status::Declined),
            plain(Status::RequiresMore),
            Outcome { decline: Some(decline()), ..plain(Status::Authorized) },
            Outcome { next_action: Some(action()), ..plain(Status::Pending) },
            Outcome { next_action: Some(action()), ..Outcome::declined(Json::empty(), decline()) },
            plain(Status::Pending).reference(""),
            plain(Status::Pending).reference("x".repeat(REFERENCE_BYTES_MAX + 1)),
            plain(Status::Pending)
                .client_data(Json::of(&serde_json::json!({ "a": "x".repeat(CLIENT_DATA_BYTES_MAX) })).unwrap()),
        ];
        for outcome in broken {
            assert_eq!(outcome.check().unwrap_err().code, "outcome", "{outcome:?}");
        }
    }
}
