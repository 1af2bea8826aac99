//! `/admin` collections: amounts and currencies come in here, from the merchant's server.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::CollectionId;
use tillbox_core::state::Collection;

use super::sessions::provider_id;
use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, NoQuery, Only};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    CollectionAnswer, Collections, CreateCollection, DeletedAnswer, List, MarkAsPaid, NewCollectionAnswer, Nothing,
    OneCollection, Selected, UpdateCollection,
};
use crate::service::{CollectionUpdate, Error, NewCollection};
use crate::store::{CollectionFilter, Key, Page};

type Result<T> = std::result::Result<Selected<T>, ForOperator>;

/// The currency is what the body says, else that of the order, else the host's own.
pub(super) async fn create(
    Keyed(host): Keyed,
    only: Only<NewCollectionAnswer>,
    Json(body): Json<CreateCollection>,
) -> Result<NewCollectionAnswer> {
    let currency = match body.currency {
        Some(currency) => currency,
        None => host.currency_of_order(body.order_id.as_deref()).await?,
    };
    let (amount, metadata) = (body.amount.of(currency)?, body.metadata);
    let new = NewCollection {
        cart_id: body.cart_id,
        order_id: body.order_id,
        metadata,
        customer: body.customer_id,
        ..NewCollection::new(amount)
    };
    let collection = host.create_collection(new).await?;
    Ok(only.fields.of(NewCollectionAnswer { payment_collection: opened(&host, &collection).await? }))
}

pub(super) async fn list(
    State(host): State<Host>,
    Asked(List { wanted, fields, .. }): Asked<List<CollectionFilter, Collections>>,
) -> Result<Collections> {
    let Page { offset, limit } = wanted.page;
    let listed = host.collections(wanted).await?;
    let payment_collections = listed.items.iter().map(CollectionAnswer::from).collect();
    Ok(fields.of(Collections { payment_collections, count: listed.count, offset, limit }))
}

/// Brings it to its end with money that came in some other way.
pub(super) async fn mark_as_paid(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    only: Only<NewCollectionAnswer>,
    Json(body): Json<MarkAsPaid>,
) -> Result<NewCollectionAnswer> {
    let provider = body.provider_id.as_deref().map(|id| provider_id(&host, id)).transpose()?;
    let collection = host.mark_as_paid(&id, &body.order_id, provider).await?;
    Ok(only.fields.of(NewCollectionAnswer { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn show(
    State(host): State<Host>,
    Id(id): Id<CollectionId>,
    only: Only<OneCollection>,
) -> Result<OneCollection> {
    let collection = host.collection(&id).await?;
    Ok(only.fields.of(OneCollection { payment_collection: opened(&host, &collection).await? }))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    only: Only<OneCollection>,
    Json(body): Json<UpdateCollection>,
) -> Result<OneCollection> {
    let currency = host.books(&Key::Collection(id.clone())).await?.currency();
    let amount = body.amount.map(|amount| amount.of(currency)).transpose()?;
    let update = CollectionUpdate { amount, metadata: body.metadata };
    let collection = host.update_collection(&id, update).await?;
    Ok(only.fields.of(OneCollection { payment_collection: opened(&host, &collection).await? }))
}

pub(super) async fn cancel(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    only: Only<OneCollection>,
    Json(Nothing): Json<Nothing>,
) -> Result<OneCollection> {
    let collection = host.cancel_collection(&id).await?;
    Ok(only.fields.of(OneCollection { payment_collection: opened(&host, &collection).await? }))
}

/// Nothing more is expected. The status stays as it is.
pub(super) async fn complete(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    only: Only<OneCollection>,
    Json(Nothing): Json<Nothing>,
) -> Result<OneCollection> {
    let collection = host.complete_collection(&id).await?;
    Ok(only.fields.of(OneCollection { payment_collection: opened(&host, &collection).await? }))
}

/// The old client secret opens nothing any more; the answer shows the new one.
pub(super) async fn rotate_secret(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    only: Only<OneCollection>,
    Json(Nothing): Json<Nothing>,
) -> Result<OneCollection> {
    host.rotate_client_secret(&id).await?;
    let collection = host.collection(&id).await?;
    Ok(only.fields.of(OneCollection { payment_collection: opened(&host, &collection).await? }))
}

pub(super) async fn delete(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    _: NoBody,
) -> std::result::Result<Answer<DeletedAnswer>, ForOperator> {
    host.delete_collection(&id).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "payment-collection", deleted: true }))
}

/// A collection with what the merchant's server hands to the payer's browser.
async fn opened(host: &Host, collection: &Collection) -> std::result::Result<CollectionAnswer, Error> {
    let (secret, customer) = (host.client_secret(&collection.id).await?, host.customer_of(&collection.id).await?);
    Ok(CollectionAnswer::from(collection).opened_by(&secret, customer))
}
