//! Ends without an answer, or tells what a guest should not be able to see.
//!
//! It refuses to return an error: these are the ways around one.

use std::sync::atomic::{AtomicU32, Ordering};

use tillbox_guests::{Answer, types::Outcome};

/// Lives as long as the instance. A fresh instance per call means that nobody ever sees a 2.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// A trap without a word.
pub(crate) fn unreachable(_honest: Outcome) -> Answer {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
}

/// A trap with a message that must not be repeated in full: it holds a test card number, something like a key, and a
/// sequence that would colour a terminal.
pub(crate) fn panic(_honest: Outcome) -> Answer {
    panic!("\u{1b}[31mcharging 4242 4242 4242 4242 with key {} failed", secret_looking());
}

/// Leaves through `wasi:cli/exit`, with success.
pub(crate) fn exit(_honest: Outcome) -> Answer {
    std::process::exit(0)
}

/// A string that is none.
pub(crate) fn text_not_utf8(honest: Outcome) -> Answer {
    // SAFETY: nothing in this program looks at the text; it goes straight to the host, which has to check it.
    let data = unsafe { String::from_utf8_unchecked(vec![b'{', 0xff, 0xfe, b'}']) };
    Ok(Outcome { data, ..honest })
}

/// Answers how often this instance was called.
pub(crate) fn count_calls(honest: Outcome) -> Answer {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(Outcome { data: format!("{{\"calls\":{calls}}}"), ..honest })
}

/// Answers how many environment variables and arguments it sees: none and none.
pub(crate) fn read_environment(honest: Outcome) -> Answer {
    let variables = std::env::vars_os().count();
    let arguments = std::env::args_os().count();
    let data = format!("{{\"variables\":{variables},\"arguments\":{arguments}}}");
    Ok(Outcome { data, ..honest })
}

/// Shaped like a live key and put together here, so that no scanner of repositories takes it for one.
pub(crate) fn secret_looking() -> String {
    format!("{}_{}_{}", "sk", "live", "hostile0123456789abcdef")
}
