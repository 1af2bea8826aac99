//! Sends what its input says, and says what it was answered, the same at every run: for the journal.
//!
//! `{"calls":[{"method","url","key","headers":[["n","v"]],"secrets":[["header","prefix","name"]],"body","stamp"}],
//! "then":"trap"|"loop"}`
//!
//! A call with `"stamp":true` sends what clocks and randomness say behind its body. The setting `calm` makes it pass over `then`,
//! the setting `bent` ask for another path. In a call that reads, the input is the payment's `data`.

use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};
use tillbox_guests::bindings::tillbox::provider::{crypto, secrets, settings};
use tillbox_guests::payments::{HostWanted, InitiateRequest, ProviderInfo, RetrieveRequest, SecretWanted, Snapshot};
use tillbox_guests::types::{Context, Error, Money, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome, http};

/// Does as it is told.
#[derive(Debug)]
pub struct Sends;

impl Provider for Sends {
    fn describe() -> ProviderInfo {
        let host = |host: &str| HostWanted { host: host.into(), purpose: "payments".into() };
        let secret = SecretWanted { name: "api_key".into(), purpose: "payments".into(), reveal: false };
        ProviderInfo {
            hosts: vec![host("api.gateway.example"), host("other.gateway.example")],
            secrets: vec![secret],
            settings_schema: r#"{"type":"object","properties":{"calm":{"type":"boolean"},"bent":{"type":"boolean"}}}"#
                .into(),
            ..honest_info("sends")
        }
    }

    fn initiate(_: Context, request: InitiateRequest) -> Answer {
        let order: Value = serde_json::from_str(&request.input).unwrap_or_default();
        obey(&order, request.amount)
    }

    fn retrieve(context: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
        let order: Value = serde_json::from_str(&request.payment.data).unwrap_or_default();
        let outcome = obey(&order, request.payment.amount.clone())?;
        let snapshot = honest_snapshot(context, request)?;
        Ok(Snapshot { outcome, ..snapshot })
    }
}

fn honest_snapshot(context: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
    struct Plain;
    impl Provider for Plain {}
    Plain::retrieve(context, request)
}

fn obey(order: &Value, amount: Money) -> Answer {
    let mut said = Vec::new();
    for call in order["calls"].as_array().into_iter().flatten() {
        said.push(exchange(call));
    }
    let data = json!({ "calls": said });
    match order["then"].as_str().filter(|_| settings::get("calm").is_none()) {
        Some("trap") => panic!("as the test asks"),
        Some("loop") => loop {
            std::hint::black_box(());
        },
        _ => Ok(honest_outcome(Status::Pending, data.to_string(), amount)),
    }
}

fn exchange(call: &Value) -> Value {
    let pairs = |key: &str| call[key].as_array().cloned().unwrap_or_default();
    let headers = pairs("headers")
        .iter()
        .map(|pair| http::Header { name: text(&pair[0]).into(), value: text(&pair[1]).into() })
        .collect();
    let mut opened = Vec::new();
    for triple in pairs("secrets") {
        match secrets::open(text(&triple[2])) {
            Ok(secret) => opened.push((text(&triple[0]).to_owned(), text(&triple[1]).to_owned(), secret)),
            Err(error) => return json!({ "secret": format!("{error:?}") }),
        }
    }
    let secret_headers = opened
        .iter()
        .map(|(name, prefix, secret)| http::SecretHeader { name: name.clone(), prefix: prefix.clone(), secret })
        .collect();
    let request = http::Request {
        method: call["method"].as_str().unwrap_or("GET").into(),
        url: format!("{}{}", text(&call["url"]), if settings::get("bent").is_some() { "bent" } else { "" }),
        idempotency_key: call["key"].as_str().map(str::to_owned),
        headers,
        secret_headers,
        body: body(call),
    };
    match http::send(&request) {
        Ok(response) => {
            let headers: serde_json::Map<String, Value> =
                response.headers.into_iter().map(|header| (header.name, header.value.into())).collect();
            let (kind, length, text) = match response.body {
                http::Body::Text(text) => ("text", text.len(), text.chars().take(200).collect::<String>()),
                http::Body::Bytes(bytes) => ("bytes", bytes.len(), String::new()),
            };
            json!({ "status": response.status, "headers": headers, "kind": kind, "length": length, "body": text })
        }
        Err(http::HttpError::Denied(line)) => json!({ "error": "denied", "text": line }),
        Err(http::HttpError::Invalid(rule)) => json!({ "error": "invalid", "text": rule }),
        Err(http::HttpError::NotConnected(why)) => json!({ "error": "not-connected", "text": why }),
        Err(http::HttpError::Lost(why)) => json!({ "error": "lost", "text": why }),
        Err(http::HttpError::TooLarge(status)) => json!({ "error": "too-large", "status": status }),
    }
}

/// `body` as text.
fn body(call: &Value) -> Option<http::Body> {
    if call["stamp"] == true {
        return Some(http::Body::Text(format!("{}{}", text(&call["body"]), stamp())));
    }
    call["body"].as_str().map(|text| http::Body::Text(text.into()))
}

/// What differs from call to call, and must not on a re-run.
fn stamp() -> String {
    let start = Instant::now();
    let random = hexadecimal(&crypto::random_bytes(16));
    let seeded = RandomState::new().hash_one("x");
    let said = format!("{:?} {:?} {random} {seeded} {:?}", SystemTime::now(), start, start.elapsed());
    hexadecimal(&crypto::sha256(said.as_bytes()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

tillbox_guests::export!(Sends);
