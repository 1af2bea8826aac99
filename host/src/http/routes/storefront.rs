//! `/store`: what a shop's visitor asks. No amount comes in here, and nothing private goes out.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::{CollectionId, ProviderId, SessionId};
use tillbox_runtime::request::Customer;

use super::providers::listed;
use super::sessions::{found, provider_id};
use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, NoQuery, Only};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForStorefront;
use crate::http::visitor::Visitor;
use crate::http::wire::{
    DeletedAnswer, NewStoreSessionAnswer, OneStoreCollection, OneStoreSession, ProviderInput, ProvidersAnswer,
    Selected, StoreAuthorizationAnswer, StoreCollectionAnswer, StoreCreateCollection, StoreCreateSession,
    StoreProviders, StoreSessionAnswer, StoreSessionStatusAnswer,
};
use crate::service::{NewSession, Payer, SessionUpdate};
use crate::store::Key;

type Result<T> = std::result::Result<Selected<T>, ForStorefront>;
type Whole<T> = std::result::Result<Answer<T>, ForStorefront>;

pub(super) async fn list_providers(
    State(host): State<Host>,
    Asked(StoreProviders(wanted)): Asked<StoreProviders>,
) -> Result<ProvidersAnswer> {
    Ok(listed(&host, wanted).await?)
}

/// The one collection of a cart. Who has it made is shown its client secret; one that there is already is for those who prove
/// that it is theirs. A request that is made again with its key is answered as before.
pub(super) async fn create_collection(
    Keyed(host): Keyed,
    visitor: Visitor,
    only: Only<OneStoreCollection>,
    Json(body): Json<StoreCreateCollection>,
) -> Result<OneStoreCollection> {
    let before = host.known_collection_of_cart(&body.cart_id).await?;
    if let Some(known) = &before
        && !host.has_key()
    {
        visitor.check(&host, Some(known)).await?;
    }
    let (collection, is_made) = host.found_or_made_for_cart(&body.cart_id).await?;
    let is_new = is_made || host.replayed();
    if !is_new {
        visitor.check(&host, Some(&collection.id)).await?;
    }
    let answer = StoreCollectionAnswer::from(&collection);
    let secret = if is_new { Some(host.client_secret(&collection.id).await?) } else { None };
    Ok(only.fields.of(OneStoreCollection { payment_collection: answer.opened_by(secret.as_ref()) }))
}

pub(super) async fn collection(
    State(host): State<Host>,
    Id(id): Id<CollectionId>,
    only: Only<OneStoreCollection>,
) -> Result<OneStoreCollection> {
    let collection = host.collection(&id).await?;
    Ok(only.fields.of(OneStoreCollection { payment_collection: StoreCollectionAnswer::from(&collection) }))
}

/// The payer chooses one way to pay: a session that was opened before and not paid makes way. A customer who shows a token is
/// the payer.
pub(super) async fn create_session(
    Keyed(host): Keyed,
    visitor: Visitor,
    Id(id): Id<CollectionId>,
    only: Only<NewStoreSessionAnswer>,
    Json(body): Json<StoreCreateSession>,
) -> Result<NewStoreSessionAnswer> {
    let provider: ProviderId = provider_id(&host, &body.provider_id)?;
    let customer = visitor.customer().map(|id| Customer { id: id.to_owned(), ..Customer::default() });
    let new = NewSession {
        data: body.data,
        region: body.region_id,
        payer: Payer { customer, locale: None },
        replaces_others: true,
        ..NewSession::new(provider)
    };
    let (collection, session) = host.open_session(&id, new).await?.value;
    Ok(only.fields.of(NewStoreSessionAnswer {
        payment_collection: StoreCollectionAnswer::from(&collection),
        payment_session: StoreSessionAnswer::new(&session, &id),
    }))
}

pub(super) async fn session(
    State(host): State<Host>,
    Id(id): Id<SessionId>,
    only: Only<OneStoreSession>,
) -> Result<OneStoreSession> {
    let (collection, session) = found(&host, &id).await?;
    Ok(only.fields.of(OneStoreSession { payment_session: StoreSessionAnswer::new(&session, &collection.id) }))
}

pub(super) async fn update_session(
    Keyed(host): Keyed,
    Id(id): Id<SessionId>,
    only: Only<OneStoreSession>,
    Json(body): Json<ProviderInput>,
) -> Result<OneStoreSession> {
    let collection = host.books(&Key::Session(id.clone())).await?;
    let session = host.update_session(&id, SessionUpdate { data: body.data, ..SessionUpdate::default() }).await?.value;
    Ok(only.fields.of(OneStoreSession { payment_session: StoreSessionAnswer::new(&session, &collection.id) }))
}

pub(super) async fn delete_session(
    Keyed(host): Keyed,
    Id(id): Id<SessionId>,
    _: NoQuery,
    _: NoBody,
) -> Whole<DeletedAnswer> {
    host.delete_session(&id).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "payment-session", deleted: true }))
}

/// Whatever the provider decides is an answer: a decline and a next action come back as the session's state.
pub(super) async fn authorize(
    Keyed(host): Keyed,
    Id(id): Id<SessionId>,
    _: NoQuery,
    Json(body): Json<ProviderInput>,
) -> Whole<StoreAuthorizationAnswer> {
    let collection = host.books(&Key::Session(id.clone())).await?;
    let authorization = host.authorize_session(&id, body.data.as_deref()).await?.value;
    Ok(Answer(StoreAuthorizationAnswer {
        payment_session: StoreSessionAnswer::new(&authorization.session, &collection.id),
        payment: authorization.payment.as_ref().map(Into::into),
    }))
}

pub(super) async fn status(
    State(host): State<Host>,
    Id(id): Id<SessionId>,
    _: NoQuery,
) -> Whole<StoreSessionStatusAnswer> {
    let outcome = host.session_status(&id).await?.value;
    let (collection, session) = found(&host, &id).await?;
    Ok(Answer(StoreSessionStatusAnswer {
        payment_session: StoreSessionAnswer::new(&session, &collection.id),
        provider: (&outcome).into(),
    }))
}
