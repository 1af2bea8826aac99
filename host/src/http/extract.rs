//! What handlers take: an id from the path, a strict body, a strict query. Each failure is an answer in JSON, and each of
//! them says to the document what it takes.

use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use schemars::JsonSchema;
use serde_json::json;
use tillbox_core::id::{
    AccountHolderId, CaptureId, CollectionId, EventId, OperationId, PaymentId, ProviderId, RefundId, RefundReasonId,
    SessionId,
};
use tillbox_runtime::limits::COMPONENT_BYTES_MAX;

use super::document::{Answered, Argument, Draft};
use super::limits::{DISCARD_BYTES_MAX, DISCARD_MS_MAX, ECHO_CHARS_MAX, Limits};
use super::problem::Problem;
use super::wire::{Choosable, Chosen, Fields, Input, Invalid, Query, QueryInput, Selected, id, sequence};
use crate::Host;
use crate::store::SubscriberId;

/// An id that a path can hold.
pub(super) trait PathId: std::fmt::Display {
    /// What it is an id of, in the words of "not found".
    const ENTITY: &'static str;
    /// What it begins with, without the underscore.
    const PREFIX: &'static str;

    fn read(text: &str) -> Option<Self>
    where
        Self: Sized;
}

macro_rules! path_ids {
    ($($id:ty = $entity:literal,)+) => {
        $(impl PathId for $id {
            const ENTITY: &'static str = $entity;
            const PREFIX: &'static str = <$id>::PREFIX;

            fn read(text: &str) -> Option<Self> {
                Self::parse(text).ok()
            }
        })+
    };
}

path_ids! {
    CollectionId = "PaymentCollection",
    SessionId = "PaymentSession",
    PaymentId = "Payment",
    OperationId = "Operation",
    CaptureId = "Capture",
    RefundId = "Refund",
    RefundReasonId = "RefundReason",
    ProviderId = "PaymentProvider",
    AccountHolderId = "AccountHolder",
    EventId = "Event",
}

/// Those of subscribers in processes are nobody's business at this door.
impl PathId for SubscriberId {
    const ENTITY: &'static str = "WebhookEndpoint";
    const PREFIX: &'static str = Self::WEBHOOK;

    fn read(text: &str) -> Option<Self> {
        Self::parse(text).filter(|_| text.starts_with(Self::WEBHOOK))
    }
}

/// The `{id}` of the path. A text that is no id of the kind names nothing, so it is not found.
#[derive(Debug)]
pub(super) struct Id<T>(pub(super) T);

impl<T: PathId, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_utf8 = |_| Problem::from(Invalid::field("id", "is not UTF-8"));
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(not_utf8)?;
        let shown = || text.chars().take(ECHO_CHARS_MAX).collect();
        T::read(&text).map(Self).ok_or_else(|| Problem::not_found(T::ENTITY, shown()))
    }
}

/// The `{id}` of the path, and the name behind it.
#[derive(Debug)]
pub(super) struct IdAnd<T>(pub(super) T, pub(super) String);

impl<T: PathId, S: Send + Sync> FromRequestParts<S> for IdAnd<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_utf8 = |_| Problem::from(Invalid::field("id", "is not UTF-8"));
        let read = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((text, name)) = read.map_err(not_utf8)?;
        let shown = || text.chars().take(ECHO_CHARS_MAX).collect();
        T::read(&text).map(|id| Self(id, name)).ok_or_else(|| Problem::not_found(T::ENTITY, shown()))
    }
}

/// The body, read into what the route takes. Every POST says that it is JSON, an empty one too: it is the header that
/// keeps the forms of other web pages out, since browsers ask before they send it.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: Input, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let what = "send the header `content-type: application/json`, with an empty body too";
            return Err(Problem::media_type(what));
        }
        let body = read(request).await?;
        Ok(Self(Fields::read(&body)?))
    }
}

/// A WebAssembly component as the whole body. It says that it is one, which keeps the forms of other web pages out.
#[derive(Debug)]
pub(super) struct Wasm(pub(super) Vec<u8>);

