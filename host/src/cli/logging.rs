//! Logs: to standard error, as text or JSON, without secrets, and no louder than was asked for.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use super::failure::Failure;
use crate::redact::redacted;

/// Only what somebody has to look at: beside a story that is told on the terminal.
pub(super) const QUIET: &str = "warn";

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Changes what a running program logs.
pub(super) struct Volume(reload::Handle<EnvFilter, tracing_subscriber::Registry>);

/// Starts to log as text, quietly, unless `RUST_LOG` says otherwise.
///
/// # Errors
/// As [`start`].
pub(super) fn start_quietly() -> Result<(), Failure> {
    let asked = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    start(LogFormat::Text, asked.as_deref().unwrap_or(QUIET)).map(|_| ())
}

/// Starts to log what the filter lets through.
///
/// # Errors
/// When the filter cannot be understood.
pub(super) fn start(format: LogFormat, filter: &str) -> Result<Volume, Failure> {
    let (filter, handle) = reload::Layer::new(parsed(filter)?);
    let registry = tracing_subscriber::registry().with(filter);
    let clean = Clean { is_json: format == LogFormat::Json };
    let lines = tracing_subscriber::fmt::layer().with_writer(clean).with_target(false);
    let started = match format {
        LogFormat::Text => registry.with(lines.with_ansi(false).compact()).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
    };
    started.map_err(|error| Failure::because("the log cannot be started", &error))?;
    Ok(Volume(handle))
}

fn parsed(filter: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(filter).map_err(|error| {
        Failure::because(format!("the log filter `{filter}` cannot be understood"), &error)
            .next("for example --log-filter info,tillbox=debug")
    })
}

impl Volume {
    /// From now on this.
    pub(super) fn set(&self, filter: &str) -> Result<(), Failure> {
        let changed = self.0.reload(parsed(filter)?);
        changed.map_err(|error| Failure::because("the log's loudness cannot be changed", &error))
    }
}

/// Standard error, without secrets. A line comes in one piece.
#[derive(Debug, Clone, Copy)]
struct Clean {
    is_json: bool,
}

impl<'a> MakeWriter<'a> for Clean {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Clean {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().lock().write_all(redacted(&text, self.is_json).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
