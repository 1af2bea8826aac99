//! The HTTP door: JSON in, the service asked, JSON out.
//!
//! Paths and shapes are those of the reference commerce server where it has them. Handlers decide nothing: they parse,
//! call one method of the service, and answer. All JSON types are in `wire`; amounts are decimal numbers of major units
//! whose digits are never put through a float. A storefront (`/store`) never says an amount and never reads a provider's
//! private state, the payer, or the words of a provider. Every call is asked for a key: `access` says of which kind and scope.
//!
//! | what happened | status | `type` |
//! |---|---|---|
//! | unknown route or id | 404 | `not_found` |
//! | input that can never be right | 400, 405, 413, 415 | `invalid_data` |
//! | no key for the door, or none that counts | 401 under `/admin`, 400 `not_allowed` under `/store` | `unauthorized` |
//! | the key may not do it, or the collection is not the visitor's | 403 | `forbidden` |
//! | the state forbids it | 400 | `not_allowed` |
//! | there is one already | 422 | `duplicate_error` |
//! | it may be right in a moment | 409 with `Retry-After` | `conflict` |
//! | the provider did not take it; nothing happened | 422, 502, or 503 with `Retry-After` | `provider_rejected` |
//! | the call broke and nothing happened | 502, 503 or 500, by the `culprit` | `provider_fault` |
//! | nobody knows whether it happened | 504 | `outcome_unknown` |
//! | the provider's answer contradicts the books | 502 | `needs_review` |
//! | the provider could not be asked for a reading | 502 | `provider_unavailable` |
//! | the shop could not be asked about a cart | 503 with `Retry-After` | `unavailable` |
//! | the shop's answer about a cart cannot be right | 502 | `cart_source_fault` |
//! | a session that had to be authorized was not | 422 | `payment_authorization_error` |
//! | the key belongs to another request | 422 | `invalid_data` |
//! | the same request with the same key is under way | 409 with `Retry-After` | `conflict` |
//! | the store, or a free place, is missing | 503 with `Retry-After` | `unavailable` |
//! | too many requests from one caller | 429 with `Retry-After` | `rate_limited` |
//! | a bug of ours | 500 | `unexpected_state` |
//!
//! An error also has `code`, `message`, and where they apply `field`, `operation_id` and `request_may_have_been_sent`.
//! The last one is `false` only with proof.

mod document;
mod limits;
mod options;
mod tokens;

mod wire;

mod problem;

mod access;
mod audit;
mod auth;
mod checkout;
mod cors;
mod credentials;
mod drain;
mod extract;
mod gate;
mod idempotency;
mod place;
mod rate;
mod refused_version;
mod visitor;

mod routes;

mod server;

mod watch;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};

use crate::Host;
use auth::Guard;
use document::Routes;
use gate::Gate;
use idempotency::Door;
use problem::Problem;
use routes::Streams;

pub use checkout::{CHECKOUT_BYTES_MAX, checkout_path};
pub use cors::{ORIGINS_MAX, Origins, OriginsError};
pub use credentials::{CLIENT_SECRET_HEADER, PUBLISHABLE_KEY_HEADER};
pub use document::openapi;
pub use limits::{
    ACCEPT_PAUSE_MS, BODY_BYTES_MAX, BODY_DEPTH_MAX, BODY_READ_MS_MAX, CALLERS_MAX, CONNECTIONS_MAX, DISCARD_BYTES_MAX,
    DISCARD_MS_MAX, DRAIN_MS, ECHO_CHARS_MAX, EVENTS_LIMIT_DEFAULT, FIELDS_MAX, HANDSHAKE_MS_MAX, HEADER_BYTES_MAX,
    HEADER_READ_MS_MAX, HEADERS_MAX, LIST_LIMIT_DEFAULT, Limits, METRICS_CONNECTIONS_MAX, PATH_CHARS_MAX,
    QUERY_DEPTH_MAX, QUERY_INDEX_MAX, QUERY_PAIRS_MAX, RATE_BURST, RATE_PER_SECOND, READY_MS_MAX,
    REASONS_LIMIT_DEFAULT, REQUEST_MS_MAX, REQUESTS_MAX, RETRY_AFTER_SECONDS, STREAM_EVENTS_MAX, STREAM_HEARTBEAT_MS,
    STREAM_MS_MAX, STREAMS_MAX, TLS_LOOK_MS, WRITE_MS_MAX,
};
pub use options::Options;
pub use server::{Server, Tls, serve};
pub use tokens::{CLOCK_SKEW_SECONDS, CustomerTokens, JwtTokens, TOKEN_SECRET_BYTES_MIN, TokenClaims};

/// All routes, to be mounted in a server of your own. They ask every caller for a key: `tillbox keys create`, or
/// [`Host::create_api_key`], makes one.
pub fn router(host: Host) -> Router {
    router_with(host, &Options::default())
}

/// The same, put together otherwise.
pub fn router_with(host: Host, options: &Options) -> Router {
    watched(assembled(host.clone(), &Gate::new(&options.limits), options), &host, options)
}

/// Outermost, so that whatever is answered is seen.
fn watched(routes: Router, host: &Host, options: &Options) -> Router {
    options.cors.around(routes).layer(from_fn_with_state(Arc::clone(host.metrics()), watch::pass))
}

fn assembled(host: Host, gate: &Gate, options: &Options) -> Router {
    let keyed = |routes: Routes, door: Door| {
        routes.router().route_layer(from_fn_with_state((host.clone(), door), idempotency::pass))
    };
    let asked =
        keyed(routes::store(), Door::STORE).merge(keyed(routes::admin(), Door::ADMIN)).merge(routes::hooks().router());
    let guard = from_fn_with_state(Guard::new(host.clone(), options), auth::pass);
    let guarded = asked.route_layer(guard.clone()).route_layer(from_fn_with_state(gate.clone(), gate::pass));
    let ungated = [routes::health(), routes::metrics(), routes::streams(), routes::document()].map(Routes::router);
    let ungated = ungated.into_iter().fold(Router::new(), Router::merge);
    // The checkout page holds nothing to guard: its script shows the payer's keys like any other storefront.
    let page = checkout::routes().route_layer(from_fn_with_state(gate.clone(), gate::pass));
    // Whatever else has a route passes the guard; machines that look after this one, and the document, need no place.
    guarded
        .merge(page)
        .merge(ungated.route_layer(guard))
        .fallback(async || Problem::no_route())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(Extension(options.limits))
        .layer(Extension(options.drain.clone()))
        .layer(Extension(Streams::new(&options.limits)))
        .with_state(host)
}
