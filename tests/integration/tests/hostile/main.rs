//! Providers that misuse the network they were granted, gateways that misbehave, and providers that lie about both: each is
//! contained, named, and leaves the books as they should be. Through every door to the network alike.
//!
//! The gateway is the one of `tests/gateway`, with its own ledger for a judge; what no real server does is done by a socket.

mod lies;
mod peers;
mod requests;
mod scene;
mod secrets;
