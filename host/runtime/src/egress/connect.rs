//! Connections: to an address that was checked, under the name that was granted, kept for one provider alone.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;

use super::Refusal;
use super::address::{is_allowed, special_use};
use super::exchange::{BODY_MS_MAX, FIRST_BYTE_MS_MAX};
use super::request::Target;
use super::resolve::{ADDRESSES_MAX, Resolve};
use super::rule::{HostRule, Scheme};

/// Milliseconds for a name to be resolved: resolvers try again after two seconds, once.
pub const RESOLVE_MS_MAX: u64 = 5_000;

/// Milliseconds for a connection to one address: a lost first packet is sent again after one second, and after two more.
pub const CONNECT_MS_MAX: u64 = 4_000;

/// Milliseconds for the TLS handshake: two round trips, and a slow server's arithmetic.
pub const TLS_MS_MAX: u64 = 5_000;

/// Milliseconds a connection is kept without use. Servers close theirs after a minute or more; who reuses one that is being
/// closed may not know whether the request arrived.
pub const IDLE_MS_MAX: u64 = 15_000;

/// Connections kept without use, for each host of a provider.
pub const IDLE_MAX: usize = 8;

/// Bytes of status line and headers of an answer.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Header fields of an answer.
pub const HEADERS_MAX: usize = 128;

/// How long each step of an exchange may take, milliseconds; the call's own deadline ends all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub(super) resolve_ms: u64,
    pub(super) connect_ms: u64,
    pub(super) tls_ms: u64,
    pub(super) first_byte_ms: u64,
    pub(super) body_ms: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            resolve_ms: RESOLVE_MS_MAX,
            connect_ms: CONNECT_MS_MAX,
            tls_ms: TLS_MS_MAX,
            first_byte_ms: FIRST_BYTE_MS_MAX,
            body_ms: BODY_MS_MAX,
        }
    }
}

/// A connection that speaks HTTP/1.1, and how many bytes of requests went into it.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) flow: Arc<Flow>,
    address: IpAddr,
    idle_since: Instant,
}

/// Makes connections.
pub(super) struct Connector {
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    pub(super) waits: Waits,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("resolver", &self.resolver).finish_non_exhaustive()
    }
}

impl Connector {
    /// One for each provider: sessions and tickets of TLS are not shared.
    pub(super) fn new(resolver: Arc<dyn Resolve>, own: &[Vec<u8>]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(own.iter().map(|der| rustls::pki_types::CertificateDer::from(der.clone())));
        let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { resolver, tls: TlsConnector::from(Arc::new(config)), waits: Waits::default() }
    }

