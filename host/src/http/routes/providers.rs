//! `/admin` providers: which there are, whether they are wanted, and where.

use axum::Json as Answer;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use tillbox_core::id::ProviderId;

use crate::http::extract::{Asked, Id, Json, NoQuery, Only};
use crate::http::idempotency::Keyed;
use crate::http::problem::{ForOperator, Problem};
use crate::http::wire::{
    Invalid, OneProvider, OneProviderDetails, ProviderAnswer, ProviderEntries, ProviderEntryAnswer, ProvidersAnswer,
    RegionProviders, Selected, SwitchProvider, WantedEntries, WantedProviders,
};
use crate::service::ProviderFilter;
use crate::store::Page;
use crate::{Error, Host};

type Result<T> = std::result::Result<Selected<T>, ForOperator>;
type Whole<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(State(host): State<Host>, Asked(wanted): Asked<WantedProviders>) -> Result<ProvidersAnswer> {
    Ok(listed(&host, wanted).await?)
}

pub(super) async fn list_entries(
    State(host): State<Host>,
    Asked(WantedEntries { filter, page }): Asked<WantedEntries>,
) -> Whole<ProviderEntries> {
    let listed = host.payment_providers(&filter, page).await?;
    let payment_providers = listed.items.iter().map(ProviderEntryAnswer::from).collect();
    Ok(Answer(ProviderEntries { payment_providers, count: listed.count, offset: page.offset, limit: page.limit }))
}

pub(super) async fn show(State(host): State<Host>, Id(id): Id<ProviderId>, _: NoQuery) -> Whole<OneProviderDetails> {
    let details = host.provider_details(&id).await?;
    Ok(Answer(OneProviderDetails { payment_provider: (&details).into() }))
}

/// Switched off, it takes no new sessions; its payments go on.
pub(super) async fn switch(
    Keyed(host): Keyed,
    Id(id): Id<ProviderId>,
    only: Only<OneProvider>,
    Json(body): Json<SwitchProvider>,
) -> Result<OneProvider> {
    let provider = host.switch_provider(&id, body.is_enabled).await?;
    Ok(only.fields.of(OneProvider { payment_provider: provider.into() }))
}

/// Those that serve a region: all of them where it has no list.
pub(super) async fn region(
    State(host): State<Host>,
    region: std::result::Result<Path<String>, PathRejection>,
    only: Only<ProvidersAnswer>,
) -> Result<ProvidersAnswer> {
    let Path(region) = region.map_err(|_| Problem::from(Invalid::field("region_id", "is not UTF-8")))?;
    let filter = ProviderFilter { region: Some(region), ..ProviderFilter::default() };
    let page = Page { offset: 0, limit: Page::LIMIT_MAX };
    Ok(listed(&host, WantedProviders { filter, page, fields: only.fields }).await?)
}

/// Sets the list of a region; an empty one lets every provider serve.
pub(super) async fn set_region(
    Keyed(host): Keyed,
    region: std::result::Result<Path<String>, PathRejection>,
    only: Only<ProvidersAnswer>,
    Json(body): Json<RegionProviders>,
) -> Result<ProvidersAnswer> {
    let Path(region) = region.map_err(|_| Problem::from(Invalid::field("region_id", "is not UTF-8")))?;
    let serving = host.set_region_providers(&region, &body.payment_providers).await?;
    let count = serving.len() as u64;
    let payment_providers = serving.into_iter().map(ProviderAnswer::from).collect();
    Ok(only.fields.of(ProvidersAnswer { payment_providers, count, offset: 0, limit: Page::LIMIT_MAX }))
}

pub(super) async fn listed(
    host: &Host,
    WantedProviders { filter, page, fields }: WantedProviders,
) -> std::result::Result<Selected<ProvidersAnswer>, Error> {
    let listed = host.payment_providers(&filter, page).await?;
    let payment_providers = listed.items.into_iter().map(ProviderAnswer::from).collect();
    let Page { offset, limit } = page;
    Ok(fields.of(ProvidersAnswer { payment_providers, count: listed.count, offset, limit }))
}
