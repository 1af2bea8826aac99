//! The HTTP side: reads a request, lets a fault happen, asks the books, answers; and sends events to the endpoint.
//!
//! Connections are served by hand, not by a framework, since a fault may have to break one.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::api::{self, Account};
use crate::faults::{Action, Fault, Faults, milliseconds};
use crate::ledger::{API_VERSION, Effect, Ledger, Now, Reply};
use crate::params::{FORM_BYTES_MAX, Params};
use crate::problem::Problem;
use crate::webhooks::{Manner, signature};

mod body;
mod desk;

use body::{Reading, SentBody};

/// Milliseconds an endpoint may take to answer an event.
pub const WEBHOOK_MS_MAX: u64 = 10_000;

/// Milliseconds between two looks for events that nobody has taken.
const WEBHOOK_PAUSE_MS: u64 = 50;

/// How a gateway is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the ledger is.
    pub ledger: PathBuf,
    /// The secret keys that are accepted.
    pub secret_keys: Vec<String>,
    /// Where events go: an `http` URL on this machine.
    pub webhook: Option<String>,
    /// The endpoint's secrets; each signs.
    pub webhook_secrets: Vec<String>,
    /// Milliseconds by which searches lag behind.
    pub search_lag_ms: i64,
}

/// A running gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    account: Account,
    ledger: Mutex<Ledger>,
    faults: Mutex<Faults>,
    manner: Mutex<Manner>,
    /// Milliseconds by which the gateway's clock is ahead.
    ahead_ms: AtomicI64,
    requests: Mutex<Vec<Value>>,
}

/// How a connection goes on after a request.
pub(crate) type Answered = Result<Response<SentBody>, Dropped>;

/// The connection is closed without an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a fault closes the connection")
    }
}

impl std::error::Error for Dropped {}

/// Requests that are remembered for whoever asks what was said.
const REQUESTS_MAX: usize = 10_000;

impl Gateway {
    /// Opens the ledger and answers on the listener until the process ends.
    ///
    /// # Errors
    /// When the ledger cannot be opened.
    pub fn start(listener: TcpListener, options: Options) -> anyhow::Result<Self> {
        let base = format!("http://{}", listener.local_addr()?);
        let account = Account { base, search_lag_ms: options.search_lag_ms };
        let ledger = Mutex::new(Ledger::open(&options.ledger)?);
        let inner = Inner {
            options,
            account,
            ledger,
            faults: Mutex::default(),
            manner: Mutex::default(),
            ahead_ms: AtomicI64::new(0),
            requests: Mutex::default(),
        };
        let gateway = Self { inner: Arc::new(inner) };
        tokio::spawn(gateway.clone().accept(listener));
        tokio::spawn(gateway.clone().send_events());
        Ok(gateway)
    }

