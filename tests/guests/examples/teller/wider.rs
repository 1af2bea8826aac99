//! A version of the teller that wants more than those before: the network, a host and a secret.
//!
//! It sends when it is paid with `{"send":true}`, and keeps nothing.

#[path = "till.rs"]
mod till;

use tillbox_guests::payments::{
    AuthorizeRequest, CaptureRequest, HostWanted, InitiateRequest, ProviderInfo, RefundRequest, RetrieveRequest,
    SecretWanted, Snapshot,
};
use tillbox_guests::types::{Context, Error, Status};
use tillbox_guests::{Answer, Provider, honest_outcome, http};

const VERSION: &str = "1.2.0";

/// The teller that wants more.
#[derive(Debug)]
pub struct Wider;

impl Provider for Wider {
    fn describe() -> ProviderInfo {
        let purpose = "payments".to_owned();
        ProviderInfo {
            hosts: vec![HostWanted { host: "api.gateway.example".into(), purpose: purpose.clone() }],
            secrets: vec![SecretWanted { name: "api_key".into(), purpose, reveal: false }],
            ..till::info(VERSION)
        }
    }

    fn initiate(_: Context, request: InitiateRequest) -> Answer {
        if request.input.contains("\"send\"") {
            let request = http::Request {
                method: "GET".into(),
                url: "https://api.gateway.example/v1/ping".into(),
                idempotency_key: None,
                headers: Vec::new(),
                secret_headers: Vec::new(),
                body: None,
            };
            drop(http::send(&request));
        }
        Ok(honest_outcome(Status::Pending, request.input, request.amount))
    }

    fn authorize(_: Context, request: AuthorizeRequest) -> Answer {
        till::authorize(VERSION, request)
    }

    fn capture(_: Context, request: CaptureRequest) -> Answer {
        till::capture(VERSION, request)
    }

    fn refund(_: Context, request: RefundRequest) -> Answer {
        till::refund(VERSION, request)
    }

    fn retrieve(_: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
        till::retrieve(VERSION, request)
    }
}

tillbox_guests::export!(Wider);
