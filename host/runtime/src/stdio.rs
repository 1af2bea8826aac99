//! Where a guest's standard output and error go: a small buffer that keeps the end.
//!
//! It never fails and never grows, so a flood costs the guest its own time and the host nothing. The end is kept because
//! that is where a panic message stands.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits::{PRINT_CHUNK_BYTES_MAX, PRINTED_BYTES_MAX};
use crate::text::clean;

/// The end of what one call printed. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<VecDeque<u8>>>);

impl Printed {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = &bytes[bytes.len().saturating_sub(PRINTED_BYTES_MAX)..];
        let over = (kept.len() + end.len()).saturating_sub(PRINTED_BYTES_MAX);
        kept.drain(..over);
        kept.extend(end);
    }

    /// What was kept, as clean text.
    pub(crate) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            return String::new();
        }
        let bytes: Vec<u8> = kept.iter().copied().collect();
        clean(&String::from_utf8_lossy(&bytes), PRINTED_BYTES_MAX)
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only preview 3 asks for this one, and preview 3 is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PRINT_CHUNK_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let printed = Printed::default();
        assert_eq!(printed.text(), "");
        printed.push(b"first ");
        printed.push(&vec![b'x'; 3 * PRINTED_BYTES_MAX]);
        printed.push(b"\x1b[1mlast");
        let text = printed.text();
        assert!(text.ends_with("x[1mlast") && text.len() <= PRINTED_BYTES_MAX, "{}", text.len());
        assert!(printed.0.lock().unwrap().len() <= PRINTED_BYTES_MAX);
    }
}
