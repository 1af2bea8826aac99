//! Says too much: in the log, and on standard output and error.
//!
//! Each answers honestly in the end: a flood is cut, and the call goes on.

use std::io::Write;

use tillbox_guests::log::{self, Field, Level};
use tillbox_guests::{Answer, types::Outcome};

use crate::traps::secret_looking;

/// A hundred times what a call may write.
const FLOOD_LINES: usize = 10_000;

/// A thousand times the length of a line.
const HUGE_BYTES: usize = 1024 * 1024;

/// Many lines; each would clear the screen, set the window's title and forge a second line.
pub(crate) fn log_flood(honest: Outcome) -> Answer {
    for line in 0..FLOOD_LINES {
        let message = format!("{line}\u{1b}[2J\u{1b}]0;owned\u{7}\r\nERROR forged line\u{202e}");
        log::write(Level::Error, &message, &[]);
    }
    Ok(honest)
}

/// One line, one field name and one field value, each of a megabyte.
pub(crate) fn log_huge(honest: Outcome) -> Answer {
    let huge = "x".repeat(HUGE_BYTES);
    log::write(Level::Info, &huge, &[Field { name: huge.clone(), value: huge.clone() }]);
    Ok(honest)
}

/// What a log must never hold, in the message and in a field.
pub(crate) fn log_secrets(honest: Outcome) -> Answer {
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    let fields = [field("card", "4242424242424242"), field("key", &secret_looking())];
    log::write(Level::Info, "card 4242-4242-4242-4242 was charged", &fields);
    Ok(honest)
}

/// The same on standard output and error, which cost the host memory if they are kept.
pub(crate) fn stdout_flood(honest: Outcome) -> Answer {
    let line = [b'x'; 1023];
    for _ in 0..FLOOD_LINES {
        // A closed or full stream is no reason to stop.
        let _ = std::io::stdout().write_all(&line).and_then(|()| std::io::stdout().write_all(b"\n"));
        let _ = std::io::stderr().write_all(&line).and_then(|()| std::io::stderr().write_all(b"\n"));
    }
    Ok(honest)
}
