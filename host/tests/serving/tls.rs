//! TLS: from files, read again when they change, while open connections go on; and what is refused in the clear.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tillbox::Host;
use tillbox::http::{Limits, Server, Tls};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::scene::{Scene, all, soon, until};

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a new pair, and gives the certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(self.path("cert.pem"), cert.pem()).unwrap();
        fs::write(self.path("key.pem"), signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }

    fn read(&self) -> std::io::Result<Tls> {
        Tls::from_files(self.path("cert.pem"), self.path("key.pem"))
    }
}

/// A client that believes in one certificate.
fn connector(trusted: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

async fn connected(scene: &Scene, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    soon(connector(trusted).connect(name, scene.connect().await)).await
}

async fn asks_well(scene: &Scene, stream: &mut TlsStream<TcpStream>) {
    let request = format!("{}\r\n", scene.head("GET /admin/payments").replace("127.0.0.1", "shop.example"));
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(until(stream, "\"payments\"").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_new_certificate_counts_for_new_connections_and_old_ones_go_on() {
    let files = Files::new();
    let first = files.renew();
    let tls = files.read().unwrap();
    let scene = Scene::of(Host::builder().in_memory(), Limits::default(), |server| server.tls(tls.clone())).await;
    let mut old = connected(&scene, &first).await.unwrap();
    assert_eq!(old.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    // Any name is good: a key is asked for, whatever the page that asks believes to be.
    asks_well(&scene, &mut old).await;

    let second = files.renew();
    assert!(connected(&scene, &second).await.is_err(), "nobody has looked yet");
    tls.reload().unwrap();
    let mut new = connected(&scene, &second).await.unwrap();
    asks_well(&scene, &mut new).await;
    asks_well(&scene, &mut old).await;
    assert!(connected(&scene, &first).await.is_err());

    // A pair that is none is told of, and the last good one goes on.
    fs::write(files.path("key.pem"), "no key").unwrap();
    let told = tls.reload().unwrap_err().to_string();
    assert!(told.contains("key.pem"), "{told}");
    asks_well(&scene, &mut connected(&scene, &second).await.unwrap()).await;
}

#[tokio::test]
async fn a_change_is_noticed() {
    let files = Files::new();
    files.renew();
    let tls = files.read().unwrap();
    assert!(!tls.reload_if_changed().unwrap());
    files.renew();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    for name in ["cert.pem", "key.pem"] {
        fs::File::options().append(true).open(files.path(name)).unwrap().set_modified(later).unwrap();
    }
    assert!(tls.reload_if_changed().unwrap());
    assert!(!tls.reload_if_changed().unwrap());
}

#[test]
fn what_cannot_be_used_is_named() {
    let files = Files::new();
    let told = |files: &Files| files.read().unwrap_err().to_string();
    assert!(told(&files).contains("cert.pem"));
    files.renew();
    let key = fs::read(files.path("key.pem")).unwrap();
    files.renew();
    fs::write(files.path("key.pem"), key).unwrap();
    assert!(told(&files).contains("is not the key of"), "{}", told(&files));
    fs::write(files.path("cert.pem"), "nothing of the kind").unwrap();
    assert!(told(&files).contains("cert.pem"));
    assert!(Path::new(&files.path("key.pem")).exists());
}

#[tokio::test]
async fn a_handshake_has_an_end_and_plain_http_is_not_answered() {
    let files = Files::new();
    let trusted = files.renew();
    let limits = Limits { handshake_ms: 100, ..Limits::default() };
    let tls = files.read().unwrap();
    let scene = Scene::of(Host::builder().in_memory(), limits, |server| server.tls(tls)).await;
    let mut silent = scene.connect().await;
    assert_eq!(all(&mut silent).await, b"");
    let mut plain = scene.connect().await;
    plain.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(!all(&mut plain).await.starts_with(b"HTTP/"), "no HTTP in the clear");
    asks_well(&scene, &mut connected(&scene, &trusted).await.unwrap()).await;
}

#[tokio::test]
async fn in_the_clear_only_loopback_is_served_unless_a_proxy_stands_in_front() {
    let serve = |more: fn(Server) -> Server| async move {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let host = Host::builder().in_memory().build().await.unwrap();
        let served = more(Server::new(host)).serve(listener, std::future::ready(()));
        soon(served).await
    };
    let error = serve(|server| server).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("proxy"), "{error}");
    serve(Server::behind_proxy).await.unwrap();
}
