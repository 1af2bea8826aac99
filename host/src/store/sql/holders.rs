//! Account holders as rows, and back.

use tillbox_core::Timestamp;
use tillbox_core::id::{AccountHolderId, ProviderId};
use tillbox_core::text::Json;

use super::{Conditions, Find, Row, Step};
use crate::store::{AccountHolderFilter, By, KeptHolder, StoreError, Wanted};

const COLUMNS: &str = "id, provider_id, customer_id, external_id, email, data, metadata, request, attempts, created_at, \
     updated_at, deleted_at";

pub(in crate::store) const BY_ID: &str = "select id, provider_id, customer_id, external_id, email, data, metadata, request, \
     attempts, created_at, updated_at, deleted_at from account_holder where id = $1";

pub(in crate::store) const BY_CUSTOMER: &str = "select id, provider_id, customer_id, external_id, email, data, metadata, \
     request, attempts, created_at, updated_at, deleted_at \
     from account_holder where provider_id = $1 and customer_id = $2 and deleted_at is null";

const UPSERT: &str = "insert into account_holder (id, provider_id, customer_id, external_id, email, data, metadata, request, \
     attempts, created_at, updated_at, deleted_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     on conflict (id) do update set external_id = excluded.external_id, email = excluded.email, data = excluded.data, \
     metadata = excluded.metadata, request = excluded.request, attempts = excluded.attempts, \
     updated_at = excluded.updated_at, deleted_at = excluded.deleted_at where account_holder.deleted_at is null \
     and (account_holder.external_id is null or excluded.external_id is not null)";

/// Guarded: one that was deleted meanwhile is not brought back, and one that the provider has confirmed is not made a question
/// again by somebody who was slower.
pub(in crate::store) fn keep(holder: &KeptHolder) -> Step {
    let values = vec![
        holder.id.as_str().into(),
        holder.provider.as_str().into(),
        holder.customer.clone().into(),
        holder.external_id.clone().into(),
        holder.email.clone().into(),
        holder.data.as_str().into(),
        holder.metadata.as_ref().map(|json| json.as_str()).into(),
        holder.request.as_ref().map(|json| json.as_str()).into(),
        i64::from(holder.attempts).into(),
        holder.created_at.0.into(),
        holder.updated_at.0.into(),
        holder.deleted_at.map(|at| at.0).into(),
    ];
    Step { sql: UPSERT, values, guarded: true }
}

pub(in crate::store) fn find(wanted: &Wanted<AccountHolderFilter>) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new("deleted_at is null and external_id is not null");
    conditions.among("id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("provider_id", filter.providers.iter().map(|id| id.as_str()));
    conditions.among("customer_id", filter.customers.iter().map(String::as_str));
    conditions.among("external_id", filter.external_ids.iter().map(String::as_str));
    conditions.among("email", filter.emails.iter().map(String::as_str));
    conditions.within("created_at", filter.created);
    conditions.within("updated_at", filter.updated);
    conditions.contains(&["email", "customer_id", "external_id"], filter.text.as_deref());
    let by = match order.by {
        By::Id | By::Amount | By::Label | By::Code => "id",
        By::CreatedAt => "created_at",
        By::UpdatedAt => "updated_at",
    };
    conditions.find("account_holder", COLUMNS, "account_holder", (by, "id", order.descending), *page)
}

pub(in crate::store) fn read(row: &Row) -> Result<KeptHolder, StoreError> {
    let place = row.place();
    let owned = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
    Ok(KeptHolder {
        id: place.id(AccountHolderId::parse(row.text(0)?))?,
        provider: place.id(ProviderId::parse(row.text(1)?))?,
        customer: row.text(2)?.to_owned(),
        external_id: owned(3)?,
        email: owned(4)?,
        data: Json::from_checked(row.text(5)?),
        metadata: row.optional_text(6)?.map(Json::from_checked),
        request: row.optional_text(7)?.map(Json::from_checked),
        attempts: u32::try_from(row.int(8)?).map_err(|error| place.corrupt(error))?,
        created_at: Timestamp(row.int(9)?),
        updated_at: Timestamp(row.int(10)?),
        deleted_at: row.optional_int(11)?.map(Timestamp),
    })
}
