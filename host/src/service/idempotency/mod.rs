//! Idempotency: a request that is made again with the same key has one effect, and one answer.
//!
//! `key` is what a caller gives, `fingerprint` tells one request from another, `guard` binds a request to its key in the
//! transaction of the operation, `answer` and `plain` are what is given again. It knows no HTTP and no SQL.

mod answer;
mod fingerprint;
mod guard;
mod key;
mod plain;

use super::{Error, Host};

pub use fingerprint::{FINGERPRINT_MEMBERS_MAX, FINGERPRINT_PATH_BYTES_MAX};
pub use key::{IDEMPOTENCY_KEY_BYTES_MAX, IDEMPOTENCY_KEY_MS, IdempotencyKey};

pub(super) use answer::Concluded;
pub(super) use guard::Guard;
pub(super) use key::Carried;
pub(super) use plain::{Plain, object_of};

/// Keys that are deleted in one transaction: milliseconds, so that no payment waits long behind it.
const PURGE_BATCH: u32 = 1_000;

/// Batches of one call of [`Host::purge_expired_keys`]: the next call goes on.
const PURGE_BATCHES_MAX: u32 = 100;

impl Host {
    /// Deletes idempotency keys that have expired, and tells how many. The server does this from time to time; an embedder
    /// calls it when it likes: an expired key counts as absent in any case.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn purge_expired_keys(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        for _ in 0..PURGE_BATCHES_MAX {
            let batch = self.inner.store.purge_keys(self.now(), PURGE_BATCH).await?;
            deleted += batch;
            if batch < u64::from(PURGE_BATCH) {
                break;
            }
        }
        Ok(deleted)
    }
}
