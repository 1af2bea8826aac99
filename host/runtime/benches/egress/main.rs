//! What the way out costs: one POST by a provider, through every rule of the pipeline, against the same POST by a plain client to
//! the same server on this machine, in turns and in one run; and a thousand calls that wait for a slow gateway at once.
//!
//! Ratios and added times are the result. The journal is a file that is synced twice for each exchange; what that costs is told
//! by itself, since it is the disk's and not the pipeline's.

mod server;

use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::json;
use server::Server;
use tillbox_artifacts::{CALLS_OUT, CALLS_WASI, ECHO};
use tillbox_core::id::OperationId;
use tillbox_core::text::Json;
use tillbox_core::{Currency, Money};
use tillbox_runtime::journal::{Ended, Intent, Journal, Keeping, NotKept};
use tillbox_runtime::request::{CallContext, InitiateRequest};
use tillbox_runtime::{CallReport, ComponentProvider, Grants, Provider, Runtime, RuntimeConfig};

/// Exchanges of each contestant.
const SAMPLES: usize = 3_000;

/// Rounds before anything is measured.
const WARM_UP: usize = 200;

/// Calls that wait at once.
const WAITING: usize = 1_000;

/// Bytes of resident memory that one waiting call may cost: what a small guest touches of its memory, its fiber, two
/// sockets and their buffers, of which one is the server's here.
const WAITING_BYTES_MAX: u64 = 1024 * 1024;

/// Calls of the neighbour in each of the two times it is measured.
const NEIGHBOURS: usize = 4_000;

fn main() {
    // `cargo test --benches` asks for a quick look only.
    let quick = std::env::args().any(|argument| argument == "--test");
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    threads.block_on(async {
        overhead(if quick { 20 } else { SAMPLES }).await;
        waiting(if quick { 20 } else { WAITING }, if quick { 50 } else { NEIGHBOURS }).await;
    });
}

/// A journal that is one file, synced at each entry.
struct OnDisk {
    file: Mutex<File>,
    syncing_nanos: Arc<AtomicU64>,
}

impl OnDisk {
    fn sync(&self, what: &str) -> Result<(), NotKept> {
        let start = Instant::now();
        let mut file = self.file.lock().unwrap();
        let kept = writeln!(file, "{what}").and_then(|()| file.sync_data());
        self.syncing_nanos.fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap(), Ordering::SeqCst);
        kept.map_err(|error| NotKept::Failed(error.to_string()))
    }
}

#[async_trait]
impl Journal for OnDisk {
    async fn about_to_send(&self, intent: Intent) -> Result<(), NotKept> {
        self.sync(&intent.digest)
    }

    async fn ended(&self, ended: Ended) -> Result<(), NotKept> {
        self.sync(&ended.sequence.to_string())
    }

    fn key(&self, step: u32) -> String {
        step.to_string()
    }
}

