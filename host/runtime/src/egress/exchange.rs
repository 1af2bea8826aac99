//! One exchange on one connection: what left, what came back, within which time and size.
//!
//! "Not sent" is only said with proof: no byte of the request was handed to the stream, or hyper gave the request back
//! untouched. Everything else is "may have been sent".

use std::io::Read as _;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response};
use tokio::time::timeout_at;

use super::connect::{Connection, Connector, HEAD_BYTES_MAX, Pool};
use super::request::Asked;
use super::rule::HostRule;
use super::{Course, ExchangeReport, Left, Refusal};
use crate::journal::Moment;
use crate::redact::Redactor;
use crate::text::clean;

/// Bytes of a body that is received, unpacked: the contract's limit.
pub const RECEIVED_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Milliseconds from the last byte of a request to the first of its answer: what the slowest client libraries of gateways
/// wait. The call's deadline is mostly shorter.
pub const FIRST_BYTE_MS_MAX: u64 = 80_000;

/// Milliseconds for a body once its headers are there: gateways send a few kilobytes at once.
pub const BODY_MS_MAX: u64 = 30_000;

/// Bytes of an error's words.
const WORDS_BYTES_MAX: usize = 200;

/// An answer, complete.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The status (RFC 9110 section 15).
    pub status: u16,
    /// Names in lower case, values as text; what is between the host and the gateway alone is left out.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// Headers and bodies hold payers and secrets.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({}, {} bytes)", self.status, self.body.len())
    }
}

impl Received {
    /// The same without what nobody may read.
    pub(super) fn without(self, secrets: &Redactor) -> Self {
        let hidden = |(name, value)| (secrets.text(name), secrets.text(value));
        Self {
            status: self.status,
            headers: self.headers.into_iter().map(hidden).collect(),
            body: secrets.bytes(self.body),
        }
    }
}

/// Headers that mean something between two machines only.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Sends and waits. The report learns what left as soon as it is known.
pub(super) async fn perform(
    connector: &Connector,
    pool: &Pool,
    rule: &HostRule,
    asked: Asked,
    course: Course<'_>,
    report: &mut ExchangeReport,
) -> Result<Received, Refusal> {
    let deadline = course.deadline;
    let Asked { method, target, headers, body, secrets: _ } = asked;
    let waits = connector.waits;
    let mut request = request(method.as_str(), &target.path_and_query, &target.authority(), &headers, &body)?;
    if let Some(mut kept) = pool.take(rule, &target) {
        match once(&mut kept, request, course.until(waits.first_byte_ms), report).await {
            Ok(response) => {
                return finish(pool, &target, kept, response, until(deadline, waits.body_ms), report).await;
            }
            // A kept connection was closed before it took the request: a new one is no second request.
            Err(Failed::GivenBack(untouched)) => request = *untouched,
            Err(Failed::Refused(refusal)) => return Err(refusal),
        }
    }
    let mut fresh = connector.connect(rule, &target, deadline).await?;
    match once(&mut fresh, request, course.until(waits.first_byte_ms), report).await {
        Ok(response) => finish(pool, &target, fresh, response, until(deadline, waits.body_ms), report).await,
        Err(Failed::GivenBack(_)) => {
            Err(Refusal::NotConnected(format!("{} closed the connection", target.authority())))
        }
        Err(Failed::Refused(refusal)) => Err(refusal),
    }
}

impl Course<'_> {
    fn until(self, ms: u64) -> Self {
        Self { deadline: until(self.deadline, ms), ..self }
    }
}

/// A step's own time, within the call's.
fn until(deadline: Instant, ms: u64) -> Instant {
    deadline.min(Instant::now() + Duration::from_millis(ms))
}

fn request(
    method: &str,
    path: &str,
    authority: &str,
    headers: &[(header::HeaderName, HeaderValue)],
    body: &Bytes,
) -> Result<Request<Full<Bytes>>, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| Refusal::Invalid(clean(&error.to_string(), WORDS_BYTES_MAX));
    let mut request =
        Request::builder().method(method).uri(path).body(Full::new(body.clone())).map_err(|error| invalid(&error))?;
    let fields = request.headers_mut();
    fields.insert(header::HOST, authority.parse().map_err(|error| invalid(&error))?);
    fields.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"));
    if !body.is_empty() || method != "GET" {
        fields.insert(header::CONTENT_LENGTH, body.len().into());
    }
    for (name, value) in headers {
        fields.insert(name.clone(), value.clone());
    }
    Ok(request)
}

enum Failed {
    /// Nothing of it was sent.
    GivenBack(Box<Request<Full<Bytes>>>),
    Refused(Refusal),
}

