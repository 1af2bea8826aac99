//! `/admin` operations and events: what was asked of providers, and what the outside was told.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::OperationId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    EventAnswer, Events, Nothing, OneOperation, OperationEntryAnswer, Operations, ResolveOperation, VoidedOperation,
    WantedEvents, WantedOperations,
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
    Ok(Answer(OneOperation { operation: (&host.operation(&id).await?).into() }))
}

/// Asks the provider what became of it. A settled one answers as it is.
pub(super) async fn recheck(
    Keyed(host): Keyed,
    Id(id): Id<OperationId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<OneOperation> {
    Ok(Answer(OneOperation { operation: (&host.recheck(&id).await?).into() }))
}

/// A person says what became of it.
pub(super) async fn resolve(
    Keyed(host): Keyed,
    Id(id): Id<OperationId>,
    _: NoQuery,
    Json(body): Json<ResolveOperation>,
) -> Result<OneOperation> {
    Ok(Answer(OneOperation { operation: (&host.resolve_operation(&id, body.verdict, &body.note).await?).into() }))
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
