//! Paths to handlers, each with one sentence for the document. A handler parses, calls one use case of the service, and
//! answers. `asking()` stands behind a line whose handler may ask a provider.

mod audit;
mod captures;
mod collections;
mod health;
mod holders;
mod hooks;
mod metrics;
mod operations;
mod payments;
mod providers;
mod reasons;
mod sessions;
mod storefront;
mod stream;
mod versions;
mod webhook_endpoints;

use super::document::{self, Routes, delete, get, post};

pub(super) use stream::Streams;

/// Every route there is, door by door, for the document.
pub(super) fn all() -> [Routes; 7] {
    [store(), admin(), streams(), hooks(), health(), metrics(), document()]
}

/// What anybody may ask, places or not.
pub(super) fn health() -> Routes {
    Routes::default()
        .route("/health/live", get(health::live, "Say that the process lives."))
        .route("/health/ready", get(health::ready, "Say whether a payment could be recorded now."))
}

/// What clients are made from.
pub(super) fn document() -> Routes {
    Routes::default().route("/openapi.json", get(document::answer, "Read this document."))
}

/// What Prometheus asks.
pub(super) fn metrics() -> Routes {
    Routes::default().route("/metrics", get(metrics::text, "Read everything that is counted, for Prometheus."))
}

/// What has no end, and so takes no place among the requests.
pub(super) fn streams() -> Routes {
    Routes::default().route("/admin/events/stream", get(stream::follow, "Hear events as they happen."))
}

/// What a shop's visitor asks.
pub(super) fn store() -> Routes {
    Routes::default()
        .route(
            "/store/payment-providers",
            get(storefront::list_providers, "List the providers a payer can choose from."),
        )
        .route(
            "/store/payment-collections",
            post(storefront::create_collection, "Give the one payment collection of a cart.").asking(),
        )
        .route(
            "/store/payment-collections/{id}",
            get(storefront::collection, "Read what is to be paid, and its sessions."),
        )
        .route(
            "/store/payment-collections/{id}/payment-sessions",
            post(storefront::create_session, "Open a session with a provider.").asking(),
        )
        .route(
            "/store/payment-sessions/{id}",
            get(storefront::session, "Read a session.")
                .post(storefront::update_session, "Hand the provider other input for a session.")
                .asking()
                .delete(storefront::delete_session, "Abandon a session.")
                .asking(),
        )
        .route(
            "/store/payment-sessions/{id}/authorize",
            post(
                storefront::authorize,
                "Authorize a session: the answer is its new state, a decline or a next action included.",
            )
            .asking(),
        )
        .route(
            "/store/payment-sessions/{id}/status",
            get(storefront::status, "Ask the provider how a session stands.").asking(),
        )
}

/// What gateways tell by themselves. Nobody but the provider can say whether it is true.
pub(super) fn hooks() -> Routes {
    Routes::default().route(
        "/hooks/payment/{provider}",
        post(hooks::receive, "Take a gateway's webhook: stored, verified by its provider, and only then answered."),
    )
}