/// Its media type (WebAssembly Web API).
const WASM: &str = "application/wasm";

impl<S: Send + Sync> FromRequest<S> for Wasm {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let mut values = request.headers().get_all(header::CONTENT_TYPE).iter();
        let is_wasm = values.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(WASM.as_bytes()));
        if !is_wasm || values.next().is_some() {
            let what = "send a WebAssembly component with the header `content-type: application/wasm`";
            return Err(Problem::media_type(what));
        }
        Ok(Self(read_body(request, COMPONENT_BYTES_MAX).await?))
    }
}

impl Argument for Wasm {
    fn describe(draft: &mut Draft<'_>) {
        draft.bytes_body(WASM, COMPONENT_BYTES_MAX);
        draft.fails(&[400, 408, 413, 415, 422]);
    }
}

/// For requests that have nothing to say: a body is refused, whatever it is.
#[derive(Debug)]
pub(super) struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request).await?;
        if body.is_empty() { Ok(Self) } else { Err(Invalid::whole("this request takes no body").into()) }
    }
}

/// The query, read into what the route takes.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: QueryInput, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = |_| Problem::from(Invalid::whole("the query is not made of `key=value` pairs in UTF-8"));
        let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        Ok(Self(Query::read(pairs.map_err(wrong)?.0)?))
    }
}

/// A query without keys.
impl QueryInput for () {
    fn read(_: &mut Query) -> Result<Self, Invalid> {
        Ok(())
    }
}

/// For routes without a query.
#[derive(Debug)]
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Asked(()) = Asked::from_request_parts(parts, state).await?;
        Ok(Self)
    }
}

/// For routes whose query says what of the answer is wanted, and nothing else.
#[derive(Debug)]
pub(super) struct Only<E> {
    pub(super) fields: Chosen,
    answer: PhantomData<fn() -> E>,
}

impl<E: Choosable> QueryInput for Only<E> {
    fn read(query: &mut Query) -> Result<Self, Invalid> {
        Ok(Self { fields: query.fields::<E>()?, answer: PhantomData })
    }
}

impl<E: Choosable, S: Send + Sync> FromRequestParts<S> for Only<E> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Asked(only) = Asked::<Self>::from_request_parts(parts, state).await?;
        Ok(only)
    }
}

impl<E: Choosable> Argument for Only<E> {
    fn describe(draft: &mut Draft<'_>) {
        <Asked<Self> as Argument>::describe(draft);
    }
}

impl<E: Choosable + JsonSchema> Answered for Selected<E> {
    fn describe(draft: &mut Draft<'_>) {
        draft.chosen::<E>(200);
    }
}

impl Argument for State<Host> {
    fn describe(_: &mut Draft<'_>) {}
}

impl<T: PathId> Argument for Id<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.path(id(T::PREFIX));
        draft.fails(&[400, 404]);
    }
}

/// A part of the path that is no id of ours.
impl Argument for Result<Path<String>, PathRejection> {
    fn describe(draft: &mut Draft<'_>) {
        draft.path(json!({ "type": "string", "minLength": 1 }));
        draft.fails(&[400, 404]);
    }
}

/// An id, and a part that is no id of ours.
impl<T: PathId> Argument for IdAnd<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.path(id(T::PREFIX));
        draft.path(json!({ "type": "string", "minLength": 1 }));
        draft.fails(&[400, 404]);
    }
}

impl<T: Input> Argument for Json<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.body::<T>();
        draft.fails(&[400, 408, 413, 415]);
    }
}

impl Argument for NoBody {
    fn describe(draft: &mut Draft<'_>) {
        draft.fails(&[400, 408, 413]);
    }
}

impl<T: QueryInput> Argument for Asked<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.query(&Query::describe::<T>());
        draft.fails(&[400]);
    }
}

impl Argument for NoQuery {
    fn describe(draft: &mut Draft<'_>) {
        draft.fails(&[400]);
    }
}

/// `Last-Event-ID` (HTML Living Standard section 9.2.4): how far a reader had come when its stream ended.
#[derive(Debug)]
pub(super) struct LastEventId(pub(super) Option<i64>);

