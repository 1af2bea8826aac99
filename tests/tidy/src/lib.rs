//! The tree checks itself: arrows, layers, shapes and words that no compiler looks at.
//!
//! Each check is a function from text to complaints, so that each has a mutant beside it: a bad sample it must complain
//! about. `tests/tree.rs` feeds the real tree. A complaint says how to put it right. Nothing here changes a file, and
//! nothing here knows what the code does.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

use std::fmt;

pub mod tree;

mod source;

pub mod arrows;
pub mod doors;
pub mod layers;
pub mod purity;

pub mod shape;

pub mod leftovers;

pub mod contract;

pub mod documents;

/// What is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Relative to the root of the tree.
    pub path: String,
    /// From 1; 0 when it is about the whole file.
    pub line: usize,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl Complaint {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}
