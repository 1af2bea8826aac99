//! Answers `describe` honestly, but takes more memory for it than `describe` is allowed (16 MiB).
//!
//! It refuses to take more than an ordinary call may have (64 MiB), so that only the tighter limit can catch it.

use tillbox_guests::{Provider, honest_info, payments::ProviderInfo};

/// Between the limit of `describe` and the limit of a call.
const HOARD_BYTES: usize = 32 * 1024 * 1024;

/// Takes more than its share.
#[derive(Debug)]
pub struct DescribeHoards;

impl Provider for DescribeHoards {
    fn describe() -> ProviderInfo {
        let hoard = std::hint::black_box(vec![1_u8; HOARD_BYTES]);
        let mut info = honest_info("describe-hoards");
        info.display_name.truncate(hoard.len());
        info
    }
}

tillbox_guests::export!(DescribeHoards);
