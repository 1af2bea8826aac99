//! Requests, bodies and answers of `wasi:http`, as a guest holds them. Bodies are whole and in memory: what is sent has its length
//! and its journal before the first byte, and what is received was read to its end.

use bytes::Bytes;
use hyper::header::HeaderName;
use tokio::sync::oneshot;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, Pollable, subscribe};
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;

use super::bindings::wasi::http::types::{self as wit, ErrorCode};
use super::fields::Fields;
use super::{Answer, error};
use crate::egress::{Received, SENT_BODY_BYTES_MAX};
use crate::guest::{GuestState, Raised};

/// A body on its way from the guest: its bytes, or the rule that it breaks.
pub(super) type Written = oneshot::Receiver<Result<Bytes, String>>;

/// A request that was not handled yet.
#[derive(Debug)]
pub struct OutgoingRequest {
    pub(super) method: String,
    pub(super) scheme: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) path: Option<String>,
    pub(super) headers: Fields,
    pub(super) body: Option<Written>,
}

/// What a guest writes. One byte more than may be sent fits, so that too much is seen and told.
#[derive(Debug)]
pub struct OutgoingBody {
    pipe: MemoryOutputPipe,
    is_taken: bool,
    finished: oneshot::Sender<Result<Bytes, String>>,
}

/// The times that a guest wishes for. None is taken: the host has its own for each step, and the call's deadline ends them all.
#[derive(Debug)]
pub struct RequestOptions;

/// An exchange that goes on.
pub struct FutureResponse {
    work: Option<AbortOnDropJoinHandle<Answer>>,
    answer: Option<Answer>,
}

/// An answer.
#[derive(Debug)]
pub struct IncomingResponse {
    status: u16,
    headers: Fields,
    body: Option<Bytes>,
}

/// Its body.
#[derive(Debug)]
pub struct IncomingBody(Option<Bytes>);

/// Trailers: nobody asked for any, so there are none.
#[derive(Debug)]
pub struct FutureTrailers {
    is_told: bool,
}

impl FutureResponse {
    pub(super) fn begun(work: AbortOnDropJoinHandle<Answer>) -> Self {
        Self { work: Some(work), answer: None }
    }
}

#[async_trait::async_trait]
impl Pollable for FutureResponse {
    async fn ready(&mut self) {
        if let Some(work) = &mut self.work {
            self.answer = Some(work.await);
            self.work = None;
        }
    }
}

#[async_trait::async_trait]
impl Pollable for FutureTrailers {
    async fn ready(&mut self) {}
}

impl wit::Host for GuestState {
    fn http_error_code(&mut self, _: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(None)
    }
}

fn named(method: &wit::Method) -> String {
    match method {
        wit::Method::Get => "GET".to_owned(),
        wit::Method::Head => "HEAD".to_owned(),
        wit::Method::Post => "POST".to_owned(),
        wit::Method::Put => "PUT".to_owned(),
        wit::Method::Delete => "DELETE".to_owned(),
        wit::Method::Connect => "CONNECT".to_owned(),
        wit::Method::Options => "OPTIONS".to_owned(),
        wit::Method::Trace => "TRACE".to_owned(),
        wit::Method::Patch => "PATCH".to_owned(),
        wit::Method::Other(name) => name.clone(),
    }
}

fn method(name: &str) -> wit::Method {
    match name {
        "GET" => wit::Method::Get,
        "HEAD" => wit::Method::Head,
        "POST" => wit::Method::Post,
        "PUT" => wit::Method::Put,
        "DELETE" => wit::Method::Delete,
        "CONNECT" => wit::Method::Connect,
        "OPTIONS" => wit::Method::Options,
        "TRACE" => wit::Method::Trace,
        "PATCH" => wit::Method::Patch,
        other => wit::Method::Other(other.to_owned()),
    }
}

type Request = Resource<OutgoingRequest>;

impl wit::HostOutgoingRequest for GuestState {
    fn new(&mut self, headers: Resource<Fields>) -> wasmtime::Result<Request> {
        let headers = self.handles().delete(headers)?.fix();
        let (scheme, authority, path, body) = (None, None, None, None);
        let request = OutgoingRequest { method: "GET".to_owned(), scheme, authority, path, headers, body };
        Ok(self.handles().push(request)?)
    }

