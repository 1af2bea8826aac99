//! `/admin` operations and events: what was asked of providers, and what the outside was told.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::OperationId;
use tillbox_core::operation::Operation;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    EventAnswer, Events, Nothing, OneOperation, OperationAnswer, OperationEntryAnswer, Operations, ResolveOperation,
    VoidedOperation, WantedEvents, WantedOperations,
};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(
    State(host): State<Host>,
    Asked(WantedOperations { states, page }): Asked<WantedOperations>,
) -> Result<Operations> {
    let listed = host.operations(&states, page).await?;
    Ok(Answer(Operations {
        operations: listed.items.iter().map(OperationEntryAnswer::from).collect(),
        count: listed.count,
        offset: page.offset,
        limit: page.limit,
    }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<OperationId>, _: NoQuery) -> Result<OneOperation> {
    one(&host, &host.operation(&id).await?).await
}

/// An operation with what was exchanged for it.
async fn one(host: &Host, operation: &Operation) -> Result<OneOperation> {
    let exchanges = host.exchanges(&operation.id).await?;
    Ok(Answer(OneOperation { operation: OperationAnswer::from(operation).with(exchanges) }))
}

/// Asks the provider what became of it. A settled one answers as it is.
pub(super) async fn recheck(
    Keyed(host): Keyed,
    Id(id): Id<OperationId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<OneOperation> {
    one(&host, &host.recheck(&id).await?).await
}

/// A person says what became of it.
pub(super) async fn resolve(
    Keyed(host): Keyed,
    Id(id): Id<OperationId>,
    _: NoQuery,
    Json(body): Json<ResolveOperation>,
) -> Result<OneOperation> {
    one(&host, &host.resolve_operation(&id, body.verdict, &body.note).await?).await
}

/// Has the session of an uncertain charge abandoned at its provider.
pub(super) async fn void(
    Keyed(host): Keyed,
    Id(id): Id<OperationId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<VoidedOperation> {
    let voided = host.void_operation(&id).await?;
    Ok(Answer(VoidedOperation { operation: (&voided.operation).into(), void: voided.void.as_ref().map(Into::into) }))
}

/// Events in order, from the one after `after`. Whoever keeps the last `sequence` they saw misses none.
pub(super) async fn events(
    State(host): State<Host>,
    Asked(WantedEvents { after, limit }): Asked<WantedEvents>,
) -> Result<Events> {
    let events = host.events_after(after, limit).await?;
    Ok(Answer(Events { events: events.into_iter().map(EventAnswer::from).collect(), limit }))
}
