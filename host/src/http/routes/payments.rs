//! `/admin` payments and providers.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::Money;
use tillbox_core::id::PaymentId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{Amount, Cancel, Capture, Notes, OnePayment, PaymentAnswer, Payments, ProviderPayment, Refund};
use crate::service::{Error, NewCapture, NewRefund};
use crate::store::{Key, Page, PaymentFilter, Wanted};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(State(host): State<Host>, Asked(wanted): Asked<Wanted<PaymentFilter>>) -> Result<Payments> {
    let Page { offset, limit } = wanted.page;
    let listed = host.payments(wanted).await?;
    let payments = listed.items.iter().map(PaymentAnswer::from).collect();
    Ok(Answer(Payments { payments, count: listed.count, offset, limit }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<PaymentId>, _: NoQuery) -> Result<OnePayment> {
    Ok(answer(&host.payment(&id).await?))
}

/// Notes only; no provider hears of it.
pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    _: NoQuery,
    Json(body): Json<Notes>,
) -> Result<OnePayment> {
    Ok(answer(&host.update_payment(&id, &body.metadata).await?))
}

pub(super) async fn capture(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    _: NoQuery,
    Json(body): Json<Capture>,
) -> Result<OnePayment> {
    let amount = amount_of(&host, &id, body.amount).await?;
    let new = NewCapture { amount, created_by: body.created_by, metadata: body.metadata };
    Ok(answer(&host.capture(&id, new).await?.value))
}

pub(super) async fn refund(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    _: NoQuery,
    Json(body): Json<Refund>,
) -> Result<OnePayment> {
    let amount = amount_of(&host, &id, body.amount).await?;
    let new = NewRefund {
        amount,
        reason: body.refund_reason_id,
        note: body.note,
        created_by: body.created_by,
        metadata: body.metadata,
    };
    Ok(answer(&host.refund(&id, new).await?.value))
}

pub(super) async fn cancel(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    _: NoQuery,
    Json(body): Json<Cancel>,
) -> Result<OnePayment> {
    Ok(answer(&host.cancel_payment(&id, body.reason).await?.value))
}

/// What the provider knows beside what the books say. Neither is changed.
pub(super) async fn ask_provider(
    State(host): State<Host>,
    Id(id): Id<PaymentId>,
    _: NoQuery,
) -> Result<ProviderPayment> {
    let snapshot = host.retrieve_from_provider(&id).await?.value;
    let payment = host.payment(&id).await?;
    Ok(Answer(ProviderPayment { payment: PaymentAnswer::from(&payment), provider: (&snapshot).into() }))
}

fn answer(payment: &crate::service::PaymentView) -> Answer<OnePayment> {
    Answer(OnePayment { payment: PaymentAnswer::from(payment) })
}

/// An amount in the payment's own currency.
async fn amount_of(host: &Host, id: &PaymentId, amount: Option<Amount>) -> std::result::Result<Option<Money>, Error> {
    let currency = host.books(&Key::Payment(id.clone())).await?.currency();
    amount.map(|amount| amount.of(currency)).transpose()
}
