//! Child processes with a clean environment, a time limit and captured output.
//!
//! It refuses to know what the programs do.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a child with a time limit is asked whether it ended.
const POLL: Duration = Duration::from_millis(50);

/// Variables of the form `CARGO_…` that configure where cargo fetches from and how it talks. All other ones describe
/// the outer build (package, features, flags, profiles, job server) and would change or break the inner one.
const CARGO_KEPT: &[&str] = &[
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRY_",
    "CARGO_REGISTRIES_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
    "CARGO_BUILD_JOBS",
];

/// Variables without that prefix which cargo and clippy put into a build script's environment, or which would reach
/// the inner compiler although they were meant for the outer one.
const REMOVED: &[&str] = &[
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "MAKEFLAGS",
    "MFLAGS",
    "NUM_JOBS",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "OUT_DIR",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
];

/// Whether a variable of the outer build must not reach an inner one.
pub(crate) fn belongs_to_outer_build(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let cargo_own = (name.starts_with("CARGO_") || name.starts_with("__CARGO")) && !kept(name);
    cargo_own || REMOVED.contains(&name) || name.starts_with("DEP_")
}

fn kept(name: &str) -> bool {
    CARGO_KEPT.iter().any(|entry| if entry.ends_with('_') { name.starts_with(entry) } else { name == *entry })
}

/// A command whose environment holds nothing of the outer build.
pub(crate) fn clean_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if belongs_to_outer_build(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Absent when the time limit ended it.
    pub(crate) status: Option<ExitStatus>,
    /// Standard error, as text.
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Runs a command to its end, or to the time limit, with standard error written to `log` and read back.
///
/// A file and not a pipe: a killed child's own children may hold a pipe open for ever.
pub(crate) fn run(command: &mut Command, limit: Option<Duration>, log: &Path) -> std::io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(log)?);
    let mut child = command.spawn()?;
    let started = Instant::now();
    let status = loop {
        let Some(limit) = limit else { break Some(child.wait()?) };
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if started.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(POLL);
    };
    let stderr = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    fs::remove_file(log)?;
    Ok(Ended { status, stderr })
}

/// The variable's value, where it is set and not empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_build_stays_outside() {
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_MAKEFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_FEATURE_BUNDLED",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_CFG_TARGET_OS",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
            "DEP_SQLITE3_INCLUDE",
        ] {
            assert!(belongs_to_outer_build(OsStr::new(name)), "{name} must be removed");
        }
    }

    #[test]
    fn what_cargo_needs_to_fetch_is_kept() {
        for name in [
            "PATH",
            "HOME",
            "CARGO",
            "RUSTC",
            "CARGO_HOME",
            "CARGO_HTTP_PROXY",
            "CARGO_NET_OFFLINE",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!belongs_to_outer_build(OsStr::new(name)), "{name} must be kept");
        }
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let log = std::env::temp_dir().join(format!("tillbox-process-{}", std::process::id()));
        let ended = run(Command::new("sleep").arg("60"), Some(Duration::from_millis(1)), &log).unwrap();
        assert!(ended.status.is_none() && !ended.success());
        assert!(!log.exists(), "the log is removed");
    }

    #[test]
    fn what_a_child_said_is_kept() {
        let log = std::env::temp_dir().join(format!("tillbox-process-said-{}", std::process::id()));
        let ended = run(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), None, &log).unwrap();
        assert_eq!((ended.status.and_then(|status| status.code()), ended.stderr.as_str()), (Some(3), "why\n"));
    }
}