/// What the merchant's server and its operators ask.
// Long because it is one table, a line or three for each path.
pub(super) fn admin() -> Routes {
    Routes::default()
        .route(
            "/admin/payment-collections",
            get(collections::list, "List payment collections.")
                .post(collections::create, "Make a payment collection.")
                .asking(),
        )
        .route(
            "/admin/payment-collections/{id}",
            get(collections::show, "Read a payment collection with its sessions and payments.")
                .post(collections::update, "Change the amount or the notes of a payment collection.")
                .asking()
                .delete(collections::delete, "Delete a payment collection that holds no money.")
                .asking(),
        )
        .route(
            "/admin/payment-collections/{id}/complete",
            post(collections::complete, "Say that nothing more is expected of a payment collection."),
        )
        .route(
            "/admin/payment-collections/{id}/cancel",
            post(collections::cancel, "Cancel a payment collection in which nothing is captured."),
        )
        .route(
            "/admin/payment-collections/{id}/mark-as-paid",
            post(collections::mark_as_paid, "Bring a payment collection to its end with money that came in otherwise.")
                .asking(),
        )
        .route(
            "/admin/payment-collections/{id}/payment-sessions",
            post(
                sessions::create,
                "Open a session with a provider, over a share and for a payer where they are given.",
            )
            .asking(),
        )
        .route(
            "/admin/payment-collections/{id}/rotate-client-secret",
            post(
                collections::rotate_secret,
                "Replace the client secret of a payment collection; the one before it opens nothing any more.",
            ),
        )
        .route("/admin/payment-sessions", get(sessions::list, "List payment sessions."))
        .route(
            "/admin/payment-sessions/{id}",
            get(sessions::show, "Read a payment session.")
                .post(sessions::update, "Change the amount, the input, the payer or the notes of a session.")
                .asking()
                .delete(sessions::delete, "Abandon a session.")
                .asking(),
        )
        .route(
            "/admin/payment-sessions/{id}/authorize",
            post(
                sessions::authorize,
                "Authorize a session: the answer is its new state, a decline or a next action included.",
            )
            .asking(),
        )
        .route(
            "/admin/payment-sessions/{id}/status",
            get(sessions::status, "Ask the provider how a session stands.").asking(),
        )
        .route("/admin/payments", get(payments::list, "List payments."))
        .route(
            "/admin/payments/payment-providers",
            get(providers::list, "List the providers that are installed, or were."),
        )
        .route(
            "/admin/payments/{id}",
            get(payments::show, "Read a payment with its captures and refunds.")
                .post(payments::update, "Replace the notes of a payment."),
        )
        .route(
            "/admin/payments/{id}/capture",
            post(payments::capture, "Capture a payment: an amount, or all that is left.").asking(),
        )
        .route(
            "/admin/payments/{id}/refund",
            post(payments::refund, "Refund a payment: an amount, or all that is captured.").asking(),
        )
        .route(
            "/admin/payments/{id}/cancel",
            post(payments::cancel, "Void a payment of which nothing is captured.").asking(),
        )
        .route(
            "/admin/payments/{id}/provider",
            get(payments::ask_provider, "Ask the provider what it knows of a payment; neither side is changed.")
                .asking(),
        )
        .route(
            "/admin/payment-providers",
            get(providers::list_entries, "List providers that are installed or were.").post(
                versions::install,
                "Install a component as a provider; it serves once what it may do is approved.",
            ),
        )
        .route(
            "/admin/payment-providers/{id}",
            get(providers::show, "Read what a provider is, what it was granted, and how it does.")
                .post(providers::switch, "Switch a provider on or off for new sessions.")
                .delete(versions::remove, "Remove a provider that was installed, with all its versions."),
        )
        .route(
            "/admin/provider-components",
            post(versions::bring, "Bring a component: it is checked and kept, and nothing serves by that."),
        )
        .route(
            "/admin/payment-providers/{id}/versions",
            get(versions::list, "List the versions of a provider that was installed."),
        )
        .route(
            "/admin/payment-providers/{id}/versions/{version}",
            delete(versions::remove_version, "Remove a version that does not serve, or turn down one that waits."),
        )
        .route(
            "/admin/payment-providers/{id}/upgrade",
            post(versions::upgrade, "Let another component or other grants take a provider's place, once approved."),
        )
        .route(
            "/admin/payment-providers/{id}/approve",
            post(versions::approve, "Approve what the version that waits may do, and let it serve."),
        )
        .route(
            "/admin/payment-providers/{id}/rollback",
            post(versions::roll_back, "Let a version serve again that served before."),
        )
        .route(
            "/admin/regions/{id}/payment-providers",
            get(providers::region, "List the providers that serve a region.")
                .post(providers::set_region, "Say which providers serve a region; an empty list means all."),
        )
        .route(
            "/admin/account-holders",
            get(holders::list, "List account holders.")
                .post(holders::create, "Make a customer known to a provider.")
                .asking(),
        )
        .route(
            "/admin/account-holders/{id}",
            get(holders::show, "Read an account holder.")
                .post(holders::update, "Change an account holder, here and at its provider.")
                .asking()
                .delete(holders::delete, "Delete an account holder, here and at its provider.")
                .asking(),
        )
        .route(
            "/admin/account-holders/{id}/payment-methods",
            get(holders::list_methods, "List the payment methods an account holder keeps at its provider.")
                .asking()
                .post(holders::save_method, "Keep a payment method at the provider.")
                .asking(),
        )
        .route(
            "/admin/account-holders/{id}/payment-methods/{method}",
            delete(holders::delete_method, "Delete a payment method by the provider's own token.").asking(),
        )
        .route("/admin/captures", get(captures::list, "List captures."))
        .route(
            "/admin/captures/{id}",
            get(captures::show, "Read a capture.").post(captures::update, "Replace the notes of a capture."),
        )
        .route("/admin/refunds", get(captures::list_refunds, "List refunds."))
        .route(
            "/admin/refunds/{id}",
            get(captures::show_refund, "Read a refund.")
                .post(captures::update_refund, "Replace the notes of a refund."),
        )
        .route(
            "/admin/refund-reasons",
            get(reasons::list, "List reasons for refunds.").post(reasons::create, "Make a reason for refunds."),
        )
        .route(
            "/admin/refund-reasons/{id}",
            get(reasons::show, "Read a reason for refunds.")
                .post(reasons::update, "Change a reason for refunds.")
                .delete(reasons::delete, "Delete a reason for refunds."),
        )
        .route("/admin/operations", get(operations::list, "List operations: what was asked of providers."))
        .route("/admin/operations/{id}", get(operations::show, "Read an operation."))
        .route(
            "/admin/operations/{id}/recheck",
            post(operations::recheck, "Ask the provider what became of an operation.").asking(),
        )
        .route(
            "/admin/operations/{id}/resolve",
            post(operations::resolve, "Close an open operation on a person's word."),
        )
        .route(
            "/admin/operations/{id}/void",
            post(operations::void, "Have the session of an uncertain charge abandoned at its provider.").asking(),
        )
        .route("/admin/events", get(operations::events, "List events in order, from the one after `after`."))
        .route(
            "/admin/audit",
            get(
                audit::list,
                "List calls that may have changed something, newest first: who, what, and how they ended.",
            ),
        )
        .route(
            "/admin/webhook-endpoints",
            get(webhook_endpoints::list, "List webhook endpoints.")
                .post(webhook_endpoints::create, "Make a webhook endpoint; its secret is in this answer only."),
        )
        .route(
            "/admin/webhook-endpoints/{id}",
            get(webhook_endpoints::show, "Read a webhook endpoint.")
                .post(webhook_endpoints::update, "Change a webhook endpoint.")
                .delete(webhook_endpoints::delete, "Delete a webhook endpoint."),
        )
        .route(
            "/admin/webhook-endpoints/{id}/rotate-secret",
            post(
                webhook_endpoints::rotate,
                "Give a webhook endpoint a new secret; the old one signs beside it for a day.",
            ),
        )
        .route(
            "/admin/webhook-endpoints/{id}/deliveries",
            get(webhook_endpoints::deliveries, "List what is on its way to a webhook endpoint, and what was given up."),
        )
        .route(
            "/admin/webhook-endpoints/{id}/redeliver",
            post(webhook_endpoints::redeliver, "Tell a webhook endpoint again: one event, or what was given up."),
        )
}
