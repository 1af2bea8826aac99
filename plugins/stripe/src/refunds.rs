//! Refunds: made under the operation's id, and found by it in the intent's own list, which does not lag as searches do.

use serde::Deserialize;
use tillbox_provider::http::Form;
use tillbox_provider::{Decline, DeclineClass, Error, Money, Outcome, RefundRequest, Result, Status};

use crate::api::{Call, Failure, Page};
use crate::intent::{Intent, Kept, OPERATION, SESSION, stripe_amount};
use crate::lookup::{self, Metadata, PAGE};

/// Pages of a list that are looked through: 300 refunds of one payment. With the intent that is half of a call's exchanges.
const PAGES_MAX: usize = 3;

/// Characters of a metadata value at Stripe.
const VALUE_CHARS_MAX: usize = 500;

/// What Stripe takes as `reason`. Any other code of the merchant's goes into the metadata.
const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

/// What a merchant's code and note are kept as.
const REASON: &str = "tillbox_reason";
const NOTE: &str = "tillbox_note";

/// What was given back in all before this refund, by the host's books. A webhook's claim has to be cumulative.
pub(crate) const BEFORE: &str = "tillbox_refunded_before";

/// A refund as Stripe tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) failure_reason: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Metadata,
}

/// Gives a part or all of what was captured back.
pub(crate) fn refund(call: &Call<'_>, request: &RefundRequest) -> Result<Outcome> {
    let kept = Kept::read(&request.payment)?;
    let id = lookup::reference(call, &request.payment, &kept)?;
    let before = if request.payment.refunded.is_zero() { 0 } else { stripe_amount(request.payment.refunded)? };
    let reason = request.reason.as_deref();
    let form = Form::new()
        .pair("payment_intent", &id)
        .pair("amount", stripe_amount(request.amount)?)
        .maybe("reason", reason.filter(|code| REASONS.contains(code)))
        .maybe(format!("metadata[{SESSION}]"), call.context.session_id.as_deref())
        .pair(format!("metadata[{OPERATION}]"), &call.context.operation_id)
        .pair(format!("metadata[{BEFORE}]"), before)
        .maybe(format!("metadata[{REASON}]"), reason.map(short))
        .maybe(format!("metadata[{NOTE}]"), request.note.as_deref().filter(|note| !note.is_empty()).map(short));
    let refund: Refund = match call.post("/v1/refunds", &form) {
        Ok(refund) => refund,
        Err(Failure::Problem(problem)) if problem.status == 402 => {
            let code = problem.code().to_owned();
            return Ok(declined(&request.payment.data, &code, problem.text()));
        }
        Err(Failure::Problem(problem)) if problem.is("amount_too_large") => {
            return Err(Error::conflict(problem.text()).code(problem.code()));
        }
        Err(failure) => return Err(failure.into()),
    };
    if refund.metadata.get(OPERATION) != Some(&call.context.operation_id) {
        let message = format!("Stripe answered with {}, which is another operation's", refund.id);
        return Err(Error::outcome_unknown(message).code("another_refund"));
    }
    let money = |amount| crate::intent::money(&refund.currency, amount, request.amount);
    refund.told(request.payment.data.clone(), money)
}

fn short(text: &str) -> String {
    text.chars().take(VALUE_CHARS_MAX).collect()
}

fn declined(data: &tillbox_provider::Json, code: &str, message: &str) -> Outcome {
    Outcome::declined(data.clone(), Decline::new(DeclineClass::Unspecified, code, message))
}

impl Refund {
    /// What became of it, with the payment's present data.
    pub(crate) fn outcome(&self, intent: &Intent, call: &Call<'_>, kept: &Kept, like: Money) -> Result<Outcome> {
        let data = intent.answer(call, kept, Status::Captured)?.data;
        self.told(data, |amount| intent.money(amount, like))
    }

    fn told(&self, data: tillbox_provider::Json, money: impl FnOnce(i64) -> Result<Money>) -> Result<Outcome> {
        let status = match self.status.as_str() {
            "succeeded" => Status::Captured,
            "pending" | "requires_action" => Status::Pending,
            "failed" | "canceled" => {
                let code = self.failure_reason.as_deref().unwrap_or(&self.status);
                return Ok(declined(&data, code, "Stripe gives the refund up").reference(&self.id));
            }
            other => {
                let message = format!("the refund {} has the status {other}, which nobody knows", self.id);
                return Err(Error::outcome_unknown(message).code("status_unknown"));
            }
        };
        Ok(Outcome::new(status, data).amount(money(self.amount)?).reference(&self.id))
    }
}

/// The refunds of an intent, newest first.
pub(crate) fn of(call: &Call<'_>, intent: &str) -> Result<Vec<Refund>> {
    let mut all: Vec<Refund> = Vec::new();
    for _ in 0..PAGES_MAX {
        let form = Form::new()
            .pair("payment_intent", intent)
            .pair("limit", PAGE)
            .maybe("starting_after", all.last().map(|refund| refund.id.clone()));
        let page: Page<Refund> = call.get("/v1/refunds", &form)?;
        let (has_more, is_empty) = (page.has_more, page.data.is_empty());
        all.extend(page.data);
        if !has_more || is_empty {
            return Ok(all);
        }
    }
    let message = format!("the payment has more than {} refunds, and not all were looked through", all.len());
    Err(Error::unavailable(message).code("too_many_refunds"))
}

/// What was given back by these.
pub(crate) fn given_back(refunds: &[Refund]) -> i64 {
    refunds.iter().filter(|refund| refund.status == "succeeded").map(|refund| refund.amount).sum()
}
