//! Imports `wasi:filesystem` and looks around. Loading may refuse it; a host that does not must show it nothing.
//!
//! It refuses to change anything it finds.

use tillbox_guests::payments::{InitiateRequest, ProviderInfo};
use tillbox_guests::types::{Context, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome};

/// Looks for files.
#[derive(Debug)]
pub struct WantsFiles;

impl Provider for WantsFiles {
    fn describe() -> ProviderInfo {
        honest_info("wants-files")
    }

    /// Answers how many entries it sees: none.
    fn initiate(_context: Context, request: InitiateRequest) -> Answer {
        let count = |directory| std::fs::read_dir(directory).map_or(0, Iterator::count);
        let data = format!("{{\"root\":{},\"here\":{}}}", count("/"), count("."));
        Ok(honest_outcome(Status::Pending, data, request.amount))
    }
}

tillbox_guests::export!(WantsFiles);
