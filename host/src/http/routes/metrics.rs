//! `/metrics`: what is counted, for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::Host;
use crate::http::document::{Answered, Draft};

/// The format and its version (OpenMetrics 1.0 section "Content Type").
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Figures(String);

impl IntoResponse for Figures {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], self.0).into_response()
    }
}

impl Answered for Figures {
    fn describe(draft: &mut Draft<'_>) {
        draft.text(200, CONTENT_TYPE);
    }
}

pub(super) async fn text(State(host): State<Host>) -> Figures {
    Figures(host.metrics_text().await)
}
