//! `/admin` collections: amounts and currencies come in here, from the merchant's server.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::CollectionId;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    CollectionAnswer, Collections, CreateCollection, DeletedAnswer, Nothing, OneCollection, UpdateCollection,
};
use crate::service::{CollectionUpdate, NewCollection};
use crate::store::{CollectionFilter, Key, Page, Wanted};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn create(
    Keyed(host): Keyed,
    _: NoQuery,
    Json(body): Json<CreateCollection>,
) -> Result<OneCollection> {
    let new = NewCollection { amount: body.amount.of(body.currency)?, cart_id: body.cart_id, metadata: body.metadata };
    let collection = host.create_collection(new).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn list(
    State(host): State<Host>,
    Asked(wanted): Asked<Wanted<CollectionFilter>>,
) -> Result<Collections> {
    let Page { offset, limit } = wanted.page;
    let listed = host.collections(wanted).await?;
    let payment_collections = listed.items.iter().map(CollectionAnswer::from).collect();
    Ok(Answer(Collections { payment_collections, count: listed.count, offset, limit }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<CollectionId>, _: NoQuery) -> Result<OneCollection> {
    let collection = host.collection(&id).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    Json(body): Json<UpdateCollection>,
) -> Result<OneCollection> {
    let currency = host.books(&Key::Collection(id.clone())).await?.currency();
    let amount = body.amount.map(|amount| amount.of(currency)).transpose()?;
    let update = CollectionUpdate { amount, metadata: body.metadata };
    let collection = host.update_collection(&id, update).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn cancel(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<OneCollection> {
    let collection = host.cancel_collection(&id).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

/// Nothing more is expected. The status stays as it is.
pub(super) async fn complete(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<OneCollection> {
    let collection = host.complete_collection(&id).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn delete(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    _: NoBody,
) -> Result<DeletedAnswer> {
    host.delete_collection(&id).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "payment-collection", deleted: true }))
}
