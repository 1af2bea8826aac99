//! Asks the host for whatever its input says, by `wasi:http/outgoing-handler`. The orders are those of `calls_out/orders.rs`; with
//! `"late": true` a body is written after the request was handed over, with `"unfinished": true` never to its end; with `"forget": true`
//! nobody waits for the answer, `linger_ms` later.

use serde_json::{Value, json};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    Scheme,
};
use wasip2::io::streams::StreamError;

#[path = "../calls_out/orders.rs"]
mod orders;

use orders::{Door, remember, text};

/// Bytes that are read or written at once.
const CHUNK: u64 = 4_096;

/// The door of other people's libraries.
#[derive(Debug)]
pub struct Wasi;

impl Door for Wasi {
    const IDENTIFIER: &'static str = "calls-wasi";

    fn exchange(call: &Value, state: &mut Value) -> Value {
        exchange(call, state).unwrap_or_else(|told| told)
    }
}

fn exchange(call: &Value, state: &mut Value) -> Result<Value, Value> {
    let pairs = |key: &str| call[key].as_array().cloned().unwrap_or_default();
    let headers = Fields::new();
    let plain = pairs("headers").into_iter().map(|pair| (text(&pair[0]).to_owned(), text(&pair[1]).to_owned()));
    let secret = pairs("secrets").into_iter().map(|triple| {
        let value = format!("{}{{{{secret:{}}}}}", text(&triple[1]), text(&triple[2]));
        (text(&triple[0]).to_owned(), value)
    });
    for (name, value) in plain.chain(secret) {
        let added = headers.append(&name, value.as_bytes());
        added.map_err(|error| json!({ "error": "invalid", "at": "fields", "text": format!("{error:?}") }))?;
    }
    let request = OutgoingRequest::new(headers);
    let wrong = |()| json!({ "error": "invalid", "at": "request" });
    request.set_method(&method(call)).map_err(wrong)?;
    let (scheme, authority, path) = parts(text(&call["url"]));
    request.set_scheme(Some(&scheme)).map_err(wrong)?;
    request.set_authority(Some(authority)).map_err(wrong)?;
    request.set_path_with_query(Some(path)).map_err(wrong)?;
    let body = match written(call) {
        Some(bytes) => Some((request.body().map_err(wrong)?, bytes)),
        None => None,
    };
    let is_finished = call["unfinished"] != true;
    let failed = |error: ErrorCode| told(&error);
    let future = match body {
        Some((body, bytes)) if call["late"] == true => {
            let future = handle(request, None).map_err(failed)?;
            write(body, &bytes, is_finished)?;
            future
        }
        Some((body, bytes)) => {
            write(body, &bytes, is_finished)?;
            handle(request, None).map_err(failed)?
        }
        None => handle(request, None).map_err(failed)?,
    };
    if let Some(ms) = call["linger_ms"].as_u64() {
        wasip2::clocks::monotonic_clock::subscribe_duration(ms * 1_000_000).block();
    }
    if call["forget"] == true {
        return Ok(json!({ "forgotten": true }));
    }
    let response = wait(&future).map_err(failed)?;
    read(&response, state)
}

/// Scheme, authority and path as they stand in a URL, well formed or not.
fn parts(url: &str) -> (Scheme, &str, &str) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (Scheme::Https, "", url);
    };
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    match rest.find('/') {
        Some(at) => (scheme, &rest[..at], &rest[at..]),
        None => (scheme, rest, "/"),
    }
}

fn method(call: &Value) -> Method {
    match call["method"].as_str().unwrap_or("GET") {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.into()),
    }
}

fn written(call: &Value) -> Option<Vec<u8>> {
    let large = call["body_bytes"].as_u64().map(|bytes| vec![b'x'; usize::try_from(bytes).unwrap_or(0)]);
    large.or_else(|| call["body"].as_str().map(|text| text.as_bytes().to_vec()))
}

fn write(body: OutgoingBody, bytes: &[u8], is_finished: bool) -> Result<(), Value> {
    let stream = body.write().map_err(|()| json!({ "error": "invalid", "at": "body" }))?;
    for chunk in bytes.chunks(CHUNK as usize) {
        let done = stream.blocking_write_and_flush(chunk);
        done.map_err(|error| json!({ "error": "invalid", "at": "body", "text": format!("{error:?}") }))?;
    }
    drop(stream);
    if is_finished {
        OutgoingBody::finish(body, None).map_err(|error| told(&error))?;
    }
    Ok(())
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    loop {
        if let Some(response) = future.get() {
            return response.expect("asked once");
        }
        future.subscribe().block();
    }
}

fn read(response: &IncomingResponse, state: &mut Value) -> Result<Value, Value> {
    let named = |(name, value): (String, Vec<u8>)| (name, Value::from(String::from_utf8_lossy(&value).into_owned()));
    let headers: serde_json::Map<String, Value> = response.headers().entries().into_iter().map(named).collect();
    let body = response.consume().expect("consumed once");
    let stream = body.stream().expect("read once");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(json!({ "error": "lost", "at": "body", "text": format!("{error:?}") })),
        }
    }
    drop(stream);
    drop(IncomingBody::finish(body));
    let (kind, length) =
        if std::str::from_utf8(&bytes).is_ok() { ("text", bytes.len()) } else { ("bytes", bytes.len()) };
    let whole = String::from_utf8_lossy(&bytes).into_owned();
    remember(&whole, state);
    let text: String = if kind == "text" { whole.chars().take(200).collect() } else { String::new() };
    Ok(json!({ "status": response.status(), "headers": headers, "kind": kind, "length": length, "body": text }))
}

/// The error in the words of the other door.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum of forty errors, of which the host answers with six"
)]
fn told(error: &ErrorCode) -> Value {
    let is_invalid = matches!(error, ErrorCode::InternalError(Some(rule)) if rule.starts_with("invalid: "));
    let word = match error {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => "denied",
        ErrorCode::ConnectionRefused => "not-connected",
        ErrorCode::ConnectionTerminated => "lost",
        ErrorCode::HttpResponseBodySize(_) => "too-large",
        _ if is_invalid => "invalid",
        _ => "odd",
    };
    json!({ "error": word, "text": format!("{error:?}") })
}

/// Does as it is told.
pub type CallsWasi = orders::Ordered<Wasi>;

tillbox_guests::export!(CallsWasi);
