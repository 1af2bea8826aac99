//! What the cases share: the doors, a resolver that says what the case says, a server that only listens, and one call.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tillbox::core::id::OperationId;
use tillbox::core::outcome::Outcome;
use tillbox::core::text::Json;
use tillbox::core::{Currency, Money};
use tillbox::runtime::egress::resolve::Resolve;
use tillbox::runtime::request::{CallContext, InitiateRequest};
use tillbox::runtime::{
    Call, CallReport, ComponentProvider, ExchangeFault, Failure, Grants, Left, Provider, Runtime, RuntimeConfig,
    SecretSource,
};
use tillbox_artifacts::{CALLS_OUT, CALLS_WASI};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A secret that must turn up nowhere.
pub(crate) const CANARY: &str = "sk_live_canary_4711";

/// The doors to the network, by the component that goes through each.
pub(crate) const DOORS: &[(&str, &[u8])] = &[("http", CALLS_OUT), (WASI, CALLS_WASI)];

/// The second of them.
pub(crate) const WASI: &str = "wasi";

/// The host that is granted without anything special.
pub(crate) const GRANTED: &str = "api.gateway.example";

/// Names lead where the case says, elsewhere at each question if it says so.
#[derive(Debug, Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

impl Names {
    /// One set of addresses for each question; the last stays.
    pub(crate) fn leading(host: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parsed = answers.iter().map(|set| set.iter().map(|text| text.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers: Mutex::new(HashMap::from([(host.to_owned(), parsed)])), ..Self::default() })
    }

    pub(crate) fn lead(&self, host: &str, address: &str) {
        self.answers.lock().unwrap().insert(host.to_owned(), vec![vec![address.parse().unwrap()]]);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let known = answers.get_mut(host).ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(if known.len() > 1 { known.remove(0) } else { known[0].clone() })
    }
}

#[derive(Debug)]
struct Vault;

impl SecretSource for Vault {
    fn secret(&self, _: &str, name: &str) -> Option<Vec<u8>> {
        (name == "api_key").then(|| CANARY.as_bytes().to_vec())
    }
}

/// A server that answers each connection with the same bytes, and remembers what it heard.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

/// What a peer does once it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Writes this and waits for the next request.
    Says(Vec<u8>),
    /// Writes this and closes.
    SaysAndCloses(Vec<u8>),
    /// Writes this for ever.
    Repeats(Vec<u8>),
    /// Says nothing.
    Stalls,
    /// Echoes what it was sent as the body of its answer.
    Echoes,
}

pub(crate) fn ok(body: &str) -> Manner {
    Manner::Says(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

impl Peer {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self { address: listener.local_addr().unwrap(), heard: Arc::default(), connections: Arc::default() };
        let (heard, connections) = (Arc::clone(&peer.heard), Arc::clone(&peer.connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(talk(stream, manner.clone(), Arc::clone(&heard)));
            }
        });
        peer
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port())
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The line that opens it.
    pub(crate) fn grant(&self) -> Value {
        json!({ "host": "127.0.0.1", "scheme": "http", "port": self.port(), "addresses": ["127.0.0.1/32"] })
    }
}

async fn talk(mut stream: TcpStream, manner: Manner, heard: Arc<Mutex<Vec<String>>>) {
    let mut kept = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut kept).await {
        heard.lock().unwrap().push(request.clone());
        match &manner {
            Manner::Says(bytes) => stream.write_all(bytes).await.unwrap_or_default(),
            Manner::SaysAndCloses(bytes) => return stream.write_all(bytes).await.unwrap_or_default(),
            Manner::Repeats(bytes) => {
                while stream.write_all(bytes).await.is_ok() {}
                return;
            }
            Manner::Stalls => std::future::pending().await,
            Manner::Echoes => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", request.len());
                stream.write_all(format!("{head}{request}").as_bytes()).await.unwrap_or_default();
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, kept: &mut Vec<u8>) -> Option<String> {
    let head = loop {
        if let Some(end) = kept.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        (stream.read_buf(kept).await.ok()? > 0).then_some(())?;
    };
    let text = String::from_utf8_lossy(&kept[..head]).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let end = head + length.unwrap_or(0);
    while kept.len() < end {
        (stream.read_buf(kept).await.ok()? > 0).then_some(())?;
    }
    let request = String::from_utf8_lossy(&kept[..end]).into_owned();
    kept.drain(..end);
    Some(request)
}

pub(crate) fn runtime(names: &Arc<Names>) -> Runtime {
    let resolver = Arc::clone(names) as Arc<dyn Resolve>;
    Runtime::new(RuntimeConfig { resolver, secret_source: Some(Arc::new(Vault)), ..RuntimeConfig::default() }).unwrap()
}

/// A provider with these grants and every interface.
pub(crate) async fn granted(
    runtime: &Runtime,
    component: &[u8],
    hosts: Vec<Value>,
    secrets: Value,
) -> Arc<ComponentProvider> {
    let interfaces = ["secrets", "reveal", "crypto", "http"];
    let grants = json!({ "interfaces": interfaces, "hosts": hosts, "secrets": secrets });
    let grants: Grants = serde_json::from_value(grants).unwrap();
    runtime.check(component).await.unwrap().grant(grants).unwrap()
}

pub(crate) fn euro(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR", 2).unwrap()).unwrap()
}

/// `initiate` with this order.
pub(crate) async fn call(provider: &dyn Provider, order: &Value, deadline_ms: u32) -> Call<Outcome> {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let tail = CALLS.fetch_add(1, Ordering::SeqCst).to_string();
    let context = CallContext { deadline_ms, ..CallContext::new(OperationId::from_tail(&tail), format!("key-{tail}")) };
    let input = Json::from_checked(&order.to_string());
    provider.initiate(context, InitiateRequest { amount: euro(1_050), input }).await
}

/// The same: what the guest tells, or how the call failed, and the report.
pub(crate) async fn order(
    provider: &dyn Provider,
    order: &Value,
    deadline_ms: u32,
) -> (Result<Value, Failure>, CallReport) {
    let call = call(provider, order, deadline_ms).await;
    let told = call.answer.map(|outcome| serde_json::from_str(outcome.data.as_str()).unwrap());
    (told, call.report)
}

/// One exchange: what the guest was told of it, and the report.
pub(crate) async fn one(provider: &dyn Provider, call: Value) -> (Value, CallReport) {
    let (told, report) = order(provider, &json!({ "calls": [call] }), 5_000).await;
    let told = told.unwrap_or_else(|failure| panic!("{failure:?} {report:?}"));
    (told["calls"][0].clone(), report)
}

/// Checks that a request came to nothing, is in the report as this fault, and has this culprit.
pub(crate) fn contained(what: &str, told: &Value, report: &CallReport, error: &str, fault: ExchangeFault) {
    assert_eq!(told["error"], error, "{what}: {told}");
    if told["at"] == "fields" {
        // What is no header at all is refused where it is written: there is no request yet.
        assert_eq!((report.exchanges.len(), report.left), (0, Some(Left::Nothing)), "{what}");
        return;
    }
    let exchange = report.exchanges.last().unwrap_or_else(|| panic!("{what}: no word of it in the report"));
    assert_eq!(exchange.fault, Some(fault), "{what}: {exchange:?}");
    assert!(exchange.error.as_ref().is_some_and(|words| !words.is_empty()), "{what}: {exchange:?}");
    assert_eq!((exchange.left, report.left), (Left::Nothing, Some(Left::Nothing)), "{what}: {exchange:?}");
}
