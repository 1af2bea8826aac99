//! When a host dies: at the n-th step after it was armed, by its own hand and without a last word to anybody but the test.
//!
//! SIGKILL cannot be caught and runs no destructor: what is not durable by then is gone.

use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Steps until the end.
#[derive(Debug, Default)]
pub struct Fate {
    /// Steps left; zero or less when it is not armed.
    left: AtomicI64,
    /// Steps since it was armed.
    passed: AtomicI64,
}

impl Fate {
    /// From now on the host dies at this step, counted from 1; with 0 it lives.
    pub fn arm(&self, at: i64) {
        self.passed.store(0, Ordering::SeqCst);
        self.left.store(at, Ordering::SeqCst);
    }

    /// Steps since [`Fate::arm`].
    pub fn passed(&self) -> i64 {
        self.passed.load(Ordering::SeqCst)
    }

    /// A step was reached.
    pub fn step(&self, name: &str) {
        self.passed.fetch_add(1, Ordering::SeqCst);
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            die(name);
        }
    }
}

/// Tells the test where, and ends this process as a power cut would end it.
fn die(name: &str) -> ! {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, r#"{{"struck":"{name}"}}"#).and_then(|()| out.flush());
    let _ = kill_process(getpid(), Signal::KILL);
    // The signal is delivered before the call returns to us, or at the next instruction; there is nothing to do meanwhile.
    loop {
        std::thread::park();
    }
}
