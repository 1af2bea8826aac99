//! What a webhook says: `{"type", "timestamp", "data"}`, as the Standard Webhooks specification recommends.

use serde_json::{Value, json};
use tillbox_core::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::store::OutboxEvent;

/// The body of an event: the same bytes at every attempt.
pub(crate) fn body(event: &OutboxEvent) -> Vec<u8> {
    let mut data = event.data.clone();
    if let Some(data) = data.as_object_mut() {
        data.insert("payment_collection_id".to_owned(), Value::from(event.collection.as_str()));
    }
    json!({ "type": event.kind, "timestamp": moment(event.at), "data": data }).to_string().into_bytes()
}

/// RFC 3339 in UTC; the number of milliseconds where the year has no name.
fn moment(at: Timestamp) -> String {
    let known = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.milliseconds()) * 1_000_000).ok();
    let text = known.and_then(|at| at.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("{} ms", at.milliseconds()))
}
