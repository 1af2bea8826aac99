//! `/admin` reasons for refunds.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::RefundReasonId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{DeletedAnswer, OneRefundReason, RefundReasonAnswer, RefundReasons};
use crate::service::{NewRefundReason, RefundReasonUpdate};
use crate::store::{Page, RefundReason, RefundReasonFilter, Wanted};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(
    State(host): State<Host>,
    Asked(wanted): Asked<Wanted<RefundReasonFilter>>,
) -> Result<RefundReasons> {
    let Page { offset, limit } = wanted.page;
    let listed = host.refund_reasons(wanted).await?;
    let refund_reasons = listed.items.iter().map(RefundReasonAnswer::from).collect();
    Ok(Answer(RefundReasons { refund_reasons, count: listed.count, offset, limit }))
}

pub(super) async fn create(
    Keyed(host): Keyed,
    _: NoQuery,
    Json(body): Json<NewRefundReason>,
) -> Result<OneRefundReason> {
    Ok(answer(&host.create_refund_reason(body).await?))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<RefundReasonId>, _: NoQuery) -> Result<OneRefundReason> {
    Ok(answer(&host.refund_reason(&id).await?))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<RefundReasonId>,
    _: NoQuery,
    Json(body): Json<RefundReasonUpdate>,
) -> Result<OneRefundReason> {
    Ok(answer(&host.update_refund_reason(&id, body).await?))
}

pub(super) async fn delete(
    Keyed(host): Keyed,
    Id(id): Id<RefundReasonId>,
    _: NoQuery,
    _: NoBody,
) -> Result<DeletedAnswer> {
    host.delete_refund_reasons(std::slice::from_ref(&id)).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "refund_reason", deleted: true }))
}

fn answer(reason: &RefundReason) -> Answer<OneRefundReason> {
    Answer(OneRefundReason { refund_reason: RefundReasonAnswer::from(reason) })
}
