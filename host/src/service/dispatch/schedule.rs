//! When an event that could not be told is tried again.

use tillbox_core::Timestamp;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Milliseconds to wait after each attempt that failed: soon at first, because most receivers are only restarting; then
/// rarely, for three days in all, so that a weekend without anybody to look passes without a loss.
const WAIT_MS: [i64; 12] = [
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
];

/// How much longer a wait may be made, in parts of it: receivers that come back are not met by everything at once.
const JITTER_PART: i64 = 10;

/// When to try again after this many attempts; nothing when it is given up.
pub(super) fn again_at(now: Timestamp, attempts: u32) -> Option<Timestamp> {
    let wait = WAIT_MS.get(usize::try_from(attempts).ok()?.checked_sub(1)?)?;
    let mut random = [0; 4];
    // Without randomness all wait alike, which is unfriendly and nothing worse.
    let _ = getrandom::fill(&mut random);
    let jitter = i64::from(u32::from_le_bytes(random)) % (wait / JITTER_PART);
    Some(Timestamp(now.0.saturating_add(wait + jitter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_three_days_and_then_given_up() {
        let (mut at, mut attempts) = (Timestamp(0), 0);
        loop {
            attempts += 1;
            match again_at(at, attempts) {
                Some(next) => at = next,
                None => break,
            }
        }
        assert_eq!(attempts, 13);
        assert!((70 * HOUR..85 * HOUR).contains(&at.0), "{}", at.0);
        assert!((5_000..5_500).contains(&again_at(Timestamp(0), 1).unwrap().0));
        assert_eq!(again_at(Timestamp(0), 0), None);
    }
}