/// The header, as errors name it.
const LAST_EVENT_ID: &str = "Last-Event-ID";

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(LAST_EVENT_ID).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let read = value.to_str().ok().and_then(|text| sequence(text.trim())).filter(|_| values.next().is_none());
        let wrong = || Invalid::field(LAST_EVENT_ID, "must be the `id` of an event of this stream");
        Ok(Self(Some(read.ok_or_else(wrong)?)))
    }
}

impl Argument for LastEventId {
    fn describe(draft: &mut Draft<'_>) {
        let says = "The `id` of the last event that was read; the stream goes on after it.";
        draft.header(LAST_EVENT_ID, says, json!({ "type": "string", "pattern": "^[0-9]{1,18}$" }));
        draft.fails(&[400]);
    }
}

/// `application/json` (RFC 8259 section 11), in UTF-8 where it says a charset.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next().and_then(|value| value.to_str().ok()), values.next()) else {
        return false;
    };
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameters.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

/// The whole body of one of our own requests.
async fn read(request: Request) -> Result<Vec<u8>, Problem> {
    let bytes_max = limits(&request).body_bytes;
    read_body(request, bytes_max).await
}

/// The whole body, within a limit of bytes and the limit of time.
pub(super) async fn read_body(request: Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let wait = Duration::from_millis(limits(&request).body_ms);
    read_within(request.into_body(), bytes_max, wait).await
}

/// What the server was told, or the defaults.
fn limits(request: &Request) -> Limits {
    request.extensions().get().copied().unwrap_or_default()
}

async fn read_within(mut body: Body, bytes_max: usize, wait: Duration) -> Result<Vec<u8>, Problem> {
    // Known before the first byte where the caller says how long it is.
    let announced = body.size_hint().lower() > bytes_max as u64;
    if !announced {
        let collected = tokio::time::timeout(wait, collect(&mut body, bytes_max)).await;
        if let Some(bytes) = collected.unwrap_or_else(|_| Err(Problem::body_lost()))? {
            return Ok(bytes);
        }
    }
    // A connection that is closed on a caller who still sends is reset, and the answer is lost with it.
    let rest = collect(&mut body, DISCARD_BYTES_MAX);
    drop(tokio::time::timeout(Duration::from_millis(DISCARD_MS_MAX), rest).await);
    Err(Problem::too_large(bytes_max))
}

/// All that is left of the body; nothing when that is more than allowed.
async fn collect(body: &mut Body, bytes_max: usize) -> Result<Option<Vec<u8>>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Problem::body_lost())?;
        // Trailers say nothing here.
        let data: Bytes = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > bytes_max {
            return Ok(None);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, StatusCode};
    use axum::response::IntoResponse;

    use super::*;
    use crate::http::limits::BODY_BYTES_MAX;

    #[test]
    fn json_says_that_it_is_json() {
        let said = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            is_json(&headers)
        };
        for value in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=utf-8"] {
            assert!(said(&[value]), "{value}");
        }
        for value in [
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "",
        ] {
            assert!(!said(&[value]), "{value}");
        }
        assert!(!said(&[]));
        assert!(!said(&["application/json", "text/plain"]));
    }

    #[tokio::test]
    async fn a_body_ends_at_its_limit() {
        let request = |bytes: usize| Request::new(Body::from(vec![b' '; bytes]));
        assert_eq!(read(request(BODY_BYTES_MAX)).await.unwrap().len(), BODY_BYTES_MAX);
        assert!(read(request(BODY_BYTES_MAX + 1)).await.is_err());
        let mut told = request(2_001);
        told.extensions_mut().insert(Limits { body_bytes: 2_000, ..Limits::default() });
        assert!(read(told).await.is_err());
    }

    /// A body of which nothing ever comes.
    struct Silent;

    impl HttpBody for Silent {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let problem = read_within(Body::new(Silent), BODY_BYTES_MAX, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(problem.into_response().status(), StatusCode::REQUEST_TIMEOUT);
    }
}
