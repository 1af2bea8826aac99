//! One flow of a payment, through one of the two doors. A flow whose figures are wrong is a failure, not a fast flow.

use std::net::{Ipv4Addr, SocketAddr};

use tillbox_core::id::ProviderId;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::embedded;
use super::over_http::Connection;
use super::steps::Laps;
use super::{Failure, Via};
use crate::service::{IssuedApiKey, NewApiKey};
use crate::store::Scope;
use crate::{Host, http};

/// What is to be paid, and of it given back: in major units of [`CURRENCY`].
pub(super) const AMOUNT: &str = "10.00";
/// What is given back.
pub(super) const REFUND: &str = "2.50";
/// The currency of every payment.
pub(super) const CURRENCY: &str = "EUR";

/// The provider of every payment.
pub(super) fn provider_id() -> ProviderId {
    ProviderId::from_tail("manual_default")
}

/// A door that is open for clients.
pub(super) enum Door {
    Embedded(Host),
    Http(Server),
}

/// The HTTP server, in this process.
pub(super) struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
    key: IssuedApiKey,
}

/// One client of a door.
pub(super) enum Client {
    Embedded(Host),
    Http(Connection),
}

impl Door {
    pub(super) async fn open(via: Via, host: &Host) -> Result<Self, Failure> {
        match via {
            Via::Embedded => Ok(Self::Embedded(host.clone())),
            Via::Http => Server::start(host.clone()).await.map(Self::Http),
        }
    }

    pub(super) fn via(&self) -> Via {
        match self {
            Self::Embedded(_) => Via::Embedded,
            Self::Http(_) => Via::Http,
        }
    }

    pub(super) async fn client(&self) -> Result<Client, Failure> {
        match self {
            Self::Embedded(host) => Ok(Client::Embedded(host.clone())),
            Self::Http(server) => Connection::open(server.address, &server.key).await.map(Client::Http),
        }
    }

    pub(super) async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Http(server) => server.close().await,
        }
    }
}

impl Server {
    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The header that its routes ask for.
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }

    /// Waits for requests under way.
    pub(super) async fn close(self) -> Result<(), Failure> {
        drop(self.stop);
        let broke = |error: &dyn std::error::Error| Failure::because("the server broke", error);
        self.ended.await.map_err(|error| broke(&error))?.map_err(|error| broke(&error))
    }

    pub(super) async fn start(host: Host) -> Result<Self, Failure> {
        let no_server = |error: std::io::Error| Failure::because("the server cannot listen on loopback", &error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(no_server)?;
        let address = listener.local_addr().map_err(no_server)?;
        let (_, key) = host.create_api_key(NewApiKey::secret([Scope::Operate])).await?;
        let (stop, stopped) = oneshot::channel();
        // It stops when the sender is dropped.
        let ended = tokio::spawn(http::serve(listener, host, async { drop(stopped.await) }));
        Ok(Self { address, stop, ended, key })
    }
}

impl Client {
    /// One payment from its beginning to its refund.
    pub(super) async fn flow(&mut self) -> Result<Laps, Failure> {
        match self {
            Self::Embedded(host) => embedded::flow(host).await,
            Self::Http(connection) => connection.flow().await,
        }
    }
}
