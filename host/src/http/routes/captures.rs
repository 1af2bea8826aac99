//! `/admin` captures and refunds, listed and read beside their payments.

use axum::extract::State;
use tillbox_core::id::{CaptureId, RefundId};

use crate::Host;
use crate::http::extract::{Asked, Id, Json, Only};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{CaptureAnswer, Captures, List, Notes, OneCapture, OneRefund, RefundAnswer, Refunds, Selected};
use crate::store::{CaptureFilter, Page, RefundFilter};

type Result<T> = std::result::Result<Selected<T>, ForOperator>;

pub(super) async fn list(
    State(host): State<Host>,
    Asked(List { wanted, fields, .. }): Asked<List<CaptureFilter, Captures>>,
) -> Result<Captures> {
    let Page { offset, limit } = wanted.page;
    let listed = host.captures(wanted).await?;
    let captures = listed.items.iter().map(CaptureAnswer::from).collect();
    Ok(fields.of(Captures { captures, count: listed.count, offset, limit }))
}

pub(super) async fn show(
    State(host): State<Host>,
    Id(id): Id<CaptureId>,
    only: Only<OneCapture>,
) -> Result<OneCapture> {
    Ok(only.fields.of(OneCapture { capture: (&host.retrieve_capture(&id).await?).into() }))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<CaptureId>,
    only: Only<OneCapture>,
    Json(body): Json<Notes>,
) -> Result<OneCapture> {
    Ok(only.fields.of(OneCapture { capture: (&host.update_capture(&id, &body.metadata).await?).into() }))
}

pub(super) async fn list_refunds(
    State(host): State<Host>,
    Asked(List { wanted, fields, .. }): Asked<List<RefundFilter, Refunds>>,
) -> Result<Refunds> {
    let Page { offset, limit } = wanted.page;
    let listed = host.refunds(wanted).await?;
    let refunds = listed.items.iter().map(RefundAnswer::from).collect();
    Ok(fields.of(Refunds { refunds, count: listed.count, offset, limit }))
}

pub(super) async fn show_refund(
    State(host): State<Host>,
    Id(id): Id<RefundId>,
    only: Only<OneRefund>,
) -> Result<OneRefund> {
    Ok(only.fields.of(OneRefund { refund: (&host.retrieve_refund(&id).await?).into() }))
}

pub(super) async fn update_refund(
    Keyed(host): Keyed,
    Id(id): Id<RefundId>,
    only: Only<OneRefund>,
    Json(body): Json<Notes>,
) -> Result<OneRefund> {
    Ok(only.fields.of(OneRefund { refund: (&host.update_refund(&id, &body.metadata).await?).into() }))
}
