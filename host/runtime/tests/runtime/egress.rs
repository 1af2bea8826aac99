//! The way out, against servers on loopback that answer, break, stall and overdo: what a guest is told, what the report says
//! of what left, and that nothing gets out that was not granted.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use tillbox_artifacts::CALLS_OUT;
use tillbox_runtime::egress::resolve::Resolve;
use tillbox_runtime::egress::{HEAD_BYTES_MAX, RECEIVED_BODY_BYTES_MAX, SENT_BODY_BYTES_MAX};
use tillbox_runtime::secrets::SecretSource;
use tillbox_runtime::{
    CallReport, ComponentProvider, EXCHANGES_MAX, Failure, Fault, Grants, Left, Provider, RANDOM_REQUEST_BYTES_MAX,
    Reach, Runtime, RuntimeConfig,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::initiate;

const KEY: &str = "sk_live_canary_4711";

#[derive(Debug)]
struct Vault;

impl SecretSource for Vault {
    fn secret(&self, provider: &str, name: &str) -> Option<Vec<u8>> {
        (provider == "calls-out" && name == "api_key").then(|| KEY.as_bytes().to_vec())
    }
}

/// Names lead where the test says, another place at each question if it says so.
#[derive(Debug, Default)]
struct Names {
    answers: Mutex<Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let answers = self.answers.lock().unwrap();
        let place = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![answers[place.min(answers.len() - 1)]])
    }
}

/// What a server does with a connection, once it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    Answers(Vec<u8>),
    /// Closes without a word, at the first connection only.
    ClosesOnce,
    Closes,
    Stalls,
    /// Sends a head, then one byte after the other.
    Drips,
}

/// A server on loopback: what it heard, and how many connections there were.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

pub(crate) fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, heard: Arc::default(), connections: Arc::default() };
        let (heard, connections) = (Arc::clone(&server.heard), Arc::clone(&server.connections));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(talk(stream, manner.clone(), Arc::clone(&heard), number));
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.address.port())
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn grant(&self) -> Value {
        json!({ "host": "127.0.0.1", "scheme": "http", "port": self.address.port(), "addresses": ["127.0.0.1/32"] })
    }
}

async fn talk(mut stream: TcpStream, manner: Manner, heard: Arc<Mutex<Vec<String>>>, number: usize) {
    while let Some(request) = read_request(&mut stream).await {
        heard.lock().unwrap().push(request);
        match &manner {
            Manner::Answers(bytes) => stream.write_all(bytes).await.unwrap_or_default(),
            Manner::Closes => return,
            Manner::ClosesOnce if number == 0 => return,
            Manner::ClosesOnce => stream.write_all(&answer("200 OK", b"late")).await.unwrap_or_default(),
            Manner::Stalls => std::future::pending().await,
            Manner::Drips => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await.unwrap_or_default();
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
        }
    }
}

/// Head and body of one request; nothing at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn grants(hosts: Vec<Value>, secrets: Value) -> Grants {
    let interfaces = ["secrets", "reveal", "crypto", "http"];
    serde_json::from_value(json!({ "interfaces": interfaces, "hosts": hosts, "secrets": secrets })).unwrap()
}

async fn on(config: RuntimeConfig, grants: Grants) -> Arc<ComponentProvider> {
    let runtime = Runtime::new(RuntimeConfig { calls_max: 4, secret_source: Some(Arc::new(Vault)), ..config }).unwrap();
    runtime.check(CALLS_OUT).await.unwrap().grant(grants).unwrap()
}

async fn granted(server: &Server) -> Arc<ComponentProvider> {
    on(RuntimeConfig::default(), grants(vec![server.grant()], json!(["api_key"]))).await
}

/// What the guest was told, call by call, and the report.
async fn order(provider: &ComponentProvider, order: Value, deadline_ms: u32) -> (Value, CallReport) {
    let call = initiate(provider, &order.to_string(), deadline_ms).await;
    let data = call.answer.unwrap_or_else(|failure| panic!("{failure:?}")).data;
    (serde_json::from_str(data.as_str()).unwrap(), call.report)
}

