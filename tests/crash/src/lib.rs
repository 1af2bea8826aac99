//! A host that is killed, a gateway that is not, and a judge who compares their books.
//!
//! `ledger` is the gateway's own book and `gateway` the provider that writes it; `hearing` writes down what a subscriber hears; `orders` is what a host in a process of its
//! own is told, `till` carries it out there, `process` is the other end, which starts it, kills it and starts it again.
//! `judge` reads both books and every acknowledgement, and says what cannot be. The tests are in `tests/`.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod ledger;

pub mod fate;

pub mod gateway;

pub mod network;

pub mod hearing;

pub mod orders;

pub mod till;

pub mod process;

pub mod facts;

pub mod judge;

/// How far a clock goes on while its host is down or asleep, milliseconds: every lease has ended by then.
pub const DOWN_MS: i64 = 15 * 60 * 1_000;

/// The file, beside the gateway's book, in which a subscriber writes down what it hears.
pub const HEARD: &str = "heard.log";

/// A card number and its security code, which the payer types in and nobody may keep: not the database, not the log.
pub const SECRETS: [&str; 2] = ["4242424242424242", "cvc-7319"];