    /// Where it is: `http://127.0.0.1:12111`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.inner.account.base
    }

    /// Switches a fault on.
    pub fn fault(&self, fault: Fault) -> bool {
        held(&self.inner.faults).add(fault)
    }

    /// How events are sent from now on.
    pub fn send_events_like(&self, manner: Manner) {
        *held(&self.inner.manner) = manner;
    }

    /// All movements of money, in order.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn effects(&self) -> anyhow::Result<Vec<Effect>> {
        Ok(held(&self.inner.ledger).effects()?)
    }

    /// Events that nobody has taken yet.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn events_waiting(&self) -> anyhow::Result<usize> {
        Ok(held(&self.inner.ledger).undelivered()?.len())
    }

    /// The requests to the API so far, oldest first: method, path, query, body, idempotency key and version.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        held(&self.inner.requests).clone()
    }

    /// What the API answers to a request of the owner's own, as if it came by HTTP.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, form: &str) -> Value {
        let asked = || {
            let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
            let (params, now) = (Params::parse(form)?, self.now());
            held(&self.inner.ledger)
                .change(now, |books| api::answer(&self.inner.account, books, method, &segments, params))
        };
        asked().unwrap_or_else(Reply::from).body
    }

    /// What somebody does at the dashboard: `{"do": "capture" | "cancel" | "dispute" | "refund" | "refund_succeeds" |
    /// "refund_fails", "id": …, "amount"?: …}`.
    ///
    /// # Errors
    /// What the API would say.
    pub fn at_the_counter(&self, order: &Value) -> anyhow::Result<Value> {
        self.counter(order).map_err(|problem| anyhow::anyhow!(problem.body().to_string()))
    }

    /// Moves the gateway's clock on: keys get old.
    pub fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.inner.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    fn now(&self) -> Now {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
        Now(i64::try_from(real).unwrap_or(i64::MAX) + self.inner.ahead_ms.load(Ordering::SeqCst))
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().converse(stream))),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(milliseconds(WEBHOOK_PAUSE_MS)).await;
                }
            }
        }
    }

    async fn converse(self, stream: TcpStream) {
        let service = service_fn(move |request| self.clone().answer(request));
        let server = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = server.await {
            tracing::debug!(%error, "a connection ended");
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Answered {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, FORM_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(sent(&Problem::invalid(None, None, error.to_string()).into(), None)),
        };
        let reading = Reading { method: head.method.to_string(), uri: head.uri, headers: head.headers, body };
        let path = reading.uri.path().to_owned();
        if let Some(rest) = path.strip_prefix("/_gateway/") {
            return Ok(self.at_the_desk(rest, &reading));
        }
        self.remember(&reading);
        let fault = held(&self.inner.faults).meet(&reading.method, &path);
        match fault {
            None => Ok(self.served(&reading)),
            Some(action) => self.with_fault(action, &reading).await,
        }
    }

    async fn with_fault(&self, action: Action, reading: &Reading) -> Answered {
        match action {
            Action::Refuse => Err(Dropped),
            Action::LoseReply => {
                drop(self.served(reading));
                Err(Dropped)
            }
            Action::DelayBefore(ms) => {
                tokio::time::sleep(milliseconds(ms)).await;
                Ok(self.served(reading))
            }
            Action::DelayAfter(ms) => {
                let response = self.served(reading);
                tokio::time::sleep(milliseconds(ms)).await;
                Ok(response)
            }
            Action::Answer { status, retry_after } => {
                let problem = match status {
                    409 => Problem::in_flight(reading.header("idempotency-key").unwrap_or_default()),
                    429 => {
                        Problem { status, ..Problem::invalid(Some("rate_limit"), None, "Request rate limit exceeded.") }
                    }
                    _ => Problem { status, ..Problem::broken("a fault answers instead of the gateway") },
                };
                let mut response = sent(&problem.into(), None);
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                Ok(response)
            }
            Action::Redirect(location) => {
                let mut response = sent(&Reply { status: 307, body: json!({}), is_replayed: false }, None);
                response.headers_mut().insert(header::LOCATION, location.parse().map_err(|_| Dropped)?);
                Ok(response)
            }
            Action::AnswerAfter(status) => {
                drop(self.served(reading));
                let problem = Problem { status, ..Problem::broken("a fault hides the answer") };
                Ok(sent(&problem.into(), None))
            }
            Action::Lie { pointer, value } => {
                let mut reply = self.reply(reading);
                if let Some(place) = reply.body.pointer_mut(&pointer) {
                    *place = value;
                }
                Ok(sent(&reply, None))
            }
            Action::Html | Action::Drip(_) | Action::Endless | Action::GzipBomb(_) | Action::Short => {
                let reply = self.reply(reading);
                Ok(body::spoiled(&action, &reply.body.to_string()))
            }
        }
    }

    fn served(&self, reading: &Reading) -> Response<SentBody> {
        sent(&self.reply(reading), reading.header("stripe-version"))
    }

    /// What the API says.
    fn reply(&self, reading: &Reading) -> Reply {
        self.try_reply(reading).unwrap_or_else(Reply::from)
    }

    fn try_reply(&self, reading: &Reading) -> Result<Reply, Problem> {
        if !reading.key().is_some_and(|key| self.inner.options.secret_keys.contains(&key)) {
            return Err(Problem::unauthorized());
        }
        let path = reading.uri.path();
        let unknown =
            || Problem { status: 404, ..Problem::invalid(None, None, format!("Unrecognized request URL ({path}).")) };
        let segments: Vec<&str> = path.strip_prefix("/v1/").ok_or_else(unknown)?.split('/').collect();
        let params = Params::parse(reading.parameters()?)?;
        let (method, now) = (reading.method.as_str(), self.now());
        // Reading is repeatable by itself: keys are for what changes something.
        let key = reading.header("idempotency-key").filter(|_| method == "POST");
        let fingerprint = format!("{method} {path} {}", params.canonical());
        let mut ledger = held(&self.inner.ledger);
        Ok(ledger
            .keyed(now, key, &fingerprint, |books| api::answer(&self.inner.account, books, method, &segments, params)))
    }

    fn remember(&self, reading: &Reading) {
        let mut requests = held(&self.inner.requests);
        if requests.len() < REQUESTS_MAX {
            requests.push(json!({
                "method": reading.method,
                "path": reading.uri.path(),
                "query": reading.uri.query(),
                "idempotency_key": reading.header("idempotency-key"),
                "version": reading.header("stripe-version"),
                "body": String::from_utf8_lossy(&reading.body),
            }));
        }
    }

    /// Sends what nobody has taken yet, again and again, until it is taken.
    async fn send_events(self) {
        let Some(url) = self.inner.options.webhook.clone() else { return };
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        loop {
            tokio::time::sleep(milliseconds(WEBHOOK_PAUSE_MS)).await;
            let manner = *held(&self.inner.manner);
            if manner.held {
                continue;
            }
            let mut waiting = held(&self.inner.ledger).undelivered().unwrap_or_default();
            if manner.backwards {
                waiting.reverse();
            }
            for (sequence, body) in waiting {
                let mut taken = true;
                for _ in 0..=manner.repeats {
                    taken &= self.send(&client, &url, &body).await;
                }
                if !taken {
                    break;
                }
                if let Err(error) = held(&self.inner.ledger).delivered(sequence) {
                    tracing::error!(%error, "the ledger cannot be written");
                }
            }
        }
    }

    async fn send(
        &self,
        client: &Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
        url: &str,
        body: &str,
    ) -> bool {
        let signed = signature(&self.inner.options.webhook_secrets, self.now().seconds(), body);
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("stripe-signature", signed)
            .body(Full::new(Bytes::from(body.to_owned())));
        let Ok(request) = request else { return false };
        match tokio::time::timeout(milliseconds(WEBHOOK_MS_MAX), client.request(request)).await {
            Ok(Ok(response)) => response.status().is_success(),
            Ok(Err(error)) => {
                tracing::debug!(%error, "an event was not taken");
                false
            }
            Err(_) => false,
        }
    }
}

/// A JSON answer with the headers that clients read.
fn sent(reply: &Reply, version: Option<&str>) -> Response<SentBody> {
    let mut response = Response::new(body::whole(reply.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if let Ok(version) = version.unwrap_or(API_VERSION).parse() {
        headers.insert("stripe-version", version);
    }
    if let Ok(id) = crate::ledger::new_id("req").parse() {
        headers.insert("request-id", id);
    }
    if reply.is_replayed {
        headers.insert("idempotent-replayed", header::HeaderValue::from_static("true"));
    }
    response
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panics")
}

/// Nothing here fails: a marker for the bodies.
pub(crate) type Never = Infallible;
