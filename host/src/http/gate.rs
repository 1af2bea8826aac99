//! What every request passes: a limited number of places, an end to waiting, and a task of its own.
//!
//! The task is what makes a lost connection harmless: the caller may hang up, the operation still runs to its end and is
//! recorded. A panic ends the task and nothing else. It knows no route and no JSON body.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::limits::{REQUEST_MS_MAX, REQUESTS_MAX};
use super::problem::Problem;

/// The places for requests, shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    places_max: usize,
    wait: Duration,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self::with(REQUESTS_MAX, Duration::from_millis(REQUEST_MS_MAX))
    }

    pub(super) fn with(places_max: usize, wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places_max)), places_max, wait }
    }

    /// Waits until no request is under way, those whose caller has left included.
    pub(super) async fn drained(&self) {
        let all = u32::try_from(self.places_max).expect("a few hundred");
        drop(self.places.acquire_many(all).await);
    }
}

/// The middleware.
pub(super) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Ok(place) = Arc::clone(&gate.places).try_acquire_owned() else {
        return Problem::overloaded().into_response();
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let span = tracing::info_span!("request", method = %request.method(), path = request.uri().path());
    let work = async move {
        let response = next.run(request).await;
        drop(place);
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    };
    match tokio::time::timeout(gate.wait, tokio::spawn(work.instrument(span))).await {
        Ok(Ok(response)) => response,
        Ok(Err(broken)) => {
            tracing::error!(error = %broken, "a request ended in a bug of the host");
            Problem::bug(changes).into_response()
        }
        Err(_) => Problem::too_late(changes).into_response(),
    }
}
