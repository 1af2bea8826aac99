//! What changes a payment: initiate, update, authorize, capture, cancel, delete.
//!
//! Each sends one request that changes something, under the key of the call, so that Stripe itself answers a repeated call as
//! it answered the first. What is sent carries the operation's id, so that `lookup` finds it again.

use tillbox_provider::http::{Form, segment};
use tillbox_provider::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, Environment, Error, InitiateRequest, Outcome,
    PaymentState, Result, Status, UpdateRequest, log,
};

use crate::api::{Call, Failure, Problem};
use crate::input::Wish;
use crate::intent::{COLLECTION, Intent, Kept, OPERATION, SESSION, State, stripe_amount};
use crate::lookup;
use crate::settings::{CaptureMethod, FutureUsage};

/// What Stripe takes as `cancellation_reason`.
const CANCELLATION_REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

/// Opens an intent. Nothing is charged before it is confirmed.
pub(crate) fn initiate(call: &Call<'_>, request: &InitiateRequest) -> Result<Outcome> {
    let wish = Wish::read(&request.input)?;
    if wish.confirmation_token.is_some() {
        return Err(Error::invalid_request("a confirmation_token belongs to authorize").code("parameter_invalid"));
    }
    let form = Form::new()
        .pair("amount", stripe_amount(request.amount)?)
        .pair("currency", request.amount.currency().to_ascii_lowercase())
        .and(terms(call))
        .and(whose(call, &wish))
        .and(stamp(call))
        .and(expanded());
    let intent: Intent = call.post("/v1/payment_intents", &form)?;
    check_own(call, &intent)?;
    intent.outcome(call, &Kept::default(), request.amount)
}

/// How money is taken, by the operator's settings.
fn terms(call: &Call<'_>) -> Form {
    let settings = &call.settings;
    let asks_multicapture = settings.multicapture && settings.capture_method == CaptureMethod::Manual;
    Form::new()
        .pair("capture_method", settings.capture_method.as_str())
        .pair("automatic_payment_methods[enabled]", true)
        .pair("automatic_payment_methods[allow_redirects]", settings.allow_redirects.as_str())
        .maybe("payment_method_options[card][request_multicapture]", asks_multicapture.then_some("if_available"))
        .maybe("payment_method_configuration", settings.payment_method_configuration.as_deref())
        .maybe("description", settings.description.as_deref())
        .maybe("statement_descriptor", settings.statement_descriptor.as_deref())
        .maybe("statement_descriptor_suffix", settings.statement_descriptor_suffix.as_deref())
}

/// Who pays and what with.
fn whose(call: &Call<'_>, wish: &Wish) -> Form {
    let context = call.context;
    let email = context.customer.as_ref().and_then(|customer| customer.email.as_deref());
    Form::new()
        .maybe("customer", context.account_holder.as_ref().map(|holder| holder.external_id.as_str()))
        .maybe("receipt_email", email.filter(|_| call.settings.receipt_email))
        .maybe("payment_method", wish.payment_method.as_deref())
        .maybe("setup_future_usage", usage(call, wish))
}

