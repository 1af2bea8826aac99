//! `/admin` versions of providers: bring a component, install it, upgrade, approve, roll back, remove, while payments run.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::ProviderId;

use crate::http::auth::By;
use crate::http::extract::{Id, IdAnd, Json, NoBody, NoQuery, Wasm};
use crate::http::idempotency::Keyed;
use crate::http::problem::{ForOperator, Problem};
use crate::http::wire::{
    InstallProvider, NamedVersion, OneComponent, OneProviderVersion, ProviderVersionAnswer, ProviderVersions,
    UpgradeProvider,
};
use crate::service::ProviderVersion;
use crate::{Error, Host};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

fn one(version: &ProviderVersion) -> Answer<OneProviderVersion> {
    Answer(OneProviderVersion { provider_version: version.into() })
}

/// Checked like one that is installed, and kept under its digest. Bringing it again changes nothing.
pub(super) async fn bring(Keyed(host): Keyed, _: NoQuery, Wasm(bytes): Wasm) -> Result<OneComponent> {
    let kept = host.keep_component(bytes).await?;
    Ok(Answer(OneComponent { provider_component: (&kept).into() }))
}

pub(super) async fn install(
    Keyed(host): Keyed,
    By(by): By,
    _: NoQuery,
    Json(body): Json<InstallProvider>,
) -> Result<OneProviderVersion> {
    Ok(one(&host.install_provider(&body.id, body.version.by(by)).await?))
}

pub(super) async fn upgrade(
    Keyed(host): Keyed,
    By(by): By,
    Id(id): Id<ProviderId>,
    _: NoQuery,
    Json(body): Json<UpgradeProvider>,
) -> Result<OneProviderVersion> {
    Ok(one(&host.upgrade_provider(&id, body.by(by)).await?))
}

/// What was looked at is what is approved: another proposal has another number.
pub(super) async fn approve(
    Keyed(host): Keyed,
    By(by): By,
    Id(id): Id<ProviderId>,
    _: NoQuery,
    Json(body): Json<NamedVersion>,
) -> Result<OneProviderVersion> {
    Ok(one(&host.approve_provider(&id, body.version, &by).await?))
}

pub(super) async fn roll_back(
    Keyed(host): Keyed,
    By(by): By,
    Id(id): Id<ProviderId>,
    _: NoQuery,
    Json(body): Json<NamedVersion>,
) -> Result<OneProviderVersion> {
    Ok(one(&host.roll_back_provider(&id, body.version, &by).await?))
}

/// All of them: an operator installs few.
pub(super) async fn list(State(host): State<Host>, Id(id): Id<ProviderId>, _: NoQuery) -> Result<ProviderVersions> {
    let versions = host.provider_versions(Some(&id)).await?;
    let provider_versions: Vec<ProviderVersionAnswer> = versions.iter().map(Into::into).collect();
    Ok(Answer(ProviderVersions { count: provider_versions.len() as u64, provider_versions }))
}

/// With all its versions. Refused while operations are open that only they can finish.
pub(super) async fn remove(
    Keyed(host): Keyed,
    By(by): By,
    Id(id): Id<ProviderId>,
    _: NoQuery,
    _: NoBody,
) -> Result<OneProviderVersion> {
    Ok(one(&host.remove_provider(&id, false, &by).await?))
}

pub(super) async fn remove_version(
    Keyed(host): Keyed,
    By(by): By,
    IdAnd(id, number): IdAnd<ProviderId>,
    _: NoQuery,
    _: NoBody,
) -> Result<OneProviderVersion> {
    let not_found = || Problem::from(Error::NotFound { entity: "ProviderVersion", id: format!("{id} {number}") });
    let version = number.parse::<u32>().map_err(|_| not_found())?;
    Ok(one(&host.remove_version(&id, version, false, &by).await?))
}
