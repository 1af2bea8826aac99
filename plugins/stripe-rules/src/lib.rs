//! Stripe's published rules that need no network, shared by the provider and its double: how it writes amounts down, and the
//! header that signs its webhooks. It knows neither providers nor hosts.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod signature;
pub mod units;
