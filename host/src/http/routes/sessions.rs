//! `/admin` sessions: what storefronts can do, and amounts and payers besides.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::{CollectionId, ProviderId, SessionId};
use tillbox_core::state::{Collection, Session};

use crate::Host;
use crate::http::extract::{Asked, Id, Json, NoBody, NoQuery, Only};
use crate::http::idempotency::Keyed;
use crate::http::limits::ECHO_CHARS_MAX;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    AuthorizationAnswer, CollectionAnswer, CreateSession, DeletedAnswer, List, NewSessionAnswer, OneSession,
    ProviderInput, Selected, SessionAnswer, SessionStatusAnswer, Sessions, UpdateSession,
};
use crate::service::{Error, NewSession, SessionUpdate};
use crate::store::{Key, Page, SessionFilter};

type Result<T> = std::result::Result<Selected<T>, ForOperator>;
type Whole<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn create(
    Keyed(host): Keyed,
    Id(id): Id<CollectionId>,
    only: Only<NewSessionAnswer>,
    Json(body): Json<CreateSession>,
) -> Result<NewSessionAnswer> {
    let currency = host.books(&Key::Collection(id.clone())).await?.currency();
    let new = NewSession {
        provider: provider_id(&host, &body.provider_id)?,
        amount: body.amount.map(|amount| amount.of(currency)).transpose()?,
        data: body.data,
        payer: body.payer,
        metadata: body.metadata,
        region: body.region_id,
        replaces_others: false,
    };
    let (collection, session) = host.open_session(&id, new).await?.value;
    Ok(only.fields.of(NewSessionAnswer {
        payment_collection: CollectionAnswer::from(&collection),
        payment_session: SessionAnswer::new(&session, &collection),
    }))
}

pub(super) async fn list(
    State(host): State<Host>,
    Asked(List { wanted, fields, .. }): Asked<List<SessionFilter, Sessions>>,
) -> Result<Sessions> {
    let Page { offset, limit } = wanted.page;
    let listed = host.sessions(wanted).await?;
    let payment_sessions = listed.items.iter().map(SessionAnswer::listed).collect();
    Ok(fields.of(Sessions { payment_sessions, count: listed.count, offset, limit }))
}

pub(super) async fn show(
    State(host): State<Host>,
    Id(id): Id<SessionId>,
    only: Only<OneSession>,
) -> Result<OneSession> {
    let (collection, session) = found(&host, &id).await?;
    Ok(only.fields.of(OneSession { payment_session: SessionAnswer::new(&session, &collection) }))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<SessionId>,
    only: Only<OneSession>,
    Json(body): Json<UpdateSession>,
) -> Result<OneSession> {
    let collection = host.books(&Key::Session(id.clone())).await?;
    let amount = body.amount.map(|amount| amount.of(collection.currency())).transpose()?;
    let update = SessionUpdate { amount, data: body.data, payer: body.payer, metadata: body.metadata };
    let view = host.change_session(&id, update).await?.value;
    Ok(only.fields.of(OneSession { payment_session: SessionAnswer::listed(&view) }))
}

pub(super) async fn delete(Keyed(host): Keyed, Id(id): Id<SessionId>, _: NoQuery, _: NoBody) -> Whole<DeletedAnswer> {
    host.delete_session(&id).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "payment-session", deleted: true }))
}

pub(super) async fn authorize(
    Keyed(host): Keyed,
    Id(id): Id<SessionId>,
    _: NoQuery,
    Json(body): Json<ProviderInput>,
) -> Whole<AuthorizationAnswer> {
    let (view, payment) = host.authorize_in_view(&id, body.data.as_deref()).await?.value;
    Ok(Answer(AuthorizationAnswer {
        payment_session: SessionAnswer::listed(&view),
        payment: payment.as_ref().map(Into::into),
    }))
}

pub(super) async fn status(State(host): State<Host>, Id(id): Id<SessionId>, _: NoQuery) -> Whole<SessionStatusAnswer> {
    let outcome = host.session_status(&id).await?.value;
    let (collection, session) = found(&host, &id).await?;
    Ok(Answer(SessionStatusAnswer {
        payment_session: SessionAnswer::new(&session, &collection),
        provider: (&outcome).into(),
    }))
}

/// A session that was not abandoned, and the collection it belongs to.
pub(super) async fn found(host: &Host, id: &SessionId) -> std::result::Result<(Collection, Session), Error> {
    let collection = host.collection_of_session(id).await?;
    let session = collection.live_sessions().find(|session| session.id == *id).cloned();
    let session = session.ok_or_else(|| Error::NotFound { entity: "PaymentSession", id: id.to_string() })?;
    Ok((collection, session))
}

/// The id of a provider, or the same error that one gets for a provider that is not installed.
pub(super) fn provider_id(host: &Host, text: &str) -> std::result::Result<ProviderId, Error> {
    ProviderId::parse(text).map_err(|_| Error::UnknownProvider {
        id: text.chars().take(ECHO_CHARS_MAX).collect(),
        installed: host.providers().into_iter().map(|provider| provider.id.to_string()).collect(),
    })
}
