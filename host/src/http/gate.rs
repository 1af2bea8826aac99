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

use super::limits::Limits;
use super::problem::Problem;
use crate::trace::Trace;

/// The places for requests, shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    places_max: usize,
    wait: Duration,
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self::with(limits.requests, Duration::from_millis(limits.request_ms))
    }

    pub(super) fn with(places_max: usize, wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places_max)), places_max, wait }
    }

    /// Waits until no request is under way, those whose caller has left included.
    pub(super) async fn drained(&self) {
        let all = u32::try_from(self.places_max).expect("a few thousand");
        drop(self.places.acquire_many(all).await);
    }
}

/// The middleware.
pub(super) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Ok(place) = Arc::clone(&gate.places).try_acquire_owned() else {
        return Problem::overloaded().into_response();
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let trace = Trace::current().unwrap_or_else(Trace::begin);
    let work = trace.around(async move {
        let response = next.run(request).await;
        drop(place);
        response
    });
    match tokio::time::timeout(gate.wait, tokio::spawn(work.in_current_span())).await {
        Ok(Ok(response)) => response,
        Ok(Err(broken)) => {
            tracing::error!(error = %broken, "a request ended in a bug of the host");
            Problem::bug(changes).into_response()
        }
        Err(_) => Problem::too_late(changes).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use tokio::sync::Notify;

    use super::*;
    use crate::http::limits::{REQUEST_MS_MAX, REQUESTS_MAX};

    async fn broken() -> &'static str {
        panic!("as the test asks")
    }

    /// Answers after it was told to.
    async fn patient(State(told): State<Arc<Notify>>) -> &'static str {
        told.notified().await;
        "done"
    }

    fn guarded(gate: &Gate, told: &Arc<Notify>) -> TowerToHyperService<Router> {
        let routes = Router::new().route("/broken", post(broken)).route("/patient", post(patient).get(patient));
        let routes = routes.layer(from_fn_with_state(gate.clone(), pass)).with_state(Arc::clone(told));
        TowerToHyperService::new(routes)
    }

    async fn asked(routes: &TowerToHyperService<Router>, method: Method, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = routes.call(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 4_096).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_next_request_is_served() {
        let (gate, told) = (Gate::new(&Limits::default()), Arc::new(Notify::new()));
        let routes = guarded(&gate, &told);
        let (status, body) = asked(&routes, Method::POST, "/broken").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("\"unexpected_state\"") && !body.contains("as the test asks"), "{body}");
        told.notify_one();
        assert_eq!(asked(&routes, Method::POST, "/patient").await, (StatusCode::OK, "done".to_owned()));
    }

    #[tokio::test]
    async fn waiting_ends_and_the_work_does_not() {
        let (gate, told) = (Gate::with(8, Duration::from_millis(10)), Arc::new(Notify::new()));
        let routes = guarded(&gate, &told);
        let (status, body) = asked(&routes, Method::POST, "/patient").await;
        assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
        assert!(body.contains("\"outcome_unknown\"") && body.contains("\"request_may_have_been_sent\":true"), "{body}");
        let (status, _) = asked(&routes, Method::GET, "/patient").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(gate.places.available_permits(), 6, "both are still under way");
        // Each notice wakes one; a shutdown waits for both.
        told.notify_one();
        told.notify_one();
        gate.drained().await;
        assert_eq!(gate.places.available_permits(), 8);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_stops_nothing() {
        let (gate, told) = (Gate::new(&Limits::default()), Arc::new(Notify::new()));
        let routes = guarded(&gate, &told);
        let caller = tokio::spawn(async move { asked(&routes, Method::POST, "/patient").await });
        while gate.places.available_permits() == REQUESTS_MAX {
            tokio::task::yield_now().await;
        }
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(gate.places.available_permits(), REQUESTS_MAX - 1, "the work goes on");
        told.notify_one();
        gate.drained().await;
    }

    #[tokio::test]
    async fn one_too_many_is_told_to_come_back() {
        let (gate, told) = (Gate::with(1, Duration::from_millis(REQUEST_MS_MAX)), Arc::new(Notify::new()));
        let routes = guarded(&gate, &told);
        let first = tokio::spawn({
            let routes = routes.clone();
            async move { asked(&routes, Method::POST, "/patient").await }
        });
        while gate.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let (status, body) = asked(&routes, Method::POST, "/patient").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("\"overloaded\"") && body.contains("\"request_may_have_been_sent\":false"), "{body}");
        told.notify_one();
        assert_eq!(first.await.unwrap().0, StatusCode::OK);
    }
}
