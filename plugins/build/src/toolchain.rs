//! Makes sure that the compiler has the standard library of the components' target.
//!
//! In this order: it is there; `rustup target add`; built from Debian's source packages by `wasm-std.sh`; one error that
//! says what to do. It refuses to know what is compiled with it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::BuildError;
use crate::process::{Ended, clean_command, run, variable};

/// The target that components are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// How long rustup may take. The download is 25 MB; a server that cannot be reached must not cost minutes each time,
/// and the ways that follow work without it.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// How long the build from source may take. It takes one to two minutes on two cores.
const FROM_SOURCE_LIMIT: Duration = Duration::from_secs(1_800);

/// How much of a failed step's own words go into the message, in lines.
const TAIL_LINES_MAX: usize = 12;

/// Travels inside of the library, so that it works where there is no source tree.
const FROM_SOURCE_SCRIPT: &str = include_str!("../wasm-std.sh");

/// The compiler that builds components: the one of the outer build.
#[derive(Debug)]
pub struct Toolchain {
    rustc: OsString,
    sysroot: PathBuf,
}

impl Toolchain {
    /// The toolchain of the outer cargo, or of the current directory.
    ///
    /// # Errors
    ///
    /// When `rustc` cannot be run.
    pub fn active() -> Result<Self, BuildError> {
        let rustc = variable("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = clean_command(&rustc).args(["--print", "sysroot"]).output();
        let output = output.map_err(|error| BuildError::new(format!("cannot run {}: {error}", rustc.display())))?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if !output.status.success() || sysroot.as_os_str().is_empty() {
            let said = tail(&String::from_utf8_lossy(&output.stderr));
            return Err(BuildError::new(format!("{} does not tell its sysroot:\n{said}", rustc.display())));
        }
        Ok(Self { rustc, sysroot })
    }

    /// Gets the standard library of [`TARGET`] unless it is there. Steps and failures are kept below `scratch`.
    ///
    /// Two build scripts at once take turns: the first installs, the second finds it done.
    ///
    /// # Errors
    ///
    /// When every way failed; the message lists each with its reason and says what a person can do.
    pub fn ensure_standard_library(&self, scratch: &Path) -> Result<(), BuildError> {
        if self.has_standard_library() {
            return Ok(());
        }
        let cannot = |error| BuildError::new(format!("cannot write to {}: {error}", scratch.display()));
        fs::create_dir_all(scratch).map_err(cannot)?;
        let turn = File::create(scratch.join("toolchain.lock")).map_err(cannot)?;
        turn.lock().map_err(cannot)?;

        let mut reasons = Vec::new();
        for (way, attempt) in [
            ("rustup", Self::add_by_rustup as fn(&Self, &Path) -> Result<(), String>),
            ("Debian's source packages", Self::build_from_source),
        ] {
            if self.has_standard_library() {
                return Ok(());
            }
            if let Err(reason) = attempt(self, scratch) {
                reasons.push(format!("  {way}: {reason}"));
            } else if !self.has_standard_library() {
                reasons.push(format!("  {way}: said that it is installed, and it is not there"));
            }
        }
        if self.has_standard_library() { Ok(()) } else { Err(self.not_available(&reasons)) }
    }

    /// Whether the library is complete: an installation that was interrupted does not count.
    fn has_standard_library(&self) -> bool {
        let lib = self.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        let has_std = fs::read_dir(&lib).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name();
                name.to_str().is_some_and(|name| name.starts_with("libstd-") && name.ends_with(".rlib"))
            })
        });
        has_std && lib.join("self-contained/libc.a").is_file()
    }

    fn add_by_rustup(&self, scratch: &Path) -> Result<(), String> {
        let Some(name) = rustup_toolchain(&self.sysroot, variable("RUSTUP_TOOLCHAIN").as_deref()) else {
            return Err("this compiler was not installed by it".into());
        };
        let mut command = clean_command("rustup");
        command.args(["target", "add", TARGET, "--toolchain"]).arg(name);
        conclude(&mut command, RUSTUP_LIMIT, &scratch.join("rustup.log"))
    }

    fn build_from_source(&self, scratch: &Path) -> Result<(), String> {
        let mut command = clean_command("bash");
        command.args(["-c", FROM_SOURCE_SCRIPT, "wasm-std.sh"]).arg(&self.sysroot);
        command.env("RUSTC", &self.rustc);
        conclude(&mut command, FROM_SOURCE_LIMIT, &scratch.join("wasm-std.log"))
    }

    fn not_available(&self, reasons: &[String]) -> BuildError {
        BuildError::new(format!(
            "providers are compiled for {TARGET}, and {} has no standard library for it. What was tried:\n{}\n\
             What to do: run `rustup target add {TARGET}` in this directory where rustup's server can be reached, or \
             `plugins/build/wasm-std.sh` as the owner of the toolchain on Debian with gcc; then build again.",
            self.sysroot.display(),
            reasons.join("\n"),
        ))
    }
}