/// Sends, and waits for the head of the answer.
async fn once(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
    Course { deadline, pass }: Course<'_>,
    report: &mut ExchangeReport,
) -> Result<Response<Incoming>, Failed> {
    let before = connection.flow.written();
    let whole = before.saturating_add(length(&request));
    pass(Moment::BeforeFirstByte);
    // A host that was held up must not begin after its time: somebody else may be looking after the operation by now.
    if Instant::now() >= deadline {
        return Err(Failed::Refused(Refusal::NotConnected("no time was left".to_owned())));
    }
    let flow = std::sync::Arc::clone(&connection.flow);
    let sending = async {
        let mut sending = std::pin::pin!(connection.sender.try_send_request(request));
        let early = tokio::select! {
            biased;
            () = flow.reached(whole) => None,
            answered = &mut sending => Some(answered),
        };
        match early {
            None => {
                pass(Moment::RequestSent);
                sending.await
            }
            Some(answered) => {
                if answered.is_ok() {
                    pass(Moment::RequestSent);
                }
                answered
            }
        }
    };
    let answered = timeout_at(deadline.into(), sending).await;
    // Counted after the future is gone: what it had not written by then, it never will.
    let untouched = connection.flow.written() == before;
    report.left = if untouched { Left::Nothing } else { Left::Something };
    match answered {
        Ok(Ok(response)) => {
            report.left = Left::Something;
            report.status = Some(response.status().as_u16());
            Ok(response)
        }
        Ok(Err(mut error)) => match error.take_message() {
            Some(request) if untouched => Err(Failed::GivenBack(Box::new(request))),
            Some(_) | None => Err(Failed::Refused(broken(untouched, &error.into_error().to_string()))),
        },
        // The connection's own task may still be about to write: only it knows, so silence proves nothing here.
        Err(_) => {
            report.left = Left::Something;
            Err(Failed::Refused(Refusal::Lost("no answer came in time".to_owned())))
        }
    }
}

/// Bytes of a request as it is written: request line, fields, an empty line, the body (RFC 9112 section 2.1).
fn length(request: &Request<Full<Bytes>>) -> u64 {
    let line = request.method().as_str().len() + 1 + request.uri().to_string().len() + " HTTP/1.1\r\n".len();
    let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let body = hyper::body::Body::size_hint(request.body()).exact().unwrap_or_default();
    u64::try_from(line + fields + 2).unwrap_or(u64::MAX).saturating_add(body)
}

fn broken(untouched: bool, words: &str) -> Refusal {
    let words = clean(words, WORDS_BYTES_MAX);
    if untouched { Refusal::NotConnected(words) } else { Refusal::Lost(words) }
}

/// Reads the body, and keeps the connection where it was read to its end.
async fn finish(
    pool: &Pool,
    target: &super::request::Target,
    connection: Connection,
    response: Response<Incoming>,
    deadline: Instant,
    report: &mut ExchangeReport,
) -> Result<Received, Refusal> {
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    // 101 would hand the connection over to another protocol; nobody asked for one, and the exchange has no answer.
    if head.status.is_informational() {
        return Err(Refusal::Lost(format!("the gateway answered {status}, which is no end of an exchange")));
    }
    // The connection's buffer bounds what is read; this is the exact number.
    let head_bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if head_bytes > HEAD_BYTES_MAX {
        return Err(Refusal::TooLarge(status));
    }
    let packed = match timeout_at(deadline.into(), read(body)).await {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => return Err(Refusal::TooLarge(status)),
        Ok(Err(error)) => return Err(Refusal::Lost(clean(&error.to_string(), WORDS_BYTES_MAX))),
        Err(_) => return Err(Refusal::Lost("the answer's body did not come in time".to_owned())),
    };
    pool.keep(target, connection);
    let body = unpacked(&head.headers, packed, status)?;
    report.left = Left::Answered;
    report.received_bytes = body.len() as u64;
    Ok(Received { status, headers: visible(&head.headers), body })
}

/// The body, or nothing when it is over its limit.
async fn read(mut body: Incoming) -> hyper::Result<Option<Bytes>> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            if bytes.len() + data.len() > RECEIVED_BODY_BYTES_MAX {
                return Ok(None);
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(Some(bytes.freeze()))
}

/// Unpacks no further than the limit: a small body may unpack to a large one.
fn unpacked(headers: &HeaderMap, packed: Bytes, status: u16) -> Result<Vec<u8>, Refusal> {
    let encodings: Vec<&[u8]> = headers.get_all(header::CONTENT_ENCODING).iter().map(HeaderValue::as_bytes).collect();
    match encodings.as_slice() {
        [] | [b"identity"] => Ok(packed.to_vec()),
        [b"gzip" | b"x-gzip"] => {
            let mut body = Vec::new();
            let mut decoder = MultiGzDecoder::new(&packed[..]).take(RECEIVED_BODY_BYTES_MAX as u64 + 1);
            decoder
                .read_to_end(&mut body)
                .map_err(|error| Refusal::Lost(format!("the answer's body cannot be unpacked: {error}")))?;
            if body.len() > RECEIVED_BODY_BYTES_MAX { Err(Refusal::TooLarge(status)) } else { Ok(body) }
        }
        _ => Err(Refusal::Lost("the answer is packed in a way that nobody asked for".to_owned())),
    }
}

fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    let between = |name: &str| HOP_BY_HOP.contains(&name) || name.starts_with("proxy-");
    headers
        .iter()
        .filter(|(name, _)| !between(name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
