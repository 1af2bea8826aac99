//! Each step of an exchange has a time of its own within the call's: a server or a resolver that stalls in one of them is given
//! up there, long before the call's deadline. And TLS sessions are one provider's own.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::connect::Waits;
use super::{Asked, Egress, ExchangeFault, ExchangeReport, Left};
use crate::egress::resolve::Resolve;
use crate::egress::rule::HostGrant;

/// Every name leads to this machine; or nobody ever says where.
#[derive(Debug)]
struct Here {
    answers: bool,
}

#[async_trait]
impl Resolve for Here {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        if !self.answers {
            std::future::pending::<()>().await;
        }
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// Where a server stalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stalls {
    AtOnce,
    AfterTheRequest,
    InTheBody,
}

async fn server(stalls: Stalls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if stalls != Stalls::AtOnce {
                let mut bytes = vec![0; 4_096];
                let _ = stream.read(&mut bytes).await.unwrap();
            }
            if stalls == Stalls::InTheBody {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
            }
            held.push(stream);
        }
    });
    address
}

/// A listener whose queue is full: a further connection is never made.
async fn full() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(made) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        held.push(made.unwrap());
        assert!(held.len() < 64, "the queue never fills");
    }
    (address, held, listener)
}

fn grant(scheme: &str, address: SocketAddr) -> HostGrant {
    let port = address.port();
    let line =
        serde_json::json!({ "host": "a.example", "scheme": scheme, "port": port, "addresses": ["127.0.0.1/32"] });
    serde_json::from_value(line).unwrap()
}

async fn send(egress: &Egress, scheme: &str, address: SocketAddr) -> ExchangeReport {
    let asked = Asked::new("POST", &format!("{scheme}://a.example:{}/", address.port()), &[], None).unwrap();
    egress.send(asked, Instant::now() + Duration::from_secs(60), &|_| {}).await.1
}

#[tokio::test]
async fn each_step_ends_in_its_own_time() {
    let (queue, _held, _listener) = full().await;
    // All steps have the whole minute but the one that is looked at.
    const LONG: u64 = 60_000;
    let long = Waits { resolve_ms: LONG, connect_ms: LONG, tls_ms: LONG, first_byte_ms: LONG, body_ms: LONG };
    const SHORT: u64 = 200;
    let (late, lost) = (ExchangeFault::NotConnected, ExchangeFault::Lost);
    for (step, scheme, address, answers, waits, fault, left) in [
        ("resolve", "http", queue, false, Waits { resolve_ms: SHORT, ..long }, late, Left::Nothing),
        ("connect", "http", queue, true, Waits { connect_ms: SHORT, ..long }, late, Left::Nothing),
        ("TLS", "https", server(Stalls::AtOnce).await, true, Waits { tls_ms: SHORT, ..long }, late, Left::Nothing),
        (
            "first byte",
            "http",
            server(Stalls::AfterTheRequest).await,
            true,
            Waits { first_byte_ms: SHORT, ..long },
            lost,
            Left::Something,
        ),
        (
            "body",
            "http",
            server(Stalls::InTheBody).await,
            true,
            Waits { body_ms: SHORT, ..long },
            lost,
            Left::Something,
        ),
    ] {
        let mut egress = Egress::new(&[grant(scheme, address)], Arc::new(Here { answers }), &[]).unwrap();
        egress.connector.waits = waits;
        let start = Instant::now();
        let report = send(&egress, scheme, address).await;
        assert_eq!((report.fault, report.left), (Some(fault), left), "{step}: {report:?}");
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(SHORT) && took < Duration::from_secs(30), "{step}: {took:?}");
    }
}

#[tokio::test]
async fn tls_sessions_are_taken_up_again_by_their_own_provider_alone() {
    let signed = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let root = signed.cert.der().to_vec();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kinds: Arc<Mutex<Vec<HandshakeKind>>> = Arc::default();
    let seen = Arc::clone(&kinds);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            seen.lock().unwrap().push(stream.get_ref().1.handshake_kind().unwrap());
            let mut bytes = vec![0; 4_096];
            let _ = stream.read(&mut bytes).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let provider = || {
        let roots = [root.clone()];
        Egress::new(&[grant("https", address)], Arc::new(Here { answers: true }), &roots).unwrap()
    };
    let (one, other) = (provider(), provider());
    for egress in [&one, &one, &other, &other] {
        assert_eq!(send(egress, "https", address).await.status, Some(200));
    }
    let (full, resumed) = (HandshakeKind::Full, HandshakeKind::Resumed);
    assert_eq!(*kinds.lock().unwrap(), [full, resumed, full, resumed]);
}
