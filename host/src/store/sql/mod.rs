//! What both databases share: the statements, how a change becomes a list of them, and how rows become collections again.
//!
//! Nothing here talks to a database. Each store runs the same statements in its own way, so a promise kept on one is kept
//! on the other. Placeholders are numbered in the order of the values, which both understand.

pub(super) mod access;
pub(super) mod api_keys;
pub(super) mod audit;
pub(super) mod claims;
mod columns;
pub(super) mod decode;
pub(super) mod dispatch;
pub(super) mod encode;
pub(super) mod exchanges;
pub(super) mod facts;
pub(super) mod figures;
mod find;
pub(super) mod holders;
pub(super) mod idempotency;
pub(super) mod pattern;
pub(super) mod providers;
pub(super) mod reasons;
pub(super) mod search;
pub(super) mod side;
pub(super) mod snapshot;
mod value;
pub(super) mod versions;

pub(super) use find::{Conditions, Dialect, Find};
pub(super) use value::{Row, Value};

/// One statement with its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    /// Whether it must touch exactly one row; if not, somebody else was faster and the change is a conflict.
    pub(super) guarded: bool,
}

impl Step {
    /// Whether every text reads back as it was given: none of them holds the character that stands in for U+0000.
    pub(super) fn is_exact(&self) -> bool {
        self.values.iter().all(|value| match value {
            Value::Text(text) => !text.contains(char::REPLACEMENT_CHARACTER),
            Value::Null | Value::Int(_) | Value::Bytes(_) => true,
        })
    }
}
