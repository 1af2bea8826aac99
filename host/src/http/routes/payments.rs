//! `/admin` payments and providers.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::Money;
use tillbox_core::id::PaymentId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoQuery};
use crate::http::problem::ForOperator;
use crate::http::wire::{
    Amount, Cancel, Capture, OnePayment, PaymentAnswer, Payments, ProviderAnswer, ProviderPayment, ProvidersAnswer,
    Refund,
};
use crate::service::{Error, NewRefund};
use crate::store::Page;

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(State(host): State<Host>, Asked(mut query): Asked) -> Result<Payments> {
    let page = query.page()?;
    query.end()?;
    let listed = host.payments(page).await?;
    Ok(Answer(Payments {
        payments: listed.items.iter().map(PaymentAnswer::from).collect(),
        count: listed.count,
        offset: page.offset,
        limit: page.limit,
    }))
}

pub(super) async fn list_providers(State(host): State<Host>, Asked(mut query): Asked) -> Result<ProvidersAnswer> {
    let page = query.page()?;
    query.end()?;
    Ok(Answer(providers(&host, page)))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<PaymentId>, _: NoQuery) -> Result<OnePayment> {
    Ok(answer(&host.payment(&id).await?))
}

pub(super) async fn capture(
    State(host): State<Host>,
    Id(id): Id<PaymentId>,
    _: NoQuery,
    Json(body): Json<Capture>,
) -> Result<OnePayment> {
    let amount = amount_of(&host, &id, body.amount).await?;
    Ok(answer(&host.capture(&id, amount).await?.value))
}

pub(super) async fn refund(
    State(host): State<Host>,
    Id(id): Id<PaymentId>,
    _: NoQuery,
    Json(body): Json<Refund>,
) -> Result<OnePayment> {
    let amount = amount_of(&host, &id, body.amount).await?;
    Ok(answer(&host.refund(&id, NewRefund { amount, note: body.note }).await?.value))
}

pub(super) async fn cancel(
    State(host): State<Host>,
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

/// A part of the installed providers.
pub(super) fn providers(host: &Host, page: Page) -> ProvidersAnswer {
    let installed = host.providers();
    let count = installed.len() as u64;
    let part = installed.into_iter().skip(page.offset as usize).take(page.limit as usize);
    let payment_providers = part.map(ProviderAnswer::from).collect();
    ProvidersAnswer { payment_providers, count, offset: page.offset, limit: page.limit }
}

fn answer(payment: &crate::service::PaymentView) -> Answer<OnePayment> {
    Answer(OnePayment { payment: PaymentAnswer::from(payment) })
}

/// An amount in the payment's own currency.
async fn amount_of(host: &Host, id: &PaymentId, amount: Option<Amount>) -> std::result::Result<Option<Money>, Error> {
    let currency = host.payment(id).await?.payment.amount.currency();
    amount.map(|amount| amount.of(currency)).transpose()
}