/// The name rustup knows the toolchain by: what its proxy chose, or else the directory it is installed in.
fn rustup_toolchain(sysroot: &Path, chosen: Option<&OsStr>) -> Option<OsString> {
    if !sysroot.parent()?.ends_with("toolchains") {
        return None;
    }
    Some(chosen.or(sysroot.file_name())?.to_os_string())
}

fn conclude(command: &mut Command, limit: Duration, log: &Path) -> Result<(), String> {
    let ended = run(command, Some(limit), log);
    let ended = ended.map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
    if ended.success() { Ok(()) } else { Err(reason(&ended, limit)) }
}

fn reason(ended: &Ended, limit: Duration) -> String {
    let said = tail(&ended.stderr);
    match ended.status {
        None => format!("no result within {} s\n{said}", limit.as_secs()),
        Some(status) => format!("{status}\n{said}"),
    }
}

/// The last lines, indented to stand below the step they belong to.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let start = lines.len().saturating_sub(TAIL_LINES_MAX);
    lines[start..].iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sysroot(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tillbox-sysroot-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn half_an_installation_does_not_count() {
        let toolchain = Toolchain { rustc: "rustc".into(), sysroot: sysroot("half") };
        assert!(!toolchain.has_standard_library());
        let lib = toolchain.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        fs::create_dir_all(lib.join("self-contained")).unwrap();
        fs::write(lib.join("libstd-0123.rlib"), "").unwrap();
        assert!(!toolchain.has_standard_library());
        fs::write(lib.join("self-contained/libc.a"), "").unwrap();
        assert!(toolchain.has_standard_library());
        fs::remove_dir_all(&toolchain.sysroot).unwrap();
    }

    #[test]
    fn rustup_is_asked_for_its_own_toolchains_only() {
        let installed = Path::new("/h/.rustup/toolchains/1.95.0-x86_64-unknown-linux-gnu");
        let directory = installed.file_name().map(OsStr::to_os_string);
        assert_eq!(rustup_toolchain(installed, None), directory);
        assert_eq!(rustup_toolchain(installed, Some(OsStr::new("1.95.0"))), Some("1.95.0".into()));
        assert_eq!(rustup_toolchain(Path::new("/usr"), None), None);
        assert_eq!(rustup_toolchain(Path::new("/usr"), Some(OsStr::new("1.95.0"))), None);
    }

    #[test]
    fn the_error_says_what_was_tried_and_what_to_do() {
        let toolchain = Toolchain { rustc: "rustc".into(), sysroot: "/t".into() };
        let message = toolchain.not_available(&["  rustup: exit status: 1".into()]).to_string();
        for part in
            ["/t has no standard library", "rustup: exit status: 1", "rustup target add wasm32-wasip2", "wasm-std.sh"]
        {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }

    #[test]
    fn long_output_is_cut_to_its_end() {
        let text: String = (1..=40).map(|line| format!("line {line}\n")).collect();
        let tail = tail(&text);
        assert_eq!(tail.lines().count(), TAIL_LINES_MAX);
        assert!(tail.ends_with("    line 40"));
    }
}
