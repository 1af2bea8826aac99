//! Requests as they were read, and bodies as faults spoil them.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::{HeaderMap, Response, Uri, header};
use tokio::time::{Interval, interval};

use crate::faults::{Action, milliseconds};
use crate::problem::Problem;

/// The body of an answer.
pub(crate) type SentBody = BoxBody<Bytes, super::Never>;

/// Bytes that the gateway adds to a body which ends before its length.
const MISSING_BYTES: usize = 64;

/// A request, read to its end.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) method: String,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reading {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The secret key: as Bearer, or as the user name of Basic.
    pub(crate) fn key(&self) -> Option<String> {
        let value = self.header("authorization")?;
        if let Some(token) = value.strip_prefix("Bearer ") {
            return Some(token.trim().to_owned());
        }
        let decoded = decoded_base64(value.strip_prefix("Basic ")?.trim())?;
        String::from_utf8(decoded).ok()?.split(':').next().map(str::to_owned)
    }

    /// The query of what reads, the form of what changes.
    pub(crate) fn parameters(&self) -> Result<&str, Problem> {
        if self.body.is_empty() {
            return Ok(self.uri.query().unwrap_or_default());
        }
        let is_form =
            self.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(Problem::invalid(
                None,
                None,
                "Invalid request: the body must be application/x-www-form-urlencoded",
            ));
        }
        std::str::from_utf8(&self.body).map_err(|_| Problem::invalid(None, None, "Invalid request: not UTF-8"))
    }
}

fn decoded_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

pub(crate) fn whole(text: String) -> SentBody {
    Full::new(Bytes::from(text)).boxed()
}

/// An answer as the fault spoils it.
pub(crate) fn spoiled(action: &Action, text: &str) -> Response<SentBody> {
    let json = |body: SentBody| {
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        response
    };
    match action {
        Action::Html => {
            let mut response =
                Response::new(whole("<!doctype html><title>Maintenance</title><p>Back soon.".to_owned()));
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
            response
        }
        Action::Drip(ms) => json(Drip::new(text.as_bytes().to_vec(), *ms, false).boxed()),
        Action::Endless => json(Drip::new(vec![b' '], 1, true).boxed()),
        Action::GzipBomb(bytes) => {
            let mut response = json(Full::new(Bytes::from(bomb(*bytes))).boxed());
            response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
            response
        }
        Action::Short => {
            let mut response = json(Drip::new(text.as_bytes().to_vec(), 0, false).boxed());
            response.headers_mut().insert(header::CONTENT_LENGTH, (text.len() + MISSING_BYTES).into());
            response
        }
        Action::Refuse
        | Action::LoseReply
        | Action::DelayBefore(_)
        | Action::DelayAfter(_)
        | Action::Answer { .. }
        | Action::AnswerAfter(_)
        | Action::Redirect(_)
        | Action::Lie { .. } => json(whole(text.to_owned())),
    }
}

/// A small body that unpacks to this many bytes.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let blanks = vec![b' '; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(blanks.len());
        if encoder.write_all(&blanks[..now]).is_err() {
            break;
        }
        left -= now;
    }
    encoder.finish().unwrap_or_default()
}

/// A body that comes byte by byte, and may never end.
struct Drip {
    bytes: Vec<u8>,
    place: usize,
    pause: Option<Interval>,
    again: bool,
}

impl Drip {
    fn new(bytes: Vec<u8>, ms: u64, again: bool) -> Self {
        Self { bytes, place: 0, pause: (ms > 0).then(|| interval(milliseconds(ms))), again }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = super::Never;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, super::Never>>> {
        if self.place == self.bytes.len() {
            if !self.again {
                return Poll::Ready(None);
            }
            self.place = 0;
        }
        let Some(pause) = &mut self.pause else {
            self.place = self.bytes.len();
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(self.bytes.clone())))));
        };
        match pause.poll_tick(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(_) => {
                let byte = self.bytes[self.place];
                self.place += 1;
                Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(&[byte])))))
            }
        }
    }
}
