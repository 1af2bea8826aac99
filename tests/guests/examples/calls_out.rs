//! Asks the host for whatever its input says, and answers what the host said: HTTP exchanges, secrets, digests.
//!
//! `{"calls":[{"method","url","key","headers":[["n","v"]],"secrets":[["header","prefix","name"]],"body","times"}],
//! "hmac":["name","message"],"reveal":"name","log":"…","random":8,"then":"trap"|"error"|"loop"}`

use serde_json::{Value, json};
use tillbox_guests::bindings::tillbox::provider::{crypto, reveal, secrets};
use tillbox_guests::payments::{HostWanted, InitiateRequest, ProviderInfo, SecretWanted};
use tillbox_guests::types::{Context, Error, ErrorKind, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome, http, log};

/// Does as it is told.
#[derive(Debug)]
pub struct CallsOut;

impl Provider for CallsOut {
    fn describe() -> ProviderInfo {
        let host = |host: &str| HostWanted { host: host.into(), purpose: "payments".into() };
        let secret = SecretWanted { name: "api_key".into(), purpose: "payments".into(), reveal: true };
        ProviderInfo {
            hosts: vec![host("api.gateway.example"), host("other.gateway.example")],
            secrets: vec![secret],
            ..honest_info("calls-out")
        }
    }

    fn initiate(_: Context, request: InitiateRequest) -> Answer {
        let order: Value = serde_json::from_str(&request.input).unwrap_or_default();
        let mut said = Vec::new();
        for call in order["calls"].as_array().into_iter().flatten() {
            for _ in 0..call["times"].as_u64().unwrap_or(1) {
                said.push(exchange(call));
            }
        }
        let mut data = json!({ "calls": said });
        if let Some([name, message]) = order["hmac"].as_array().map(Vec::as_slice) {
            data["hmac"] = match secrets::open(text(name)) {
                Ok(key) => hexadecimal(&crypto::hmac_sha256(&key, text(message).as_bytes())).into(),
                Err(error) => format!("{error:?}").into(),
            };
        }
        if let Some(name) = order["reveal"].as_str() {
            data["revealed"] = match secrets::open(name).and_then(|secret| reveal::reveal(&secret)) {
                Ok(value) => {
                    let value = String::from_utf8_lossy(&value).into_owned();
                    log::write(log::Level::Info, &format!("the key is {value}"), &[]);
                    eprintln!("the key is {value}");
                    (value.len() as u64).into()
                }
                Err(error) => format!("{error:?}").into(),
            };
        }
        if let Some(length) = order["random"].as_u64() {
            data["random"] = (crypto::random_bytes(u32::try_from(length).unwrap_or(u32::MAX)).len() as u64).into();
        }
        if let Some(count) = order["open"].as_u64() {
            let handles: Vec<_> = (0..count).map(|_| secrets::open("api_key")).collect();
            data["open"] = (handles.len() as u64).into();
        }
        match order["then"].as_str() {
            Some("trap") => panic!("as the test asks"),
            Some("error") => Err(Error {
                kind: ErrorKind::OutcomeUnknown,
                code: "no-answer".into(),
                message: "nobody knows".into(),
                data: None,
            }),
            Some("loop") => loop {
                std::hint::black_box(());
            },
            _ => Ok(honest_outcome(Status::Pending, data.to_string(), request.amount)),
        }
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
        url: text(&call["url"]).into(),
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

/// `body` as text, or `body_bytes` of them.
fn body(call: &Value) -> Option<http::Body> {
    let large = call["body_bytes"].as_u64().map(|bytes| vec![b'x'; usize::try_from(bytes).unwrap_or(0)]);
    large.map(http::Body::Bytes).or_else(|| call["body"].as_str().map(|text| http::Body::Text(text.into())))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

tillbox_guests::export!(CallsOut);
