//! The contract's functions, one for each, over an intent and its ledger.
//!
//! Every function that changes something goes the same way: read the payment, answer a replay from the ledger, let time
//! pass, check that there is room, act, note it down. An error leaves everything as it was.

use tillbox_provider::{
    AuthorizeRequest, CancelRequest, CaptureRequest, Context, DeleteRequest, Environment, Error, InitiateRequest,
    Outcome, PaymentState, RefundRequest, Result, RetrieveRequest, Snapshot, UpdateRequest,
};

use crate::identifier::characters;
use crate::input::{self, Wish};
use crate::intent::{Intent, Metadata, State};
use crate::ledger::{Answer, Asked, Kind, Ledger};
use crate::payment::{Payment, refused};
use crate::settings::Settings;
use stripe_rules::units;

/// What a call has beside its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The host's context.
    pub(crate) context: &'a Context,
    /// The operator's settings.
    pub(crate) settings: &'a Settings,
    /// Milliseconds since 1970.
    pub(crate) now_ms: u64,
}

/// Creates the intent. Nothing is charged yet, as with Stripe's creation without confirmation.
///
/// There is no earlier state to look a key up in: the intent is made from the key and the request alone, so that a
/// replay makes the same one.
pub(crate) fn initiate(call: Call<'_>, request: &InitiateRequest) -> Result<Outcome> {
    let Call { context, settings, .. } = call;
    if context.environment == Environment::Live {
        return Err(Error::not_supported("this provider moves no money: use it in the test environment only")
            .code("livemode_mismatch"));
    }
    let wish = input::read(request.input.as_str())?;
    let currency = request.amount.currency();
    let exponent = request.amount.exponent();
    let amount = units::to_stripe(currency, exponent, request.amount.minor_units()).map_err(refused)?;
    units::check_charge(currency, amount).map_err(refused)?;
    let asked = Asked::new(context, Kind::Initiate, Some(amount), &[request.input.as_str()])?;
    let id = format!("pi_{}", asked.key());
    let secret = characters(&["client secret", &context.idempotency_key]);
    let mut intent = Intent {
        client_secret: format!("{id}_secret_{secret}"),
        id,
        status: State::RequiresPaymentMethod,
        amount,
        amount_capturable: 0,
        amount_received: 0,
        amount_refunded: 0,
        currency: currency.to_ascii_lowercase(),
        exponent,
        capture_method: settings.capture_method,
        multicapture: settings.multicapture,
        payment_method: None,
        last_payment_error: None,
        settles_at_ms: None,
        statement_descriptor: settings.statement_descriptor.clone(),
        metadata: Metadata { session_id: context.session_id.clone(), operation_id: None },
    };
    prepare(&mut intent, wish)?;
    let mut payment = Payment { intent, ledger: Ledger::default() };
    let record = asked.record(Answer::Pending, Some(amount));
    payment.ledger.push(record.clone());
    payment.answer(&record)
}

/// Changes amount and payment method before confirmation.
pub(crate) fn update(call: Call<'_>, request: &UpdateRequest) -> Result<Outcome> {
    let payment = Payment::read(&request.payment)?;
    let wish = input::read(request.input.as_str())?;
    let amount = payment.to_stripe(request.amount)?;
    units::check_charge(request.amount.currency(), amount).map_err(refused)?;
    let asked = Asked::new(call.context, Kind::Update, Some(amount), &[request.input.as_str()])?;
    perform(call, payment, asked, |payment| {
        payment.intent.change_amount(amount)?;
        prepare(&mut payment.intent, wish)?;
        Ok((Answer::Pending, Some(amount)))
    })
}

/// Confirms, finishes a challenge, or reports what became of it.
pub(crate) fn authorize(call: Call<'_>, request: &AuthorizeRequest) -> Result<Outcome> {
    let payment = Payment::read(&request.payment)?;
    let wish = input::read(request.input.as_str())?;
    let asked = Asked::new(call.context, Kind::Authorize, None, &[request.input.as_str()])?;
    let failed_before = payment.intent.last_payment_error;
    perform(call, payment, asked, |payment| {
        let intent = &mut payment.intent;
        match intent.status {
            State::RequiresCapture | State::Succeeded | State::Canceled => {}
            State::Processing => refuse_another_wish(intent, wish)?,
            State::RequiresAction => challenge(call, intent, wish)?,
            // The debit failed since the last call: that is the answer, unless another method comes along.
            State::RequiresPaymentMethod if wish == Wish::default() && failed_before != intent.last_payment_error => {}
            State::RequiresPaymentMethod | State::RequiresConfirmation => confirm(call, intent, wish)?,
        }
        Ok(payment.present())
    })
}

/// Takes a part or all of what is reserved.
pub(crate) fn capture(call: Call<'_>, request: &CaptureRequest) -> Result<Outcome> {
    let payment = Payment::read(&request.payment)?;
    let amount = payment.to_stripe(request.amount)?;
    // `is_final` follows from the host's books and may differ between two attempts; the capture's id does not.
    let asked = Asked::new(call.context, Kind::Capture, Some(amount), &[&request.capture_id])?;
    perform(call, payment, asked, |payment| {
        payment.intent.capture(amount, request.is_final)?;
        Ok((Answer::Captured, Some(amount)))
    })
}

