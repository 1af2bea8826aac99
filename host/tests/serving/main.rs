//! The server around the routes, on real sockets: what is seen of a request, what is counted, which limits hold, TLS, and how
//! it stops. What the routes themselves answer is not looked at here.

#[path = "../scripted/mod.rs"]
mod scripted;

mod cors;
mod counted;
mod limits;
mod providers;
mod scene;
mod seen;
mod stopping;
mod streams;
mod tls;
