//! When an open operation is looked at next. Every operation that is neither settled nor a person's business has such a
//! time (invariant I7): what nobody would look at again would be guessed in the end.
//!
//! The core has no randomness: what keeps operations that were lost together from being asked about together is drawn from
//! their ids. It knows no provider; what a look consists of is the host's business.

use crate::id::OperationId;
use crate::operation::OperationState;
use crate::time::Timestamp;

/// Milliseconds from one look to the next, by how often was looked: seconds while a payer waits, hours once only books do.
pub const CHECK_AFTER_MS: [i64; 7] = [2_000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000, 43_200_000];

/// Milliseconds between looks after those: a day. It never ends by itself, since patience proves nothing (R1).
pub const CHECK_DAILY_MS: i64 = 86_400_000;

/// How far a time may be drawn from the table's, percent to either side: a gateway that was down for a minute is not asked
/// about everything in the same second.
pub const JITTER_PERCENT: i64 = 10;

/// When an operation in this state is looked at next, if ever. A running one belongs to its lease, which says so itself.
pub(crate) fn next(id: &OperationId, state: OperationState, checks: u32, at: Timestamp) -> Option<Timestamp> {
    match state {
        OperationState::Unknown | OperationState::Pending => Some(next_check(id, checks, at)),
        OperationState::Running
        | OperationState::NeedsReview
        | OperationState::Succeeded
        | OperationState::Declined
        | OperationState::NeedsAction
        | OperationState::Rejected
        | OperationState::Absent => None,
    }
}

/// The time of the next look, after so many of them.
#[must_use]
pub fn next_check(id: &OperationId, checks: u32, at: Timestamp) -> Timestamp {
    let index = usize::try_from(checks).unwrap_or(usize::MAX);
    let wait = CHECK_AFTER_MS.get(index).copied().unwrap_or(CHECK_DAILY_MS);
    let span = wait * JITTER_PERCENT / 100;
    let drawn = i64::try_from(hash(id, checks) % u64::try_from(2 * span + 1).unwrap_or(1)).unwrap_or(0);
    Timestamp(at.0.saturating_add(wait - span + drawn))
}

/// FNV-1a, 64 bits: spreads well enough, is the same everywhere and needs nobody.
fn hash(id: &OperationId, checks: u32) -> u64 {
    let bytes = id.as_str().bytes().chain(checks.to_be_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_kept_within_the_jitter_and_then_daily() {
        let table = [2, 10, 60, 300, 1_800, 7_200, 43_200, 86_400, 86_400];
        for (checks, seconds) in (0..).zip(table) {
            let wait = seconds * 1_000;
            let mut seen = std::collections::BTreeSet::new();
            for number in 0..500 {
                let id = OperationId::from_tail(&format!("{number:026}"));
                let waited = next_check(&id, checks, Timestamp(7)).0 - 7;
                assert!((wait * 9 / 10..=wait * 11 / 10).contains(&waited), "{checks}: {waited}");
                assert_eq!(next_check(&id, checks, Timestamp(7)), next_check(&id, checks, Timestamp(7)));
                seen.insert(waited);
            }
            // Spread over all of the span, not only within it.
            let (first, last) = (seen.first().unwrap(), seen.last().unwrap());
            assert!(
                seen.len() > 100 && last - first > wait * 18 / 100,
                "{checks}: {} of {first} to {last}",
                seen.len()
            );
        }
        assert_eq!(next_check(&OperationId::from_tail("1"), u32::MAX, Timestamp(i64::MAX)).0, i64::MAX);
    }
}