fn usage(call: &Call<'_>, wish: &Wish) -> Option<&'static str> {
    match wish.save_payment_method {
        Some(true) => Some(call.settings.setup_future_usage.unwrap_or(FutureUsage::OffSession).as_str()),
        Some(false) => None,
        None => call.settings.setup_future_usage.map(FutureUsage::as_str),
    }
}

/// What finds it again.
fn stamp(call: &Call<'_>) -> Form {
    let context = call.context;
    Form::new()
        .maybe(format!("metadata[{SESSION}]"), context.session_id.as_deref())
        .maybe(format!("metadata[{COLLECTION}]"), context.collection_id.as_deref())
        .pair(format!("metadata[{OPERATION}]"), &context.operation_id)
}

/// The parts of the answer that are otherwise ids only.
pub(crate) fn expanded() -> Form {
    Form::new().pair("expand[]", "latest_charge").pair("expand[]", "payment_method")
}

/// Whether what was answered is what was asked for.
fn check_own(call: &Call<'_>, intent: &Intent) -> Result<()> {
    if intent.metadata.get(OPERATION) != Some(&call.context.operation_id) {
        let message = format!("Stripe answered with {}, which is another operation's", intent.id);
        return Err(Error::outcome_unknown(message).code("another_payment"));
    }
    let expects_live = call.context.environment == Environment::Live;
    if intent.livemode != expects_live {
        let (key, host) = if intent.livemode { ("live", "test") } else { ("test", "live") };
        let message = format!("the api_key is one for {key} mode, and this host is set to {host}");
        return Err(Error::authentication(message).code("livemode_mismatch"));
    }
    Ok(())
}

/// Changes amount and payment method.
pub(crate) fn update(call: &Call<'_>, request: &UpdateRequest) -> Result<Outcome> {
    let wish = Wish::read(&request.input)?;
    if wish.confirmation_token.is_some() {
        return Err(Error::invalid_request("a confirmation_token belongs to authorize").code("parameter_invalid"));
    }
    let kept = Kept::read(&request.payment)?;
    let id = lookup::reference(call, &request.payment, &kept)?;
    let form = Form::new()
        .pair("amount", stripe_amount(request.amount)?)
        .and(whose(call, &wish))
        .and(stamp(call))
        .and(expanded());
    let intent = same(&id, call.post(&format!("/v1/payment_intents/{}", segment(&id)), &form)?)?;
    intent.outcome(call, &kept, request.amount)
}

/// Confirms, or tells what became of it: after a challenge, or after Stripe's own script confirmed it in the browser.
pub(crate) fn authorize(call: &Call<'_>, request: &AuthorizeRequest) -> Result<Outcome> {
    let wish = Wish::read(&request.input)?;
    let kept = Kept::read(&request.payment)?;
    let like = request.payment.amount;
    let id = lookup::reference(call, &request.payment, &kept)?;
    // What is sent follows from what is asked and nothing else: run again, whether from the host's journal or over the network,
    // the call says the same, and Stripe answers a repeated confirmation as it answered the first.
    if !wish.names_method() && kept.status != State::RequiresConfirmation {
        let intent = lookup::intent(call, &id)?;
        match intent.status {
            State::RequiresConfirmation => {}
            State::RequiresPaymentMethod if !intent.failed_anew(&kept) => {
                let message = "name a payment method: payment_method or confirmation_token";
                return Err(Error::invalid_request(message).code("payment_method_missing"));
            }
            State::RequiresPaymentMethod
            | State::RequiresAction
            | State::Processing
            | State::RequiresCapture
            | State::Succeeded
            | State::Canceled => return intent.outcome(call, &kept, like),
        }
    }
    let form = Form::new()
        .maybe("payment_method", wish.payment_method.as_deref())
        .maybe("confirmation_token", wish.confirmation_token.as_deref())
        .maybe("return_url", wish.return_url.as_deref())
        .maybe("setup_future_usage", wish.save_payment_method.and_then(|_| usage(call, &wish)))
        .and(expanded());
    match call.post(&format!("/v1/payment_intents/{}/confirm", segment(&id)), &form) {
        Ok(intent) => same(&id, intent)?.outcome(call, &kept, like),
        Err(Failure::Problem(problem)) => refused_confirmation(call, &id, &kept, &request.payment, &problem),
        Err(Failure::Error(error)) => Err(error),
    }
}

/// A decline is an answer, with the intent as it is now. Where the intent has gone on already, its state is the answer: an
/// earlier attempt, or the browser, was faster.
fn refused_confirmation(
    call: &Call<'_>,
    id: &str,
    kept: &Kept,
    payment: &PaymentState,
    problem: &Problem,
) -> Result<Outcome> {
    if problem.is_decline() {
        let intent = match &problem.payment_intent {
            Some(intent) => same(id, intent.clone())?,
            None => lookup::intent(call, id)?,
        };
        let mut outcome = intent.answer(call, kept, Status::Declined)?;
        let code = problem.code.as_deref();
        outcome.decline = Some(crate::decline::decline(code, problem.decline_code.as_deref(), problem.text()));
        return Ok(outcome.reference(id));
    }
    if problem.is_state() {
        let intent = lookup::intent(call, id)?;
        match intent.status {
            State::RequiresAction | State::Processing | State::RequiresCapture | State::Succeeded | State::Canceled => {
                return intent.outcome(call, kept, payment.amount);
            }
            State::RequiresPaymentMethod | State::RequiresConfirmation => {}
        }
    }
    Err(problem.after_sending())
}

/// Takes a part or all of what is reserved.
pub(crate) fn capture(call: &Call<'_>, request: &CaptureRequest) -> Result<Outcome> {
    let kept = Kept::read(&request.payment)?;
    let id = lookup::reference(call, &request.payment, &kept)?;
    let amount = stripe_amount(request.amount)?;
    let operation = &call.context.operation_id;
    if !request.is_final && !kept.multicapture {
        log::warn("this card takes one capture: what is not captured now is released", &[("payment_intent", &id)]);
    }
    let form = Form::new()
        .pair("amount_to_capture", amount)
        .maybe("final_capture", kept.multicapture.then_some(request.is_final))
        .pair(format!("metadata[{operation}]"), amount)
        .and(expanded());
    let answer = call.post(&format!("/v1/payment_intents/{}/capture", segment(&id)), &form);
    match answer {
        Ok(intent) => captured(call, &same(&id, intent)?, &kept, request),
        Err(Failure::Problem(problem)) if problem.is_decline() => {
            let intent = lookup::intent(call, &id)?;
            let mut outcome = intent.answer(call, &kept, Status::Declined)?;
            let code = problem.code.as_deref();
            outcome.decline = Some(crate::decline::decline(code, problem.decline_code.as_deref(), problem.text()));
            Ok(outcome)
        }
        Err(Failure::Problem(problem)) if problem.is_state() => {
            // After the day for which Stripe remembers a key, a repeated capture meets what the first one left.
            let intent = lookup::intent(call, &id)?;
            match lookup::capture(call, &intent, &kept, operation, request.payment.amount)? {
                Some(outcome) => Ok(outcome),
                None => Err(problem.after_sending()),
            }
        }
        Err(failure) => Err(failure.into()),
    }
}

/// What was taken by this capture is what Stripe has received since the one before.
fn captured(call: &Call<'_>, intent: &Intent, kept: &Kept, request: &CaptureRequest) -> Result<Outcome> {
    let before = match request.payment.captured.is_zero() {
        true => 0,
        false => stripe_amount(request.payment.captured)?,
    };
    let taken = intent.amount_received.saturating_sub(before.max(kept.received));
    let outcome = intent.answer(call, kept, Status::Captured)?.amount(intent.money(taken, request.amount)?);
    Ok(match intent.charge_id() {
        Some(charge) => outcome.reference(charge),
        None => outcome,
    })
}

/// Releases what is reserved and not captured.
pub(crate) fn cancel(call: &Call<'_>, request: &CancelRequest) -> Result<Outcome> {
    let kept = Kept::read(&request.payment)?;
    let id = lookup::reference(call, &request.payment, &kept)?;
    let like = request.payment.amount;
    let answer = if kept.received > 0 && kept.status == State::RequiresCapture {
        // What several captures have left is released by a last one of nothing.
        let form = Form::new().pair("amount_to_capture", 0).pair("final_capture", true).and(expanded());
        call.post(&format!("/v1/payment_intents/{}/capture", segment(&id)), &form)
    } else {
        let reason = request.reason.as_deref().map(str::trim).filter(|text| CANCELLATION_REASONS.contains(text));
        let form = Form::new().maybe("cancellation_reason", reason).and(expanded());
        call.post(&format!("/v1/payment_intents/{}/cancel", segment(&id)), &form)
    };
    let problem = match answer {
        Ok(intent) => return released(call, &same(&id, intent)?, &kept, like),
        Err(Failure::Problem(problem)) => problem,
        Err(Failure::Error(error)) => return Err(error),
    };
    if problem.is_state() {
        let intent = lookup::intent(call, &id)?;
        if lookup::is_released(&intent) {
            return released(call, &intent, &kept, like);
        }
    }
    Err(problem.after_sending())
}

/// The intent holds nothing any more; what it did not take is what was released.
pub(crate) fn released(
    call: &Call<'_>,
    intent: &Intent,
    kept: &Kept,
    like: tillbox_provider::Money,
) -> Result<Outcome> {
    let rest = intent.amount.saturating_sub(intent.amount_received);
    let outcome = intent.answer(call, kept, Status::Canceled)?.amount(intent.money(rest, like)?);
    Ok(outcome.reference(&intent.id))
}

/// Abandons what was never authorized.
pub(crate) fn delete(call: &Call<'_>, request: &DeleteRequest) -> Result<Outcome> {
    let kept = Kept::read(&request.payment)?;
    let id = lookup::reference(call, &request.payment, &kept)?;
    let intent = lookup::intent(call, &id)?;
    match intent.status {
        State::Canceled => return abandoned(call, &intent, &kept),
        // Canceling would release what the payer has agreed to: that is for `cancel`.
        State::RequiresCapture | State::Succeeded => {
            return Err(Error::conflict("the payment is authorized").code("payment_intent_unexpected_state"));
        }
        State::RequiresPaymentMethod | State::RequiresConfirmation | State::RequiresAction | State::Processing => {}
    }
    let form = Form::new().pair("cancellation_reason", "abandoned").and(expanded());
    let intent: Intent = call.post(&format!("/v1/payment_intents/{}/cancel", segment(&id)), &form)?;
    abandoned(call, &same(&id, intent)?, &kept)
}

fn abandoned(call: &Call<'_>, intent: &Intent, kept: &Kept) -> Result<Outcome> {
    match intent.status {
        State::Canceled => Ok(intent.answer(call, kept, Status::Canceled)?.reference(&intent.id)),
        State::RequiresPaymentMethod
        | State::RequiresConfirmation
        | State::RequiresAction
        | State::Processing
        | State::RequiresCapture
        | State::Succeeded => Err(Error::outcome_unknown("Stripe was told to cancel, and the intent is not canceled")),
    }
}

/// Refuses an answer about another intent than was asked for.
fn same(id: &str, intent: Intent) -> Result<Intent> {
    if intent.id == id {
        return Ok(intent);
    }
    Err(Error::outcome_unknown(format_args!("asked about {id}, Stripe answers with {}", intent.id))
        .code("another_payment"))
}
