//! What all tests share: one runtime with a cache, checked packages, and requests about 10.50 EUR.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use tillbox_core::id::{CaptureId, OperationId, RefundId};
use tillbox_core::operation::OperationKind;
use tillbox_core::outcome::{OperationReference, Outcome, Snapshot};
use tillbox_core::text::Json;
use tillbox_core::{Currency, Money};
use tillbox_runtime::request::{
    AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, PaymentState,
    RefundRequest, RetrieveRequest, UpdateRequest,
};
use tillbox_runtime::{Call, ComponentProvider, Failure, Fault, Grants, Package, Provider, Runtime, RuntimeConfig};
use tokio::sync::Mutex;

/// Compiled components stay in memory for the life of the test binary, so no directory has to.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(RuntimeConfig::default()).unwrap());
static PACKAGES: LazyLock<Mutex<HashMap<usize, Package>>> = LazyLock::new(Mutex::default);

pub(crate) fn runtime() -> Runtime {
    RUNTIME.clone()
}

/// Checks a component once in the process.
pub(crate) async fn package(bytes: &'static [u8]) -> Package {
    let mut packages = PACKAGES.lock().await;
    let key = bytes.as_ptr() as usize;
    if let Some(package) = packages.get(&key) {
        return package.clone();
    }
    let package = runtime().check(bytes).await.unwrap();
    packages.insert(key, package.clone());
    package
}

/// A provider with no grant at all.
pub(crate) async fn provider(bytes: &'static [u8]) -> Arc<ComponentProvider> {
    package(bytes).await.grant(Grants::default()).unwrap()
}

pub(crate) fn euro(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR", 2).unwrap()).unwrap()
}

pub(crate) fn json(text: &str) -> Json {
    tillbox_runtime::json::check_object(text, tillbox_runtime::json::CONTRACT).unwrap()
}

/// An operation of its own each time, as the service makes them.
pub(crate) fn context(deadline_ms: u32) -> CallContext {
    static OPERATIONS: AtomicU64 = AtomicU64::new(0);
    let tail = OPERATIONS.fetch_add(1, Ordering::Relaxed).to_string();
    CallContext { deadline_ms, ..CallContext::new(OperationId::from_tail(&tail), format!("key-{tail}")) }
}

pub(crate) fn payment(data: &str) -> PaymentState {
    PaymentState {
        data: json(data),
        provider_reference: Some("ref-1".into()),
        amount: euro(1050),
        captured: euro(0),
        refunded: euro(0),
    }
}

/// `initiate` with this input.
pub(crate) async fn initiate(provider: &dyn Provider, input: &str, deadline_ms: u32) -> Call<Outcome> {
    let request = InitiateRequest { amount: euro(1050), input: json(input) };
    provider.initiate(context(deadline_ms), request).await
}

/// Any function that answers an outcome, about a payment with this data.
pub(crate) async fn call(provider: &dyn Provider, function: &str, data: &str) -> Call<Outcome> {
    let (context, payment, input) = (context(5_000), payment(data), Json::empty());
    match function {
        "update" => provider.update(context, UpdateRequest { payment, amount: euro(1200), input }).await,
        "authorize" => provider.authorize(context, AuthorizeRequest { payment, input }).await,
        "capture" => {
            let capture = CaptureId::from_tail("01");
            provider.capture(context, CaptureRequest { payment, amount: euro(400), capture, is_final: false }).await
        }
        "refund" => {
            let refund = RefundId::from_tail("01");
            let request = RefundRequest { payment, amount: euro(250), refund, reason: None, note: Some("n".into()) };
            provider.refund(context, request).await
        }
        "cancel" => provider.cancel(context, CancelRequest { payment, reason: Some("changed mind".into()) }).await,
        "delete" => provider.delete(context, DeleteRequest { payment }).await,
        "status" => provider.status(context, payment).await,
        other => panic!("no function {other}"),
    }
}

pub(crate) async fn retrieve(provider: &dyn Provider, data: &str) -> Call<Snapshot> {
    let operation = OperationReference {
        operation: OperationId::from_tail("01"),
        idempotency_key: "key-1".into(),
        kind: OperationKind::Capture,
        amount: Some(euro(400)),
    };
    provider.retrieve(context(5_000), RetrieveRequest { payment: payment(data), operation: Some(operation) }).await
}

/// The fault of a call that must have one.
pub(crate) fn fault<T: std::fmt::Debug>(call: Call<T>) -> Fault {
    match call.answer {
        Err(Failure::Fault(fault)) => fault,
        other => panic!("a fault was due: {other:?}"),
    }
}
