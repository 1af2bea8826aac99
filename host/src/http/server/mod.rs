//! A server for the routes: connections that cannot hang, and a shutdown that waits for money.
//!
//! In the clear it answers on loopback addresses only, so that no key travels where others listen, and only to requests that
//! mean a loopback address: a web page elsewhere that has its name point at this machine (DNS rebinding) has no business
//! here. With TLS, or with a proxy in front that speaks it, any address will do.

mod patience;
mod tls;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::cors::Origins;
use super::drain::Drain;
use super::gate::Gate;
use super::limits::{ACCEPT_PAUSE_MS, Limits, METRICS_CONNECTIONS_MAX, TLS_LOOK_MS};
use super::options::Options;
use super::problem::Problem;
use super::rate::{self, Caller, Rate};
use super::tokens::CustomerTokens;
use crate::Host;
use crate::metrics::Metrics;
use patience::Patient;

pub use tls::Tls;

/// Answers requests until `shutdown` is done, then finishes those under way, those included whose caller has left. For TLS, a
/// proxy in front, or other limits than the usual ones there is [`Server`].
///
/// # Errors
/// When the listener has no address, or one that other machines can reach: keys must not travel in the clear.
pub async fn serve(
    listener: TcpListener,
    host: Host,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    Server::new(host).serve(listener, shutdown).await
}

/// A server for the routes of a host.
#[derive(Debug)]
pub struct Server {
    host: Host,
    options: Options,
    tls: Option<Tls>,
    is_behind_proxy: bool,
    metrics: Option<TcpListener>,
}

/// It always asks for keys.
impl Server {
    /// With the usual limits, on loopback, without TLS.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self { host, options: Options::default(), tls: None, is_behind_proxy: false, metrics: None }
    }

    /// With limits of your own.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options = self.options.limits(limits);
        self
    }

    /// Lets customers show a token instead of a client secret.
    #[must_use]
    pub fn customer_tokens(mut self, tokens: Arc<dyn CustomerTokens>) -> Self {
        self.options = self.options.customer_tokens(tokens);
        self
    }

    /// The pages of other origins that may call `/store`, and those that may call `/admin`, from a browser.
    #[must_use]
    pub fn origins(mut self, store: Origins, admin: Origins) -> Self {
        self.options = self.options.store_origins(store).admin_origins(admin);
        self
    }

    /// Speaks TLS, on any address.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Speaks plain HTTP on any address: a proxy in front speaks TLS, and nobody but it can reach this address. The last
    /// address in its `X-Forwarded-For` is the caller's.
    #[must_use]
    pub fn behind_proxy(mut self) -> Self {
        self.is_behind_proxy = true;
        self
    }

    /// Answers `/metrics` here as well, to everybody.
    #[must_use]
    pub fn metrics(mut self, listener: TcpListener) -> Self {
        self.metrics = Some(listener);
        self
    }

    /// Answers requests until `shutdown` is done. From then on it is not ready and event streams end; connections are taken
    /// and requests answered until `drain_delay_ms` is over; then what is under way is finished, for `drain_ms` at most.
    ///
    /// # Errors
    /// As [`serve`], unless it speaks TLS or stands behind a proxy.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Self { host, mut options, tls, is_behind_proxy, metrics } = self;
        let (drained, drain) = Drain::new();
        options.drain = drain.clone();
        let limits = options.limits;
        let acceptor = tls.as_ref().map(Tls::acceptor).transpose()?;
        let is_plain = acceptor.is_none() && !is_behind_proxy;
        let address = listener.local_addr()?;
        if is_plain && !address.ip().is_loopback() {
            let message = format!(
                "{address} can be reached from other machines, and keys would travel to it in the clear: give a \
                 certificate, or say that a proxy in front speaks TLS, or listen on 127.0.0.1 or [::1]"
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let gate = Gate::new(&limits);
        let counted = Arc::clone(host.metrics());
        let rate = Rate::new(&limits, Arc::clone(&counted));
        let routes = super::assembled(host.clone(), &gate, &options).layer(from_fn_with_state(rate, rate::pass));
        let routes = if is_plain { routes.layer(from_fn(local_only)) } else { routes };
        let metrics = metrics.map(|listener| {
            let routes =
                super::routes::metrics().router().fallback(async || Problem::no_route()).with_state(host.clone());
            let limits = Limits { connections: METRICS_CONNECTIONS_MAX, drain_ms: 0, ..limits };
            let mut drain = drain.clone();
            let stop = async move { drain.begun().await };
            tokio::spawn(Door::new(listener, routes, limits).run(stop, std::future::ready(())))
        });
        let watcher = tls.map(|tls| tokio::spawn(look(tls)));
        let door = Door {
            tls: acceptor,
            is_behind_proxy,
            open: Some(counted),
            ..Door::new(listener, super::watched(routes, &host, &options), limits)
        };
        let closing = async move {
            shutdown.await;
            drained.send_replace(true);
            tokio::time::sleep(Duration::from_millis(limits.drain_delay_ms)).await;
            // Whoever still listens may ask.
            drained
        };
        door.run(closing, async move { gate.drained().await }).await;
        for beside in [watcher, metrics].into_iter().flatten() {
            beside.abort();
        }
        Ok(())
    }
}

