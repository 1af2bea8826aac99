//! A PaymentIntent as Stripe tells it, and what it says in the contract's words.
//!
//! It is read strictly: a status nobody knows, or an object that is none, is no answer. It knows nothing of requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stripe_rules::units;
use tillbox_provider::checkout::Checkout;
use tillbox_provider::{Error, Json, Money, NextAction, Outcome, PaymentState, Result, Status};

use crate::api::Call;
use crate::decline;
use crate::page;

/// Metadata on everything we make at Stripe, so that it is found again: the session, and the latest operation that wrote it.
pub(crate) const SESSION: &str = "tillbox_session";
/// See [`SESSION`].
pub(crate) const OPERATION: &str = "tillbox_operation";
/// See [`SESSION`].
pub(crate) const COLLECTION: &str = "tillbox_collection";

/// Where an intent stands (`status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    #[default]
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

/// An id, or the whole object where it was asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Expandable<T> {
    pub(crate) fn object(&self) -> Option<&T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Id(_) => None,
        }
    }
}

/// A payment method: what tells it from others.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Method {
    pub(crate) id: String,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) card: Option<Card>,
    #[serde(default)]
    pub(crate) customer: Option<Expandable<Named>>,
}

/// An object of which only the id matters.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: String,
}

/// What may be shown of a card.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Card {
    #[serde(default)]
    pub(crate) brand: String,
    #[serde(default)]
    pub(crate) last4: String,
    #[serde(default)]
    pub(crate) exp_month: Option<u32>,
    #[serde(default)]
    pub(crate) exp_year: Option<u32>,
}

/// The latest attempt to charge.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) amount_refunded: i64,
    #[serde(default)]
    pub(crate) disputed: bool,
    #[serde(default)]
    payment_method_details: Option<Value>,
}

/// Why the last attempt failed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PaymentError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    charge: Option<String>,
    #[serde(default)]
    payment_method: Option<Value>,
}

/// A PaymentIntent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) status: State,
    pub(crate) amount: i64,
    #[serde(default)]
    pub(crate) amount_capturable: i64,
    #[serde(default)]
    pub(crate) amount_received: i64,
    pub(crate) currency: String,
    pub(crate) capture_method: String,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    last_payment_error: Option<PaymentError>,
    #[serde(default)]
    pub(crate) latest_charge: Option<Expandable<Charge>>,
    pub(crate) livemode: bool,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(default)]
    next_action: Option<Value>,
    #[serde(default)]
    pub(crate) payment_method: Option<Expandable<Method>>,
}

/// What is kept between two calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// The intent; empty when the reply to `initiate` was lost.
    pub(crate) id: String,
    pub(crate) status: State,
    /// Stripe's `amount_received` as it was last told.
    pub(crate) received: i64,
    /// Tells the last failure from the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// Whether the card takes several captures.
    pub(crate) multicapture: bool,
}

impl Kept {
    /// What the host hands back.
    ///
    /// # Errors
    /// An invalid request when it was written by something else.
    pub(crate) fn read(payment: &PaymentState) -> Result<Self> {
        let kept: Self = serde_json::from_str(payment.data.as_str()).map_err(|error| {
            Error::invalid_request(format_args!("the payment's data: {error}")).code("data_invalid")
        })?;
        Ok(kept)
    }
}

impl Intent {
    pub(crate) fn charge(&self) -> Option<&Charge> {
        self.latest_charge.as_ref()?.object()
    }

    /// The charge's id, whole or not.
    pub(crate) fn charge_id(&self) -> Option<&str> {
        match self.latest_charge.as_ref()? {
            Expandable::Id(id) => Some(id),
            Expandable::Object(charge) => Some(&charge.id),
        }
    }

    /// Whether the card takes several captures, as far as this answer tells.
    fn multicapture(&self) -> Option<bool> {
        let details = self.charge()?.payment_method_details.as_ref()?;
        Some(details.pointer("/card/multicapture/status").and_then(Value::as_str) == Some("available"))
    }

