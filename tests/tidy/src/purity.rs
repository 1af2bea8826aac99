//! The core is pure: no dependency, clock, file, network, thread, async or float.
//!
//! It refuses to judge the core's tests any milder than the core.

use toml::Table;

use crate::Complaint;
use crate::source::{code_only, has_word};

/// Where the core lies.
const CORE: &str = "host/core/";

/// What would let a decision depend on something that is no argument, with what to do instead.
const IMPURE: &[(&str, &str)] = &[
    ("std::time", "take a Timestamp as an argument"),
    ("SystemTime", "take a Timestamp as an argument"),
    ("Instant", "take a Timestamp as an argument"),
    ("std::fs", "read it in the host and hand it in"),
    ("std::net", "the host talks to the network"),
    ("std::env", "the host reads the environment"),
    ("std::process", "return a refusal"),
    ("std::thread", "the host has the threads"),
    ("std::io", "the host reads and writes"),
    ("async", "the host waits"),
    ("await", "the host waits"),
    ("f32", "use integer minor units"),
    ("f64", "use integer minor units"),
    ("serde", "JSON and SQL are converted at the borders"),
];

/// Checks a source file of the core.
#[must_use]
pub fn check_source(path: &str, text: &str) -> Vec<Complaint> {
    if !path.starts_with(CORE) || !path.ends_with(".rs") {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for (index, line) in code_only(text).lines().enumerate() {
        for (word, instead) in IMPURE {
            if has_word(line, word) {
                complaints.push(Complaint::new(path, index + 1, format!("{word} in the core: {instead}")));
            }
        }
    }
    complaints
}

/// Checks the core's Cargo.toml: dependencies of its tests are its own business, others there are none.
#[must_use]
pub fn check_manifest(path: &str, text: &str) -> Vec<Complaint> {
    let manifest = text.parse::<Table>().unwrap_or_default();
    ["dependencies", "build-dependencies", "target"]
        .iter()
        .filter(|section| {
            manifest.get(**section).and_then(toml::Value::as_table).is_some_and(|table| !table.is_empty())
        })
        .map(|section| {
            Complaint::new(
                path,
                0,
                format!("[{section}] in the core: it has std only, write it or move it to the host"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "host/core/src/machine.rs";

    #[test]
    fn pure_code_passes() {
        assert_eq!(check_source(PATH, "use crate::time::Timestamp; // not std::time\nlet x: i64 = 1;"), []);
        assert_eq!(check_source("host/src/clock.rs", "use std::time::SystemTime;"), []);
        assert_eq!(check_manifest("host/core/Cargo.toml", "[dev-dependencies]\nproptest = \"1\"\n"), []);
    }

    #[test]
    fn each_impurity_is_found() {
        for (word, _) in IMPURE {
            assert!(!check_source(PATH, &format!("let x = {word}(1);")).is_empty(), "{word}");
        }
    }

    #[test]
    fn a_dependency_is_found() {
        assert_eq!(check_manifest("host/core/Cargo.toml", "[dependencies]\nserde = \"1\"\n").len(), 1);
    }
}