/// Looks from time to time whether there is another certificate.
async fn look(tls: Tls) {
    loop {
        tokio::time::sleep(Duration::from_millis(TLS_LOOK_MS)).await;
        match tls.reload_if_changed() {
            Ok(false) => {}
            Ok(true) => tracing::info!("the certificate has changed and was read again"),
            Err(error) => {
                tracing::error!(%error, "the certificate has changed and cannot be used; the old one goes on")
            }
        }
    }
}

/// One address, and what is behind it.
struct Door {
    listener: TcpListener,
    routes: Router,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    is_behind_proxy: bool,
    /// Where connections are counted.
    open: Option<Arc<Metrics>>,
}

impl Door {
    fn new(listener: TcpListener, routes: Router, limits: Limits) -> Self {
        Self { listener, routes, limits, tls: None, is_behind_proxy: false, open: None }
    }

    /// Takes connections until `closing` is done, then waits for those that are open and for `rest`, within the limit.
    async fn run<T>(self, closing: impl Future<Output = T>, rest: impl Future<Output = ()>) {
        let Self { listener, routes, limits, tls, is_behind_proxy, open: counted } = self;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(limits.header_ms))
            .max_headers(limits.headers)
            .max_buf_size(limits.header_bytes);
        let open = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(limits.connections));
        tokio::pin!(closing);
        let kept = loop {
            let (stream, peer, place) = tokio::select! {
                biased;
                kept = &mut closing => break kept,
                accepted = accept(&listener, &places) => accepted,
            };
            let connection = Connection {
                http: http.clone(),
                routes: TowerToHyperService::new(routes.clone()),
                limits,
                peer,
                is_behind_proxy,
                open: open.watcher(),
            };
            let (tls, counted) = (tls.clone(), counted.clone().map(Counted::new));
            tokio::spawn(async move {
                let _held = (place, counted);
                connection.talk(stream, tls).await;
            });
        };
        drop(listener);
        let finish = async {
            open.shutdown().await;
            rest.await;
        };
        if tokio::time::timeout(Duration::from_millis(limits.drain_ms), finish).await.is_err() && counted.is_some() {
            tracing::warn!(
                "requests were still under way when the time for the shutdown was over; their operations stay open"
            );
        }
        drop(kept);
    }
}

/// A connection among those that are open now.
struct Counted(Arc<Metrics>);

