//! What is seen of every request from the outside: its id, its trace, how long it took, one line in the log.
//!
//! Bodies, queries and headers are not looked at beyond that: what is not read cannot be logged. The line names the path as
//! it was asked for; a filter behind the log takes out what looks like a secret.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::audit::RequestId;
use super::limits::PATH_CHARS_MAX;
use super::place::route;
use crate::clock::new_tail;
use crate::metrics::{Metrics, RequestLabels, RouteLabels};
use crate::trace::Trace;

/// The caller's name for a request, or ours: told back, and on every line of the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// W3C Trace Context.
const TRACEPARENT: &str = "traceparent";

/// Characters of an id that is taken from a caller: a UUID four times over.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// The route in metrics when there is none: what was asked for is the caller's, and must not become a label.
const NO_ROUTE: &str = "none";

/// The middleware. It stands outside of all others.
pub(super) async fn pass(State(metrics): State<Arc<Metrics>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let trace = trace(request.headers());
    let (trace_id, span_id) = (trace.trace_id(), trace.span_id());
    let method = method(request.method());
    let route = route(&mut request).await.unwrap_or_else(|| NO_ROUTE.to_owned());
    let path: String = request.uri().path().chars().take(PATH_CHARS_MAX).collect();
    // What is logged on the way carries the names; the line at the end has everything itself.
    let span = tracing::info_span!("request", request_id = id, trace_id, span_id);
    metrics.requests_under_way.inc();
    let under_way = UnderWay(&metrics);
    let mut response = trace.around(next.run(request)).instrument(span).await;
    drop(under_way);
    let (elapsed, status) = (begun.elapsed(), response.status().as_u16());
    let labels = RouteLabels { method, route };
    metrics.request_seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
    let RouteLabels { method, route } = labels;
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    // Machines ask for health every second; a line for each would be all there is to read.
    if route.starts_with("/health/") && status < 400 {
        tracing::debug!(request_id = id, trace_id, span_id, method, path, route, status, micros, "answered");
    } else {
        tracing::info!(request_id = id, trace_id, span_id, method, path, route, status, micros, "answered");
    }
    metrics.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Counts down also when the caller hangs up and the request is dropped.
struct UnderWay<'a>(&'a Metrics);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.requests_under_way.dec();
    }
}

/// The caller's id where it can be written anywhere without harm, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let given = single(headers, REQUEST_ID.as_str());
    let sane = given.filter(|id| (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(fits));
    sane.map_or_else(|| format!("req_{}", new_tail()), str::to_owned)
}

/// A span of the caller's trace, or of a new one. Two headers of the name are none (section 3.2.1).
fn trace(headers: &HeaderMap) -> Trace {
    single(headers, TRACEPARENT).and_then(Trace::parse).map_or_else(Trace::begin, |trace| trace.child())
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Methods are the caller's words, too: those that no route takes are one.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_sane_id_is_kept_and_another_one_is_made() {
        assert_eq!(request_id(&headers(&[("x-request-id", "8e03978e-40d5.1_a")])), "8e03978e-40d5.1_a");
        let long = "x".repeat(REQUEST_ID_CHARS_MAX + 1);
        for pairs in [
            vec![],
            vec![("x-request-id", "")],
            vec![("x-request-id", "a b")],
            vec![("x-request-id", "\"quoted\"")],
            vec![("x-request-id", long.as_str())],
            vec![("x-request-id", "a"), ("x-request-id", "b")],
        ] {
            assert!(request_id(&headers(&pairs)).starts_with("req_"), "{pairs:?}");
        }
    }

    #[test]
    fn a_trace_goes_on_or_begins() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let child = trace(&headers(&[("traceparent", PARENT)]));
        assert_eq!(child.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(child.span_id(), "00f067aa0ba902b7");
        let other = trace(&headers(&[("traceparent", PARENT), ("traceparent", PARENT)]));
        assert_ne!(other.trace_id(), child.trace_id());
    }
}
