//! Builds the guests of `tests/guests` into components.
//!
//! It refuses to know what each is for; `src/lib.rs` says that.

const GUESTS: &[&str] = &[
    "echo",
    "whole",
    "overdoes",
    "hostile",
    "describe-differs",
    "describe-logs",
    "describe-loops",
    "describe-hoards",
    "declares-more",
    "wants-files",
    "calls-out",
    "calls-wasi",
    "sends",
    "wants-http",
    "wants-sockets",
    "wrong-version",
    "teller-first",
    "teller-second",
    "teller-older",
    "teller-wider",
    "teller-broken",
];

fn main() {
    tillbox_plugin_build::run(|build| {
        build.watch(&["tests/guests"]);
        for component in build.examples("tillbox-guests", GUESTS)? {
            build.deliver(&component)?;
        }
        Ok(())
    });
}