impl Counted {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.connections.inc();
        Self(metrics)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

/// What one connection needs.
struct Connection {
    http: http1::Builder,
    routes: TowerToHyperService<Router>,
    limits: Limits,
    peer: IpAddr,
    is_behind_proxy: bool,
    open: Watcher,
}

impl Connection {
    async fn talk(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let Some(tls) = tls else { return self.http_over(stream).await };
        let wait = Duration::from_millis(self.limits.handshake_ms);
        match tokio::time::timeout(wait, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.http_over(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn http_over(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { http, routes, limits, peer, is_behind_proxy, open } = self;
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let forwarded = is_behind_proxy.then(|| forwarded_for(request.headers())).flatten();
            request.extensions_mut().insert(Caller(forwarded.unwrap_or(peer)));
            routes.call(request)
        });
        let stream = Patient::new(stream, Duration::from_millis(limits.write_ms));
        if let Err(error) = open.watch(http.serve_connection(TokioIo::new(stream), service)).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// The caller as the proxy saw it: the last address, which is the proxy's own word. Those before it are anybody's.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// The next connection, with its place among those that may be open.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, IpAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("nobody closes it");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are one small write each; waiting to fill a packet only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection stays slow");
                }
                return (stream, peer.ip(), place);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// Webhooks are for everybody: whether they are true is what their provider verifies.
async fn local_only(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/hooks/") {
        return next.run(request).await;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(names_loopback) { next.run(request).await } else { Problem::not_local().into_response() }
}

/// Whether a `Host` header (RFC 9110 section 7.2) names this machine as itself.
fn names_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, rest)) => (name, rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, Some("")),
        },
    };
    let port_fits = port.is_some_and(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()));
    let loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    port_fits && (loopback || name.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    #[test]
    fn a_host_header_names_this_machine_or_not() {
        for host in ["localhost", "LOCALHOST:9000", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:9000"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "192.168.1.1", "[::1", "[::1]x", "localhost:80:1", "::1"]
        {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[tokio::test]
    async fn other_machines_are_refused() {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let host = Host::builder().in_memory().build().await.unwrap();
        let error = serve(listener, host, std::future::pending()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }

    type Started = (SocketAddr, oneshot::Sender<()>, JoinHandle<()>);

    /// A server without routes; the sender stops it.
    async fn started(limits: Limits) -> Started {
        started_with(Router::new(), limits).await
    }

    async fn started_with(routes: Router, limits: Limits) -> Started {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let door = Door::new(listener, routes, limits);
        let server = tokio::spawn(door.run(shutdown, std::future::ready(())));
        (address, stop, server)
    }

    #[tokio::test]
    async fn a_caller_that_never_finishes_its_headers_is_hung_up_on() {
        let limits = Limits { header_ms: 20, ..Limits::default() };
        let (address, stop, server) = started(limits).await;
        let mut caller = TcpStream::connect(address).await.unwrap();
        caller.write_all(b"GET / HTTP/1.1\r\nhost: local").await.unwrap();
        let mut answer = Vec::new();
        caller.read_to_end(&mut answer).await.unwrap();
        stop.send(()).unwrap();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_shutdown_does_not_wait_for_ever() {
        let (told, mut reached) = tokio::sync::mpsc::channel::<()>(1);
        let stuck = axum::routing::get(move || async move {
            told.send(()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let limits = Limits { drain_ms: 20, ..Limits::default() };
        let (address, stop, server) = started_with(Router::new().route("/stuck", stuck), limits).await;
        let mut caller = TcpStream::connect(address).await.unwrap();
        caller.write_all(b"GET /stuck HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        reached.recv().await.unwrap();
        stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), server).await;
        ended.expect("it stops with a request under way").unwrap();
    }

    #[tokio::test]
    async fn one_connection_too_many_waits_for_its_turn() {
        let limits = Limits { connections: 1, ..Limits::default() };
        let (address, stop, server) = started(limits).await;
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(request).await.unwrap();
        let mut byte = [0; 1];
        first.read_exact(&mut byte).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(request).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), second.read_exact(&mut byte)).await;
        assert!(early.is_err(), "the first connection is still open");
        drop(first);
        second.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"H");
        stop.send(()).unwrap();
        // A shutdown does not wait for callers who only keep a connection.
        server.await.unwrap();
    }
}
