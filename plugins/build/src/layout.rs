//! Where things lie: the workspace, and a target directory for components beside the outer build's own.
//!
//! Paths only; it refuses to read or write any file.

use std::path::{Path, PathBuf};

/// The inner cargo builds in this directory of the outer target directory. A directory of its own, because the outer
/// cargo holds the lock of `target/debug` for as long as the build script runs.
const COMPONENTS_DIR: &str = "components";

/// The root of the workspace that is being built. Packages lie two levels below it.
///
/// Asked of cargo when the build script runs, and not fixed when this crate is compiled: a compiled build script can outlive
/// a checkout that was moved.
pub(crate) fn workspace_root() -> PathBuf {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.ancestors().nth(2).unwrap_or(&here).to_path_buf()
}

/// The components' target directory for a build script with this `OUT_DIR`.
///
/// `OUT_DIR` is `<target>/[<triple>/]<profile>/build/<package and hash>/out`. The triple is there when the outer cargo
/// was called with `--target`; components do not depend on it, so all outer builds share one directory.
pub(crate) fn components_dir(out_dir: &Path, target_triple: &str) -> Option<PathBuf> {
    let build = out_dir.ancestors().find(|path| path.ends_with("build"))?;
    let mut base = build.parent()?.parent()?;
    if base.ends_with(target_triple) {
        base = base.parent()?;
    }
    Some(base.join(COMPONENTS_DIR))
}

/// The components' target directory below an ordinary target directory.
pub(crate) fn components_dir_in(target_dir: &Path) -> PathBuf {
    target_dir.join(COMPONENTS_DIR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIPLE: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn the_directory_is_shared_by_all_outer_builds() {
        for out_dir in [
            "/w/target/debug/build/tillbox-plugins-0123/out",
            "/w/target/release/build/tillbox-plugins-0123/out",
            "/w/target/x86_64-unknown-linux-gnu/debug/build/tillbox-plugins-0123/out",
        ] {
            let found = components_dir(Path::new(out_dir), TRIPLE);
            assert_eq!(found.as_deref(), Some(Path::new("/w/target/components")), "{out_dir}");
        }
    }

    #[test]
    fn a_checkout_below_a_directory_called_build_does_not_confuse_it() {
        let out_dir = Path::new("/build/w/target/debug/build/tillbox-plugins-0123/out");
        assert_eq!(components_dir(out_dir, TRIPLE).as_deref(), Some(Path::new("/build/w/target/components")));
    }

    #[test]
    fn an_unknown_layout_is_said_not_guessed() {
        assert_eq!(components_dir(Path::new("/somewhere/out"), TRIPLE), None);
    }

    #[test]
    fn the_root_is_the_workspace() {
        assert!(workspace_root().join("plugins/build/src/layout.rs").is_file());
    }
}
