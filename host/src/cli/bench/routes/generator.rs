//! wrk, a load generator that is not ours, as a process of its own: one thread, one kept connection for each caller, loopback
//! only, for some seconds. What it counted comes back as JSON from its own script.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::Route;
use crate::cli::bench::door::Server;
use crate::cli::failure::Failure;

/// What it sends, and what it tells at its end.
const SCRIPT: &str = include_str!("wrk.lua");

/// Seconds an answer may take, and the whole run twice as many more than it was told: `timeout` ends it then.
const GRACE_SECONDS: u64 = 30;

/// What it counted.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(in crate::cli::bench) struct Loaded {
    pub(in crate::cli::bench) requests: u64,
    pub(in crate::cli::bench) micros: u64,
    /// Answers that are no 2xx and no 3xx.
    refused: u64,
    /// Connections that were lost, and answers that did not come.
    broken: u64,
    /// Microseconds.
    pub(in crate::cli::bench) p50: u64,
    /// Microseconds.
    pub(in crate::cli::bench) p99: u64,
}

/// The program and its script.
pub(super) struct Generator {
    script: PathBuf,
    /// Where each run's paths are written.
    paths: PathBuf,
    callers: u32,
}

impl Generator {
    pub(super) fn find(place: &Path, callers: u32) -> Result<Self, Failure> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("wrk").is_file()) {
            let missing = Failure::new("there is no `wrk`, the load generator that routes are measured with");
            return Err(missing.next("install it, for example with apt-get install wrk"));
        }
        let script = place.join("wrk.lua");
        std::fs::write(&script, SCRIPT).map_err(|error| Failure::because("the script cannot be written", &error))?;
        Ok(Self { script, paths: place.join("paths.txt"), callers })
    }

    pub(super) async fn run(
        &self,
        server: &Server,
        route: Route,
        seconds: u64,
        paths: &[String],
    ) -> Result<Loaded, Failure> {
        let broke = |what: &str| Failure::new(format!("wrk, on {}: {what}", route.as_str()));
        std::fs::write(&self.paths, paths.join("\n") + "\n").map_err(|error| Failure::of(&error))?;
        let mut wrk = Command::new("timeout");
        wrk.arg((seconds + 2 * GRACE_SECONDS).to_string()).arg("wrk").args([
            "--threads",
            "1",
            "--latency",
            "--connections",
            &self.callers.to_string(),
        ]);
        wrk.args(["--duration", &format!("{seconds}s"), "--timeout", &format!("{GRACE_SECONDS}s")]);
        wrk.arg("--script").arg(&self.script).arg(server.url()).arg("--").arg(route.method()).arg(&self.paths);
        wrk.args([route.body(), server.authorization()]).arg(if route.changes() { "once" } else { "again" });
        wrk.stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || wrk.output()).await;
        let output = output.map_err(|error| Failure::of(&error))?.map_err(|error| Failure::of(&error))?;
        let told = String::from_utf8_lossy(&output.stdout);
        let loaded: Option<Loaded> = told.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        let Some(loaded) = loaded.filter(|_| output.status.success()) else {
            return Err(broke(&format!("{told}{}", String::from_utf8_lossy(&output.stderr))));
        };
        match loaded {
            Loaded { refused: 0, broken: 0, requests: 1.., .. } => Ok(loaded),
            _ => Err(broke(&format!("a figure of answers that were refused or lost counts for nothing: {loaded:?}"))),
        }
    }
}
