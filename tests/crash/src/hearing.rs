//! The subscriber in the host's process: writes down what it hears, in the order in which it hears it, before it says so.
//!
//! Its log is a file of lines. A line is one write, which a killed process has made or not made: what a machine that loses
//! its power forgets is no matter here.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use async_trait::async_trait;
use tillbox::service::{NotHeard, Subscriber};
use tillbox::store::OutboxEvent;

/// What was heard once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The event's id.
    pub event: String,
    /// The collection it is about.
    pub collection: String,
}

/// Who hears.
#[derive(Debug)]
pub struct Ears {
    log: File,
}

impl Ears {
    /// Goes on with the log, or begins it. Several processes may write to one.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { log: File::options().create(true).append(true).open(path)? })
    }
}

#[async_trait]
impl Subscriber for Ears {
    async fn hear(&self, event: &OutboxEvent) -> Result<(), NotHeard> {
        (&self.log).write_all(format!("{} {}\n", event.id, event.collection).as_bytes())?;
        Ok(())
    }
}

/// Everything that was heard, in order.
///
/// # Panics
/// When the log cannot be read, or is no such log.
#[must_use]
pub fn heard(path: &Path) -> Vec<Heard> {
    let text = std::fs::read_to_string(path).expect("the log of what was heard is read");
    let line = |line: &str| {
        let (event, collection) = line.split_once(' ').expect("two words in a line");
        Heard { event: event.to_owned(), collection: collection.to_owned() }
    };
    text.lines().map(line).collect()
}
