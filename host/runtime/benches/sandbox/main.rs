//! What the sandbox costs: one capture of the provider `manual` with 1 kB of data, in a fresh instance, against the same
//! provider as native Rust and against a bare loop over the engine, all in this run.
//!
//! Ratios are the result; times are printed so that a reader can see how noisy the machine was. Samples are taken in
//! turns, so that noise hits every contestant alike, and the median of each is compared.

mod bare;

use std::hint::black_box;
use std::time::{Duration, Instant};

use manual::Manual;
use tillbox_artifacts::MANUAL;
use tillbox_core::id::{CaptureId, OperationId};
use tillbox_core::text::Json;
use tillbox_core::{Currency, Money};
use tillbox_provider::Provider as _;
use tillbox_runtime::request::{AuthorizeRequest, CallContext, CaptureRequest, InitiateRequest, PaymentState};
use tillbox_runtime::{Grants, Provider, Runtime, RuntimeConfig};

/// Calls of each contestant.
const SAMPLES: usize = 4_000;

/// Rounds before anything is measured: caches warm, pool slots touched.
const WARM_UP: usize = 200;

/// Bytes of private state, at least.
const DATA_BYTES: usize = 1_000;

/// Compilations, and loads from the cache.
const LOADS: usize = 5;

/// Instances held at once when their memory is measured.
const INSTANCES: usize = 32;

fn main() {
    // `cargo test --benches` asks for a quick look only.
    let samples = if std::env::args().any(|argument| argument == "--test") { 20 } else { SAMPLES };
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    threads.block_on(async {
        let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
        println!("engine: wasmtime {:?}, {samples} samples each", runtime.allocation());
        calls(&runtime, samples).await;
        memory().await;
        loads().await;
    });
}

async fn calls(runtime: &Runtime, samples: usize) {
    let sandboxed = runtime.check(MANUAL).await.unwrap().grant(Grants::default()).unwrap();
    let bare = bare::Bare::new(runtime.engine(), MANUAL);
    let data = data(&*sandboxed).await;
    let (bare_context, bare_request) = bare::question(&data);
    let native = native_question(&data);

    let mut times: [Vec<Duration>; 6] = Default::default();
    for round in 0..WARM_UP + samples {
        let start = Instant::now();
        black_box(Manual::capture(black_box(&native.0), black_box(&native.1)).unwrap());
        let native_time = start.elapsed();

        let (outcome, split) = bare.capture(&bare_context, &bare_request).await;
        black_box(outcome);

        let (context, request) = (context(0), capture(&data));
        let start = Instant::now();
        let call = sandboxed.capture(context, request).await;
        let sandbox_time = start.elapsed();
        assert!(black_box(call.answer).is_ok());

        if round >= WARM_UP {
            let row = [native_time, split.total(), sandbox_time, split.instantiation, split.call, split.drop];
            times.iter_mut().zip(row).for_each(|(column, time)| column.push(time));
        }
    }
    let [native, bare, sandbox, instantiation, call, drop] = times.map(median);
    println!("\none capture, {} bytes of data (medians)", data.len());
    println!("  native Rust                {native:>10.1?}");
    println!("  bare engine loop           {bare:>10.1?}   {}", ratio("of native", bare, native));
    println!("    store and instance       {instantiation:>10.1?}   {}", ratio("of the loop", instantiation, bare));
    println!("    call                     {call:>10.1?}   {}", ratio("of the loop", call, bare));
    println!("    drop                     {drop:>10.1?}   {}", ratio("of the loop", drop, bare));
    println!("  through the sandbox        {sandbox:>10.1?}   {}", ratio("of native", sandbox, native));
    println!("  sandbox against bare loop: {} (target: 1.50 x or less)", ratio("", sandbox, bare).trim_end());
}

