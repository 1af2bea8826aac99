//! Lines for the operator: the contract's import `log`.
//!
//! The host counts, cuts and redacts. On native targets the lines go to [`testing::log_lines`](crate::testing).

use std::fmt::Display;

use crate::limits::{LOG_FIELD_NAME_BYTES_MAX, MESSAGE_BYTES_MAX, shorten};

/// How loud (`log.level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Only while developing.
    Debug,
    /// Normal life.
    Info,
    /// Worth a look.
    Warn,
    /// Somebody has to act.
    Error,
}

/// Writes a line that only a developer wants.
///
/// ```
/// use tillbox_provider::log;
///
/// log::debug("answer read", &[("bytes", &1_024), ("status", &"ok")]);
/// ```
pub fn debug(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Debug, message, fields);
}

/// Writes a line about normal life.
pub fn info(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Info, message, fields);
}

/// Writes a line that is worth a look.
pub fn warn(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Warn, message, fields);
}

/// Writes a line because somebody has to act.
pub fn error(message: &str, fields: &[(&str, &dyn Display)]) {
    write(Level::Error, message, fields);
}

/// Writes one line. Never fails. A message or a field's value above 1,024 bytes is cut, as is a name above 64.
pub fn write(level: Level, message: &str, fields: &[(&str, &dyn Display)]) {
    let fields = fields.iter().map(|(name, value)| {
        let (name, value) = (shorten(name, LOG_FIELD_NAME_BYTES_MAX), value.to_string());
        (name.to_owned(), shorten(&value, MESSAGE_BYTES_MAX).to_owned())
    });
    sink(level, shorten(message, MESSAGE_BYTES_MAX), fields.collect());
}

#[cfg(target_family = "wasm")]
fn sink(level: Level, message: &str, fields: Vec<(String, String)>) {
    use crate::bindings::provider::tillbox::provider::log as import;

    let level = match level {
        Level::Debug => import::Level::Debug,
        Level::Info => import::Level::Info,
        Level::Warn => import::Level::Warn,
        Level::Error => import::Level::Error,
    };
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| import::Field { name, value }).collect();
    import::write(level, message, &fields);
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::keep_log_line as sink;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LogLine, log_lines};

    #[test]
    fn lines_are_cut_between_characters_and_kept() {
        warn(&"é".repeat(MESSAGE_BYTES_MAX), &[("n".repeat(65).as_str(), &1), ("v", &"x".repeat(2_000))]);
        let lines = log_lines();
        let fields = vec![("n".repeat(64), "1".to_owned()), ("v".to_owned(), "x".repeat(1_024))];
        assert_eq!(lines, [LogLine { level: Level::Warn, message: "é".repeat(512), fields }]);
        assert!(log_lines().is_empty(), "taken");
        debug("a", &[]);
        info("b", &[]);
        error("c", &[]);
        let levels: Vec<Level> = log_lines().into_iter().map(|line| line.level).collect();
        assert_eq!(levels, [Level::Debug, Level::Info, Level::Error]);
    }
}
