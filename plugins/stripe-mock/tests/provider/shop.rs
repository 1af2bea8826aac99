//! A host in miniature: it keeps one payment's data and numbers its operations. It refuses nothing by itself, so that
//! the provider's own refusals show.

use stripe_mock::{StripeMock, testing as gateway};
use tillbox_provider::testing::{context, json, money};
use tillbox_provider::{
    AuthorizeRequest, CancelRequest, CaptureRequest, Context, DeleteRequest, Error, InitiateRequest, Money, Outcome,
    PaymentState, Provider, RefundRequest, Result, RetrieveRequest, Snapshot, Status, UpdateRequest,
};

/// The time of every test: milliseconds since 1970.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) payment: PaymentState,
    pub(crate) operations: u32,
}

impl Shop {
    /// Opens a payment of 10.50 in this currency.
    pub(crate) fn open(currency: &str, input: &str) -> Self {
        Self::try_open(money(1_050, 2, currency), input).unwrap().0
    }

    pub(crate) fn try_open(amount: Money, input: &str) -> Result<(Self, Outcome)> {
        gateway::set_time_ms(NOW_MS);
        let request = InitiateRequest { amount, input: json(input) };
        let outcome = StripeMock::initiate(&context("payop_0"), &request)?;
        let payment = tillbox_provider::testing::payment(&outcome, amount);
        Ok((Self { payment, operations: 0 }, outcome))
    }

    /// Opens and authorizes.
    pub(crate) fn authorized(currency: &str, method: &str) -> Self {
        let mut shop = Self::open(currency, "{}");
        shop.authorize(&with_method(method)).unwrap();
        shop
    }

    /// A context of its own for the next operation.
    pub(crate) fn next(&mut self) -> Context {
        self.operations += 1;
        context(&format!("payop_{}", self.operations))
    }

    /// Takes over what the provider answered, as a host does.
    pub(crate) fn keep(&mut self, outcome: &Result<Outcome>) {
        if let Ok(outcome) = outcome {
            outcome.check().unwrap();
            self.payment.data = outcome.data.clone();
        }
    }

    pub(crate) fn money(&self, minor_units: i64) -> Money {
        self.payment.amount.with_minor_units(minor_units).unwrap()
    }

    pub(crate) fn update(&mut self, minor_units: i64, input: &str) -> Result<Outcome> {
        let amount = self.money(minor_units);
        let request = UpdateRequest { payment: self.payment.clone(), amount, input: json(input) };
        let outcome = StripeMock::update(&self.next(), &request);
        self.keep(&outcome);
        outcome
    }

    pub(crate) fn authorize(&mut self, input: &str) -> Result<Outcome> {
        let request = AuthorizeRequest { payment: self.payment.clone(), input: json(input) };
        let outcome = StripeMock::authorize(&self.next(), &request);
        self.keep(&outcome);
        outcome
    }

    pub(crate) fn capture(&mut self, minor_units: i64, is_final: bool) -> Result<Outcome> {
        let context = self.next();
        let request = CaptureRequest {
            payment: self.payment.clone(),
            amount: self.money(minor_units),
            capture_id: format!("capt_{}", self.operations),
            is_final,
        };
        let outcome = StripeMock::capture(&context, &request);
        self.keep(&outcome);
        outcome
    }

    pub(crate) fn refund(&mut self, minor_units: i64) -> Result<Outcome> {
        let context = self.next();
        let request = RefundRequest {
            payment: self.payment.clone(),
            amount: self.money(minor_units),
            refund_id: format!("ref_{}", self.operations),
            reason: None,
            note: Some("a note".to_owned()),
        };
        let outcome = StripeMock::refund(&context, &request);
        self.keep(&outcome);
        outcome
    }

    pub(crate) fn cancel(&mut self) -> Result<Outcome> {
        let request = CancelRequest { payment: self.payment.clone(), reason: None };
        let outcome = StripeMock::cancel(&self.next(), &request);
        self.keep(&outcome);
        outcome
    }

    pub(crate) fn delete(&mut self) -> Result<Outcome> {
        let request = DeleteRequest { payment: self.payment.clone() };
        let outcome = StripeMock::delete(&self.next(), &request);
        self.keep(&outcome);
        outcome
    }

    pub(crate) fn status(&self) -> Result<Outcome> {
        StripeMock::status(&context("payop_status"), &self.payment)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let request = RetrieveRequest { payment: self.payment.clone(), operation: None };
        StripeMock::retrieve(&context("payop_retrieve"), &request).unwrap()
    }
}

/// The input that names a payment method.
pub(crate) fn with_method(method: &str) -> String {
    format!(r#"{{"payment_method":"{method}"}}"#)
}

/// Status and amount of an answer.
pub(crate) fn told(outcome: &Result<Outcome>) -> (Status, Option<i64>) {
    let outcome = outcome.as_ref().unwrap();
    (outcome.status, outcome.amount.map(|amount| amount.minor_units()))
}

/// The code of a decline.
pub(crate) fn declined(outcome: &Result<Outcome>) -> String {
    outcome.as_ref().unwrap().decline.as_ref().expect("a decline").code.clone()
}

/// The error of a refused call.
pub(crate) fn refused(outcome: Result<Outcome>) -> Error {
    outcome.expect_err("a refusal")
}
