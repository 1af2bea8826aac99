//! The exchange journal with everything real: a component, a gateway over HTTP, both databases, and hosts that stop at each of
//! their steps and never come back.

mod kept;
mod scene;
mod stopped;
