//! Says something else of itself in every instance. Loading must notice.
//!
//! It refuses to differ in more than its display name, the mildest lie there is.

use std::hash::{BuildHasher, RandomState};

use tillbox_guests::{Provider, honest_info, payments::ProviderInfo};

/// Another name each time.
#[derive(Debug)]
pub struct DescribeDiffers;

impl Provider for DescribeDiffers {
    fn describe() -> ProviderInfo {
        // The standard library seeds hash maps with `wasi:random`, so no other import gives this guest away.
        let seed = RandomState::new().hash_one(0);
        ProviderInfo { display_name: format!("Provider {seed:016x}"), ..honest_info("describe-differs") }
    }
}

tillbox_guests::export!(DescribeDiffers);
