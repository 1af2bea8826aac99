//! A server for the routes: connections that cannot hang, and a shutdown that waits for money.
//!
//! It answers on loopback addresses only, so that no key travels in the clear, and only to requests that mean a loopback
//! address: a web page elsewhere that has its name point at this machine (DNS rebinding) has no business here.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::gate::Gate;
use super::limits::{ACCEPT_PAUSE_MS, Limits};
use super::options::Options;
use super::problem::Problem;
use crate::Host;

/// Answers requests until `shutdown` is done, then finishes those under way, those included whose caller has left. For other
/// limits than the usual ones there is [`Server`].
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
}

/// It always asks for keys.
impl Server {
    /// With the usual limits.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self { host, options: Options::default() }
    }

    /// With limits of your own.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options = self.options.limits(limits);
        self
    }

    /// Answers requests until `shutdown` is done, then finishes those under way, for as long as the limits say.
    ///
    /// # Errors
    /// As [`serve`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Self { host, options } = self;
        let gate = Gate::new(&options.limits);
        serve_routes(listener, super::assembled(host, &gate, &options), gate, options.limits, shutdown).await
    }
}

async fn serve_routes(
    listener: TcpListener,
    routes: Router,
    gate: Gate,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let message = format!(
            "{address} can be reached from other machines, and keys would travel to it in the clear: listen on 127.0.0.1 \
             or [::1], and let a server with TLS pass requests on"
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let service = TowerToHyperService::new(routes.layer(from_fn(local_only)));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.header_ms))
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes);
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    tokio::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    let finish = async {
        open.shutdown().await;
        gate.drained().await;
    };
    if tokio::time::timeout(Duration::from_millis(limits.drain_ms), finish).await.is_err() {
        tracing::warn!(
            "requests were still under way when the time for the shutdown was over; their operations stay open"
        );
    }
    Ok(())
}

/// The next connection, with its place among those that may be open.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("nobody closes it");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are one small write each; waiting to fill a packet only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection stays slow");
                }
                return (stream, place);
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

    type Started = (SocketAddr, oneshot::Sender<()>, JoinHandle<io::Result<()>>);

    /// A server without routes; the sender stops it.
    async fn started(limits: Limits) -> Started {
        started_with(Router::new(), limits).await
    }

    async fn started_with(routes: Router, limits: Limits) -> Started {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let server = tokio::spawn(serve_routes(listener, routes, Gate::new(&limits), limits, shutdown));
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
        server.await.unwrap().unwrap();
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
        ended.expect("it stops with a request under way").unwrap().unwrap();
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
        server.await.unwrap().unwrap();
    }
}
