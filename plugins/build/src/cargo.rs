//! The inner cargo: packages and examples of this workspace in, component files out.
//!
//! It refuses to know what a build script does with the files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::BuildError;
use crate::layout::{components_dir, components_dir_in, workspace_root};
use crate::process::{clean_command, run, variable};
use crate::toolchain::{TARGET, Toolchain};

/// The profile of the workspace's Cargo.toml that components are built with, whatever the outer build's is: tests run
/// the same bytes as an operator does.
const PROFILE: &str = "component";

/// What every component depends on, relative to the workspace root. Packages add their own directories.
const WATCHED: &[&str] = &["wit", "plugins/sdk", "plugins/build", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// A built component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The cargo target's name with `-` for `_`: `stripe-mock`.
    pub name: String,
    /// The file. The next build may replace it: read or copy it at once.
    pub path: PathBuf,
}

/// One place to build components in.
#[derive(Debug)]
pub struct Build {
    root: PathBuf,
    components_dir: PathBuf,
    out_dir: Option<PathBuf>,
}

impl Build {
    /// For a build script: builds beside the outer target directory.
    ///
    /// # Errors
    ///
    /// When this is no build script.
    pub fn in_build_script() -> Result<Self, BuildError> {
        let (Some(out_dir), Some(target)) = (variable("OUT_DIR"), variable("TARGET")) else {
            return Err(BuildError::new("OUT_DIR and TARGET are not set: this runs in a cargo build script only"));
        };
        let out_dir = PathBuf::from(out_dir);
        let Some(components_dir) = components_dir(&out_dir, &target.to_string_lossy()) else {
            return Err(BuildError::new(format!("{} is not inside of a target directory", out_dir.display())));
        };
        Ok(Self { root: workspace_root(), components_dir, out_dir: Some(out_dir) })
    }

    /// For a command of a running program: builds the workspace at `root` below `target_dir`.
    #[must_use]
    pub fn in_workspace(root: &Path, target_dir: &Path) -> Self {
        Self { root: root.to_path_buf(), components_dir: components_dir_in(target_dir), out_dir: None }
    }

    /// Builds the library targets of these packages, each `plugins/<package>` or another member of the workspace.
    ///
    /// # Errors
    ///
    /// When the target's standard library cannot be had, or a package does not compile.
    pub fn libraries(&self, packages: &[&str]) -> Result<Vec<Component>, BuildError> {
        for package in packages {
            // A plugin is an rlib too, for its native tests, and cargo drops `lto` for a package with an rlib. Naming the one
            // crate type brings it back: a third smaller, and without the WASI imports that only dead code wanted.
            self.cargo("rustc", &["--lib".into(), "--crate-type=cdylib".into(), "--package".into(), package.into()])?;
        }
        packages.iter().map(|package| self.built(package, "")).collect()
    }

    /// Builds all examples of one package and gives those that are named.
    ///
    /// # Errors
    ///
    /// When the target's standard library cannot be had, or an example does not compile or is not there.
    pub fn examples(&self, package: &str, names: &[&str]) -> Result<Vec<Component>, BuildError> {
        self.cargo("build", &["--examples".into(), "--package".into(), package.into()])?;
        names.iter().map(|name| self.built(name, "examples")).collect()
    }

    /// Tells cargo to run the build script again when one of these paths (relative to the workspace root) changes, or
    /// something that every component depends on.
    pub fn watch(&self, paths: &[&str]) {
        for path in WATCHED.iter().chain(paths) {
            println!("cargo::rerun-if-changed={}", self.root.join(path).display());
        }
    }

    /// Copies a component to `$OUT_DIR/<name>.wasm`, where `include_bytes!` finds it and no later build replaces it.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or this is no build script.
    pub fn deliver(&self, component: &Component) -> Result<(), BuildError> {
        let Some(out_dir) = &self.out_dir else {
            return Err(BuildError::new("a component is delivered by build scripts only"));
        };
        let to = out_dir.join(format!("{}.wasm", component.name));
        fs::copy(&component.path, &to).map(drop).map_err(|error| {
            BuildError::new(format!("cannot copy {} to {}: {error}", component.path.display(), to.display()))
        })
    }

    fn built(&self, name: &str, subdirectory: &str) -> Result<Component, BuildError> {
        let file = format!("{}.wasm", name.replace('-', "_"));
        let path = self.components_dir.join(TARGET).join(PROFILE).join(subdirectory).join(file);
        if !path.is_file() {
            let message = format!("{} was not built: is {name} a crate of type cdylib?", path.display());
            return Err(BuildError::new(message));
        }
        Ok(Component { name: name.replace('_', "-"), path })
    }

    fn cargo(&self, subcommand: &str, arguments: &[OsString]) -> Result<(), BuildError> {
        Toolchain::active()?.ensure_standard_library(&self.components_dir)?;
        let mut command = clean_command(variable("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg(subcommand).args(["--target", TARGET, "--profile", PROFILE]).args(arguments);
        command.arg("--target-dir").arg(&self.components_dir);
        // The outer cargo has brought the lock file up to date before it ran us. Not to change it again is right for
        // an outer `--locked` and changes nothing for others.
        command.arg("--locked").current_dir(&self.root);
        // Set, so that flags of the user's configuration, meant for the native build, do not count.
        command.env("CARGO_ENCODED_RUSTFLAGS", source_paths_without_home());

        let failed = |error| BuildError::new(format!("cannot build in {}: {error}", self.components_dir.display()));
        fs::create_dir_all(&self.components_dir).map_err(failed)?;
        let log = self.components_dir.join(format!("cargo-{}.log", std::process::id()));
        let ended = run(&mut command, None, &log).map_err(failed)?;
        if ended.success() {
            return Ok(());
        }
        Err(BuildError::new(format!(
            "a component did not compile; correct what the compiler says below and build again. In {}:\n{}",
            self.root.display(),
            ended.stderr.trim_end(),
        )))
    }
}

/// Panic messages hold source paths. Without the user's home in them, everybody's build gives the same bytes.
fn source_paths_without_home() -> OsString {
    let home = variable("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(home) = home else { return OsString::new() };
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(home);
    flag.push("=/cargo");
    flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_component_names_the_likely_reason() {
        let build = Build::in_workspace(Path::new("/w"), Path::new("/w/target"));
        let message = build.built("stripe-mock", "").unwrap_err().to_string();
        assert!(message.contains("/w/target/components/wasm32-wasip2/component/stripe_mock.wasm"), "{message}");
        assert!(message.contains("cdylib"), "{message}");
    }

    #[test]
    fn only_a_build_script_delivers() {
        let build = Build::in_workspace(Path::new("/w"), Path::new("/w/target"));
        let component = Component { name: "manual".into(), path: "/w/manual.wasm".into() };
        assert!(build.deliver(&component).is_err());
    }
}
