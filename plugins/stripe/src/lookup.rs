//! What only reads: where a payment stands, and what became of one operation. Nothing here changes anything at Stripe.
//!
//! An intent whose id is known is read by it, and what is read is the present. One whose id was lost is searched by its
//! metadata, and Stripe's search may lag: what it does not find is no proof before that lag has passed.

use std::collections::BTreeMap;

use serde::Deserialize;
use tillbox_provider::http::{Form, segment};
use tillbox_provider::{
    Error, ErrorKind, Money, OperationKind, OperationReference, Outcome, PaymentState, Result, RetrieveRequest,
    Snapshot, Status,
};

use crate::api::{Call, Page};
use crate::intent::{Intent, Kept, OPERATION, SESSION, State};
use crate::payments::{expanded, released};
use crate::refunds;

/// Objects in one page of a list: Stripe's most.
pub(crate) const PAGE: u32 = 100;

/// What a payment's intent is known by: its data, the host's reference, or a search for the session.
///
/// # Errors
/// Not found when a search finds none.
pub(crate) fn reference(call: &Call<'_>, payment: &PaymentState, kept: &Kept) -> Result<String> {
    if !kept.id.is_empty() {
        return Ok(kept.id.clone());
    }
    let told = payment.provider_reference.as_deref().filter(|reference| reference.starts_with("pi_"));
    match (told, call.context.session_id.as_deref()) {
        (Some(id), _) => Ok(id.to_owned()),
        (None, Some(session)) => Ok(searched(call, SESSION, session)?.id),
        (None, None) => Err(Error::not_found("neither the intent nor the session is known").code("resource_missing")),
    }
}

/// Reads an intent.
///
/// # Errors
/// `authentication` when Stripe does not know it: intents are never deleted, so the key is another account's.
pub(crate) fn intent(call: &Call<'_>, id: &str) -> Result<Intent> {
    let path = format!("/v1/payment_intents/{}", segment(id));
    let intent: Intent = call.get(&path, &expanded()).map_err(|error| {
        if error.kind != ErrorKind::NotFound {
            return error;
        }
        let what = format!(
            "this account does not know {id}, and Stripe never deletes one: is the api_key of another account or mode?"
        );
        Error::authentication(what).code("another_account")
    })?;
    if intent.id != id {
        let message = format!("asked for {id}, Stripe answers with {}", intent.id);
        return Err(Error::unavailable(message).code("another_payment"));
    }
    let session = call.context.session_id.as_ref();
    match (session, intent.metadata.get(SESSION)) {
        (Some(asked), Some(told)) if asked != told => {
            let message = format!("{id} belongs to session {told}, not to {asked}");
            Err(Error::unavailable(message).code("another_payment"))
        }
        _ => Ok(intent),
    }
}

/// Finds an intent by its metadata.
fn searched(call: &Call<'_>, key: &str, value: &str) -> Result<Intent> {
    // Our own ids have no quotes; what is not such an id cannot be there.
    if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Error::invalid_request("the reference is no id of the host's").code("parameter_invalid"));
    }
    let query = format!("metadata[\"{key}\"]:\"{value}\"");
    let form = Form::new()
        .pair("query", query)
        .pair("limit", 2)
        .pair("expand[]", "data.latest_charge")
        .pair("expand[]", "data.payment_method");
    let found: Page<Intent> = call.get("/v1/payment_intents/search", &form)?;
    let mut fitting =
        found.data.into_iter().filter(|intent| intent.metadata.get(key).is_some_and(|told| told == value));
    match (fitting.next(), fitting.next()) {
        (Some(intent), None) => Ok(intent),
        (Some(one), Some(other)) => {
            let message = format!("{} and {} both say that they are {value}", one.id, other.id);
            Err(Error::unavailable(message).code("ambiguous"))
        }
        (None, _) => Err(Error::not_found(format_args!("no intent says that it is {value}")).code("resource_missing")),
    }
}

/// Where the payment stands now.
pub(crate) fn status(call: &Call<'_>, payment: &PaymentState) -> Result<Outcome> {
    let kept = Kept::read(payment)?;
    let id = reference(call, payment, &kept)?;
    intent(call, &id)?.outcome(call, &kept, payment.amount)
}

/// What is known of the payment, and of one operation.
pub(crate) fn retrieve(call: &Call<'_>, request: &RetrieveRequest) -> Result<Snapshot> {
    let payment = &request.payment;
    let kept = Kept::read(payment)?;
    let opening = request.operation.as_ref().filter(|operation| operation.kind == OperationKind::Initiate);
    let is_known = !kept.id.is_empty() || payment.provider_reference.is_some();
    let intent = match opening {
        Some(operation) if !is_known => searched(call, OPERATION, &operation.operation_id)?,
        Some(_) | None => intent(call, &reference(call, payment, &kept)?)?,
    };
    let asks_refunds = request.operation.as_ref().is_some_and(|operation| operation.kind == OperationKind::Refund);
    let has_refunds = intent.charge().is_some_and(|charge| charge.amount_refunded > 0);
    let refunds = if asks_refunds || has_refunds { refunds::of(call, &intent.id)? } else { Vec::new() };
    let like = payment.amount;
    let operation = match &request.operation {
        Some(operation) => operation_of(call, &intent, &kept, operation, &refunds, like)?,
        None => None,
    };
    Ok(Snapshot {
        outcome: intent.outcome(call, &kept, like)?,
        captured: intent.money(intent.amount_received, like)?,
        refunded: intent.money(refunds::given_back(&refunds), like)?,
        disputed: disputed(call, &intent, like)?,
        operation,
    })
}

