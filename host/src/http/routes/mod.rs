//! Paths to handlers. A handler parses, calls one use case of the service, and answers.

mod captures;
mod collections;
mod health;
mod holders;
mod hooks;
mod operations;
mod payments;
mod providers;
mod reasons;
mod sessions;
mod storefront;
mod webhook_endpoints;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::Host;

/// What anybody may ask, places or not.
pub(super) fn health() -> Router<Host> {
    Router::new().route("/health/live", get(health::live)).route("/health/ready", get(health::ready))
}

/// What a shop's visitor asks.
pub(super) fn store() -> Router<Host> {
    Router::new()
        .route("/store/payment-providers", get(storefront::list_providers))
        .route("/store/payment-collections/{id}", get(storefront::collection))
        .route("/store/payment-collections/{id}/payment-sessions", post(storefront::create_session))
        .route(
            "/store/payment-sessions/{id}",
            get(storefront::session).post(storefront::update_session).delete(storefront::delete_session),
        )
        .route("/store/payment-sessions/{id}/authorize", post(storefront::authorize))
        .route("/store/payment-sessions/{id}/status", get(storefront::status))
}

/// What gateways tell by themselves. Nobody but the provider can say whether it is true.
pub(super) fn hooks() -> Router<Host> {
    Router::new().route("/hooks/payment/{provider}", post(hooks::receive))
}

/// What the merchant's server and its operators ask.
pub(super) fn admin() -> Router<Host> {
    Router::new()
        .route("/admin/payment-collections", get(collections::list).post(collections::create))
        .route(
            "/admin/payment-collections/{id}",
            get(collections::show).post(collections::update).delete(collections::delete),
        )
        .route("/admin/payment-collections/{id}/complete", post(collections::complete))
        .route("/admin/payment-collections/{id}/cancel", post(collections::cancel))
        .route("/admin/payment-collections/{id}/payment-sessions", post(sessions::create))
        .route("/admin/payment-sessions", get(sessions::list))
        .route("/admin/payment-sessions/{id}", get(sessions::show).post(sessions::update).delete(sessions::delete))
        .route("/admin/payment-sessions/{id}/authorize", post(sessions::authorize))
        .route("/admin/payment-sessions/{id}/status", get(sessions::status))
        .route("/admin/payments", get(payments::list))
        .route("/admin/payments/payment-providers", get(providers::list))
        .route("/admin/payments/{id}", get(payments::show).post(payments::update))
        .route("/admin/payments/{id}/capture", post(payments::capture))
        .route("/admin/payments/{id}/refund", post(payments::refund))
        .route("/admin/payments/{id}/cancel", post(payments::cancel))
        .route("/admin/payments/{id}/provider", get(payments::ask_provider))
        .route("/admin/payment-providers/{id}", post(providers::switch))
        .route("/admin/regions/{id}/payment-providers", post(providers::set_region))
        .route("/admin/account-holders", get(holders::list).post(holders::create))
        .route("/admin/account-holders/{id}", get(holders::show).post(holders::update).delete(holders::delete))
        .route("/admin/account-holders/{id}/payment-methods", get(holders::list_methods).post(holders::save_method))
        .route("/admin/account-holders/{id}/payment-methods/{method}", delete(holders::delete_method))
        .route("/admin/captures", get(captures::list))
        .route("/admin/captures/{id}", get(captures::show).post(captures::update))
        .route("/admin/refunds", get(captures::list_refunds))
        .route("/admin/refunds/{id}", get(captures::show_refund).post(captures::update_refund))
        .route("/admin/refund-reasons", get(reasons::list).post(reasons::create))
        .route("/admin/refund-reasons/{id}", get(reasons::show).post(reasons::update).delete(reasons::delete))
        .route("/admin/operations", get(operations::list))
        .route("/admin/operations/{id}", get(operations::show))
        .route("/admin/operations/{id}/recheck", post(operations::recheck))
        .route("/admin/operations/{id}/resolve", post(operations::resolve))
        .route("/admin/operations/{id}/void", post(operations::void))
        .route("/admin/events", get(operations::events))
        .route("/admin/webhook-endpoints", get(webhook_endpoints::list).post(webhook_endpoints::create))
        .route(
            "/admin/webhook-endpoints/{id}",
            get(webhook_endpoints::show).post(webhook_endpoints::update).delete(webhook_endpoints::delete),
        )
        .route("/admin/webhook-endpoints/{id}/rotate-secret", post(webhook_endpoints::rotate))
        .route("/admin/webhook-endpoints/{id}/deliveries", get(webhook_endpoints::deliveries))
        .route("/admin/webhook-endpoints/{id}/redeliver", post(webhook_endpoints::redeliver))
}