async fn overhead(samples: usize) {
    let server = Server::start(Duration::ZERO).await;
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let own = granted(&runtime, CALLS_OUT, &server, 8).await;
    let wasi = granted(&runtime, CALLS_WASI, &server, 8).await;
    let mut plain = connect(&server).await;
    let order = json!({ "calls": [{
        "method": "POST", "url": server.url(), "key": "k", "body": server::BODY, "headers": [["content-type", "text/plain"]],
    }] });
    let directory = tempfile::tempdir().unwrap();
    let syncing_nanos = Arc::new(AtomicU64::new(0));
    let journal: Arc<dyn Journal> = Arc::new(OnDisk {
        file: Mutex::new(File::create(directory.path().join("journal")).unwrap()),
        syncing_nanos: Arc::clone(&syncing_nanos),
    });
    let mut times: [Vec<Duration>; 5] = Default::default();
    for round in 0..WARM_UP + samples {
        // In turns, and each of them first as often as any other: whoever comes first finds the caches of the one before.
        let mut row = [Duration::ZERO; 5];
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => {
                    let start = Instant::now();
                    post(&mut plain, &server).await;
                    row[0] = start.elapsed();
                }
                1 => (row[2], row[1]) = exchange(&own, &order, Keeping::default()).await,
                _ => (row[4], row[3]) = exchange(&wasi, &order, Keeping::default()).await,
            }
        }
        if round >= WARM_UP {
            times.iter_mut().zip(row).for_each(|(column, time)| column.push(time));
        }
    }
    let [alone, own_exchange, own_call, wasi_exchange, wasi_call] = times.map(Figures::of);
    let (mut kept, mut syncs) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        syncing_nanos.store(0, Ordering::SeqCst);
        let (call, _) = exchange(&own, &order, Keeping::new(Arc::clone(&journal))).await;
        let synced = Duration::from_nanos(syncing_nanos.load(Ordering::SeqCst));
        kept.push(call.saturating_sub(synced));
        syncs.push(synced);
    }
    let (kept_call, synced) = (Figures::of(kept), Figures::of(syncs));
    println!("one POST of {} bytes to a server on this machine, {samples} samples each", server::BODY.len());
    println!("  plain client                  p50 {:>9.1?}   p99 {:>9.1?}", alone.p50, alone.p99);
    for (what, figures) in [
        ("http: the pipeline alone", own_exchange),
        ("http: the whole call", own_call),
        ("wasi:http: the pipeline alone", wasi_exchange),
        ("wasi:http: the whole call", wasi_call),
        ("http, journal without syncs", kept_call),
    ] {
        println!("  {what:<30}p50 {:>9.1?}   p99 {:>9.1?}   {}", figures.p50, figures.p99, figures.against(&alone));
    }
    println!("  two syncs of the journal      p50 {:>9.1?}   p99 {:>9.1?}", synced.p50, synced.p99);
    let (p50, p99) = (own_call.p50.saturating_sub(alone.p50), own_call.p99.saturating_sub(alone.p99));
    println!("  added to a call: p50 {p50:.1?} (target: under 1 ms), p99 {p99:.1?} (target: under 5 ms)");
}

async fn waiting(count: usize, neighbours: usize) {
    let server = Server::start(Duration::from_secs(20)).await;
    let calls_max = u32::try_from(count).unwrap() + 64;
    let runtime = Runtime::new(RuntimeConfig { calls_max, ..RuntimeConfig::default() }).unwrap();
    let slow = granted(&runtime, CALLS_OUT, &server, u32::try_from(count).unwrap()).await;
    let neighbour = runtime.check(ECHO).await.unwrap().grant(Grants::default()).unwrap();
    let order =
        Arc::new(json!({ "calls": [{ "method": "POST", "url": server.url(), "key": "k", "body": server::BODY }] }));
    let quiet = measured(&neighbour, neighbours).await;
    let before = resident_bytes();
    let mut calls = Vec::new();
    for _ in 0..count {
        let (slow, order) = (Arc::clone(&slow), Arc::clone(&order));
        calls.push(tokio::spawn(async move { initiate(&slow, &order, 60_000, Keeping::default()).await }));
    }
    server.holds(count).await;
    let after = resident_bytes();
    let beside = measured(&neighbour, neighbours).await;
    println!("\n{count} calls wait for a slow gateway at once ({:?})", runtime.allocation());
    if let (Some(before), Some(after)) = (before, after) {
        let each = after.saturating_sub(before) / count as u64;
        println!(
            "  resident memory {} MiB before, {} MiB while they wait: {} KiB each (budget: {} KiB)",
            before >> 20,
            after >> 20,
            each >> 10,
            WAITING_BYTES_MAX >> 10
        );
        assert!(each <= WAITING_BYTES_MAX || count < WAITING, "a waiting call costs {each} bytes");
    }
    println!("  a neighbour's call, alone     p50 {:>9.1?}   p99 {:>9.1?}", quiet.p50, quiet.p99);
    println!(
        "  beside them                   p50 {:>9.1?}   p99 {:>9.1?}   {} (target: within 1.10 x)",
        beside.p50,
        beside.p99,
        beside.against(&quiet)
    );
    server.let_go();
    for call in calls {
        let (is_answered, _, _) = call.await.unwrap();
        assert!(is_answered, "a waiting call was not answered");
    }
    println!("  all {count} were answered");
}

