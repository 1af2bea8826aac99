//! Logs: to standard error, as text or JSON, and no louder than was asked for.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use super::failure::Failure;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// What is logged unless `RUST_LOG` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loudness {
    /// Only what somebody has to look at.
    Quiet,
    /// Every call of a provider as well.
    Normal,
}

/// Changes the loudness of a running program.
pub(super) struct Volume(Option<reload::Handle<EnvFilter, tracing_subscriber::Registry>>);

/// Starts to log. `RUST_LOG` wins over `loudness`.
///
/// # Errors
/// When `RUST_LOG` cannot be understood.
pub(super) fn start(format: LogFormat, loudness: Loudness) -> Result<Volume, Failure> {
    let asked = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let fixed = asked.is_some();
    let filter = match asked {
        Some(text) => EnvFilter::try_new(&text).map_err(|error| {
            Failure::because("RUST_LOG cannot be understood", &error).next("for example RUST_LOG=tillbox=debug")
        })?,
        None => EnvFilter::new(directives(loudness)),
    };
    let (filter, handle) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let started = match format {
        LogFormat::Text => registry.with(lines.with_ansi(false).compact()).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| Failure::because("the log cannot be started", &error))?;
    Ok(Volume((!fixed).then_some(handle)))
}

impl Volume {
    /// From now on this loud, unless `RUST_LOG` decided.
    pub(super) fn set(&self, loudness: Loudness) -> Result<(), Failure> {
        let Some(handle) = &self.0 else { return Ok(()) };
        let changed = handle.reload(EnvFilter::new(directives(loudness)));
        changed.map_err(|error| Failure::because("the log's loudness cannot be changed", &error))
    }
}

fn directives(loudness: Loudness) -> &'static str {
    match loudness {
        Loudness::Quiet => "warn",
        Loudness::Normal => "info",
    }
}
