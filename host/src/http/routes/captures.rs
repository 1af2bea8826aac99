//! `/admin` captures and refunds, listed and read beside their payments.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::{CaptureId, RefundId};

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{CaptureAnswer, Captures, Notes, OneCapture, OneRefund, RefundAnswer, Refunds};
use crate::store::{CaptureFilter, Page, RefundFilter, Wanted};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(State(host): State<Host>, Asked(wanted): Asked<Wanted<CaptureFilter>>) -> Result<Captures> {
    let Page { offset, limit } = wanted.page;
    let listed = host.captures(wanted).await?;
    let captures = listed.items.iter().map(CaptureAnswer::from).collect();
    Ok(Answer(Captures { captures, count: listed.count, offset, limit }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<CaptureId>, _: NoQuery) -> Result<OneCapture> {
    Ok(Answer(OneCapture { capture: (&host.retrieve_capture(&id).await?).into() }))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<CaptureId>,
    _: NoQuery,
    Json(body): Json<Notes>,
) -> Result<OneCapture> {
    Ok(Answer(OneCapture { capture: (&host.update_capture(&id, &body.metadata).await?).into() }))
}

pub(super) async fn list_refunds(
    State(host): State<Host>,
    Asked(wanted): Asked<Wanted<RefundFilter>>,
) -> Result<Refunds> {
    let Page { offset, limit } = wanted.page;
    let listed = host.refunds(wanted).await?;
    let refunds = listed.items.iter().map(RefundAnswer::from).collect();
    Ok(Answer(Refunds { refunds, count: listed.count, offset, limit }))
}

pub(super) async fn show_refund(State(host): State<Host>, Id(id): Id<RefundId>, _: NoQuery) -> Result<OneRefund> {
    Ok(Answer(OneRefund { refund: (&host.retrieve_refund(&id).await?).into() }))
}

pub(super) async fn update_refund(
    Keyed(host): Keyed,
    Id(id): Id<RefundId>,
    _: NoQuery,
    Json(body): Json<Notes>,
) -> Result<OneRefund> {
    Ok(Answer(OneRefund { refund: (&host.update_refund(&id, &body.metadata).await?).into() }))
}
