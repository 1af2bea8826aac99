//! Asks the host for whatever its input says, and answers what the host said: HTTP exchanges, secrets, digests. What it says
//! of money is what it was told to say.
//!
//! `{"calls":[{"method","url","key","headers":[["n","v"]],"secrets":[["header","prefix","name"]],"body","times"}],
//! "hmac":["name","message"],"reveal":"name","tell":"name","log":"…","random":8,"then":"trap"|"error"|"loop",
//! "answer":{"status","reference","minor_units","error"},"orders":{"capture":{…},…}}`
//!
//! An order for another function stands in `orders` and travels in `data`. `{id}` in a URL is the last `id` that a gateway
//! answered, `{secret}` in any text of a call what `reveal` told. `tell` puts a revealed secret wherever an answer has room.

use std::marker::PhantomData;

use serde_json::{Value, json};
use tillbox_guests::bindings::tillbox::provider::{crypto, reveal, secrets};
use tillbox_guests::payments::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, HostWanted, InitiateRequest, KeyMemory, Lookup,
    ProviderInfo, RefundRequest, RetrieveRequest, SecretWanted, Snapshot, UpdateRequest,
};
use tillbox_guests::types::{Context, Error, ErrorKind, Money, Outcome, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome, log};

/// A door to the network.
pub trait Door {
    /// Who goes through it.
    const IDENTIFIER: &'static str;

    /// Performs one exchange, and tells what came of it.
    fn exchange(call: &Value, state: &mut Value) -> Value;
}

/// Does as it is told, through this door.
#[derive(Debug)]
pub struct Ordered<D>(PhantomData<D>);

impl<D: Door> Provider for Ordered<D> {
    fn describe() -> ProviderInfo {
        let host = |host: &str| HostWanted { host: host.into(), purpose: "payments".into() };
        let secret = SecretWanted { name: "api_key".into(), purpose: "payments".into(), reveal: true };
        let mut info = honest_info(D::IDENTIFIER);
        for recovery in &mut info.recovery {
            recovery.keys = KeyMemory::None;
            recovery.lookup = Lookup::Strong;
        }
        ProviderInfo {
            hosts: vec![host("api.gateway.example"), host("other.gateway.example")],
            secrets: vec![secret],
            ..info
        }
    }

    fn initiate(_: Context, request: InitiateRequest) -> Answer {
        let order: Value = serde_json::from_str(&request.input).unwrap_or_default();
        let state = json!({ "orders": order["orders"].clone() });
        obey::<D>(&order, state, Status::Pending, request.amount)
    }

    fn update(_: Context, request: UpdateRequest) -> Answer {
        later::<D>("update", &request.payment.data, Status::Pending, request.amount)
    }

    fn authorize(_: Context, request: AuthorizeRequest) -> Answer {
        later::<D>("authorize", &request.payment.data, Status::Authorized, request.payment.amount)
    }

    fn capture(_: Context, request: CaptureRequest) -> Answer {
        later::<D>("capture", &request.payment.data, Status::Captured, request.amount)
    }

    fn refund(_: Context, request: RefundRequest) -> Answer {
        later::<D>("refund", &request.payment.data, Status::Captured, request.amount)
    }

    fn cancel(_: Context, request: CancelRequest) -> Answer {
        later::<D>("cancel", &request.payment.data, Status::Canceled, request.payment.amount)
    }

    fn delete(_: Context, request: DeleteRequest) -> Answer {
        later::<D>("delete", &request.payment.data, Status::Canceled, request.payment.amount)
    }

    fn retrieve(_: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
        let asked = request.operation.as_ref().and_then(|operation| operation.amount.clone());
        let amount = asked.unwrap_or_else(|| request.payment.amount.clone());
        let outcome = later::<D>("retrieve", &request.payment.data, Status::Captured, amount)?;
        Ok(Snapshot {
            captured: request.payment.captured,
            refunded: request.payment.refunded,
            disputed: Money { minor_units: 0, ..request.payment.amount },
            operation: Some(outcome.clone()),
            outcome,
        })
    }
}

/// Carries out the order that `data` holds for a function.
fn later<D: Door>(function: &str, data: &str, honest: Status, amount: Money) -> Answer {
    let state: Value = serde_json::from_str(data).unwrap_or_default();
    let order = state["orders"][function].clone();
    obey::<D>(&order, state, honest, amount)
}