/// What became of one operation; nothing when Stripe shows no trace of it.
fn operation_of(
    call: &Call<'_>,
    intent: &Intent,
    kept: &Kept,
    asked: &OperationReference,
    refunds: &[refunds::Refund],
    like: Money,
) -> Result<Option<Outcome>> {
    let id = &asked.operation_id;
    Ok(match asked.kind {
        OperationKind::Initiate => Some(opened(call, intent, kept, asked.amount.unwrap_or(like))?),
        OperationKind::Update => match intent.metadata.get(OPERATION) == Some(id) {
            true => Some(intent.outcome(call, kept, asked.amount.unwrap_or(like))?),
            false => None,
        },
        OperationKind::Authorize => authorization(call, intent, kept, like)?,
        OperationKind::Capture => capture(call, intent, kept, id, like)?,
        OperationKind::Refund => match refunds.iter().find(|refund| refund.metadata.get(OPERATION) == Some(id)) {
            Some(refund) => Some(refund.outcome(intent, call, kept, like)?),
            None => None,
        },
        OperationKind::Cancel => is_released(intent).then(|| released(call, intent, kept, like)).transpose()?,
        OperationKind::Delete => match intent.status {
            State::Canceled => Some(intent.answer(call, kept, Status::Canceled)?.reference(&intent.id)),
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::RequiresAction
            | State::Processing
            | State::RequiresCapture
            | State::Succeeded => None,
        },
    })
}

/// An intent that was opened and nothing more is pending; one that has gone on says where it is.
fn opened(call: &Call<'_>, intent: &Intent, kept: &Kept, like: Money) -> Result<Outcome> {
    intent.outcome(call, kept, like)
}

/// Whether the intent was confirmed since it was last heard of, and what came of it.
fn authorization(call: &Call<'_>, intent: &Intent, kept: &Kept, like: Money) -> Result<Option<Outcome>> {
    let outcome = match intent.status {
        State::RequiresConfirmation => return Ok(None),
        State::RequiresPaymentMethod if !intent.failed_anew(kept) => return Ok(None),
        // Taken in part since: what was authorized was the whole.
        State::Succeeded if intent.capture_method == "manual" => {
            let outcome = intent.answer(call, kept, Status::Authorized)?;
            outcome.amount(intent.money(intent.amount, like)?).reference(&intent.id)
        }
        State::RequiresPaymentMethod
        | State::RequiresAction
        | State::Processing
        | State::RequiresCapture
        | State::Succeeded
        | State::Canceled => intent.outcome(call, kept, like)?,
    };
    Ok(Some(outcome))
}

/// The capture that wrote its operation's id and amount into the metadata, in one request with taking the money.
pub(crate) fn capture(
    call: &Call<'_>,
    intent: &Intent,
    kept: &Kept,
    operation: &str,
    like: Money,
) -> Result<Option<Outcome>> {
    let Some(text) = intent.metadata.get(operation) else { return Ok(None) };
    let amount: i64 = text.parse().map_err(|_| Error::unavailable("the metadata of the capture is no amount"))?;
    let outcome = intent.answer(call, kept, Status::Captured)?.amount(intent.money(amount, like)?);
    Ok(Some(match intent.charge_id() {
        Some(charge) => outcome.reference(charge),
        None => outcome,
    }))
}

/// Whether nothing is reserved any more of what was not taken.
pub(crate) fn is_released(intent: &Intent) -> bool {
    match intent.status {
        State::Canceled => true,
        State::Succeeded => intent.amount_received < intent.amount,
        State::RequiresPaymentMethod
        | State::RequiresConfirmation
        | State::RequiresAction
        | State::Processing
        | State::RequiresCapture => false,
    }
}

#[derive(Deserialize)]
struct Dispute {
    amount: i64,
    #[serde(default)]
    status: String,
}

/// What is in dispute: all that was not won and is no mere question of the bank's.
fn disputed(call: &Call<'_>, intent: &Intent, like: Money) -> Result<Money> {
    if !intent.charge().is_some_and(|charge| charge.disputed) {
        return Ok(like.zeroed());
    }
    let form = Form::new().pair("payment_intent", &intent.id).pair("limit", PAGE);
    let disputes: Page<Dispute> = call.get("/v1/disputes", &form)?;
    let open = |dispute: &&Dispute| dispute.status != "won" && !dispute.status.starts_with("warning_");
    intent.money(disputes.data.iter().filter(open).map(|dispute| dispute.amount).sum(), like)
}

/// Metadata as Stripe tells it.
pub(crate) type Metadata = BTreeMap<String, String>;
