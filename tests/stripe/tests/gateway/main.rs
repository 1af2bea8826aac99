//! The real component in a real host against the real gateway: what payers see, what the gateway really did, and what the host
//! says when the network fails.

mod declines;
mod faults;
mod flow;
mod holders;
mod hooks;
