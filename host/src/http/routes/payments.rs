//! `/admin` payments and providers.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::Money;
use tillbox_core::id::PaymentId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoQuery, Only};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    Amount, Cancel, Capture, ChangedPayment, List, Notes, OnePayment, PaymentAnswer, Payments, ProviderPayment, Refund,
    Selected,
};
use crate::service::{Error, NewCapture, NewRefund, PaymentView};
use crate::store::{Key, Page, PaymentFilter};

type Result<T> = std::result::Result<Selected<T>, ForOperator>;

pub(super) async fn list(
    State(host): State<Host>,
    Asked(List { wanted, fields, .. }): Asked<List<PaymentFilter, Payments>>,
) -> Result<Payments> {
    let Page { offset, limit } = wanted.page;
    let listed = host.payments(wanted).await?;
    let payments = listed.items.iter().map(|payment| PaymentAnswer::chosen(payment, &fields)).collect();
    Ok(fields.of(Payments { payments, count: listed.count, offset, limit }))
}

pub(super) async fn show(
    State(host): State<Host>,
    Id(id): Id<PaymentId>,
    only: Only<OnePayment>,
) -> Result<OnePayment> {
    Ok(answer(&host.payment(&id).await?, only))
}

/// Notes only; no provider hears of it.
pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    only: Only<ChangedPayment>,
    Json(body): Json<Notes>,
) -> Result<ChangedPayment> {
    Ok(changed(&host.update_payment(&id, &body.metadata).await?, only))
}

pub(super) async fn capture(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    only: Only<OnePayment>,
    Json(body): Json<Capture>,
) -> Result<OnePayment> {
    let amount = amount_of(&host, &id, body.amount).await?;
    let new = NewCapture { amount, created_by: body.created_by, metadata: body.metadata };
    Ok(answer(&host.capture(&id, new).await?.value, only))
}

pub(super) async fn refund(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    only: Only<OnePayment>,
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
    Ok(answer(&host.refund(&id, new).await?.value, only))
}

pub(super) async fn cancel(
    Keyed(host): Keyed,
    Id(id): Id<PaymentId>,
    only: Only<ChangedPayment>,
    Json(body): Json<Cancel>,
) -> Result<ChangedPayment> {
    Ok(changed(&host.cancel_payment(&id, body.reason).await?.value, only))
}

/// What the provider knows beside what the books say. Neither is changed.
pub(super) async fn ask_provider(
    State(host): State<Host>,
    Id(id): Id<PaymentId>,
    _: NoQuery,
) -> std::result::Result<Answer<ProviderPayment>, ForOperator> {
    let snapshot = host.retrieve_from_provider(&id).await?.value;
    let payment = host.payment(&id).await?;
    Ok(Answer(ProviderPayment { payment: PaymentAnswer::from(&payment), provider: (&snapshot).into() }))
}

fn answer(payment: &PaymentView, Only { fields, .. }: Only<OnePayment>) -> Selected<OnePayment> {
    let payment = PaymentAnswer::chosen(payment, &fields);
    fields.of(OnePayment { payment })
}

fn changed(payment: &PaymentView, Only { fields, .. }: Only<ChangedPayment>) -> Selected<ChangedPayment> {
    let payment = PaymentAnswer::chosen(payment, &fields);
    fields.of(ChangedPayment { payment })
}

/// An amount in the payment's own currency.
async fn amount_of(host: &Host, id: &PaymentId, amount: Option<Amount>) -> std::result::Result<Option<Money>, Error> {
    let currency = host.books(&Key::Payment(id.clone())).await?.currency();
    amount.map(|amount| amount.of(currency)).transpose()
}
