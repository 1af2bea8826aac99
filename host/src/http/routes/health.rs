//! Whether the process lives, and whether it can do its work. Asked by machines, often, so they take no place at the gate.

use std::time::Duration;

use axum::Json;
use axum::extract::State;

use crate::Host;
use crate::http::limits::READY_MS_MAX;
use crate::http::problem::{ForStorefront, Problem};
use crate::http::wire::HealthAnswer;

pub(super) async fn live() -> Json<HealthAnswer> {
    Json(HealthAnswer { status: "ok" })
}

/// Whether a payment could be recorded now. What is wrong is in the log and not in the answer: anybody may ask.
pub(super) async fn ready(State(host): State<Host>) -> Result<Json<HealthAnswer>, ForStorefront> {
    match tokio::time::timeout(Duration::from_millis(READY_MS_MAX), host.ready()).await {
        Ok(ready) => ready?,
        Err(_) => return Err(Problem::store_too_slow().into()),
    }
    Ok(Json(HealthAnswer { status: "ok" }))
}
