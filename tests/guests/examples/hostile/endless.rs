//! Never comes back: in guest code, and in a wait of the host.
//!
//! It refuses to use memory while it lasts, so that only the deadline can end it.

use std::thread;
use std::time::Duration;

use tillbox_guests::{Answer, types::Outcome};

/// Far past every deadline, short enough to end by itself should nobody enforce one.
const SLEEP: Duration = Duration::from_secs(600);

/// The deadline must be seen in guest code.
pub(crate) fn infinite_loop(_honest: Outcome) -> Answer {
    loop {
        std::hint::spin_loop();
    }
}

/// The deadline must be seen in a host wait: `wasi:clocks` and `wasi:io/poll`.
pub(crate) fn sleep(honest: Outcome) -> Answer {
    thread::sleep(SLEEP);
    Ok(honest)
}
