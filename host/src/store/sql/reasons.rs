//! Reasons for refunds as rows, and back.

use tillbox_core::Timestamp;
use tillbox_core::id::RefundReasonId;
use tillbox_core::text::Json;

use super::{Conditions, Dialect, Find, Row, Step, Value};
use crate::store::{By, Page, ReasonField, RefundReason, RefundReasonFilter, StoreError, Wanted};

const COLUMNS: &str = "id, label, code, description, metadata, created_at, updated_at, deleted_at";

const UPSERT: &str = "insert into refund_reason (id, label, code, description, metadata, created_at, updated_at, \
     deleted_at) values ($1, $2, $3, $4, $5, $6, $7, $8) \
     on conflict (id) do update set label = excluded.label, code = excluded.code, description = excluded.description, \
     metadata = excluded.metadata, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at \
     where refund_reason.deleted_at is null";

/// Guarded: whoever comes second changes nothing.
const MARK_SEEDED: &str =
    "insert into meta (name, value) values ('refund_reasons_seeded', $1) on conflict (name) do nothing";

/// A row when the reasons were seeded.
pub(in crate::store) const SEEDED: &str = "select name from meta where name = 'refund_reasons_seeded'";

pub(in crate::store) fn keep(reasons: &[RefundReason]) -> Vec<Step> {
    reasons.iter().map(reason).collect()
}

pub(in crate::store) fn seed(reasons: &[RefundReason]) -> Vec<Step> {
    let mark = Step { sql: MARK_SEEDED, values: vec![Value::Bytes(vec![1])], guarded: true };
    std::iter::once(mark).chain(reasons.iter().map(reason)).collect()
}

/// Guarded: one that was deleted meanwhile is not brought back.
fn reason(reason: &RefundReason) -> Step {
    let values = vec![
        reason.id.as_str().into(),
        reason.label.clone().into(),
        reason.code.clone().into(),
        reason.description.clone().into(),
        reason.metadata.as_ref().map(|json| json.as_str()).into(),
        reason.created_at.0.into(),
        reason.updated_at.0.into(),
        reason.deleted_at.map(|at| at.0).into(),
    ];
    Step { sql: UPSERT, values, guarded: true }
}

pub(in crate::store) fn find(wanted: &Wanted<RefundReasonFilter>, dialect: Dialect) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new(if filter.with_deleted { "id is not null" } else { "deleted_at is null" });
    conditions.among("id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("code", filter.codes.iter().map(String::as_str));
    conditions.within("created_at", filter.created);
    conditions.within("updated_at", filter.updated);
    conditions.contains(&["label", "code", "description"], filter.text.as_deref());
    conditions.meets(&filter.condition, dialect, |field| match field {
        ReasonField::Id => "id",
        ReasonField::Code => "code",
        ReasonField::Label => "label",
        ReasonField::CreatedAt => "created_at",
        ReasonField::UpdatedAt => "updated_at",
        ReasonField::DeletedAt => "deleted_at",
    });
    let by = match order.by {
        By::Id | By::Amount => "id",
        By::CreatedAt => "created_at",
        By::UpdatedAt => "updated_at",
        By::Label => "label",
        By::Code => "code",
    };
    conditions.find("refund_reason", COLUMNS, "refund_reason", (by, "id", order.descending), *page)
}

/// Those with these ids, deleted or not.
pub(in crate::store) fn by_ids(ids: &[RefundReasonId]) -> Find {
    let mut conditions = Conditions::new("id is not null");
    conditions.among("id", ids.iter().map(|id| id.as_str()));
    let page = Page { offset: 0, limit: Page::LIMIT_MAX };
    conditions.find("refund_reason", COLUMNS, "refund_reason", ("id", "id", false), page)
}

pub(in crate::store) fn read(row: &Row) -> Result<RefundReason, StoreError> {
    let place = row.place();
    Ok(RefundReason {
        id: place.id(RefundReasonId::parse(row.text(0)?))?,
        label: row.text(1)?.to_owned(),
        code: row.text(2)?.to_owned(),
        description: row.optional_text(3)?.map(str::to_owned),
        metadata: row.optional_text(4)?.map(Json::from_checked),
        created_at: Timestamp(row.int(5)?),
        updated_at: Timestamp(row.int(6)?),
        deleted_at: row.optional_int(7)?.map(Timestamp),
    })
}
