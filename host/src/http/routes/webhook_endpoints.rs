//! `/admin` webhook endpoints: where events go. A secret is in the answer that makes it and in no other.

use axum::Json as Answer;
use axum::extract::State;

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    CreateWebhookEndpoint, DeletedAnswer, DeliveryAnswer, IdOf, Nothing, OneWebhookEndpoint, Redeliver,
    RedeliveryAnswer, SecretAnswer, UpdateWebhookEndpoint, WantedDeliveries, WebhookDeliveries, WebhookEndpointAnswer,
    WebhookEndpoints,
};
use crate::service::{NewWebhookEndpoint, WebhookEndpointUpdate};
use crate::store::SubscriberId;

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn create(
    Keyed(host): Keyed,
    _: NoQuery,
    Json(body): Json<CreateWebhookEndpoint>,
) -> Result<SecretAnswer> {
    let new = NewWebhookEndpoint { url: body.url, description: body.description, events: body.events };
    let (endpoint, secret) = host.create_webhook_endpoint(new).await?;
    Ok(Answer(SecretAnswer { webhook_endpoint: endpoint.into(), secret: secret.reveal().to_owned() }))
}

/// All of them: there are never more than fit one answer.
pub(super) async fn list(State(host): State<Host>, _: NoQuery) -> Result<WebhookEndpoints> {
    let endpoints: Vec<WebhookEndpointAnswer> = host.webhook_endpoints().await?.into_iter().map(Into::into).collect();
    Ok(Answer(WebhookEndpoints { count: endpoints.len() as u64, webhook_endpoints: endpoints }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<SubscriberId>, _: NoQuery) -> Result<OneWebhookEndpoint> {
    Ok(Answer(OneWebhookEndpoint { webhook_endpoint: host.webhook_endpoint(&id).await?.into() }))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<SubscriberId>,
    _: NoQuery,
    Json(body): Json<UpdateWebhookEndpoint>,
) -> Result<OneWebhookEndpoint> {
    let update = WebhookEndpointUpdate {
        url: body.url,
        description: body.description,
        events: body.events,
        is_enabled: body.is_enabled,
    };
    Ok(Answer(OneWebhookEndpoint { webhook_endpoint: host.update_webhook_endpoint(&id, update).await?.into() }))
}

pub(super) async fn delete(
    Keyed(host): Keyed,
    Id(id): Id<SubscriberId>,
    _: NoQuery,
    _: NoBody,
) -> Result<DeletedAnswer> {
    host.delete_webhook_endpoint(&id).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "webhook_endpoint", deleted: true }))
}

/// A new secret; the old one signs beside it for a day.
pub(super) async fn rotate(
    Keyed(host): Keyed,
    Id(id): Id<SubscriberId>,
    _: NoQuery,
    Json(Nothing): Json<Nothing>,
) -> Result<SecretAnswer> {
    let (endpoint, secret) = host.rotate_webhook_secret(&id).await?;
    Ok(Answer(SecretAnswer { webhook_endpoint: endpoint.into(), secret: secret.reveal().to_owned() }))
}

/// What is on its way, and what was given up.
pub(super) async fn deliveries(
    State(host): State<Host>,
    Id(id): Id<SubscriberId>,
    Asked(WantedDeliveries { state, page }): Asked<WantedDeliveries>,
) -> Result<WebhookDeliveries> {
    let listed = host.webhook_deliveries(&id, state, page).await?;
    Ok(Answer(WebhookDeliveries {
        deliveries: listed.items.iter().map(DeliveryAnswer::from).collect(),
        count: listed.count,
        offset: page.offset,
        limit: page.limit,
    }))
}

/// One event, or everything that was given up.
pub(super) async fn redeliver(
    Keyed(host): Keyed,
    Id(id): Id<SubscriberId>,
    _: NoQuery,
    Json(body): Json<Redeliver>,
) -> Result<RedeliveryAnswer> {
    match &body.event_id {
        Some(event) => host.redeliver(&id, event).await?,
        None => host.redeliver_failed(&id).await?,
    }
    Ok(Answer(RedeliveryAnswer {
        id: (&id).into(),
        event_id: body.event_id.map(IdOf::new),
        object: "webhook_endpoint",
    }))
}