async fn one(provider: &ComponentProvider, call: Value) -> (Value, CallReport) {
    let (data, report) = order(provider, json!({ "calls": [call] }), 5_000).await;
    (data["calls"][0].clone(), report)
}

#[tokio::test]
async fn an_exchange_carries_what_was_asked_and_what_is_the_hosts_own() {
    let server =
        Server::start(Manner::Answers(answer("201 Created\r\nX-Trace: abc\r\nconnection: keep-alive", b"{\"a\":1}")))
            .await;
    let provider = granted(&server).await;
    assert_eq!(provider.reach(), Reach::Network);
    let call = json!({ "method": "POST", "url": server.url("/v1/x?a=b"), "key": "the-guests-own", "body": "amount=1",
        "headers": [["content-type", "text/plain"]], "secrets": [["authorization", "Bearer ", "api_key"]] });
    let (told, report) = one(&provider, call).await;
    assert_eq!((told["status"].as_u64(), told["body"].as_str()), (Some(201), Some("{\"a\":1}")), "{told}");
    assert_eq!((told["headers"]["x-trace"].as_str(), told["headers"].get("connection")), (Some("abc"), None));
    let heard = &server.heard()[0];
    assert!(heard.starts_with("POST /v1/x?a=b HTTP/1.1\r\n"), "{heard}");
    for line in [
        &format!("host: 127.0.0.1:{}", server.address.port()),
        "content-length: 8",
        "content-type: text/plain",
        &format!("authorization: Bearer {KEY}"),
        "accept-encoding: gzip, identity",
    ] {
        assert!(heard.contains(&format!("{line}\r\n")), "{line} in {heard}");
    }
    // The operation's own key, whatever the guest says.
    assert!(heard.contains("\r\nidempotency-key: key-") && !heard.contains("the-guests-own"), "{heard}");
    assert!(heard.ends_with("\r\n\r\namount=1"));
    let exchange = &report.exchanges[0];
    assert_eq!((report.left, exchange.status, exchange.path.as_str()), (Some(Left::Answered), Some(201), "/v1/x"));
    assert!(!format!("{report:?}").contains(KEY));
}

#[tokio::test]
async fn what_was_not_granted_gets_no_socket() {
    let server = Server::start(Manner::Answers(answer("200 OK", b"secrets of the network"))).await;
    let port = server.address.port();
    let names = Arc::new(Names { answers: Mutex::new(vec![IpAddr::from([127, 0, 0, 1])]), ..Names::default() });
    let config = RuntimeConfig { resolver: Arc::clone(&names) as Arc<dyn Resolve>, ..RuntimeConfig::default() };
    let provider = on(config, grants(vec![json!("api.gateway.example")], json!([]))).await;
    for url in [
        format!("https://other.gateway.example:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://017700000001:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://api.gateway.example:{port}/"),
        format!("https://api.gateway.example.:{port}/"),
        format!("https://evil.example:{port}/"),
    ] {
        let (told, report) = one(&provider, json!({ "url": url })).await;
        assert_eq!(told["error"], "denied", "{url}: {told}");
        assert!(told["text"].as_str().unwrap().starts_with("hosts = ["), "{told}");
        assert_eq!(report.left, Some(Left::Nothing));
    }
    for url in [
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://api.gateway.example@127.0.0.1:{port}/"),
        "https://api.gateway.example/../x".to_owned(),
        "/v1/x".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let (told, _) = one(&provider, json!({ "url": url })).await;
        assert_eq!(told["error"], "invalid", "{url}: {told}");
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0, "not even a name was asked for");
    // The granted name itself leads to this machine: refused where it leads.
    let (told, _) = one(&provider, json!({ "url": "https://api.gateway.example/" })).await;
    assert_eq!(told["error"], "denied", "{told}");
    assert!(told["text"].as_str().unwrap().contains("loopback"), "{told}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_and_checked_at_each_connection() {
    let server = Server::start(Manner::Answers(answer("200 OK\r\nconnection: close", b"ok"))).await;
    let port = server.address.port();
    let metadata = IpAddr::from([169, 254, 169, 254]);
    let answers = Mutex::new(vec![IpAddr::from([127, 0, 0, 1]), metadata]);
    let names = Arc::new(Names { answers, ..Names::default() });
    let config = RuntimeConfig { resolver: Arc::clone(&names) as Arc<dyn Resolve>, ..RuntimeConfig::default() };
    let host = json!({ "host": "api.gateway.example", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] });
    let provider = on(config, grants(vec![host], json!([]))).await;
    let call = json!({ "url": format!("http://api.gateway.example:{port}/") });
    assert_eq!(one(&provider, call.clone()).await.0["status"], 200);
    let (told, report) = one(&provider, call).await;
    assert_eq!((told["error"].as_str(), report.left), (Some("denied"), Some(Left::Nothing)), "{told}");
    assert!(told["text"].as_str().unwrap().contains("169.254.169.254"), "{told}");
}

