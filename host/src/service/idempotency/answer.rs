//! The answer of a request as it is kept with its key: the part of the collection it speaks of, the operation it is about,
//! and the provider's words where it did not take the request. Everything told is made from these, the first time too.
//!
//! An answer of the kind 5xx is never kept: it says that something is open or broken, and a retry may find it done.

use serde_json::{Value, json};
use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::outcome::{ErrorKind, ProviderError};
use tillbox_core::state::Collection;
use tillbox_core::text::Json;

use super::super::Error;
use super::super::execute::Executed;
use crate::store::{StoreError, snapshot_from_text, snapshot_to_text};

/// What an operation came to, for its caller.
pub(in crate::service) type Concluded = Result<Executed, Error>;

/// The text of an answer that is kept; nothing when it is not to be kept. `after` is the collection it was made from.
pub(super) fn to_text(concluded: &Concluded, after: &Collection, session: Option<&SessionId>) -> Option<String> {
    let (operation, rejected) = match concluded {
        Ok(executed) => (executed.operation.as_ref().map(|operation| &operation.id), None),
        Err(Error::Rejected { operation, error }) if is_final(&error.kind) => (Some(operation), Some(error)),
        Err(_) => return None,
    };
    let books = match session {
        Some(session) => snapshot_to_text(&part(after, session)),
        None => snapshot_to_text(after),
    };
    let rejected = rejected.map(|error| {
        let data = error.data.as_ref().map(|data| data.as_str());
        json!({ "kind": kind_name(&error.kind), "code": error.code, "message": error.message, "data": data })
    });
    let operation = operation.map(|id| id.as_str());
    Some(json!({ "books": books, "operation": operation, "rejected": rejected }).to_string())
}

/// The answer of a text.
pub(super) fn from_text(text: &str) -> Result<Concluded, StoreError> {
    let corrupt =
        |what: &str| StoreError::Corrupt { table: "idempotency", id: "answer".to_owned(), what: what.to_owned() };
    let kept: Value = serde_json::from_str(text).map_err(|error| corrupt(&error.to_string()))?;
    let id =
        kept["operation"].as_str().map(OperationId::parse).transpose().map_err(|error| corrupt(&error.to_string()))?;
    if let Some(error) = kept.get("rejected").filter(|rejected| !rejected.is_null()) {
        let field = |name: &str| error[name].as_str().ok_or_else(|| corrupt("a rejection without its words"));
        let error = ProviderError {
            kind: kind_of(field("kind")?).ok_or_else(|| corrupt("a rejection of no kind"))?,
            code: field("code")?.to_owned(),
            message: field("message")?.to_owned(),
            data: error["data"].as_str().map(Json::from_checked),
        };
        return Ok(Err(Error::Rejected { operation: id.ok_or_else(|| corrupt("a rejection of nothing"))?, error }));
    }
    let collection = snapshot_from_text(kept["books"].as_str().ok_or_else(|| corrupt("no books"))?)?;
    let operation =
        id.map(|id| collection.operation(&id).cloned().ok_or_else(|| corrupt("an operation that is not there")));
    Ok(Ok(Executed { operation: operation.transpose()?, collection, report: None }))
}

/// The collection with one session and what belongs to it: all that an answer about a payment or a session speaks of.
fn part(collection: &Collection, session: &SessionId) -> Collection {
    let mut part = collection.clone();
    part.sessions.retain(|other| other.id == *session);
    part.payments.retain(|payment| payment.session == *session);
    part.operations.retain(|operation| operation.session == *session);
    part
}

/// Whether a provider that says this will say it again: the request itself is wrong, or does not fit the payment.
fn is_final(kind: &ErrorKind) -> bool {
    kind_name(kind).is_some()
}

fn kind_name(kind: &ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::InvalidRequest => Some("invalid_request"),
        ErrorKind::NotFound => Some("not_found"),
        ErrorKind::Conflict => Some("conflict"),
        ErrorKind::NotSupported => Some("not_supported"),
        ErrorKind::Authentication
        | ErrorKind::RateLimited { .. }
        | ErrorKind::Unavailable
        | ErrorKind::OutcomeUnknown
        | ErrorKind::Other(_) => None,
    }
}

fn kind_of(name: &str) -> Option<ErrorKind> {
    let kinds = [ErrorKind::InvalidRequest, ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::NotSupported];
    kinds.into_iter().find(|kind| kind_name(kind) == Some(name))
}
