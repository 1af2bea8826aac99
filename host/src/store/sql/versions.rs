//! Versions of providers and their components as rows, and back.

use tillbox_core::id::ProviderId;
use tillbox_core::{ComponentDigest, Timestamp};

use super::decode::digest;
use super::{Row, Step, Value, providers};
use crate::store::{KeptVersion, StoreError, VersionState, VersionStep};

/// Bytes of a part: a batch of a move between databases holds a thousand of them, which is then 64 MB.
const PART_BYTES: usize = 64 * 1024;

/// Parts that one transaction writes, a megabyte: other changes wait for it some milliseconds.
const PARTS_AT_ONCE: usize = 16;

/// A part is its digest's: what is there already is the same.
const KEEP_PART: &str =
    "insert into component (digest, part, bytes) values ($1, $2, $3) on conflict (digest, part) do nothing";

pub(in crate::store) const PARTS: &str = "select digest, part, bytes from component where digest = $1 order by part";

pub(in crate::store) const ALL: &str = "select provider_id, number, digest, identifier, version, minimum_version, grants, \
     state, proposed_by, approved_by, created_at, approved_at, served_from, served_until from provider_version \
     order by provider_id, number";

/// The list of states is that of the index.
pub(in crate::store) const OPEN: &str = "select component_digest, count(*) from operation \
     where state in ('running', 'pending', 'unknown', 'needs_review') and provider_id = $1 and component_digest is not null \
     group by component_digest order by component_digest";

const ADD: &str = "insert into provider_version (provider_id, number, digest, identifier, version, minimum_version, grants, \
     state, proposed_by, approved_by, created_at, approved_at, served_from, served_until) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// A version that comes to serve has no end, and one that was approved before keeps who did.
const SERVE: &str = "update provider_version set state = $1, approved_by = coalesce($2, approved_by), \
     approved_at = coalesce(approved_at, $3), served_from = $3, served_until = null \
     where provider_id = $4 and number = $5 and state = $6";

const RETIRE: &str = "update provider_version set state = $1, served_until = coalesce(served_until, $2) \
     where provider_id = $3 and number = $4 and state = $5";

const REJECT: &str = "update provider_version set state = $1 where provider_id = $2 and number = $3 and state = $4";

/// A component as changes, one after the other: each is written as a whole, and all of them make the component.
pub(in crate::store) fn keep(digest: ComponentDigest, bytes: &[u8]) -> Vec<Vec<Step>> {
    let name = digest.to_string();
    let parts = bytes.chunks(PART_BYTES).zip(0_i64..);
    let steps: Vec<Step> = parts
        .map(|(bytes, part)| plain(KEEP_PART, vec![name.as_str().into(), part.into(), Value::Bytes(bytes.to_vec())]))
        .collect();
    steps.chunks(PARTS_AT_ONCE).map(<[Step]>::to_vec).collect()
}

/// The bytes of a component from its parts, which follow each other from the first.
pub(in crate::store) fn whole(rows: &[Row]) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(rows.len() * PART_BYTES);
    for (row, part) in rows.iter().zip(0_i64..) {
        if row.int(1)? != part {
            return Err(row.place().corrupt(format!("part {part} is missing")));
        }
        bytes.extend_from_slice(row.bytes(2)?);
    }
    Ok(bytes)
}

pub(in crate::store) fn step(step: &VersionStep) -> Vec<Step> {
    match step {
        VersionStep::Register(id, at) => providers::register(std::slice::from_ref(id), *at),
        VersionStep::Add(version) => vec![add(version)],
        VersionStep::Move { provider, number, from, to, approved_by, at } => {
            let whose = |mut values: Vec<Value>| {
                values.extend([provider.as_str().into(), i64::from(*number).into(), from.as_str().into()]);
                values
            };
            let (sql, values) = match to {
                VersionState::Serving => (SERVE, vec![to.as_str().into(), approved_by.clone().into(), at.0.into()]),
                VersionState::Retired | VersionState::Removed => (RETIRE, vec![to.as_str().into(), at.0.into()]),
                VersionState::Rejected | VersionState::Proposed => (REJECT, vec![to.as_str().into()]),
            };
            vec![Step { sql, values: whose(values), guarded: true }]
        }
    }
}

fn add(version: &KeptVersion) -> Step {
    plain(
        ADD,
        vec![
            version.provider.as_str().into(),
            i64::from(version.number).into(),
            version.digest.to_string().into(),
            version.identifier.as_str().into(),
            version.version.as_str().into(),
            version.minimum_version.clone().into(),
            version.grants.as_str().into(),
            version.state.as_str().into(),
            version.proposed_by.as_str().into(),
            version.approved_by.clone().into(),
            version.created_at.0.into(),
            version.approved_at.map(|at| at.0).into(),
            version.served_from.map(|at| at.0).into(),
            version.served_until.map(|at| at.0).into(),
        ],
    )
}

pub(in crate::store) fn read(row: &Row) -> Result<KeptVersion, StoreError> {
    let place = row.place();
    let state = row.text(7)?;
    let owned = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
    let time = |column| row.optional_int(column).map(|at| at.map(Timestamp));
    Ok(KeptVersion {
        provider: place.id(ProviderId::parse(row.text(0)?))?,
        number: u32::try_from(row.int(1)?).map_err(|error| place.corrupt(error))?,
        digest: digest(place, "digest", row.text(2)?)?,
        identifier: row.text(3)?.to_owned(),
        version: row.text(4)?.to_owned(),
        minimum_version: owned(5)?,
        grants: row.text(6)?.to_owned(),
        state: place.named(VersionState::parse(state), "state", state)?,
        proposed_by: row.text(8)?.to_owned(),
        approved_by: owned(9)?,
        created_at: Timestamp(row.int(10)?),
        approved_at: time(11)?,
        served_from: time(12)?,
        served_until: time(13)?,
    })
}

pub(in crate::store) fn open(row: &Row) -> Result<(ComponentDigest, u64), StoreError> {
    Ok((digest(row.place(), "component_digest", row.text(0)?)?, row.int(1)?.unsigned_abs()))
}

fn plain(sql: &'static str, values: Vec<Value>) -> Step {
    Step { sql, values, guarded: false }
}
