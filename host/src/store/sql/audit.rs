//! Calls as rows, and back.

use tillbox_core::Timestamp;

use super::{Conditions, Find, Row, Step, Value};
use crate::store::{ApiKeyId, ApiKeyKind, AuditEnd, AuditEntry, AuditFilter, Page, StoreError};

const COLUMNS: &str = "id, api_key_id, caller, customer_id, method, route, subject_id, request_id, idempotency_key, status, \
     code, created_at, ended_at";

/// The id is ours: a second attempt finds its own first.
const INSERT: &str = "insert into audit (id, api_key_id, caller, customer_id, method, route, subject_id, request_id, \
     idempotency_key, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing";

const END: &str = "update audit set status = $1, code = $2, ended_at = $3 where id = $4";

/// What stands for no key at all.
const NONE: &str = "none";

pub(in crate::store) fn begin(entry: &AuditEntry) -> Step {
    let values = vec![
        entry.id.as_str().into(),
        entry.api_key.as_ref().map(ApiKeyId::as_str).into(),
        entry.kind.map_or(NONE, ApiKeyKind::as_str).into(),
        entry.customer.clone().into(),
        entry.method.as_str().into(),
        entry.route.as_str().into(),
        entry.subject.clone().into(),
        entry.request_id.as_str().into(),
        entry.idempotency_key.clone().into(),
        entry.created_at.0.into(),
    ];
    Step { sql: INSERT, values, guarded: false }
}

pub(in crate::store) fn end((id, end): &(String, AuditEnd)) -> Step {
    let values: Vec<Value> =
        vec![i64::from(end.status).into(), end.code.clone().into(), end.at.0.into(), id.as_str().into()];
    Step { sql: END, values, guarded: false }
}

pub(in crate::store) fn find(filter: &AuditFilter, page: Page) -> Find {
    let mut conditions = Conditions::new("id is not null");
    conditions.among("api_key_id", filter.api_keys.iter().map(String::as_str));
    conditions.among("subject_id", filter.subjects.iter().map(String::as_str));
    conditions.among("request_id", filter.request_ids.iter().map(String::as_str));
    conditions.within("created_at", filter.created);
    conditions.find("audit", COLUMNS, "audit", ("id", "id", true), page)
}

pub(in crate::store) fn read(row: &Row) -> Result<AuditEntry, StoreError> {
    let place = row.place();
    let owned = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
    let id = |text: &str| ApiKeyId::parse(text).ok_or_else(|| place.corrupt("the key's id is none"));
    let end = match (row.optional_int(9)?, row.optional_int(12)?) {
        (Some(status), Some(at)) => Some(AuditEnd {
            status: u16::try_from(status).map_err(|error| place.corrupt(error))?,
            code: owned(10)?,
            at: Timestamp(at),
        }),
        (_, _) => None,
    };
    Ok(AuditEntry {
        id: row.text(0)?.to_owned(),
        api_key: row.optional_text(1)?.map(id).transpose()?,
        kind: ApiKeyKind::parse(row.text(2)?),
        customer: owned(3)?,
        method: row.text(4)?.to_owned(),
        route: row.text(5)?.to_owned(),
        subject: owned(6)?,
        request_id: row.text(7)?.to_owned(),
        idempotency_key: owned(8)?,
        created_at: Timestamp(row.int(11)?),
        end,
    })
}
