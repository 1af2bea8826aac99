//! When a host dies: at the n-th step after it was armed, by its own hand and without a last word to anybody but the test.
//!
//! SIGKILL cannot be caught and runs no destructor: what is not durable by then is gone. SIGSTOP is the other end that a
//! machine can make of a process for a while: it comes back and does not know that it was away.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// How long a signal may take from one thread to the next.
const STOP_WITHIN: Duration = Duration::from_millis(50);

/// What happens at the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum End {
    /// The process is killed.
    Death,
    /// The process is stopped, until somebody lets it go on.
    Sleep,
}

/// Steps until the end.
#[derive(Debug, Default)]
pub struct Fate {
    /// Steps left; zero or less when it is not armed.
    left: AtomicI64,
    sleeps: AtomicBool,
    /// How far the clock goes on during a sleep, milliseconds.
    slept_ms: AtomicI64,
}

impl Fate {
    /// From now on the end comes at this step, counted from 1; with 0 never.
    pub fn arm(&self, at: i64, end: End) {
        self.sleeps.store(end == End::Sleep, Ordering::SeqCst);
        self.left.store(at, Ordering::SeqCst);
    }

    /// How far the clock has gone on in sleeps, milliseconds.
    pub fn slept_ms(&self) -> i64 {
        self.slept_ms.load(Ordering::SeqCst)
    }

    /// A step was reached.
    pub fn step(&self, name: &str) {
        if self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return;
        }
        if self.sleeps.load(Ordering::SeqCst) {
            // Before it falls asleep, so that it wakes up in the later time.
            self.slept_ms.fetch_add(crate::DOWN_MS, Ordering::SeqCst);
            struck(name, Signal::STOP);
            // The signal may reach another thread first and this one a moment later: it must not get a step further.
            std::thread::sleep(STOP_WITHIN);
        } else {
            struck(name, Signal::KILL);
            // The signal is delivered before the call returns; there is nothing to do meanwhile.
            loop {
                std::thread::park();
            }
        }
    }
}

/// Tells the test where, and ends or stops this process as its machine would.
fn struck(name: &str, signal: Signal) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, r#"{{"struck":"{name}"}}"#).and_then(|()| out.flush());
    drop(out);
    let _ = kill_process(getpid(), signal);
}
