//! `/admin` reasons for refunds.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::RefundReasonId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, Only};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{DeletedAnswer, List, OneRefundReason, RefundReasonAnswer, RefundReasons, Selected};
use crate::service::{NewRefundReason, RefundReasonUpdate};
use crate::store::{Page, RefundReason, RefundReasonFilter};

type Result<T> = std::result::Result<Selected<T>, ForOperator>;

pub(super) async fn list(
    State(host): State<Host>,
    Asked(List { wanted, fields, .. }): Asked<List<RefundReasonFilter, RefundReasons>>,
) -> Result<RefundReasons> {
    let Page { offset, limit } = wanted.page;
    let listed = host.refund_reasons(wanted).await?;
    let refund_reasons = listed.items.iter().map(RefundReasonAnswer::from).collect();
    Ok(fields.of(RefundReasons { refund_reasons, count: listed.count, offset, limit }))
}

pub(super) async fn create(
    Keyed(host): Keyed,
    only: Only<OneRefundReason>,
    Json(body): Json<NewRefundReason>,
) -> Result<OneRefundReason> {
    Ok(answer(&host.create_refund_reason(body).await?, only))
}

pub(super) async fn show(
    State(host): State<Host>,
    Id(id): Id<RefundReasonId>,
    only: Only<OneRefundReason>,
) -> Result<OneRefundReason> {
    Ok(answer(&host.refund_reason(&id).await?, only))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<RefundReasonId>,
    only: Only<OneRefundReason>,
    Json(body): Json<RefundReasonUpdate>,
) -> Result<OneRefundReason> {
    Ok(answer(&host.update_refund_reason(&id, body).await?, only))
}

/// The query may say what of a reason is wanted, as the reference's client can; nothing of it is left to show.
pub(super) async fn delete(
    Keyed(host): Keyed,
    Id(id): Id<RefundReasonId>,
    _: Only<OneRefundReason>,
    _: NoBody,
) -> std::result::Result<Answer<DeletedAnswer>, ForOperator> {
    host.delete_refund_reasons(std::slice::from_ref(&id)).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "refund_reason", deleted: true }))
}

fn answer(reason: &RefundReason, only: Only<OneRefundReason>) -> Selected<OneRefundReason> {
    only.fields.of(OneRefundReason { refund_reason: RefundReasonAnswer::from(reason) })
}