/// The neighbour's calls, one after the other, in two rounds of which the first only warms up.
async fn measured(neighbour: &Arc<ComponentProvider>, calls: usize) -> Figures {
    let mut times = Vec::new();
    for round in 0..2 * calls {
        let (is_answered, duration, _) = initiate(neighbour, &json!({}), 10_000, Keeping::default()).await;
        assert!(is_answered);
        if round >= calls {
            times.push(duration);
        }
    }
    Figures::of(times)
}

async fn granted(runtime: &Runtime, component: &[u8], server: &Server, calls_max: u32) -> Arc<ComponentProvider> {
    let host = json!({ "host": "127.0.0.1", "scheme": "http", "port": server.port(), "addresses": ["127.0.0.1/32"] });
    let interfaces = ["secrets", "reveal", "crypto", "http"];
    let grants = json!({ "interfaces": interfaces, "hosts": [host], "calls_max": calls_max });
    let grants: Grants = serde_json::from_value(grants).unwrap();
    runtime.check(component).await.unwrap().grant(grants).unwrap()
}

/// The whole call, and of it the exchange as the pipeline saw it.
async fn exchange(provider: &ComponentProvider, order: &serde_json::Value, keeping: Keeping) -> (Duration, Duration) {
    let (is_answered, duration, report) = initiate(provider, order, 10_000, keeping).await;
    assert!(is_answered && report.exchanges[0].status == Some(200), "{report:?}");
    (duration, report.exchanges[0].duration)
}

async fn initiate(
    provider: &ComponentProvider,
    order: &serde_json::Value,
    deadline_ms: u32,
    keeping: Keeping,
) -> (bool, Duration, CallReport) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let tail = CALLS.fetch_add(1, Ordering::Relaxed).to_string();
    let context = CallContext::new(OperationId::from_tail(&tail), format!("key-{tail}"));
    let context = CallContext { deadline_ms, keeping, ..context };
    let amount = Money::new(1_050, Currency::new("EUR", 2).unwrap()).unwrap();
    let request = InitiateRequest { amount, input: Json::from_checked(&order.to_string()) };
    let start = Instant::now();
    let call = provider.initiate(context, request).await;
    (call.answer.is_ok(), start.elapsed(), call.report)
}

type Sender = SendRequest<Full<Bytes>>;

async fn connect(server: &Server) -> Sender {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn post(sender: &mut Sender, server: &Server) {
    let request = Request::post("/v1/x")
        .header("host", format!("127.0.0.1:{}", server.port()))
        .header("content-type", "text/plain")
        .header("idempotency-key", "k");
    let request = request.body(Full::new(Bytes::from_static(server::BODY.as_bytes()))).unwrap();
    sender.ready().await.unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(response.status().is_success());
    drop(response.into_body().collect().await.unwrap());
}

/// The middle and the slowest hundredth.
#[derive(Clone, Copy)]
struct Figures {
    p50: Duration,
    p99: Duration,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        Self { p50: at(50), p99: at(99) }
    }

    #[allow(clippy::float_arithmetic, reason = "a ratio for a reader")]
    fn against(&self, other: &Self) -> String {
        let ratio = |ours: Duration, theirs: Duration| ours.as_secs_f64() / theirs.as_secs_f64();
        format!("{:.2} x at p50, {:.2} x at p99", ratio(self.p50, other.p50), ratio(self.p99, other.p99))
    }
}

/// Resident memory of this process; nothing where the system does not say.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