/// Asks the host, and answers what the order says.
fn obey<D: Door>(order: &Value, mut state: Value, honest: Status, amount: Money) -> Answer {
    let mut said = Vec::new();
    if let Some(name) = order["reveal"].as_str() {
        state["revealed"] = match secrets::open(name).and_then(|secret| reveal::reveal(&secret)) {
            Ok(value) => {
                let value = String::from_utf8_lossy(&value).into_owned();
                log::write(log::Level::Info, &format!("the key is {value}"), &[]);
                eprintln!("the key is {value}");
                state["secret"] = value.as_str().into();
                (value.len() as u64).into()
            }
            Err(error) => format!("{error:?}").into(),
        };
    }
    for call in order["calls"].as_array().into_iter().flatten() {
        for _ in 0..call["times"].as_u64().unwrap_or(1) {
            said.push(D::exchange(&filled(call, &state), &mut state));
        }
    }
    state["calls"] = said.into();
    if let Some([name, message]) = order["hmac"].as_array().map(Vec::as_slice) {
        state["hmac"] = match secrets::open(text(name)) {
            Ok(key) => hexadecimal(&crypto::hmac_sha256(&key, text(message).as_bytes())).into(),
            Err(error) => format!("{error:?}").into(),
        };
    }
    if let Some(length) = order["random"].as_u64() {
        state["random"] = (crypto::random_bytes(u32::try_from(length).unwrap_or(u32::MAX)).len() as u64).into();
    }
    if let Some(count) = order["open"].as_u64() {
        let handles: Vec<_> = (0..count).map(|_| secrets::open("api_key")).collect();
        state["open"] = (handles.len() as u64).into();
    }
    if let Some(line) = order["log"].as_str() {
        let secret = text(&state["secret"]).to_owned();
        log::write(log::Level::Warn, &line.replace("{secret}", &secret), &[]);
    }
    let secret = state.as_object_mut().and_then(|state| state.remove("secret"));
    match order["then"].as_str() {
        Some("trap") => panic!("as the test asks {}", secret.as_ref().map(text).unwrap_or_default()),
        Some("error") => return Err(error(ErrorKind::OutcomeUnknown, "nobody knows")),
        Some("loop") => loop {
            std::hint::black_box(());
        },
        _ => {}
    }
    answer(order, state, honest, amount, secret.as_ref().map(text))
}

/// What it was told to say.
fn answer(order: &Value, mut state: Value, honest: Status, amount: Money, secret: Option<&str>) -> Answer {
    let told = &order["answer"];
    let secret = secret.filter(|_| order["tell"] == true);
    if let Some(secret) = secret {
        state["told"] = format!("in data {secret}").into();
    }
    match told["error"].as_str() {
        Some("invalid-request") => return Err(error(ErrorKind::InvalidRequest, "it cannot be right")),
        Some("not-found") => return Err(error(ErrorKind::NotFound, "nobody knows it")),
        Some(message) => {
            return Err(error(ErrorKind::Other("odd".into()), &format!("{message} {}", secret.unwrap_or(""))));
        }
        None => {}
    }
    let status = match told["status"].as_str() {
        Some("pending") => Status::Pending,
        Some("authorized") => Status::Authorized,
        Some("captured") => Status::Captured,
        Some("canceled") => Status::Canceled,
        _ => honest,
    };
    let minor_units = told["minor_units"].as_i64().unwrap_or(amount.minor_units);
    let reference = told["reference"].as_str().or(state["id"].as_str()).unwrap_or("echo-1");
    let reference = reference.replace("{secret}", secret.unwrap_or_default());
    Ok(Outcome {
        provider_reference: Some(reference),
        client_data: secret.map(|secret| json!({ "told": secret }).to_string()),
        ..honest_outcome(status, state.to_string(), Money { minor_units, ..amount })
    })
}

fn error(kind: ErrorKind, message: &str) -> Error {
    Error { kind, code: "no-answer".into(), message: message.into(), data: None }
}

/// The call with `{id}` and `{secret}` filled in.
fn filled(call: &Value, state: &Value) -> Value {
    let mut written = call.to_string();
    for name in ["id", "secret"] {
        if let Some(value) = state[name].as_str() {
            written = written.replace(&format!("{{{name}}}"), value);
        }
    }
    serde_json::from_str(&written).unwrap_or_default()
}

/// Keeps the id of what a gateway answered.
pub(crate) fn remember(body: &str, state: &mut Value) {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    if let Some(id) = answer["id"].as_str() {
        state["id"] = id.into();
    }
}

/// The text of a value; nothing for another one.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
