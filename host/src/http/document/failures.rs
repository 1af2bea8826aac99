//! Requests without a result, as the document shows them: which statuses, types and codes there are. `problem.rs` makes them
//! and is held to these tables whenever it answers in a test.

use serde_json::{Value, json};

use crate::http::wire::reference;

/// A status, and what an error with it may be.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    /// What the document calls it.
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) kinds: &'static [&'static str],
    /// Whether it may say when to come back.
    pub(super) again: bool,
}

/// All of them, in order.
pub(super) const FAILURES: &[Failure] = &[
    Failure {
        status: 400,
        name: "BadRequest",
        says: "The input can never be right (`invalid_data`), or the state forbids it (`not_allowed`). Nothing changed.",
        kinds: &["invalid_data", "not_allowed"],
        again: false,
    },
    Failure {
        status: 401,
        name: "Unauthorized",
        says: "No secret key, or one that is none, was revoked or has expired; or a customer's token that does not count. Nothing of \
               the request was looked at.",
        kinds: &["unauthorized"],
        again: false,
    },
    Failure {
        status: 403,
        name: "Forbidden",
        says: "The key has not the scope that the route asks for, or the payment collection is not the visitor's, or not there. \
               Nothing of the request was looked at.",
        kinds: &["forbidden"],
        again: false,
    },
    Failure { status: 404, name: "NotFound", says: "There is no such thing.", kinds: &["not_found"], again: false },
    Failure {
        status: 408,
        name: "BodyIncomplete",
        says: "The body did not arrive in time. Nothing changed.",
        kinds: &["invalid_data"],
        again: false,
    },
    Failure {
        status: 409,
        name: "Conflict",
        says: "It may be right in a moment: try again.",
        kinds: &["conflict"],
        again: true,
    },
    Failure {
        status: 413,
        name: "BodyTooLarge",
        says: "The body is too large. Nothing changed.",
        kinds: &["invalid_data"],
        again: false,
    },
    Failure {
        status: 415,
        name: "NotJson",
        says: "The body is not said to be JSON. Nothing changed.",
        kinds: &["invalid_data"],
        again: false,
    },
    Failure {
        status: 421,
        name: "NotLocal",
        says: "The `Host` header names another machine than the one this server answers for.",
        kinds: &["invalid_data"],
        again: false,
    },
    Failure {
        status: 422,
        name: "Unprocessable",
        says: "There is one already (`duplicate_error`), the provider did not take it (`provider_rejected`), a session \
               that had to be authorized was not (`payment_authorization_error`), a version of a provider is not one that can \
               serve (`version_refused`), or the idempotency key belongs to another request (`invalid_data`). Nothing happened.",
        kinds: &[
            "duplicate_error",
            "provider_rejected",
            "payment_authorization_error",
            "version_refused",
            "invalid_data",
        ],
        again: false,
    },
    Failure {
        status: 429,
        name: "TooManyRequests",
        says: "Too many requests from this caller. Nothing of the request was looked at.",
        kinds: &["rate_limited"],
        again: true,
    },
    Failure {
        status: 500,
        name: "Broken",
        says: "A fault of this server.",
        kinds: &["provider_fault", "unexpected_state"],
        again: false,
    },
    Failure {
        status: 502,
        name: "ProviderBroken",
        says: "The provider's fault, or the shop's that was asked about a cart. `needs_review`: an answer contradicts the books; a \
               person has to look.",
        kinds: &["provider_rejected", "provider_fault", "needs_review", "provider_unavailable", "cart_source_fault"],
        again: false,
    },
    Failure {
        status: 503,
        name: "Unavailable",
        says: "Not now: the store, the provider, or a free place is missing.",
        kinds: &["unavailable", "provider_rejected", "provider_fault"],
        again: true,
    },
    Failure {
        status: 504,
        name: "OutcomeUnknown",
        says: "Nobody knows yet whether it happened. Do not take it for a failure; ask what became of it.",
        kinds: &["outcome_unknown"],
        again: true,
    },
];