/// Gives a part or all of what was captured back.
pub(crate) fn refund(call: Call<'_>, request: &RefundRequest) -> Result<Outcome> {
    let payment = Payment::read(&request.payment)?;
    let amount = payment.to_stripe(request.amount)?;
    let (reason, note) = (request.reason.as_deref().unwrap_or(""), request.note.as_deref().unwrap_or(""));
    let asked = Asked::new(call.context, Kind::Refund, Some(amount), &[&request.refund_id, reason, note])?;
    perform(call, payment, asked, |payment| {
        payment.intent.refund(amount)?;
        Ok((Answer::Captured, Some(amount)))
    })
}

/// Releases what is reserved.
pub(crate) fn cancel(call: Call<'_>, request: &CancelRequest) -> Result<Outcome> {
    let payment = Payment::read(&request.payment)?;
    let asked = Asked::new(call.context, Kind::Cancel, None, &[request.reason.as_deref().unwrap_or("")])?;
    perform(call, payment, asked, |payment| {
        if payment.intent.status == State::Canceled {
            return Ok((Answer::Canceled, payment.ledger.released()));
        }
        let released = payment.intent.cancel()?;
        Ok((Answer::Canceled, (released > 0).then_some(released)))
    })
}

/// Abandons what was never authorized.
pub(crate) fn delete(call: Call<'_>, request: &DeleteRequest) -> Result<Outcome> {
    let payment = Payment::read(&request.payment)?;
    let asked = Asked::new(call.context, Kind::Delete, None, &[])?;
    perform(call, payment, asked, |payment| {
        match payment.intent.status {
            State::Canceled => {}
            State::RequiresCapture | State::Succeeded => return Err(payment.intent.unexpected("delete")),
            State::RequiresPaymentMethod | State::RequiresConfirmation | State::RequiresAction | State::Processing => {
                payment.intent.cancel()?;
            }
        }
        Ok((Answer::Canceled, None))
    })
}

/// What is known of the payment and of one operation.
pub(crate) fn retrieve(now_ms: u64, request: &RetrieveRequest) -> Result<Snapshot> {
    let mut payment = Payment::read(&request.payment)?;
    payment.settle(now_ms);
    let record = request.operation.as_ref().and_then(|operation| payment.ledger.find(operation));
    Ok(Snapshot {
        outcome: payment.outcome_now()?,
        captured: payment.money(payment.intent.amount_received)?,
        refunded: payment.money(payment.intent.amount_refunded)?,
        disputed: payment.money(payment.intent.amount_disputed())?,
        operation: record.map(|record| payment.answer_now(record)).transpose()?,
    })
}

/// Where the payment stands.
pub(crate) fn status(now_ms: u64, state: &PaymentState) -> Result<Outcome> {
    let mut payment = Payment::read(state)?;
    payment.settle(now_ms);
    payment.outcome_now()
}

/// The way every change goes.
fn perform(
    call: Call<'_>,
    mut payment: Payment,
    asked: Asked,
    act: impl FnOnce(&mut Payment) -> Result<(Answer, Option<i64>)>,
) -> Result<Outcome> {
    if let Some(record) = payment.ledger.replayed(&asked)? {
        return payment.answer(&record);
    }
    payment.settle(call.now_ms);
    payment.ledger.check_room(asked.kind())?;
    let (answer, amount) = act(&mut payment)?;
    let record = asked.record(answer, amount);
    payment.ledger.push(record.clone());
    payment.answer(&record)
}

/// Takes the payment method a storefront names before confirmation.
fn prepare(intent: &mut Intent, wish: Wish) -> Result<()> {
    if wish.challenge.is_some() {
        return Err(intent.unexpected("finish a 3-D Secure challenge"));
    }
    wish.method.map_or(Ok(()), |method| intent.choose(method))
}

fn confirm(call: Call<'_>, intent: &mut Intent, wish: Wish) -> Result<()> {
    prepare(intent, wish)?;
    intent.metadata.operation_id = Some(call.context.operation_id.clone());
    intent.confirm(call.now_ms, call.settings.async_settle_ms)
}

/// A challenge waits: it is finished, or dropped for another payment method, or goes on waiting.
fn challenge(call: Call<'_>, intent: &mut Intent, wish: Wish) -> Result<()> {
    let another = wish.method.filter(|method| Some(method.id) != intent.payment_method.as_deref());
    match (wish.challenge, another) {
        (None, None) => Ok(()),
        (None, Some(_)) => confirm(call, intent, wish),
        (Some(end), None) => {
            intent.metadata.operation_id = Some(call.context.operation_id.clone());
            intent.finish_challenge(end)
        }
        (Some(_), Some(_)) => {
            Err(Error::invalid_request("the challenge belongs to another payment method").code("parameter_invalid"))
        }
    }
}

/// While the bank decides nothing can be changed; asking again is fine.
fn refuse_another_wish(intent: &Intent, wish: Wish) -> Result<()> {
    let same = wish.method.is_none_or(|method| Some(method.id) == intent.payment_method.as_deref());
    if same && wish.challenge.is_none() { Ok(()) } else { Err(intent.unexpected("take another payment method")) }
}
