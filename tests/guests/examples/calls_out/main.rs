//! Asks the host for whatever its input says, by the contract's own `http.send`. The orders stand in `orders.rs`.

use serde_json::{Value, json};
use tillbox_guests::bindings::tillbox::provider::secrets;
use tillbox_guests::http;

mod orders;

use orders::{Door, remember, text};

/// The contract's door.
#[derive(Debug)]
pub struct Http;

impl Door for Http {
    const IDENTIFIER: &'static str = "calls-out";

    fn exchange(call: &Value, state: &mut Value) -> Value {
        exchange(call, state)
    }
}

fn exchange(call: &Value, state: &mut Value) -> Value {
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
                http::Body::Text(text) => {
                    remember(&text, state);
                    ("text", text.len(), text.chars().take(200).collect::<String>())
                }
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

/// Does as it is told.
pub type CallsOut = orders::Ordered<Http>;

tillbox_guests::export!(CallsOut);
