//! Whether the process lives, and whether it can do its work. Asked by machines, often, so they take no place at the gate.

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};

use crate::Host;
use crate::http::drain::Drain;
use crate::http::limits::READY_MS_MAX;
use crate::http::problem::{ForStorefront, Problem};
use crate::http::wire::{HealthAnswer, IdOf};

pub(super) async fn live() -> Json<HealthAnswer> {
    Json(HealthAnswer { status: "ok", tripped: Vec::new() })
}

/// Whether a payment could be recorded now. What is wrong is in the log and not in the answer: anybody may ask. A provider
/// that is not called for a while is named and makes nothing unready: the others go on, and no restart would help it.
pub(super) async fn ready(
    State(host): State<Host>,
    drain: Option<Extension<Drain>>,
) -> Result<Json<HealthAnswer>, ForStorefront> {
    if drain.is_some_and(|Extension(drain)| drain.has_begun()) {
        return Err(Problem::draining().into());
    }
    if !host.is_working() {
        return Err(Problem::not_working().into());
    }
    match tokio::time::timeout(Duration::from_millis(READY_MS_MAX), host.ready()).await {
        Ok(ready) => ready?,
        Err(_) => return Err(Problem::store_too_slow().into()),
    }
    let tripped = host.tripped_providers().into_iter().map(IdOf::new).collect();
    Ok(Json(HealthAnswer { status: "ok", tripped }))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;

    use super::*;

    /// The store itself waits longer for its lock than a readiness check may, and would say something else at the end.
    #[tokio::test]
    async fn a_store_that_does_not_answer_in_time_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("till.db");
        let host = Host::builder().database(&path).build().await.unwrap();
        assert!(ready(State(host.clone()), None).await.is_ok());
        let mut other = rusqlite::Connection::open(&path).unwrap();
        let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
        let response = ready(State(host.clone()), None).await.unwrap_err().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = to_bytes(response.into_body(), 4_096).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("did not answer in time"), "{body:?}");
        drop(lock);
        assert!(ready(State(host), None).await.is_ok());
    }
}
