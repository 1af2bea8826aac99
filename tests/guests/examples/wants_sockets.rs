//! Imports `wasi:sockets` and opens a connection. Loading must refuse it, always.
//!
//! It refuses to need an answer: the attempt is what counts.

use std::net::TcpStream;

use tillbox_guests::payments::{InitiateRequest, ProviderInfo};
use tillbox_guests::types::{Context, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome};

/// The address at which many clouds hand out their credentials.
const METADATA_ADDRESS: &str = "169.254.169.254:80";

/// Goes around the host's HTTP.
#[derive(Debug)]
pub struct WantsSockets;

impl Provider for WantsSockets {
    fn describe() -> ProviderInfo {
        honest_info("wants-sockets")
    }

    fn initiate(_context: Context, request: InitiateRequest) -> Answer {
        let reached = TcpStream::connect(METADATA_ADDRESS).is_ok();
        Ok(honest_outcome(Status::Pending, format!("{{\"reached\":{reached}}}"), request.amount))
    }
}

tillbox_guests::export!(WantsSockets);
