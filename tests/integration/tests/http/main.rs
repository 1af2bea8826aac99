//! A shop talks to a host over HTTP: requests go through a socket, providers are components, the books are a SQLite file.
//!
//! Each test has a host of its own. What they share is `scene` (a host and what can be asked of it) and `client` (bytes on
//! a socket). Nothing here looks into the database: what cannot be seen from outside does not count.

mod client;
mod scene;

mod by_hand;
mod choosing;
mod flow;
mod merchant;
mod shares;

mod audit;
mod bounds;
mod crowd;
mod digits;
mod faults;
mod hostile;
mod idempotency;
mod keys;
mod privacy;
mod refused;
mod restart;
mod visitors;
mod webhook_endpoints;
mod webhooks;