    fn body(&mut self, request: Request) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let request = self.handles().get_mut(&request)?;
        if request.body.is_some() {
            return Ok(Err(()));
        }
        let (finished, written) = oneshot::channel();
        request.body = Some(written);
        let pipe = MemoryOutputPipe::new(SENT_BODY_BYTES_MAX + 1);
        Ok(Ok(self.handles().push(OutgoingBody { pipe, is_taken: false, finished })?))
    }

    fn method(&mut self, request: Request) -> wasmtime::Result<wit::Method> {
        Ok(method(&self.handles().get(&request)?.method))
    }

    fn set_method(&mut self, request: Request, method: wit::Method) -> wasmtime::Result<Result<(), ()>> {
        self.handles().get_mut(&request)?.method = named(&method);
        Ok(Ok(()))
    }

    fn path_with_query(&mut self, request: Request) -> wasmtime::Result<Option<String>> {
        Ok(self.handles().get(&request)?.path.clone())
    }

    fn set_path_with_query(&mut self, request: Request, path: Option<String>) -> wasmtime::Result<Result<(), ()>> {
        self.handles().get_mut(&request)?.path = path;
        Ok(Ok(()))
    }

    fn scheme(&mut self, request: Request) -> wasmtime::Result<Option<wit::Scheme>> {
        let scheme = self.handles().get(&request)?.scheme.clone();
        Ok(scheme.map(|scheme| match scheme.as_str() {
            "http" => wit::Scheme::Http,
            "https" => wit::Scheme::Https,
            _ => wit::Scheme::Other(scheme),
        }))
    }

    fn set_scheme(&mut self, request: Request, scheme: Option<wit::Scheme>) -> wasmtime::Result<Result<(), ()>> {
        self.handles().get_mut(&request)?.scheme = scheme.map(|scheme| match scheme {
            wit::Scheme::Http => "http".to_owned(),
            wit::Scheme::Https => "https".to_owned(),
            wit::Scheme::Other(other) => other,
        });
        Ok(Ok(()))
    }

    fn authority(&mut self, request: Request) -> wasmtime::Result<Option<String>> {
        Ok(self.handles().get(&request)?.authority.clone())
    }

    fn set_authority(&mut self, request: Request, authority: Option<String>) -> wasmtime::Result<Result<(), ()>> {
        self.handles().get_mut(&request)?.authority = authority;
        Ok(Ok(()))
    }

    fn headers(&mut self, request: Request) -> wasmtime::Result<Resource<Fields>> {
        let headers = self.handles().get(&request)?.headers.clone();
        Ok(self.handles().push(headers)?)
    }

    fn drop(&mut self, request: Request) -> wasmtime::Result<()> {
        self.handles().delete(request)?;
        Ok(())
    }
}

impl wit::HostOutgoingBody for GuestState {
    fn write(&mut self, body: Resource<OutgoingBody>) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        let written = self.handles().get_mut(&body)?;
        if std::mem::replace(&mut written.is_taken, true) {
            return Ok(Err(()));
        }
        let stream: DynOutputStream = Box::new(written.pipe.clone());
        Ok(Ok(self.handles().push_child(stream, &body)?))
    }

    fn finish(
        &mut self,
        body: Resource<OutgoingBody>,
        trailers: Option<Resource<Fields>>,
    ) -> wasmtime::Result<Result<(), ErrorCode>> {
        let OutgoingBody { pipe, finished, .. } = self.handles().delete(body)?;
        let trailers = trailers.map(|trailers| self.handles().delete(trailers)).transpose()?;
        let has_trailers = trailers.is_some_and(|trailers| !trailers.list().is_empty());
        let whole = if has_trailers { Err("a request has no trailers".to_owned()) } else { Ok(pipe.contents()) };
        // Nobody waits for it when its request was dropped.
        drop(finished.send(whole));
        Ok(Ok(()))
    }

    /// Without an end the body is no body, and its request is not sent.
    fn drop(&mut self, body: Resource<OutgoingBody>) -> wasmtime::Result<()> {
        self.handles().delete(body)?;
        Ok(())
    }
}

type Options = Resource<RequestOptions>;

impl wit::HostRequestOptions for GuestState {
    fn new(&mut self) -> wasmtime::Result<Options> {
        Ok(self.handles().push(RequestOptions)?)
    }

    fn connect_timeout(&mut self, _: Options) -> wasmtime::Result<Option<u64>> {
        Ok(None)
    }

