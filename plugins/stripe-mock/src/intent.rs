//! The PaymentIntent: its states and every way from one to the next, as Stripe's documentation describes them
//! ("How PaymentIntents and SetupIntents work", "Place a hold on a payment method", "Capture a payment multiple times").
//!
//! ```text
//! requires_payment_method ◄──────── declined, challenge failed, debit failed ────────┐
//!     │ choose                                                                       │
//! requires_confirmation ── confirm ──┬─► requires_action ── challenge passed ──┐     │
//!                                    ├─► processing ── settle ─────────────────┼─────┤
//!                                    └─────────────────────────────────────────┴─► requires_capture ─ capture ─┐
//!                                                                              └─► succeeded ◄─────────────────┘
//! canceled: from everything but succeeded and canceled
//! ```
//!
//! Pure: time is an argument. It knows nothing of the host, its operations or its keys. Amounts are in Stripe's unit.

use serde::{Deserialize, Serialize};
use tillbox_provider::{Error, Result};

use crate::decline::Reason;
use crate::input::ChallengeEnd;
use crate::methods::{self, Behaviour, Method};
use crate::settings::CaptureMethod;

/// Stripe's states of a PaymentIntent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// No payment method, or the last one failed.
    RequiresPaymentMethod,
    /// A payment method, not tried yet.
    RequiresConfirmation,
    /// The payer has to pass a challenge.
    RequiresAction,
    /// The bank decides later.
    Processing,
    /// Reserved.
    RequiresCapture,
    /// Taken.
    Succeeded,
    /// Given up.
    Canceled,
}

impl State {
    /// Stripe's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// Whose payment it is, in the host's words. Webhooks bring it back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// The host's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<String>,
    /// The host's operation that confirmed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation_id: Option<String>,
}

/// A PaymentIntent with its one charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// `pi_…`
    pub(crate) id: String,
    /// Where it stands.
    pub(crate) status: State,
    /// To be authorized.
    pub(crate) amount: i64,
    /// Reserved and not captured.
    pub(crate) amount_capturable: i64,
    /// Captured.
    pub(crate) amount_received: i64,
    /// Given back.
    pub(crate) amount_refunded: i64,
    /// ISO 4217 code, lower case as Stripe writes it.
    pub(crate) currency: String,
    /// Decimals of the host's amounts in this currency.
    pub(crate) exponent: u8,
    /// When a card is charged. Frozen at creation: a later change of the setting does not touch an open payment.
    pub(crate) capture_method: CaptureMethod,
    /// Whether it can be captured several times. Frozen at creation.
    pub(crate) multicapture: bool,
    /// What a storefront's script needs.
    pub(crate) client_secret: String,
    /// The chosen method.
    pub(crate) payment_method: Option<String>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_payment_error: Option<Reason>,
    /// When `processing` ends: milliseconds since 1970. Absent when it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settles_at_ms: Option<u64>,
    /// What the payer reads on the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) statement_descriptor: Option<String>,
    /// Whose it is.
    pub(crate) metadata: Metadata,
}

impl Intent {
    /// The ISO 4217 code.
    pub(crate) fn currency_code(&self) -> String {
        self.currency.to_ascii_uppercase()
    }

