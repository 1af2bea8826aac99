//! The runtime from the outside: real components in, faults and answers out.
//!
//! One binary, so that the engine is linked once; one engine, so that guests are neighbours. It refuses to know how
//! anything is done inside.

mod bundled;
mod check;
mod egress;
mod hostile;
mod journal;
mod neighbours;
mod overdone;
mod parts;
mod support;
mod whole;
