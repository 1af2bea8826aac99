//! API keys as rows, and back.

use tillbox_core::Timestamp;

use super::{Conditions, Find, Row, Step, Value};
use crate::store::{ApiKeyId, ApiKeyKind, KeptApiKey, Page, Scope, StoreError};

const COLUMNS: &str = "id, kind, title, scopes, digest, replaced_by, created_at, expires_at, revoked_at, last_used_at";

pub(in crate::store) const BY_ID: &str = "select id, kind, title, scopes, digest, replaced_by, created_at, expires_at, \
     revoked_at, last_used_at from api_key where id = $1";

const INSERT: &str = "insert into api_key (id, kind, title, scopes, digest, replaced_by, created_at, expires_at, \
     revoked_at, last_used_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Whoever replaces or revokes first is the one who does.
const REPLACE: &str = "update api_key set replaced_by = $1, \
     expires_at = case when expires_at is null or expires_at > $2 then $2 else expires_at end \
     where id = $3 and replaced_by is null and revoked_at is null";

const REVOKE: &str = "update api_key set revoked_at = $1 where id = $2 and revoked_at is null";

const USE: &str = "update api_key set last_used_at = $1 where id = $2 and (last_used_at is null or last_used_at < $1)";

pub(in crate::store) fn add(key: &KeptApiKey) -> Step {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let values = vec![
        key.id.as_str().into(),
        key.kind.as_str().into(),
        key.title.clone().into(),
        scopes.join(",").into(),
        Value::Bytes(key.digest.to_vec()),
        key.replaced_by.as_ref().map(ApiKeyId::as_str).into(),
        key.created_at.0.into(),
        key.expires_at.map(|at| at.0).into(),
        key.revoked_at.map(|at| at.0).into(),
        key.last_used_at.map(|at| at.0).into(),
    ];
    Step { sql: INSERT, values, guarded: false }
}

pub(in crate::store) fn replace(id: &ApiKeyId, ends_at: Timestamp, by: &KeptApiKey) -> Vec<Step> {
    let values = vec![by.id.as_str().into(), ends_at.0.into(), id.as_str().into()];
    vec![Step { sql: REPLACE, values, guarded: true }, add(by)]
}

pub(in crate::store) fn revoke(id: &ApiKeyId, at: Timestamp) -> Step {
    Step { sql: REVOKE, values: vec![at.0.into(), id.as_str().into()], guarded: false }
}

pub(in crate::store) fn use_key(id: &ApiKeyId, at: Timestamp) -> Step {
    Step { sql: USE, values: vec![at.0.into(), id.as_str().into()], guarded: false }
}

pub(in crate::store) fn list(page: Page) -> Find {
    Conditions::new("id is not null").find("api_key", COLUMNS, "api_key", ("id", "id", true), page)
}

pub(in crate::store) fn read(row: &Row) -> Result<KeptApiKey, StoreError> {
    let place = row.place();
    let unknown = |what: &str, text: &str| place.corrupt(format!("`{text}` is no {what}"));
    let id = |text: &str| ApiKeyId::parse(text).ok_or_else(|| unknown("id", text));
    let (kind, scopes) = (row.text(1)?, row.text(3)?);
    let scopes = scopes.split(',').filter(|name| !name.is_empty());
    Ok(KeptApiKey {
        id: id(row.text(0)?)?,
        kind: ApiKeyKind::parse(kind).ok_or_else(|| unknown("kind", kind))?,
        title: row.optional_text(2)?.map(str::to_owned),
        scopes: scopes
            .map(|name| Scope::parse(name).ok_or_else(|| unknown("scope", name)))
            .collect::<Result<_, _>>()?,
        digest: row.bytes(4)?.try_into().map_err(|_| place.corrupt("the digest has not 32 bytes"))?,
        replaced_by: row.optional_text(5)?.map(id).transpose()?,
        created_at: Timestamp(row.int(6)?),
        expires_at: row.optional_int(7)?.map(Timestamp),
        revoked_at: row.optional_int(8)?.map(Timestamp),
        last_used_at: row.optional_int(9)?.map(Timestamp),
    })
}