/// Without the pool, whose slots are resident before anybody lives in them.
async fn memory() {
    let runtime = Runtime::new(RuntimeConfig { pooling: false, ..RuntimeConfig::default() }).unwrap();
    let sandboxed = runtime.check(MANUAL).await.unwrap().grant(Grants::default()).unwrap();
    let (context, request) = bare::question(&data(&*sandboxed).await);
    let bare = bare::Bare::new(runtime.engine(), MANUAL);
    // The first instance pays for what all of them share.
    let mut held = vec![bare.live(&context, &request).await];
    let Some(before) = resident_bytes() else {
        println!("\nmemory per live instance: not known on this system");
        return;
    };
    for _ in 0..INSTANCES {
        held.push(bare.live(&context, &request).await);
    }
    let after = resident_bytes().unwrap_or(before);
    println!(
        "\nmemory per live instance that has answered once: {} KiB",
        after.saturating_sub(before) / 1024 / INSTANCES
    );
    drop(held);
}

async fn loads() {
    let directory = tempfile::tempdir().unwrap();
    let config = || RuntimeConfig { cache_directory: Some(directory.path().to_owned()), ..RuntimeConfig::default() };
    let (mut compiled, mut cached) = (Vec::new(), Vec::new());
    for _ in 0..LOADS {
        let without = Runtime::new(RuntimeConfig::default()).unwrap();
        compiled.push(time_of_check(&without).await);
        let with = Runtime::new(config()).unwrap();
        cached.push(time_of_check(&with).await);
    }
    // The first one filled the cache.
    cached.remove(0);
    let (compiled, cached) = (median(compiled), median(cached));
    println!("\ncheck of one component, `describe` included (medians of {LOADS})");
    println!("  compiled                   {compiled:>10.1?}");
    println!("  from the cache             {cached:>10.1?}   {}", ratio("of compiling", cached, compiled));
}

async fn time_of_check(runtime: &Runtime) -> Duration {
    let start = Instant::now();
    black_box(runtime.check(MANUAL).await.unwrap());
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// In hundredths, as integers: the one place where a float would be tempting.
fn ratio(of: &str, time: Duration, against: Duration) -> String {
    let hundredths = time.as_nanos() * 100 / against.as_nanos().max(1);
    format!("{}.{:02} x {of}", hundredths / 100, hundredths % 100)
}

/// Resident memory of this process, where the system tells (Linux).
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn euro(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR", 2).unwrap()).unwrap()
}

fn context(number: usize) -> CallContext {
    CallContext::new(OperationId::from_tail(&format!("bench{number}")), format!("key-bench{number}"))
}

fn payment(data: &str) -> PaymentState {
    PaymentState {
        data: Json::from_checked(data),
        provider_reference: Some("manual_payop_0".into()),
        amount: euro(1_000_000),
        captured: euro(0),
        refunded: euro(0),
    }
}

fn capture(data: &str) -> CaptureRequest {
    CaptureRequest { payment: payment(data), amount: euro(1), capture: CaptureId::from_tail("bench"), is_final: false }
}

/// The state of a payment that was captured from often enough to have grown to the size wanted.
async fn data(provider: &dyn Provider) -> String {
    let request = InitiateRequest { amount: euro(1_000_000), input: Json::empty() };
    let mut outcome = provider.initiate(context(1), request).await.answer.unwrap();
    let request = AuthorizeRequest { payment: payment(outcome.data.as_str()), input: Json::empty() };
    outcome = provider.authorize(context(2), request).await.answer.unwrap();
    let mut number = 3;
    while outcome.data.as_str().len() < DATA_BYTES {
        let tail = format!("bench{number}");
        let request = CaptureRequest { capture: CaptureId::from_tail(&tail), ..capture(outcome.data.as_str()) };
        outcome = provider.capture(context(number), request).await.answer.unwrap();
        number += 1;
    }
    outcome.data.as_str().to_owned()
}

fn native_question(data: &str) -> (tillbox_provider::Context, tillbox_provider::CaptureRequest) {
    use tillbox_provider::testing;
    let euro = |minor_units| testing::money(minor_units, 2, "EUR");
    let payment = tillbox_provider::PaymentState {
        data: testing::json(data),
        provider_reference: Some("manual_payop_0".into()),
        amount: euro(1_000_000),
        captured: euro(0),
        refunded: euro(0),
    };
    let request =
        tillbox_provider::CaptureRequest { payment, amount: euro(1), capture_id: "capt_bench".into(), is_final: false };
    (testing::context("payop_bench"), request)
}
