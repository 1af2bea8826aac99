//! A server on a free port, and bytes to and from it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tillbox::http::{Limits, Server};
use tillbox::service::NewApiKey;
use tillbox::store::Scope;
use tillbox::{Host, HostBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Every wait of a test ends by then: longer than anything that a test waits for on purpose.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs.
pub(crate) struct Scene {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) host: Host,
    pub(crate) secret: String,
    pub(crate) publishable: String,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Scene {
    /// With the usual limits, in memory.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::of(Host::builder().in_memory(), limits, |server| server).await
    }

    pub(crate) async fn of(builder: HostBuilder, limits: Limits, more: impl FnOnce(Server) -> Server) -> Self {
        let host = builder.build().await.unwrap();
        let secret = host.create_api_key(NewApiKey::secret([Scope::Operate, Scope::Administer])).await.unwrap().1;
        let publishable = host.create_api_key(NewApiKey::publishable()).await.unwrap().1;
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (listener, metrics) = (bind().await.unwrap(), bind().await.unwrap());
        let (address, told) = (listener.local_addr().unwrap(), metrics.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = more(Server::new(host.clone()).limits(limits).metrics(metrics));
        let server = tokio::spawn(server.serve(listener, async { drop(stopped.await) }));
        let (secret, publishable) = (secret.reveal().to_owned(), publishable.reveal().to_owned());
        Self { address, metrics: told, host, secret, publishable, stop: Some(stop), server }
    }

    /// Says that it should stop.
    pub(crate) fn stop(&mut self) {
        self.stop.take().expect("it was not stopped before").send(()).expect("it still runs");
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) -> Host {
        soon(self.server).await.unwrap().unwrap();
        self.host.stop_background_work().await;
        self.host
    }

    /// The head of a request with the secret key, open for more headers.
    pub(crate) fn head(&self, line: &str) -> String {
        format!("{line} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n", self.address, self.secret)
    }

    /// A request with the secret key on a connection of its own. `headers` are lines.
    pub(crate) async fn ask(&self, line: &str, headers: &[&str]) -> Answer {
        let mut head = self.head(line);
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        self.send(&format!("{head}connection: close\r\n\r\n")).await
    }

    /// A POST of JSON.
    pub(crate) async fn post(&self, path: &str, body: &str, headers: &[&str]) -> Answer {
        let mut head = self.head(&format!("POST {path}"));
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        let length = body.len();
        let more =
            format!("content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        self.send(&(head + &more)).await
    }

    /// Bytes on a connection of their own, and everything that comes back.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        Answer::of(&all(&mut stream).await)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What `/metrics` says at its own address.
    pub(crate) async fn figures(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).await.unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.metrics);
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = Answer::of(&all(&mut stream).await);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.text
    }

    /// Waits until a line of the metrics begins so.
    pub(crate) async fn until_counted(&self, line: &str) {
        soon(async {
            while !self.figures().await.lines().any(|told| told.starts_with(line)) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Self { status, headers, text: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// Everything until the other end closes; a reset is an end, too.
pub(crate) async fn all(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = soon(stream.read_to_end(&mut bytes)).await {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    bytes
}

/// What comes until this has come.
pub(crate) async fn until(stream: &mut (impl AsyncRead + Unpin), last: &str) -> String {
    let mut told = Vec::new();
    while !String::from_utf8_lossy(&told).contains(last) {
        let mut part = [0; 4_096];
        let count = soon(stream.read(&mut part)).await.unwrap();
        assert!(count > 0, "closed before `{last}`: {}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&told).into_owned()
}

/// A wait that a broken host would make endless.
pub(crate) async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(PATIENCE, work).await.expect("it happens at all")
}
