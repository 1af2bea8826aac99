//! Providers and the regions they serve as rows, and back.

use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;

use super::{Row, Step, Value};
use crate::store::{Admission, KeptProvider, StoreError};

pub(in crate::store) const ALL: &str = "select id, is_enabled, created_at, updated_at from provider order by id";

/// Its values are the region and the provider.
pub(in crate::store) const ADMISSION: &str = "select p.id, p.is_enabled, \
     (select count(*) from region_payment_provider where region_id = $1), \
     (select count(*) from region_payment_provider where region_id = $1 and provider_id = p.id) \
     from provider p where p.id = $2";

pub(in crate::store) const OF_REGION: &str =
    "select provider_id from region_payment_provider where region_id = $1 order by provider_id";

pub(in crate::store) fn register(ids: &[ProviderId], at: Timestamp) -> Vec<Step> {
    let sql = "insert into provider (id, is_enabled, created_at, updated_at) values ($1, $2, $3, $4) \
               on conflict (id) do nothing";
    let values = |id: &ProviderId| vec![id.as_str().into(), 1.into(), at.0.into(), at.0.into()];
    ids.iter().map(|id| step(sql, values(id))).collect()
}

/// Guarded: one that was never installed is told apart.
pub(in crate::store) fn switch(id: &ProviderId, is_enabled: bool, at: Timestamp) -> Step {
    let sql = "update provider set is_enabled = $1, updated_at = $2 where id = $3";
    let values = vec![i64::from(is_enabled).into(), at.0.into(), id.as_str().into()];
    Step { guarded: true, ..step(sql, values) }
}

pub(in crate::store) fn set_region(region: &str, providers: &[ProviderId]) -> Vec<Step> {
    let forget = step("delete from region_payment_provider where region_id = $1", vec![region.into()]);
    let sql = "insert into region_payment_provider (region_id, provider_id) values ($1, $2) on conflict do nothing";
    let add = |id: &ProviderId| step(sql, vec![region.into(), id.as_str().into()]);
    std::iter::once(forget).chain(providers.iter().map(add)).collect()
}

pub(in crate::store) fn read(row: &Row) -> Result<KeptProvider, StoreError> {
    Ok(KeptProvider {
        id: row.place().id(ProviderId::parse(row.text(0)?))?,
        is_enabled: row.int(1)? != 0,
        created_at: Timestamp(row.int(2)?),
        updated_at: Timestamp(row.int(3)?),
    })
}

pub(in crate::store) fn admission(row: &Row) -> Result<Admission, StoreError> {
    let serves_region = row.int(2)? == 0 || row.int(3)? > 0;
    Ok(Admission { is_enabled: row.int(1)? != 0, serves_region })
}

pub(in crate::store) fn id(row: &Row) -> Result<ProviderId, StoreError> {
    row.place().id(ProviderId::parse(row.text(0)?))
}

fn step(sql: &'static str, values: Vec<Value>) -> Step {
    Step { sql, values, guarded: false }
}
