//! `tillbox bench` as a part of `cargo bench`: whole payments, briefly. The program's own options say more.

use std::process::{Command, ExitCode};

/// Seconds for each figure: with all doors and numbers of clients, half a minute in all.
const SECONDS: &str = "3";

fn main() -> ExitCode {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbox"));
    // `cargo test --benches` asks for a quick look only.
    if std::env::args().any(|argument| argument == "--test") {
        command.args(["bench", "--seconds", "1", "--concurrency", "2"]);
    } else {
        command.args(["bench", "--seconds", SECONDS]);
    }
    let done = command.status().expect("the program was built");
    if done.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
