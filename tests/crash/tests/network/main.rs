//! A host with a provider that reaches its gateway over a network is killed at every step: operation kind × what the gateway
//! does to the request × step. Then another host recovers, the client asks again, and the gateway's own book is the judge.
//!
//! `cargo test -p tillbox-crash --test network -- --nocapture` prints how many cases there were. Steps are not listed: a scene
//! is played until the host survives it.

mod cases;
mod matrix;
mod scene;

/// The program that is killed.
const PROGRAM: &str = env!("CARGO_BIN_EXE_tillbox-crash");