    fn set_connect_timeout(&mut self, _: Options, _: Option<u64>) -> wasmtime::Result<Result<(), ()>> {
        Ok(Err(()))
    }

    fn first_byte_timeout(&mut self, _: Options) -> wasmtime::Result<Option<u64>> {
        Ok(None)
    }

    fn set_first_byte_timeout(&mut self, _: Options, _: Option<u64>) -> wasmtime::Result<Result<(), ()>> {
        Ok(Err(()))
    }

    fn between_bytes_timeout(&mut self, _: Options) -> wasmtime::Result<Option<u64>> {
        Ok(None)
    }

    fn set_between_bytes_timeout(&mut self, _: Options, _: Option<u64>) -> wasmtime::Result<Result<(), ()>> {
        Ok(Err(()))
    }

    fn drop(&mut self, options: Options) -> wasmtime::Result<()> {
        self.handles().delete(options)?;
        Ok(())
    }
}

type Told<T> = Option<Result<Result<T, ErrorCode>, ()>>;

impl wit::HostFutureIncomingResponse for GuestState {
    fn subscribe(&mut self, future: Resource<FutureResponse>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.handles(), future)
    }

    fn get(&mut self, future: Resource<FutureResponse>) -> wasmtime::Result<Told<Resource<IncomingResponse>>> {
        let future = self.handles().get_mut(&future)?;
        let answer = match (future.answer.take(), &future.work) {
            (Some(answer), _) => answer,
            (None, Some(_)) => return Ok(None),
            (None, None) => return Ok(Some(Err(()))),
        };
        Ok(Some(Ok(match answer.map_err(Raised)? {
            Ok(received) => Ok(self.handles().push(response(received))?),
            Err(refusal) => Err(error(refusal)),
        })))
    }

    fn drop(&mut self, future: Resource<FutureResponse>) -> wasmtime::Result<()> {
        self.handles().delete(future)?;
        Ok(())
    }
}

fn response(received: Received) -> IncomingResponse {
    let Received { status, headers, body } = received;
    let is_name = |name: &str| HeaderName::from_bytes(name.as_bytes()).is_ok();
    let headers = headers.into_iter().filter(|(name, _)| is_name(name));
    let headers = Fields::fixed(headers.map(|(name, value)| (name, value.into_bytes())).collect());
    IncomingResponse { status, headers, body: Some(Bytes::from(body)) }
}

impl wit::HostIncomingResponse for GuestState {
    fn status(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<u16> {
        Ok(self.handles().get(&response)?.status)
    }

    fn headers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Resource<Fields>> {
        let headers = self.handles().get(&response)?.headers.clone();
        Ok(self.handles().push(headers)?)
    }

    fn consume(
        &mut self,
        response: Resource<IncomingResponse>,
    ) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        match self.handles().get_mut(&response)?.body.take() {
            Some(body) => Ok(Ok(self.handles().push(IncomingBody(Some(body)))?)),
            None => Ok(Err(())),
        }
    }

    fn drop(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<()> {
        self.handles().delete(response)?;
        Ok(())
    }
}

impl wit::HostIncomingBody for GuestState {
    fn stream(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Result<Resource<DynInputStream>, ()>> {
        let Some(bytes) = self.handles().get_mut(&body)?.0.take() else {
            return Ok(Err(()));
        };
        let stream: DynInputStream = Box::new(MemoryInputPipe::new(bytes));
        Ok(Ok(self.handles().push_child(stream, &body)?))
    }

    fn finish(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Resource<FutureTrailers>> {
        self.handles().delete(body)?;
        Ok(self.handles().push(FutureTrailers { is_told: false })?)
    }

    fn drop(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<()> {
        self.handles().delete(body)?;
        Ok(())
    }
}

impl wit::HostFutureTrailers for GuestState {
    fn subscribe(&mut self, trailers: Resource<FutureTrailers>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.handles(), trailers)
    }

    fn get(&mut self, trailers: Resource<FutureTrailers>) -> wasmtime::Result<Told<Option<Resource<Fields>>>> {
        let is_told = std::mem::replace(&mut self.handles().get_mut(&trailers)?.is_told, true);
        Ok(Some(if is_told { Err(()) } else { Ok(Ok(None)) }))
    }

    fn drop(&mut self, trailers: Resource<FutureTrailers>) -> wasmtime::Result<()> {
        self.handles().delete(trailers)?;
        Ok(())
    }
}
