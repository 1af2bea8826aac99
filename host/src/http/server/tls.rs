//! TLS: a certificate and its key from files, read again when they change. Connections that are open keep what they began
//! with.
//!
//! A pair that cannot be used never replaces one that can. HTTP/1.1 is what is spoken; a proxy in front may speak HTTP/2.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// What is spoken inside (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// A certificate with its key, as files.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    pair: Arc<CertifiedKey>,
    /// When the files were last changed, as far as the system tells.
    changed: Changed,
}

type Changed = [Option<SystemTime>; 2];

impl Tls {
    /// Reads PEM files: the certificate with its chain, and the private key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// The file that cannot be read or holds no such thing, and a key that is not the certificate's.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> io::Result<Self> {
        let (certificate, key) = (certificate.into(), key.into());
        let changed = changed(&certificate, &key);
        let pair = Arc::new(read(&certificate, &key)?);
        let current = RwLock::new(Current { pair, changed });
        Ok(Self { shared: Arc::new(Shared { certificate, key, current }) })
    }

    /// Reads the files again. Whoever connects from now on sees what they hold.
    ///
    /// # Errors
    /// As [`Tls::from_files`]; then what was read before goes on counting.
    pub fn reload(&self) -> io::Result<()> {
        let Shared { certificate, key, current } = &*self.shared;
        let changed = changed(certificate, key);
        let pair = read(certificate, key);
        let mut current = current.write().expect("no holder panics");
        // A pair that is no good is not looked at again until it changes.
        current.changed = changed;
        current.pair = Arc::new(pair?);
        Ok(())
    }

    /// Reads the files again when one of them has changed; whether that was so.
    ///
    /// # Errors
    /// As [`Tls::reload`].
    pub fn reload_if_changed(&self) -> io::Result<bool> {
        let now = changed(&self.shared.certificate, &self.shared.key);
        if now == self.shared.current.read().expect("no holder panics").changed {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::clone(&self.shared) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.shared.certificate).finish_non_exhaustive()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().expect("no holder panics").pair))
    }
}

fn changed(certificate: &Path, key: &Path) -> Changed {
    [certificate, key].map(|path| std::fs::metadata(path).and_then(|about| about.modified()).ok())
}

fn read(certificate: &Path, key: &Path) -> io::Result<CertifiedKey> {
    let of =
        |path: &Path, what: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| of(certificate, format!("no certificate can be read: {error}")))?;
    if chain.is_empty() {
        return Err(of(certificate, "holds no certificate in PEM".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    let private = private.map_err(|error| of(key, format!("no private key can be read: {error}")))?;
    let pair = CertifiedKey::from_der(chain, private, &ring::default_provider());
    pair.map_err(|error| of(key, format!("is not the key of {}: {error}", certificate.display())))
}