    /// What tells one failed attempt from the next: the charge that failed, else the method that was tried, else the code.
    pub(crate) fn failure(&self) -> Option<String> {
        let error = self.last_payment_error.as_ref()?;
        let method = error.payment_method.as_ref().and_then(|method| method["id"].as_str());
        let mark = error.charge.as_deref().or(method).or(error.code.as_deref()).unwrap_or("failed");
        Some(mark.to_owned())
    }

    /// Whether the latest attempt failed, and it is news to whoever kept this.
    pub(crate) fn failed_anew(&self, kept: &Kept) -> bool {
        self.status == State::RequiresPaymentMethod && self.failure().is_some_and(|mark| Some(mark) != kept.failure)
    }

    /// An amount of Stripe's in the host's currency and exponent.
    ///
    /// # Errors
    /// Kind `other`, which proves nothing, when it is another currency or cannot be written down exactly.
    pub(crate) fn money(&self, amount: i64, like: Money) -> Result<Money> {
        money(&self.currency, amount, like)
    }

    /// What is kept of it.
    pub(crate) fn kept(&self, before: &Kept) -> Kept {
        Kept {
            id: self.id.clone(),
            status: self.status,
            received: self.amount_received,
            failure: self.failure(),
            multicapture: self.multicapture().unwrap_or(before.multicapture),
        }
    }

    /// Where it stands, as `authorize` answers it. `like` gives currency and exponent of the host's books.
    ///
    /// # Errors
    /// As [`Intent::money`].
    pub(crate) fn outcome(&self, call: &Call<'_>, before: &Kept, like: Money) -> Result<Outcome> {
        let (status, amount) = match self.status {
            State::RequiresPaymentMethod if self.last_payment_error.is_some() => (Status::Declined, None),
            State::RequiresPaymentMethod | State::RequiresConfirmation => (Status::Pending, Some(self.amount)),
            State::RequiresAction => (Status::RequiresMore, None),
            State::Processing => (Status::PendingAuthorization, None),
            State::RequiresCapture => (Status::Authorized, Some(self.reserved()?)),
            State::Succeeded => (Status::Captured, Some(self.amount_received)),
            State::Canceled => (Status::Canceled, None),
        };
        let mut outcome = self.answer(call, before, status)?;
        outcome.amount = amount.map(|amount| self.money(amount, like)).transpose()?;
        Ok(outcome.reference(&self.id))
    }

    /// What was reserved in all, what of it was taken meanwhile included.
    fn reserved(&self) -> Result<i64> {
        let sum = self.amount_capturable.checked_add(self.amount_received);
        sum.ok_or_else(|| Error::other("amount", "amount_capturable is too large"))
    }

    /// An answer of this status, with the present data and what a storefront may see.
    ///
    /// # Errors
    /// When it does not fit the contract's limits.
    pub(crate) fn answer(&self, call: &Call<'_>, before: &Kept, status: Status) -> Result<Outcome> {
        let data = Json::of(&self.kept(before))?;
        let outcome = match status {
            Status::Declined => Outcome::declined(data, self.decline()),
            Status::RequiresMore => Outcome::requires_more(data, self.action()?),
            Status::Pending
            | Status::PendingAuthorization
            | Status::Authorized
            | Status::Captured
            | Status::Canceled
            | Status::Error => Outcome::new(status, data),
        };
        Ok(outcome.client_data(self.client_data(call)?))
    }

    fn decline(&self) -> tillbox_provider::Decline {
        let error = self.last_payment_error.as_ref();
        let text = |part: fn(&PaymentError) -> Option<&String>| error.and_then(part).map(String::as_str);
        let message = text(|error| error.message.as_ref()).unwrap_or("Stripe gives no reason");
        decline::decline(text(|error| error.code.as_ref()), text(|error| error.decline_code.as_ref()), message)
    }

