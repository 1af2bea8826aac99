//! A payment gateway to try Tillbox against, and to judge it by: shaped like Stripe's API, with a ledger of its own.
//!
//! What it has done is durable before it answers, so a test can kill everything around it and compare the books. Faults are
//! switched on at run time: lost replies, refused connections, wrong answers, webhooks that come late, twice or backwards.
//! It knows nothing of Tillbox: its clients speak the published API.

pub mod api;
pub mod cards;
pub mod faults;
pub mod ledger;
pub mod params;
pub mod problem;
pub mod server;
pub mod webhooks;

pub use faults::{Action, Fault};
pub use server::{Gateway, Options};
