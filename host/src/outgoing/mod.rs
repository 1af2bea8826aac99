//! Leaving the process: one signed POST to a webhook endpoint or a shop, bounded in every direction.
//!
//! No redirect is followed, no proxy is taken from the environment, and of an answer to a webhook only the status counts. It
//! knows neither events nor when to try again.

mod address;
mod body;
mod question;
mod sign;

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::trace::Trace;

pub(crate) use address::{URL_CHARS_MAX, check};
pub(crate) use body::body;
pub(crate) use question::{Asked, Said, question, read_answer};
pub(crate) use sign::{is_signed, read_secret, secret_text, signatures};

/// Milliseconds for a connection to be made: across the world it takes one.
pub const CONNECT_MS_MAX: u64 = 5_000;

/// Milliseconds for a whole call, the answer's status included: receivers are asked to take an event and work on it later.
pub const CALL_MS_MAX: u64 = 15_000;

/// Bytes of an answer that are read, so that its connection can be used again. What is longer costs its connection.
pub const ANSWER_BYTES_MAX: usize = 16 * 1_024;

/// Connections kept to one receiver: as many as are used at once.
const IDLE_MAX: usize = 8;

/// Milliseconds an unused connection is kept: less than most servers do, so that theirs is rarely the first to close.
const IDLE_MS_MAX: u64 = 30_000;

/// Why a POST did not reach its goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undelivered {
    /// One line; it holds nothing of the request, and nothing of the answer but its status.
    pub(crate) why: String,
    /// The receiver says that it is there no more (410).
    pub(crate) gone: bool,
}

/// What came back to a question. Nothing of it is believed yet.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// As it is said to be; empty where it is not.
    pub(crate) id: String,
    pub(crate) timestamp: Option<i64>,
    pub(crate) signatures: String,
    pub(crate) body: Vec<u8>,
}

/// One POST.
pub(crate) struct Letter<'a> {
    pub(crate) url: &'a str,
    /// The same for every attempt.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) timestamp: i64,
    pub(crate) signatures: &'a str,
    pub(crate) body: Vec<u8>,
    /// What the letter is a part of.
    pub(crate) trace: Option<Trace>,
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends letters. Connections are kept between them.
pub(crate) struct Courier {
    /// Made with the first letter: reading the system's root certificates takes a moment.
    client: OnceLock<Result<HttpClient, String>>,
    call: Duration,
}

impl Courier {
    pub(crate) fn new(call_ms: u64) -> Self {
        Self { client: OnceLock::new(), call: Duration::from_millis(call_ms) }
    }

    /// Sends a question, and gives what came back whatever it is, at most so many bytes of it. The time is for everything.
    pub(crate) async fn ask(&self, letter: Letter<'_>, bytes_max: usize) -> Result<Reply, Undelivered> {
        let client = self.client.get_or_init(client).as_ref().map_err(|why| undelivered(why.clone()))?;
        let request = request(letter).map_err(undelivered)?;
        let asked = async {
            let answer = client.request(request).await.map_err(|error| undelivered(chain(&error)))?;
            let (head, body) = answer.into_parts();
            let text =
                |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
            let body = Limited::new(body, bytes_max).collect().await;
            let body = body.map_err(|error| undelivered(format!("the answer's body: {error}")))?;
            Ok(Reply {
                status: head.status.as_u16(),
                id: text("webhook-id"),
                timestamp: text("webhook-timestamp").parse().ok(),
                signatures: text("webhook-signature"),
                body: body.to_bytes().to_vec(),
            })
        };
        let late = |_| Err(undelivered(format!("no answer within {} ms", self.call.as_millis())));
        tokio::time::timeout(self.call, asked).await.unwrap_or_else(late)
    }

    /// Delivers, or says why not. Whether a letter without a good answer arrived is not known, so it is sent again.
    pub(crate) async fn deliver(&self, letter: Letter<'_>) -> Result<(), Undelivered> {
        let client = self.client.get_or_init(client).as_ref().map_err(|why| undelivered(why.clone()))?;
        let request = request(letter).map_err(undelivered)?;
        let answered = tokio::time::timeout(self.call, client.request(request)).await;
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(undelivered(chain(&error))),
            Err(_) => return Err(undelivered(format!("no answer within {} ms", self.call.as_millis()))),
        };
        let status = answer.status();
        // A courtesy to the connection; the status has been said.
        let rest = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let _ = tokio::time::timeout(self.call, rest).await;
        if status.is_success() {
            return Ok(());
        }
        let redirect = if status.is_redirection() { "; redirects are not followed, give the final URL" } else { "" };
        Err(Undelivered { why: format!("answered {status}{redirect}"), gone: status == StatusCode::GONE })
    }
}

impl std::fmt::Debug for Courier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Courier")
    }
}

fn client() -> Result<HttpClient, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(Duration::from_millis(CONNECT_MS_MAX)));
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_millis(IDLE_MS_MAX))
        .pool_max_idle_per_host(IDLE_MAX)
        .build(connector.wrap_connector(tcp)))
}

fn request(letter: Letter<'_>) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri = letter.url.parse().map_err(|_| "its URL cannot be used any more".to_owned())?;
    let header = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    let mut request = Request::new(Full::new(Bytes::from(letter.body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("tillbox/", env!("CARGO_PKG_VERSION"))));
    headers.insert(HeaderName::from_static("webhook-id"), header(letter.id)?);
    headers.insert(HeaderName::from_static("webhook-timestamp"), header(&letter.timestamp.to_string())?);
    headers.insert(HeaderName::from_static("webhook-signature"), header(letter.signatures)?);
    if let Some(trace) = letter.trace {
        headers.insert(HeaderName::from_static("traceparent"), header(&trace.to_string())?);
    }
    Ok(request)
}

fn undelivered(why: String) -> Undelivered {
    Undelivered { why, gone: false }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}
