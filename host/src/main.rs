//! The `tillbox` program. It knows nothing itself: the command line door does the work.

fn main() -> std::process::ExitCode {
    tillbox::cli::main()
}
