//! One payment as it lives in `data`: the intent and the ledger, read from the host and written back.
//!
//! It also turns them into the contract's words: money in the host's unit, outcomes, what a storefront may see.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tillbox_provider::checkout::Checkout;
use tillbox_provider::{Error, Json, Money, NextAction, Outcome, PaymentState, Result, Status};

use crate::intent::{Intent, State};
use crate::ledger::{Answer, Kind, Ledger, Record};
use crate::page;
use stripe_rules::units;

/// A host under which no page can ever be found (RFC 2606), for the challenges nobody really walks through.
const CHALLENGE_URL: &str = "https://hooks.stripe-mock.example/3d_secure_2/authenticate/";

/// The intent and everything that was ever asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    /// The PaymentIntent.
    pub(crate) intent: Intent,
    /// What was asked and answered.
    pub(crate) ledger: Ledger,
}

impl Payment {
    /// Reads the payment the host hands back.
    ///
    /// # Errors
    /// Not found when `data` holds no intent (the reply to `initiate` was lost: nothing exists then) or another one than
    /// the provider reference says; an invalid request when `data` is damaged.
    pub(crate) fn read(state: &PaymentState) -> Result<Self> {
        if state.data == Json::empty() {
            return Err(Error::not_found("there is no PaymentIntent in the payment's data").code("resource_missing"));
        }
        let payment: Self = serde_json::from_str(state.data.as_str()).map_err(|error| {
            Error::invalid_request(format_args!("the payment's data: {error}")).code("data_invalid")
        })?;
        let reference = state.provider_reference.as_deref().filter(|reference| reference.starts_with("pi_"));
        if reference.is_some_and(|reference| reference != payment.intent.id) {
            return Err(Error::not_found("the payment's data belong to another PaymentIntent").code("resource_missing"));
        }
        Ok(payment)
    }

    /// Lets time pass: what was `processing` may settle. Says whether it did.
    pub(crate) fn settle(&mut self, now_ms: u64) -> bool {
        let settled = self.intent.settle(now_ms);
        if settled {
            self.ledger.settle(self.present().0);
        }
        settled
    }

    /// Where the payment stands now, and the amount that belongs to it.
    pub(crate) fn present(&self) -> (Answer, Option<i64>) {
        let intent = &self.intent;
        match (intent.status, intent.last_payment_error) {
            (State::RequiresPaymentMethod, Some(reason)) => (Answer::Declined(reason), None),
            (State::RequiresPaymentMethod | State::RequiresConfirmation, _) => (Answer::Pending, Some(intent.amount)),
            (State::RequiresAction, _) => (Answer::RequiresMore, None),
            (State::Processing, _) => (Answer::PendingAuthorization, None),
            (State::RequiresCapture, _) => (Answer::Authorized, Some(intent.amount)),
            (State::Succeeded, _) => (Answer::Captured, Some(intent.amount_received)),
            (State::Canceled, _) => (Answer::Canceled, None),
        }
    }

    /// An amount of the host's in Stripe's unit.
    ///
    /// # Errors
    /// An invalid request for another currency, or for an amount Stripe cannot write down.
    pub(crate) fn to_stripe(&self, amount: Money) -> Result<i64> {
        let currency = self.intent.currency_code();
        if amount.currency() != currency || amount.exponent() != self.intent.exponent {
            let exponent = self.intent.exponent;
            return Err(Error::invalid_request(format_args!(
                "the payment is in {currency} with {exponent} decimals, the amount is in {} with {}",
                amount.currency(),
                amount.exponent()
            ))
            .code("currency_mismatch"));
        }
        units::to_stripe(&currency, amount.exponent(), amount.minor_units()).map_err(refused)
    }