    /// The chosen method.
    pub(crate) fn method(&self) -> Option<&'static Method> {
        self.payment_method.as_deref().and_then(methods::find)
    }

    /// In dispute: all that was captured with a method that disputes.
    pub(crate) fn amount_disputed(&self) -> i64 {
        if self.method().is_some_and(|method| method.disputes) { self.amount_received } else { 0 }
    }

    /// Takes a payment method for the next attempt.
    ///
    /// # Errors
    /// A conflict outside of the states before confirmation; an invalid request when the method cannot be charged in
    /// this currency.
    pub(crate) fn choose(&mut self, method: &Method) -> Result<()> {
        self.before_confirmation("take another payment method")?;
        if let Some(currency) = method.kind.currency()
            && currency != self.currency_code()
        {
            let kind = method.kind.name();
            return Err(Error::invalid_request(format_args!("{kind} can be charged in {currency} only"))
                .code("payment_method_unsupported_currency"));
        }
        self.payment_method = Some(method.id.to_owned());
        self.status = State::RequiresConfirmation;
        Ok(())
    }

    /// Changes the amount. A challenge that waits is void, for it was for the old amount.
    ///
    /// # Errors
    /// A conflict once it is confirmed.
    pub(crate) fn change_amount(&mut self, amount: i64) -> Result<()> {
        self.before_confirmation("change the amount")?;
        self.amount = amount;
        self.last_payment_error = None;
        if self.status == State::RequiresAction {
            self.status = State::RequiresConfirmation;
        }
        Ok(())
    }

    /// Tries the chosen method.
    ///
    /// # Errors
    /// An invalid request without a method, a conflict unless it waits for confirmation.
    pub(crate) fn confirm(&mut self, now_ms: u64, async_settle_ms: u64) -> Result<()> {
        let Some(method) = self.method() else {
            return Err(Error::invalid_request("name a payment method: there is none, or the last one failed")
                .code("parameter_missing"));
        };
        if self.status != State::RequiresConfirmation {
            return Err(self.unexpected("confirm"));
        }
        self.last_payment_error = None;
        match method.behaviour {
            Behaviour::Approve => self.approve(self.capture_method),
            Behaviour::Decline(reason) => self.fail(reason),
            Behaviour::Challenge(_) => self.status = State::RequiresAction,
            Behaviour::Delayed { end, least_ms } => {
                self.status = State::Processing;
                self.settles_at_ms = end.map(|_| now_ms.saturating_add(async_settle_ms.max(least_ms)));
            }
        }
        Ok(())
    }

    /// Takes note of how the challenge ended.
    ///
    /// # Errors
    /// A conflict when no challenge waits.
    pub(crate) fn finish_challenge(&mut self, end: ChallengeEnd) -> Result<()> {
        let then = match (self.status, self.method().map(|method| method.behaviour)) {
            (State::RequiresAction, Some(Behaviour::Challenge(then))) => then,
            _ => return Err(self.unexpected("finish a 3-D Secure challenge")),
        };
        match (end, then) {
            (ChallengeEnd::Fail, _) => self.fail(Reason::AuthenticationFailure),
            (ChallengeEnd::Complete, Some(reason)) => self.fail(reason),
            (ChallengeEnd::Complete, None) => self.approve(self.capture_method),
        }
        Ok(())
    }

    /// Ends `processing` when its time has come. Says whether it did.
    ///
    /// A debit is taken when it settles, whatever the capture method: Stripe can hold cards only.
    pub(crate) fn settle(&mut self, now_ms: u64) -> bool {
        let due = self.status == State::Processing && self.settles_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        if !due {
            return false;
        }
        let Some(Behaviour::Delayed { end: Some(end), .. }) = self.method().map(|method| method.behaviour) else {
            return false;
        };
        self.settles_at_ms = None;
        match end {
            Ok(()) => self.approve(CaptureMethod::Automatic),
            Err(reason) => self.fail(reason),
        }
        true
    }

    /// Takes `amount` of what is reserved; the rest is released when this is the last capture.
    ///
    /// # Errors
    /// A conflict unless so much is reserved.
    pub(crate) fn capture(&mut self, amount: i64, is_final: bool) -> Result<()> {
        if self.status != State::RequiresCapture {
            return Err(self.unexpected("capture"));
        }
        if amount > self.amount_capturable {
            let left = self.amount_capturable;
            return Err(Error::conflict(format_args!("{amount} is more than the {left} that are left to capture"))
                .code("amount_too_large"));
        }
        self.amount_received += amount;
        self.amount_capturable -= amount;
        if is_final || !self.multicapture || self.amount_capturable == 0 {
            self.amount_capturable = 0;
            self.status = State::Succeeded;
        }
        Ok(())
    }

    /// Gives `amount` of what was captured back. Possible between two captures, too.
    ///
    /// # Errors
    /// A conflict unless so much was captured and not refunded, or when the payer disputes the charge.
    pub(crate) fn refund(&mut self, amount: i64) -> Result<()> {
        let captured = matches!(self.status, State::Succeeded | State::RequiresCapture) && self.amount_received > 0;
        if !captured {
            return Err(self.unexpected("refund"));
        }
        if self.amount_disputed() > 0 {
            return Err(
                Error::conflict("the payer disputes this charge; the money is gone already").code("charge_disputed")
            );
        }
        let left = self.amount_received - self.amount_refunded;
        if amount > left {
            let code = if left == 0 { "charge_already_refunded" } else { "amount_too_large" };
            return Err(
                Error::conflict(format_args!("{amount} is more than the {left} that are left to refund")).code(code)
            );
        }
        self.amount_refunded += amount;
        Ok(())
    }

    /// Gives the payment up and says how much was reserved and is released now.
    ///
    /// When a part was captured already, that part stays taken: the payment has succeeded with it.
    ///
    /// # Errors
    /// A conflict when nothing can be released any more.
    pub(crate) fn cancel(&mut self) -> Result<i64> {
        match self.status {
            State::Succeeded | State::Canceled => return Err(self.unexpected("cancel")),
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::RequiresAction
            | State::Processing
            | State::RequiresCapture => {}
        }
        let released = self.amount_capturable;
        self.amount_capturable = 0;
        self.settles_at_ms = None;
        self.status = if self.amount_received > 0 { State::Succeeded } else { State::Canceled };
        Ok(released)
    }

    /// What Stripe answers to a request the state forbids.
    pub(crate) fn unexpected(&self, wish: &str) -> Error {
        let status = self.status.name();
        let code = if self.status == State::Succeeded && wish == "capture" {
            "charge_already_captured"
        } else {
            "payment_intent_unexpected_state"
        };
        Error::conflict(format_args!("cannot {wish}: the payment is in the state {status}")).code(code)
    }

    fn before_confirmation(&self, wish: &str) -> Result<()> {
        match self.status {
            State::RequiresPaymentMethod | State::RequiresConfirmation | State::RequiresAction => Ok(()),
            State::Processing | State::RequiresCapture | State::Succeeded | State::Canceled => {
                Err(self.unexpected(wish))
            }
        }
    }

    fn approve(&mut self, capture_method: CaptureMethod) {
        match capture_method {
            CaptureMethod::Manual => {
                self.amount_capturable = self.amount;
                self.status = State::RequiresCapture;
            }
            CaptureMethod::Automatic => {
                self.amount_received = self.amount;
                self.status = State::Succeeded;
            }
        }
    }

    /// The failed method is dropped, so that another one has to be named.
    fn fail(&mut self, reason: Reason) {
        self.last_payment_error = Some(reason);
        self.payment_method = None;
        self.status = State::RequiresPaymentMethod;
    }
}

#[cfg(test)]
#[path = "intent_tests.rs"]
mod tests;