    /// A new connection. Whatever fails here, nothing of a request was sent.
    pub(super) async fn connect(
        &self,
        rule: &HostRule,
        target: &Target,
        deadline: Instant,
    ) -> Result<Connection, Refusal> {
        let addresses = self.addresses(rule, target, deadline).await?;
        let mut last = String::new();
        for address in addresses {
            match within(deadline, self.waits.connect_ms, TcpStream::connect(SocketAddr::new(address, target.port)))
                .await
            {
                Ok(stream) => {
                    drop(stream.set_nodelay(true));
                    return self.speak(stream, address, target, deadline).await;
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(Refusal::NotConnected(format!("{}: {last}", target.authority())))
    }

    /// Resolve, then filter: what is connected to is what was checked.
    async fn addresses(&self, rule: &HostRule, target: &Target, deadline: Instant) -> Result<Vec<IpAddr>, Refusal> {
        let found = match target.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => within(deadline, self.waits.resolve_ms, self.resolver.resolve(&target.host))
                .await
                .map_err(|error| Refusal::NotConnected(format!("{} cannot be resolved: {error}", target.host)))?,
        };
        let (open, shut): (Vec<IpAddr>, Vec<IpAddr>) =
            found.into_iter().take(ADDRESSES_MAX).partition(|address| is_allowed(*address, &rule.addresses));
        match (open.is_empty(), shut.first()) {
            (false, _) => Ok(open),
            (true, None) => Err(Refusal::NotConnected(format!("{} leads to no address", target.host))),
            (true, Some(address)) => {
                let name = special_use(*address).unwrap_or("special use");
                let bits = if address.is_ipv4() { 32 } else { 128 };
                Err(Refusal::Astray(format!(
                    "{host} leads to {address} ({name}); to allow it: hosts = [{{ host = \"{host}\", addresses = [\"{address}/{bits}\"] }}]",
                    host = target.host
                )))
            }
        }
    }

    async fn speak(
        &self,
        stream: TcpStream,
        address: IpAddr,
        target: &Target,
        deadline: Instant,
    ) -> Result<Connection, Refusal> {
        let failed = |error: io::Error| Refusal::NotConnected(format!("{}: {error}", target.authority()));
        let stream: Box<dyn Stream> = match target.scheme {
            Scheme::Http => Box::new(stream),
            Scheme::Https => {
                // The name that was granted, not what a resolver or a server says.
                let name = ServerName::try_from(target.host.clone())
                    .map_err(|_| Refusal::Invalid(format!("{} is no name for TLS", target.host)))?;
                Box::new(within(deadline, self.waits.tls_ms, self.tls.connect(name, stream)).await.map_err(failed)?)
            }
        };
        let flow = Arc::new(Flow::default());
        let counted = TokioIo::new(Counted { stream, flow: Arc::clone(&flow) });
        let shake = Builder::new().max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX).handshake(counted);
        let shaken = timeout_at(deadline.into(), shake).await;
        let (sender, connection) = match shaken {
            Ok(Ok(pair)) => pair,
            Ok(Err(error)) => return Err(Refusal::NotConnected(error.to_string())),
            Err(_) => return Err(Refusal::NotConnected("no time was left".to_owned())),
        };
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a gateway ended");
            }
        });
        Ok(Connection { sender, flow, address, idle_since: Instant::now() })
    }
}

/// Connections of one provider that wait for their next request.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<(Scheme, String, u16), Vec<Connection>>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// One that is alive, fresh enough, and leads to where the rule still allows.
    pub(super) fn take(&self, rule: &HostRule, target: &Target) -> Option<Connection> {
        let mut idle = self.idle.lock().expect("no holder panics");
        let kept = idle.get_mut(&place(target))?;
        while let Some(connection) = kept.pop() {
            let fresh = connection.idle_since.elapsed() < Duration::from_millis(IDLE_MS_MAX);
            if fresh && connection.sender.is_ready() && is_allowed(connection.address, &rule.addresses) {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps one whose answer was read to its end.
    pub(super) fn keep(&self, target: &Target, mut connection: Connection) {
        if !connection.sender.is_ready() {
            return;
        }
        connection.idle_since = Instant::now();
        let mut idle = self.idle.lock().expect("no holder panics");
        let kept = idle.entry(place(target)).or_default();
        if kept.len() < IDLE_MAX {
            kept.push(connection);
        }
    }
}

fn place(target: &Target) -> (Scheme, String, u16) {
    (target.scheme, target.host.clone(), target.port)
}

/// Something within its own time and the call's.
async fn within<T>(deadline: Instant, ms: u64, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let until = deadline.min(Instant::now() + Duration::from_millis(ms));
    timeout_at(until.into(), work).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
}

/// Plain or TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How much was handed to a stream, and how much of it left this process.
#[derive(Debug, Default)]
pub(super) struct Flow {
    written: AtomicU64,
    flushed: AtomicU64,
    news: Notify,
}

impl Flow {
    /// Bytes handed over: none of them means that none left.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Waits until so many bytes have left.
    pub(super) async fn reached(&self, bytes: u64) {
        loop {
            let news = self.news.notified();
            if self.flushed.load(Ordering::SeqCst) >= bytes {
                return;
            }
            news.await;
        }
    }
}

/// Counts what was handed to the stream: none of it counted means that none of it left.
struct Counted {
    stream: Box<dyn Stream>,
    flow: Arc<Flow>,
}

impl Counted {
    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.flow.written.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = self.flow.written();
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = flushed {
            self.flow.flushed.store(written, Ordering::SeqCst);
            self.flow.news.notify_waiters();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
