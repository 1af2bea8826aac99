//! Who may act on a collection, as a row, and back.

use tillbox_core::id::CollectionId;

use super::{Row, Step};
use crate::store::{CollectionAccess, StoreError};

pub(in crate::store) const OF_COLLECTION: &str =
    "select collection_id, customer_id, secret_version from collection_access where collection_id = $1";

const INSERT: &str = "insert into collection_access (collection_id, customer_id, secret_version) values ($1, $2, $3)";

const NEXT_SECRET: &str = "insert into collection_access (collection_id, customer_id, secret_version) values ($1, null, $2) \
     on conflict (collection_id) do update set secret_version = collection_access.secret_version + 1";

/// The customer of a new collection.
pub(in crate::store) fn made_for(collection: &str, customer: &str) -> Step {
    let values = vec![collection.into(), customer.into(), CollectionAccess::FIRST_SECRET.into()];
    Step { sql: INSERT, values, guarded: false }
}

pub(in crate::store) fn next_secret(id: &CollectionId) -> Step {
    let values = vec![id.as_str().into(), (CollectionAccess::FIRST_SECRET + 1).into()];
    Step { sql: NEXT_SECRET, values, guarded: false }
}

pub(in crate::store) fn read(row: Option<&Row>) -> Result<CollectionAccess, StoreError> {
    let Some(row) = row else { return Ok(CollectionAccess::default()) };
    Ok(CollectionAccess { customer: row.optional_text(1)?.map(str::to_owned), secret_version: row.int(2)? })
}
