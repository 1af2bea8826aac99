//! Which trace the work under way belongs to (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).
//!
//! A request brings a trace along or begins one; whatever is done for it, the events it causes and the webhooks that tell of
//! them carry the same trace id. It samples nothing and sends nothing to anybody.

use std::fmt;

/// A trace id, the id of one span in it, and the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

tokio::task_local! {
    static CURRENT: Trace;
}

/// Characters of a `traceparent` of version 00.
const LENGTH: usize = 55;

impl Trace {
    /// Reads a `traceparent`; nothing when it is none. Of later versions the part that is known counts (section 4.3).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let known = text.get(..LENGTH)?;
        let mut parts = known.split('-');
        let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version: [u8; 1] = hexadecimal(version)?;
        let trailing = &text[LENGTH..];
        let fits = match version[0] {
            0x00 => trailing.is_empty(),
            0xff => false,
            _ => trailing.is_empty() || trailing.starts_with('-'),
        };
        let trace = Self {
            trace_id: hexadecimal(trace_id)?,
            span_id: hexadecimal(span_id)?,
            flags: hexadecimal::<1>(flags)?[0],
        };
        let is_set = trace.trace_id != [0; 16] && trace.span_id != [0; 8];
        (fits && is_set && parts.next().is_none()).then_some(trace)
    }

    /// A trace that begins here.
    #[must_use]
    pub fn begin() -> Self {
        Self { trace_id: random(), span_id: random(), flags: 0 }
    }

    /// Another span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: random(), ..*self }
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        digits(&self.trace_id)
    }

    /// 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        digits(&self.span_id)
    }

    /// The trace of the task this is called in.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|trace| *trace).ok()
    }

    /// Does work as a part of this trace.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

/// A `traceparent` of version 00.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id(), self.span_id(), self.flags)
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case digits only, as the specification has it.
fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Random bytes that are not all zero. A system without randomness has stopped long before.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() || bytes == [0; N] {
        bytes[N - 1] = 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_specifications_example_is_read() {
        let trace = Trace::parse(EXAMPLE).unwrap();
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.span_id(), "00f067aa0ba902b7");
        assert_eq!(trace.to_string(), EXAMPLE);
        let later = format!("cc{}-what-comes-later", &EXAMPLE[2..]);
        assert_eq!(Trace::parse(&later), Some(trace));
        let child = trace.child();
        assert_eq!(child.trace_id(), trace.trace_id());
        assert_ne!(child.span_id(), trace.span_id());
        assert_eq!(Trace::parse(&Trace::begin().to_string()).map(|read| read.flags), Some(0));
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let zero_trace = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let zero_span = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16));
        for text in [
            "",
            "00",
            &EXAMPLE[..54],
            &EXAMPLE.to_uppercase(),
            &format!("{EXAMPLE}-00"),
            &format!("ff{}", &EXAMPLE[2..]),
            &format!("cc{}.more", &EXAMPLE[2..]),
            &EXAMPLE.replace('-', "_"),
            &EXAMPLE.replace('4', "é"),
            &zero_trace,
            &zero_span,
        ] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn work_knows_its_trace() {
        assert_eq!(Trace::current(), None);
        let trace = Trace::begin();
        assert_eq!(trace.around(async { Trace::current() }).await, Some(trace));
    }
}
