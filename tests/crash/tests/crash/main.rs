//! A host is killed: at every step of everything it does, again at every step of its recovery, at random under load; and
//! clients press it from all sides at once. Whatever happens, the gateway's book and the host's must agree.
//!
//! `cargo test -p tillbox-crash -- --nocapture` runs all of it and prints how many were killed. The first half minute of
//! reading: `scenes` says what is done, `every_step` kills, `mutants` shows that the judge would notice.

mod at_once;
mod books_faults;
mod desk;
mod every_step;
mod file_faults;
mod mutants;
mod scenes;
mod server_faults;
mod under_load;

/// The program that is killed.
const PROGRAM: &str = env!("CARGO_BIN_EXE_tillbox-crash");
