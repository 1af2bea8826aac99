//! Takes more than its share: memory, table elements, handles, random bytes, stack, answer.
//!
//! It refuses to stop at a limit by itself. Where the engine says no to the guest, the guest traps.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use tillbox_guests::{Answer, types::Outcome};

/// Taken at a time; a quarter of the smallest limit worth having.
const BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// Function-table elements taken at a time; more than a plugin's whole table.
#[cfg(target_family = "wasm")]
const TABLE_STEP_ELEMENTS: u32 = 10_000;

/// More than a call may hold open.
const HANDLES: usize = 100_000;

/// Random bytes that one request may ask for: the host makes them in its own memory.
const RANDOM_BYTES: u64 = 64 * 1024;

/// Fits into the memory of a call, copies included, and is far above the 64 KiB of `data`: what the host lifts has to be
/// bounded, too.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Grows the memory until the host says no.
pub(crate) fn memory_growth(_honest: Outcome) -> Answer {
    let mut blocks = Vec::new();
    loop {
        blocks.push(black_box(vec![1_u8; BLOCK_BYTES]));
    }
}

/// Grows the table of function pointers until the host says no.
#[cfg(target_family = "wasm")]
pub(crate) fn table_growth(_honest: Outcome) -> Answer {
    unsafe extern "C" {
        fn tillbox_grow_table(elements: u32) -> i32;
    }
    // SAFETY: the function is made by build.rs; it takes a number and appends null references to the table.
    while unsafe { tillbox_grow_table(TABLE_STEP_ELEMENTS) } >= 0 {}
    core::arch::wasm32::unreachable()
}

/// There is no such table in native builds, which are compiled and never run.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn table_growth(honest: Outcome) -> Answer {
    Ok(honest)
}

/// Opens host resources and never closes them.
pub(crate) fn handle_flood(honest: Outcome) -> Answer {
    for _ in 0..HANDLES {
        std::mem::forget(wasip2::clocks::monotonic_clock::subscribe_duration(0));
    }
    Ok(honest)
}

/// Asks for one random byte too many at once.
pub(crate) fn random_flood(honest: Outcome) -> Answer {
    random(honest, RANDOM_BYTES + 1)
}

/// Asks for as many random bytes as it may, and gets them.
pub(crate) fn random_most(honest: Outcome) -> Answer {
    random(honest, RANDOM_BYTES)
}

fn random(honest: Outcome, length: u64) -> Answer {
    let bytes = wasip2::random::random::get_random_bytes(length);
    Ok(Outcome { data: format!("{{\"random_bytes\":{}}}", bytes.len()), ..honest })
}

/// Uses the stack up.
pub(crate) fn deep_recursion(honest: Outcome) -> Answer {
    let depth = descend(0);
    Ok(Outcome { data: format!("{{\"depth\":{depth}}}"), ..honest })
}

/// Never true; the compiler cannot know.
static BOTTOM_REACHED: AtomicU64 = AtomicU64::new(0);

/// Uses the engine's stack and nothing of the guest's own stack in linear memory, which would end first and otherwise.
fn descend(depth: u64) -> u64 {
    if BOTTOM_REACHED.load(Ordering::Relaxed) != 0 {
        return depth;
    }
    // Work after the call, so that no optimisation turns the recursion into a loop.
    descend(depth + 1) + BOTTOM_REACHED.swap(0, Ordering::Relaxed)
}

/// Valid JSON of many megabytes.
pub(crate) fn oversized_result(honest: Outcome) -> Answer {
    Ok(Outcome { data: format!("{{\"x\":\"{}\"}}", "x".repeat(ANSWER_BYTES)), ..honest })
}
