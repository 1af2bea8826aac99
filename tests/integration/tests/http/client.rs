//! Bytes on a socket: one request, one connection. It sends whatever it is told to, wrong things too, which a real client
//! library would refuse to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tillbox::Host;
use tillbox::core::id::{CollectionId, SessionId};
use tokio::runtime::Handle;

/// Seconds until a test gives up on an answer: every wait of the host that a test provokes is far shorter.
const ANSWER_SECONDS_MAX: u64 = 60;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
    /// The body, byte for byte.
    pub(crate) text: String,
}

/// Where requests go, and the keys that go with them.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    /// May operate and administer.
    pub(crate) secret: String,
    pub(crate) publishable: String,
    /// Knows the client secrets, as the merchant's server does.
    pub(crate) host: Host,
    /// The host's own threads.
    pub(crate) threads: Handle,
}

impl Door {
    /// The header that opens this path, where one does.
    pub(crate) fn key(&self, target: &str) -> Option<(&'static str, String)> {
        if target.starts_with("/admin") {
            Some(("authorization", format!("Bearer {}", self.secret)))
        } else if target.starts_with("/store") {
            Some(("x-publishable-api-key", self.publishable.clone()))
        } else {
            None
        }
    }

    /// The client secret of the collection that a storefront's path is about, where there is one.
    fn client_secret(&self, target: &str) -> Option<String> {
        let path = target.split('?').next().unwrap_or_default();
        let mut parts = path.strip_prefix("/store/")?.split('/');
        let (kind, id) = (parts.next()?, parts.next()?);
        let found = async {
            let id = match kind {
                "payment-collections" => CollectionId::parse(id).ok()?,
                _ => self.host.collection_of_session(&SessionId::parse(id).ok()?).await.ok()?.id,
            };
            self.host.client_secret(&id).await.ok()
        };
        self.threads.block_on(found).map(|secret| secret.reveal().to_owned())
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    anonymous: bool,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new(), anonymous: false }
    }

    /// A POST the way an honest client sends it.
    pub(crate) fn post(target: &str, body: impl Into<String>) -> Self {
        Self::new("POST", target).header("content-type", "application/json").body(body.into())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Without the key and the client secret that every request of a test has.
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and reads the answer. `host`, `content-length`, the key and the client secret are added where they are not
    /// among the headers.
    pub(crate) fn send(&self, door: &Door) -> Answer {
        let address = door.address;
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target);
        let has = |name: &str| self.headers.iter().any(|(header, _)| header == name);
        if !has("host") {
            head.push_str(&format!("host: {address}\r\n"));
        }
        if !has("content-length") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        if let Some((name, key)) = door.key(&self.target).filter(|(name, _)| !self.anonymous && !has(name)) {
            head.push_str(&format!("{name}: {key}\r\n"));
        }
        if !self.anonymous
            && !has("x-client-secret")
            && let Some(secret) = door.client_secret(&self.target)
        {
            head.push_str(&format!("x-client-secret: {secret}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = connect(address);
        stream.write_all(head.as_bytes()).expect("the host reads");
        // A host that has seen enough answers and closes before the body is through; its answer still counts.
        drop(stream.write_all(&self.body));
        read(&mut stream)
    }
}

/// Sends bytes that need not be HTTP at all.
pub(crate) fn send_raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = connect(address);
    stream.write_all(bytes).expect("the host reads");
    read(&mut stream)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the host listens");
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX))).expect("a positive duration");
    stream
}

fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the whole answer is a host that did not want the rest of the request.
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(!bytes.is_empty(), "no answer: {error}");
    }
    let text = String::from_utf8(bytes).expect("answers are UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    // Gateways are answered in plain text; everybody else in JSON.
    let plain = headers.iter().any(|(name, value)| name == "content-type" && value.starts_with("text/plain"));
    let sent = body.to_owned();
    let body = match (body.is_empty(), plain) {
        (true, _) => Value::Null,
        (false, true) => Value::String(body.to_owned()),
        (false, false) => serde_json::from_str(body).expect("every other body is JSON"),
    };
    Answer { status: status.expect("a status line"), headers, body, text: sent }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}