    /// An amount of Stripe's in the host's unit.
    ///
    /// # Errors
    /// An invalid request when it cannot be written down exactly: only damaged `data` can hold such an amount.
    pub(crate) fn money(&self, amount: i64) -> Result<Money> {
        let currency = self.intent.currency_code();
        let minor_units = units::from_stripe(&currency, self.intent.exponent, amount).map_err(refused)?;
        Money::new(minor_units, self.intent.exponent, &currency).map_err(Error::invalid_request)
    }

    /// What this operation was answered, with the payment's present data.
    ///
    /// # Errors
    /// A conflict when the data do not fit into the contract's 64 KiB any more.
    pub(crate) fn answer(&self, record: &Record) -> Result<Outcome> {
        let reference = match record.kind {
            // Stripe makes one balance transaction for each capture; the charge is the same for all of them.
            Kind::Capture => format!("txn_{}", record.key),
            Kind::Refund => format!("re_{}", record.key),
            Kind::Initiate | Kind::Update | Kind::Authorize | Kind::Cancel | Kind::Delete => self.intent.id.clone(),
        };
        self.outcome(record.answer, record.amount, reference)
    }

    /// What became of this operation since.
    ///
    /// # Errors
    /// As [`Payment::answer`].
    pub(crate) fn answer_now(&self, record: &Record) -> Result<Outcome> {
        match record.became {
            None => self.answer(record),
            Some(became) => {
                let amount = (became == Answer::Captured).then_some(self.intent.amount);
                self.outcome(became, amount, self.intent.id.clone())
            }
        }
    }

    /// Where the payment stands, as an outcome.
    ///
    /// # Errors
    /// As [`Payment::answer`].
    pub(crate) fn outcome_now(&self) -> Result<Outcome> {
        let (answer, amount) = self.present();
        self.outcome(answer, amount, self.intent.id.clone())
    }

    fn outcome(&self, answer: Answer, amount: Option<i64>, reference: String) -> Result<Outcome> {
        let data = Json::of(self).map_err(|_| {
            Error::conflict("the payment's history does not fit into its data any more").code("too_many_operations")
        })?;
        let plain = |status| Outcome::new(status, data.clone());
        let mut outcome = match answer {
            Answer::Pending => plain(Status::Pending),
            Answer::RequiresMore => Outcome::requires_more(data, self.challenge()),
            Answer::PendingAuthorization => plain(Status::PendingAuthorization),
            Answer::Authorized => plain(Status::Authorized),
            Answer::Captured => plain(Status::Captured),
            Answer::Canceled => plain(Status::Canceled),
            Answer::Declined(reason) => Outcome::declined(data, reason.decline()),
        };
        outcome.amount = amount.map(|amount| self.money(amount)).transpose()?;
        outcome.client_data = Some(self.client_data()?);
        Ok(outcome.reference(reference))
    }

    fn challenge(&self) -> NextAction {
        NextAction::ThreeDSecure { url: format!("{CHALLENGE_URL}{}", self.intent.id), expires_in_ms: None }
    }

    /// What a storefront's script may read: what Stripe's publishable key would show it.
    fn client_data(&self) -> Result<Json> {
        let intent = &self.intent;
        let method = intent.method().map(|method| {
            let brand = match method.kind {
                crate::methods::Kind::Card(brand) => Some(brand),
                crate::methods::Kind::UsBankAccount | crate::methods::Kind::SepaDebit => None,
            };
            json!({ "type": method.kind.name(), "brand": brand, "last4": method.last4 })
        });
        let mut shown = json!({
            "id": intent.id,
            "object": "payment_intent",
            "client_secret": intent.client_secret,
            "status": intent.status.name(),
            "amount": intent.amount,
            "currency": intent.currency,
            "livemode": false,
            "payment_method": method,
        });
        if let Some(checkout) = page::checkout(intent)? {
            shown[Checkout::MEMBER] = serde_json::to_value(checkout)?;
        }
        Json::of(&shown)
    }
}

/// A refusal of an amount as the contract's error.
pub(crate) fn refused(error: units::UnitsError) -> Error {
    let code = error.code();
    Error::invalid_request(error).code(code)
}