    /// What the payer has to do.
    fn action(&self) -> Result<NextAction> {
        let is_card =
            self.payment_method.as_ref().and_then(Expandable::object).is_none_or(|method| method.kind == "card");
        match &self.next_action {
            Some(action) => next_action(action, is_card, self.client_secret.as_deref()),
            None => Err(Error::other("next_action", "the intent requires an action and names none")),
        }
    }

    /// What a storefront's script may read: what Stripe's publishable key would show it.
    fn client_data(&self, call: &Call<'_>) -> Result<Json> {
        let method = self.payment_method.as_ref().and_then(Expandable::object).map(shown);
        let mut shown = json!({
            "id": self.id,
            "object": "payment_intent",
            "client_secret": self.client_secret,
            "status": self.status,
            "amount": self.amount,
            "currency": self.currency,
            "livemode": self.livemode,
            "payment_method": method,
            "publishable_key": call.settings.publishable_key,
        });
        if let Some(checkout) = page::checkout(self.status, self.livemode) {
            shown[Checkout::MEMBER] = serde_json::to_value(checkout)?;
        }
        Json::of(&shown)
    }
}

/// What may be shown of a payment method: never a full number, since Stripe never tells one.
pub(crate) fn shown(method: &Method) -> Value {
    let card = method.card.as_ref();
    let mut shown = json!({ "type": method.kind });
    if let Some(card) = card {
        shown["brand"] = card.brand.as_str().into();
        shown["last4"] = card.last4.as_str().into();
        shown["exp_month"] = card.exp_month.into();
        shown["exp_year"] = card.exp_year.into();
    }
    shown
}

/// An amount of Stripe's, in this currency of Stripe's, as the host writes it.
///
/// # Errors
/// Kind `other`, which proves nothing.
pub(crate) fn money(currency: &str, amount: i64, like: Money) -> Result<Money> {
    let code = currency.to_ascii_uppercase();
    if code != like.currency() {
        let message = format!("Stripe speaks of {code}, the payment is in {}", like.currency());
        return Err(Error::other("currency_mismatch", message));
    }
    let minor_units =
        units::from_stripe(&code, like.exponent(), amount).map_err(|error| Error::other("amount_inexact", error))?;
    like.with_minor_units(minor_units).map_err(|error| Error::other("amount", error))
}

/// An amount of the host's as Stripe writes it.
///
/// # Errors
/// An invalid request: nothing was sent.
pub(crate) fn stripe_amount(amount: Money) -> Result<i64> {
    units::to_stripe(amount.currency(), amount.exponent(), amount.minor_units())
        .map_err(|error| Error::invalid_request(&error).code(error.code()))
}

/// Stripe's next action in the contract's words.
pub(crate) fn next_action(action: &Value, is_card: bool, client_secret: Option<&str>) -> Result<NextAction> {
    let kind = action["type"].as_str().unwrap_or_default();
    let detail = &action[kind];
    let url = ["url", "hosted_voucher_url", "hosted_instructions_url", "hosted_verification_url", "mobile_auth_url"]
        .iter()
        .find_map(|key| detail[*key].as_str());
    let action = match (kind, url) {
        ("redirect_to_url", Some(url)) if is_card => {
            NextAction::ThreeDSecure { url: url.to_owned(), expires_in_ms: None }
        }
        ("redirect_to_url" | "alipay_handle_redirect" | "verify_with_microdeposits", Some(url)) => {
            NextAction::Redirect { url: url.to_owned() }
        }
        (kind, Some(url)) if kind.ends_with("handle_redirect_or_display_qr_code") => {
            NextAction::Redirect { url: url.to_owned() }
        }
        // Bank details, vouchers and QR codes: what Stripe names display_… or …_display_….
        (kind, _) if kind.contains("display") => {
            NextAction::Display { instructions: Json::of(&json!({ "type": kind, "details": detail }))? }
        }
        // Stripe's own script knows what to do; it needs the client secret and nothing private.
        (kind, _) => NextAction::Other { payload: Json::of(&json!({ "type": kind, "client_secret": client_secret }))? },
    };
    Ok(action)
}