/// Every `code` there is, in order.
pub(in crate::http) const CODES: &[&str] = &[
    "already_settled",
    "amount_not_positive",
    "background_work_ended",
    "below_committed",
    "body_incomplete",
    "body_too_large",
    "cart_source_unavailable",
    "cart_source_wrong",
    "client_secret_missing",
    "client_secret_wrong",
    "collection_closed",
    "component_core_module",
    "component_gone",
    "component_invalid",
    "component_not_compilable",
    "component_not_linkable",
    "component_not_wasm",
    "component_precompiled",
    "component_too_large",
    "component_unknown",
    "contended",
    "contract_missing",
    "contract_types",
    "contract_version",
    "currency_mismatch",
    "customer_token_invalid",
    "deadline_guest_code",
    "deadline_host_wait",
    "declared_not_exported",
    "denied",
    "describe_differs",
    "describe_fault",
    "digest_mismatch",
    "draining",
    "duplicate_error",
    "exceeds_authorized",
    "exceeds_captured",
    "exceeds_collection",
    "grant_bad_host",
    "grant_bad_secret",
    "grant_not_wanted",
    "grant_unknown_interface",
    "grant_zero",
    "guest_contract",
    "guest_trap",
    "holds_money",
    "host_busy",
    "host_instantiation",
    "host_late",
    "host_panic",
    "idempotency_key_in_use",
    "idempotency_key_reused",
    "identifier_mismatch",
    "import_not_granted",
    "import_unknown",
    "internal",
    "invalid_data",
    "limit_handles",
    "limit_instances",
    "limit_memory",
    "limit_stack",
    "limit_table_entries",
    "limit_transfer",
    "live_sessions",
    "method_not_allowed",
    "needs_review",
    "no_runtime",
    "not_authorized",
    "not_found",
    "not_local",
    "not_supported",
    "nothing_earlier",
    "nothing_proposed",
    "open_payments",
    "operation_in_flight",
    "operator_settings",
    "outcome_unknown",
    "overloaded",
    "payment_canceled",
    "payment_captured",
    "provider_installed",
    "provider_not_capable",
    "provider_not_enabled",
    "provider_not_installed",
    "provider_rejected",
    "provider_tripped",
    "provider_unavailable",
    "publishable_key_invalid",
    "publishable_key_missing",
    "rate_limit_exceeded",
    "request_timeout",
    "scope_missing",
    "secret_key_invalid",
    "secret_key_missing",
    "session_closed",
    "settings_invalid",
    "settings_schema",
    "stale_lease",
    "store_disk_failed",
    "store_unavailable",
    "store_unusable",
    "too_many",
    "too_many_streams",
    "uncertain_charge",
    "unknown_provider",
    "unknown_route",
    "unsupported_media_type",
    "version_below_minimum",
    "version_in_use",
    "version_state",
    "version_unloadable",
    "wrong_collection",
];

/// The one status that belongs to no operation: the document has only methods that a path takes.
const WRONG_METHOD: u16 = 405;

/// Every `type` there is, in order.
pub(in crate::http) fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = FAILURES.iter().flat_map(|failure| failure.kinds.iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Whether the tables above have this answer.
pub(in crate::http) fn knows(status: u16, kind: &str, code: &str) -> bool {
    let listed = |failure: &Failure| failure.status == status && failure.kinds.contains(&kind);
    let known = status == WRONG_METHOD || FAILURES.iter().any(listed);
    known && CODES.contains(&code)
}

impl Failure {
    /// The body, and an example of it.
    pub(super) fn media_type(&self) -> Value {
        let kinds = json!({ "properties": { "type": { "enum": self.kinds } } });
        json!({ "schema": { "allOf": [reference("ErrorAnswer"), kinds] } })
    }

    /// The Response Object (OpenAPI 3.1 section 4.8.17).
    pub(super) fn response(&self) -> Value {
        let mut response = json!({ "description": self.says, "content": { "application/json": self.media_type() } });
        if self.again {
            response["headers"] = json!({
                "Retry-After": {
                    "description": "Seconds to wait before another try.",
                    "schema": { "type": "integer", "minimum": 1 },
                },
            });
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(FAILURES.windows(2).all(|pair| pair[0].status < pair[1].status));
    }

    #[test]
    fn an_answer_is_known_by_status_type_and_code() {
        assert!(knows(400, "not_allowed", "too_many") && knows(405, "invalid_data", "method_not_allowed"));
        assert!(!knows(400, "conflict", "too_many") && !knows(400, "not_allowed", "nobody_knows"));
        assert!(!knows(418, "not_allowed", "too_many"));
    }
}