#[tokio::test]
async fn redirects_are_answers_and_nobody_follows_them() {
    let server = Server::start(Manner::Answers(answer("302 Found\r\nlocation: http://127.0.0.1:1/", b""))).await;
    let (told, _) = one(granted(&server).await.as_ref(), json!({ "url": server.url("/") })).await;
    assert_eq!((told["status"].as_u64(), server.heard().len()), (Some(302), 1));
}

#[tokio::test]
async fn what_left_is_said_exactly() {
    let post = |url: String| json!({ "method": "POST", "url": url, "key": "k", "body": "x" });
    // Nobody listens: proof that nothing left.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let host = json!({ "host": "127.0.0.1", "scheme": "http", "port": closed.port(), "addresses": ["127.0.0.1/32"] });
    let provider = on(RuntimeConfig::default(), grants(vec![host], json!([]))).await;
    let (told, report) = one(&provider, post(format!("http://127.0.0.1:{}/", closed.port()))).await;
    assert_eq!((told["error"].as_str(), report.left), (Some("not-connected"), Some(Left::Nothing)), "{told}");
    // It was heard, and nobody answers.
    let server = Server::start(Manner::Closes).await;
    let (told, report) = one(granted(&server).await.as_ref(), post(server.url("/"))).await;
    assert_eq!((told["error"].as_str(), report.left), (Some("lost"), Some(Left::Something)), "{told}");
    assert_eq!(server.heard().len(), 1, "it is not sent again by itself");
    // No call at all, and the guest breaks.
    let call = initiate(granted(&server).await.as_ref(), r#"{"then":"trap"}"#, 5_000).await;
    assert!(matches!(call.answer, Err(Failure::Fault(Fault::Trap { .. }))));
    assert_eq!(call.report.left, Some(Left::Nothing));
}

#[tokio::test]
async fn a_kept_connection_is_used_again_and_one_that_died_is_replaced() {
    let server = Server::start(Manner::Answers(answer("200 OK", b"ok"))).await;
    let provider = granted(&server).await;
    for _ in 0..5 {
        assert_eq!(one(&provider, json!({ "url": server.url("/") })).await.0["status"], 200);
    }
    assert_eq!((server.connections.load(Ordering::SeqCst), server.heard().len()), (1, 5));
    // Another grant of the same component has connections of its own.
    let other = granted(&server).await;
    assert_eq!(one(&other, json!({ "url": server.url("/") })).await.0["status"], 200);
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    let closing = Server::start(Manner::ClosesOnce).await;
    let provider = granted(&closing).await;
    assert_eq!(one(&provider, json!({ "url": closing.url("/") })).await.0["error"], "lost");
    assert_eq!(one(&provider, json!({ "url": closing.url("/") })).await.0["body"], "late");
}

#[tokio::test]
async fn every_wait_ends_before_the_call_does_and_the_guest_can_still_answer() {
    for manner in [Manner::Stalls, Manner::Drips] {
        let server = Server::start(manner).await;
        let provider = granted(&server).await;
        let start = Instant::now();
        let calls = json!({ "calls": [{ "method": "POST", "url": server.url("/"), "key": "k" }] });
        let (told, report) = order(&provider, calls, 700).await;
        assert_eq!((told["calls"][0]["error"].as_str(), report.left), (Some("lost"), Some(Left::Something)), "{told}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    // A loop after it ends by the deadline, and what left is known all the same.
    let server = Server::start(Manner::Answers(answer("200 OK", b"ok"))).await;
    let order = json!({ "calls": [{ "url": server.url("/") }], "then": "loop" });
    let call = initiate(granted(&server).await.as_ref(), &order.to_string(), 700).await;
    assert!(matches!(call.answer, Err(Failure::Fault(Fault::Deadline { .. }))), "{:?}", call.answer);
    assert_eq!(call.report.left, Some(Left::Answered));
}

#[tokio::test]
async fn bodies_have_their_limits_in_both_directions_also_when_they_are_packed() {
    let pack = |bytes: usize| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![b'x'; bytes]).unwrap();
        encoder.finish().unwrap()
    };
    for (head, body, told_is) in [
        ("200 OK", vec![b'x'; RECEIVED_BODY_BYTES_MAX], "text"),
        ("402 Payment Required", vec![b'x'; RECEIVED_BODY_BYTES_MAX + 1], "too-large"),
        ("200 OK\r\ncontent-encoding: gzip", pack(RECEIVED_BODY_BYTES_MAX), "text"),
        ("402 Payment Required\r\ncontent-encoding: gzip", pack(100 * RECEIVED_BODY_BYTES_MAX), "too-large"),
        ("200 OK\r\ncontent-encoding: gzip", b"no gzip".to_vec(), "lost"),
        ("200 OK\r\ncontent-encoding: br", b"x".to_vec(), "lost"),
        ("200 OK", vec![0xff, 0xfe], "bytes"),
    ] {
        let server = Server::start(Manner::Answers(answer(head, &body))).await;
        let (told, _) = one(granted(&server).await.as_ref(), json!({ "url": server.url("/") })).await;
        let seen = told["kind"].as_str().or(told["error"].as_str());
        assert_eq!(seen, Some(told_is), "{head}: {told}");
        if told_is == "too-large" {
            assert_eq!(told["status"], 402);
        }
    }
    let server = Server::start(Manner::Answers(answer("200 OK", b"ok"))).await;
    let provider = granted(&server).await;
    let post = |bytes: usize| json!({ "method": "POST", "url": server.url("/"), "key": "k", "body_bytes": bytes });
    assert_eq!(one(&provider, post(SENT_BODY_BYTES_MAX)).await.0["status"], 200);
    assert_eq!(one(&provider, post(SENT_BODY_BYTES_MAX + 1)).await.0["error"], "invalid");
    let wide = format!("200 OK\r\nx-wide: {}", "x".repeat(HEAD_BYTES_MAX));
    let server = Server::start(Manner::Answers(answer(&wide, b""))).await;
    assert_eq!(one(granted(&server).await.as_ref(), json!({ "url": server.url("/") })).await.0["error"], "too-large");
}

#[tokio::test]
async fn exchanges_handles_and_random_bytes_are_counted() {
    let server = Server::start(Manner::Answers(answer("200 OK", b"ok"))).await;
    let provider = granted(&server).await;
    let calls = |times: usize| json!({ "calls": [{ "url": server.url("/"), "times": times }] });
    assert_eq!(order(&provider, calls(EXCHANGES_MAX), 5_000).await.0["calls"].as_array().unwrap().len(), EXCHANGES_MAX);
    let most = tillbox_runtime::secrets::SECRETS_OPEN_MAX;
    for too_much in
        [calls(EXCHANGES_MAX + 1), json!({ "random": RANDOM_REQUEST_BYTES_MAX + 1 }), json!({ "open": most + 1 })]
    {
        let call = initiate(provider.as_ref(), &too_much.to_string(), 5_000).await;
        assert!(matches!(call.answer, Err(Failure::Fault(Fault::Contract { .. }))), "{too_much}: {:?}", call.answer);
    }
    assert_eq!(
        order(&provider, json!({ "random": RANDOM_REQUEST_BYTES_MAX }), 5_000).await.0["random"],
        RANDOM_REQUEST_BYTES_MAX
    );
    assert_eq!(order(&provider, json!({ "open": most }), 5_000).await.0["open"], most);
}

#[tokio::test]
async fn a_secret_goes_where_it_is_bound_and_is_read_by_nobody() {
    let server = Server::start(Manner::Answers(answer("200 OK", b"ok"))).await;
    let bound = json!([{ "name": "api_key", "hosts": ["api.gateway.example"], "headers": ["x-key"], "hmac": false }]);
    let provider = on(RuntimeConfig::default(), grants(vec![server.grant()], bound)).await;
    let call = |header: &str, name: &str| json!({ "url": server.url("/"), "secrets": [[header, "", name]] });
    let (told, _) = one(&provider, call("x-key", "api_key")).await;
    assert_eq!(told["error"], "denied", "{told}");
    assert!(told["text"].as_str().unwrap().contains("hosts = [\"127.0.0.1\"]"), "{told}");
    let (told, _) = one(&provider, call("x-key", "other")).await;
    assert!(told["secret"].as_str().unwrap().contains("not-granted"), "{told}");
    let refused = initiate(provider.as_ref(), r#"{"hmac":["api_key","x"]}"#, 5_000).await;
    assert!(matches!(refused.answer, Err(Failure::Fault(Fault::Denied { .. }))), "{:?}", refused.answer);
    assert!(server.heard().is_empty());
    let (told, _) = order(&provider, json!({ "reveal": "api_key" }), 5_000).await;
    assert!(told["revealed"].as_str().unwrap().contains("not-granted"), "{told}");
    // Granted, it can be read, and still never shows up in what an operator reads.
    let open = json!([{ "name": "api_key", "reveal": true }]);
    let provider = on(RuntimeConfig::default(), grants(vec![server.grant()], open)).await;
    let (told, report) = order(&provider, json!({ "reveal": "api_key", "hmac": ["api_key", "message"] }), 5_000).await;
    assert_eq!(told["revealed"], KEY.len());
    assert_eq!(told["hmac"].as_str().unwrap().len(), 64);
    assert!(report.log[0].message.contains("[redacted]") && report.printed.contains("[redacted]"), "{report:?}");
    assert!(!format!("{report:?}").contains(KEY));
}

/// A server that speaks TLS with this certificate, and its authority's in DER.
async fn over_tls(name: &str) -> (SocketAddr, Vec<u8>) {
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = vec![0; 4_096];
                if stream.read(&mut bytes).await.is_ok() {
                    drop(stream.write_all(&answer("200 OK", b"over tls")).await);
                    drop(stream.shutdown().await);
                }
            });
        }
    });
    (address, cert.der().to_vec())
}

#[tokio::test]
async fn tls_is_for_the_granted_name_and_a_trusted_certificate() {
    for (certified, trusted, told_is) in [
        ("api.gateway.example", true, None),
        ("other.example", true, Some("not-connected")),
        ("api.gateway.example", false, Some("not-connected")),
    ] {
        let (address, root) = over_tls(certified).await;
        let names = Arc::new(Names { answers: Mutex::new(vec![address.ip()]), ..Names::default() });
        let tls_roots = if trusted { vec![root] } else { Vec::new() };
        let config = RuntimeConfig { resolver: names, tls_roots, ..RuntimeConfig::default() };
        let host = json!({ "host": "api.gateway.example", "port": address.port(), "addresses": ["127.0.0.1/32"] });
        let provider = on(config, grants(vec![host], json!([]))).await;
        let url = format!("https://api.gateway.example:{}/", address.port());
        let (told, report) = one(&provider, json!({ "url": url })).await;
        assert_eq!(told["error"].as_str(), told_is, "{certified}: {told}");
        if told_is.is_none() {
            assert_eq!(told["body"], "over tls");
        } else {
            assert_eq!(report.left, Some(Left::Nothing), "no request before the certificate was checked");
        }
    }
}
