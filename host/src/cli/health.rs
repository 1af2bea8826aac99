//! `tillbox health`: asks the server on this machine whether it is ready, for whatever looks after it and brings no HTTP client.
//!
//! It finds the server by the same settings as `serve`. With TLS it believes in the certificate of the file and no other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::failure::Failure;
use super::screen::Screen;
use super::settings::{Flags, Said, TlsFiles};

/// Milliseconds for everything: readiness itself is answered within two seconds.
const HEALTH_MS_MAX: u64 = 4_000;

/// Bytes of the answer that are read.
const ANSWER_BYTES_MAX: u64 = 16 * 1_024;

/// Ask the server on this machine whether it is ready.
///
/// It is found by the settings of `serve`: those of the environment and of the configuration file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox health
  tillbox health --config tillbox.toml
  TILLBOX_LISTEN=0.0.0.0:8080 tillbox health")]
pub(super) struct HealthArguments {
    /// The configuration that `serve` uses
    #[arg(long, value_name = "FILE.toml", env = "TILLBOX_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: HealthArguments) -> Result<(), Failure> {
    let (settings, _) = Said::gather(&Flags::default(), arguments.config.as_deref())?.settings()?;
    let address = reached(settings.listen);
    let asked = tokio::time::timeout(Duration::from_millis(HEALTH_MS_MAX), ask(address, settings.tls.as_ref()));
    let answer = match asked.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            return Err(Failure::because(format!("the server at {address} cannot be asked"), &error)
                .next("see that `tillbox serve` runs with the same settings"));
        }
        Err(_) => return Err(Failure::new(format!("the server at {address} does not answer"))),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(Screen::standard().line("ready")?),
        _ => Err(Failure::new(format!("the server at {address} is not ready: {body}")).next("its log says why")),
    }
}

/// Whoever listens everywhere listens here.
fn reached(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr, tls: Option<&TlsFiles>) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let Some(files) = tls else { return ready(stream, address).await };
    let expected = CertificateDer::from_pem_file(&files.certificate).map_err(std::io::Error::other)?;
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Exactly { expected, algorithms }))
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    ready(connector.connect(ServerName::IpAddress(address.ip().into()), stream).await?, address).await
}

async fn ready(mut stream: impl AsyncRead + AsyncWrite + Unpin, address: SocketAddr) -> std::io::Result<String> {
    let request = format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Believes in one certificate, byte for byte, whatever name it has: the one that this machine serves.
#[derive(Debug)]
struct Exactly {
    expected: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        presented: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *presented == self.expected {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
