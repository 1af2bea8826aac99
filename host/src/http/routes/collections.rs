//! `/admin` collections: amounts and currencies come in here, from the merchant's server.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::CollectionId;

use crate::Host;
use crate::currency::lookup;
use crate::http::extract::{Asked, Id, Json, NoQuery};
use crate::http::problem::ForOperator;
use crate::http::wire::{CollectionAnswer, Collections, CreateCollection, Nothing, OneCollection, UpdateCollection};
use crate::service::{Error, NewCollection};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn create(
    State(host): State<Host>,
    _: NoQuery,
    Json(body): Json<CreateCollection>,
) -> Result<OneCollection> {
    let currency = lookup(&body.currency_code).map_err(Error::from)?;
    let new = NewCollection { amount: body.amount.of(currency)?, cart_id: body.cart_id, metadata: body.metadata };
    let collection = host.create_collection(new).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn list(State(host): State<Host>, Asked(mut query): Asked) -> Result<Collections> {
    let page = query.page()?;
    query.end()?;
    let listed = host.collections(page).await?;
    Ok(Answer(Collections {
        payment_collections: listed.items.iter().map(CollectionAnswer::from).collect(),
        count: listed.count,
        offset: page.offset,
        limit: page.limit,
    }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<CollectionId>, _: NoQuery) -> Result<OneCollection> {
    let collection = host.collection(&id).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn update(
    State(host): State<Host>,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    Json(body): Json<UpdateCollection>,
) -> Result<OneCollection> {
    let currency = host.collection(&id).await?.currency();
    let amount = body.amount.map(|amount| amount.of(currency)).transpose()?;
    let collection = host.update_collection(&id, amount, body.metadata.as_deref()).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}

pub(super) async fn cancel(
    State(host): State<Host>,
    Id(id): Id<CollectionId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<OneCollection> {
    let collection = host.cancel_collection(&id).await?;
    Ok(Answer(OneCollection { payment_collection: CollectionAnswer::from(&collection) }))
}
