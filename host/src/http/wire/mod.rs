//! JSON, in and out: the only place of this door with types of JSON.
//!
//! What comes in is read key by key from text that was scanned first (depth, no key twice), so an error can name its key.
//! What goes out is built from the service's views and nothing else. Amounts cross in both directions as the digits they
//! are written with.

mod answer;
mod fields;
mod filters;
mod kind;
mod lists;
mod parts;
mod query;
mod request;
mod select;
mod shape;
mod version;
mod webhook_endpoint;

pub(super) use answer::*;
pub(super) use fields::{Amount, Fields, Input, Invalid};
pub(super) use kind::{Count, Known, id, reference};
pub(super) use lists::*;
pub(super) use parts::IdOf;
pub(super) use query::{Query, QueryInput, sequence};
pub(super) use request::*;
pub(super) use select::{Choosable, Chosen, Selected};
pub(super) use version::*;
pub(super) use webhook_endpoint::*;
