//! Builds crates of this workspace into provider components, from build scripts and from the command line.
//!
//! A caller names packages and gets the paths of finished components. Getting the target's standard library is part of
//! it ([`toolchain`]), so that nobody who runs `cargo test` has to know of it. It knows cargo and rustc; it refuses to
//! know what a component is, what is in it, and who runs it.
//!
//! ```no_run
//! // In the `main` of a build.rs: plugins/manual becomes $OUT_DIR/manual.wasm.
//! tillbox_plugin_build::run(|build| {
//!     build.watch(&["plugins/manual"]);
//!     for component in build.libraries(&["manual"])? {
//!         build.deliver(&component)?;
//!     }
//!     Ok(())
//! });
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod cargo;
mod error;
mod layout;
mod process;
pub mod toolchain;

pub use cargo::{Build, Component};
pub use error::BuildError;

/// Runs a build script's work; on an error prints its one message and ends the script.
///
/// A failure ends the process with code 1, which cargo reports together with the message.
pub fn run(work: impl FnOnce(&Build) -> Result<(), BuildError>) {
    if let Err(error) = Build::in_build_script().and_then(|build| work(&build)) {
        eprintln!("\nerror: {error}\n");
        std::process::exit(1);
    }
}
