//! What time it is: the one thing this provider takes from outside of its arguments.
//!
//! Asynchronous payment methods settle after a while, and an instance does not live that long: the time of settlement
//! is kept in the payment's data and compared with the clock of the next call.

/// Milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now_ms() -> u64 {
    #[cfg(not(target_family = "wasm"))]
    if let Some(time_ms) = stopped::get() {
        return time_ms;
    }
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// A clock that tests stop and move, one for each thread.
#[cfg(not(target_family = "wasm"))]
pub(crate) mod stopped {
    use std::cell::Cell;

    thread_local! {
        static TIME_MS: Cell<Option<u64>> = const { Cell::new(None) };
    }

    pub(crate) fn get() -> Option<u64> {
        TIME_MS.get()
    }

    pub(crate) fn set(time_ms: u64) {
        TIME_MS.set(Some(time_ms));
    }
}
