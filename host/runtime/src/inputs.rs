//! Times and random bytes as a guest is told them: written down on the first run, told again in the same order on the next.
//!
//! All randomness of a call comes from one seed (ChaCha20), each source with a stream of its own. Of clocks every reading is
//! kept. Past what was kept, a clock goes on from there and never back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::journal::{CLOCK_READINGS_MAX, Inputs, Recorded};

/// Streams of the seed: one for each source, so that asking one more often does not change another.
const STREAM_SECURE: u64 = 1;
const STREAM_INSECURE: u64 = 2;
const STREAM_INSECURE_SEED: u64 = 3;
const STREAM_CRYPTO: u64 = 4;

/// What one call is told of time and chance.
#[derive(Clone)]
pub(crate) struct Told(Arc<Mutex<Telling>>);

struct Telling {
    seed: Option<[u8; 32]>,
    crypto: Option<ChaCha20Rng>,
    wall: Clock,
    monotonic: Clock,
    start: Instant,
    /// Whether somebody writes it down.
    is_kept: bool,
}

/// One clock's readings.
#[derive(Default)]
struct Clock {
    /// All that was told in this run.
    told: Vec<u64>,
    /// How much of it is in the journal.
    kept: usize,
    /// What an earlier run was told.
    again: Vec<u64>,
    /// What is added to a live reading, so that it follows the last one of the earlier run.
    offset: u64,
}

impl Clock {
    fn tell(&mut self, is_kept: bool, live: impl FnOnce() -> u64) -> u64 {
        if !is_kept {
            return live();
        }
        if let Some(known) = self.again.get(self.told.len()) {
            self.told.push(*known);
            return *known;
        }
        if self.told.len() >= CLOCK_READINGS_MAX {
            return self.told.last().copied().unwrap_or_default();
        }
        let reading = live().saturating_add(self.offset).max(self.told.last().copied().unwrap_or_default());
        self.told.push(reading);
        reading
    }

    fn since_kept(&mut self) -> Vec<u64> {
        let new = self.told[self.kept..].to_vec();
        self.kept = self.told.len();
        new
    }
}

impl Told {
    /// For a call that tells again what `recorded` was told.
    pub(crate) fn new(is_kept: bool, recorded: &[Recorded]) -> Self {
        let all = |of: fn(&Inputs) -> &Vec<u64>| recorded.iter().flat_map(|one| of(&one.inputs).clone()).collect();
        let wall: Vec<u64> = all(|inputs| &inputs.wall);
        let monotonic: Vec<u64> = all(|inputs| &inputs.monotonic);
        let offset = monotonic.last().copied().unwrap_or_default();
        Self(Arc::new(Mutex::new(Telling {
            seed: recorded.first().map(|first| first.inputs.seed),
            crypto: None,
            wall: Clock { again: wall, ..Clock::default() },
            monotonic: Clock { again: monotonic, offset, ..Clock::default() },
            start: Instant::now(),
            is_kept,
        })))
    }

    /// What was told since the last time somebody asked.
    pub(crate) fn since_kept(&self) -> Inputs {
        let mut telling = self.0.lock().expect("no holder panics");
        let seed = telling.seed();
        Inputs { seed, wall: telling.wall.since_kept(), monotonic: telling.monotonic.since_kept() }
    }

    /// The contract's own random bytes.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        let mut telling = self.0.lock().expect("no holder panics");
        let seed = telling.seed();
        telling.crypto.get_or_insert_with(|| stream(seed, STREAM_CRYPTO)).fill_bytes(bytes);
    }

    /// Makes a guest's WASI tell the same.
    pub(crate) fn into_wasi(self, builder: &mut WasiCtxBuilder) {
        let seed = self.0.lock().expect("no holder panics").seed();
        builder.secure_random(stream(seed, STREAM_SECURE)).insecure_random(stream(seed, STREAM_INSECURE));
        let mut number = [0; 16];
        stream(seed, STREAM_INSECURE_SEED).fill_bytes(&mut number);
        builder.insecure_random_seed(u128::from_le_bytes(number));
        builder.wall_clock(Wall(self.clone())).monotonic_clock(Monotonic(self));
    }
}

impl Telling {
    /// The operating system's randomness, once for a call. Without any nothing can be random, and no call may go on.
    fn seed(&mut self) -> [u8; 32] {
        *self.seed.get_or_insert_with(|| {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).expect("the operating system has randomness");
            seed
        })
    }
}

fn stream(seed: [u8; 32], number: u64) -> ChaCha20Rng {
    let mut random = ChaCha20Rng::from_seed(seed);
    random.set_stream(number);
    random
}

struct Wall(Told);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let mut telling = self.0.0.lock().expect("no holder panics");
        let is_kept = telling.is_kept;
        Duration::from_nanos(telling.wall.tell(is_kept, || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        }))
    }
}

struct Monotonic(Told);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        let mut telling = self.0.0.lock().expect("no holder panics");
        let (start, is_kept) = (telling.start, telling.is_kept);
        telling.monotonic.tell(is_kept, || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{Left, Refusal};

    fn recorded(inputs: Inputs) -> Recorded {
        Recorded {
            method: "GET".to_owned(),
            host: "a.example".to_owned(),
            path: "/".to_owned(),
            digest: String::new(),
            idempotency_key: None,
            inputs,
            left: Left::Nothing,
            answer: Err(Refusal::Lost(String::new())),
        }
    }

    #[test]
    fn the_same_is_told_again_and_time_goes_on_from_there() {
        let first = Told::new(true, &[]);
        let (wall, monotonic) = (Wall(first.clone()), Monotonic(first.clone()));
        let mut bytes = [0; 40];
        first.fill(&mut bytes);
        let told = (wall.now(), wall.now(), monotonic.now());
        let kept = first.since_kept();
        assert_eq!((kept.wall.len(), kept.monotonic.len()), (2, 1));
        assert!(first.since_kept().wall.is_empty(), "each reading is kept once");
        let again = Told::new(true, &[recorded(kept)]);
        let (wall, monotonic) = (Wall(again.clone()), Monotonic(again.clone()));
        let mut same = [0; 40];
        again.fill(&mut same);
        assert_eq!((told, bytes), ((wall.now(), wall.now(), monotonic.now()), same));
        assert!(wall.now() >= told.1 && monotonic.now() >= told.2);
        let other = Told::new(true, &[]);
        other.fill(&mut same);
        assert_ne!(bytes, same, "another call has a seed of its own");
    }

    #[test]
    fn a_clock_that_is_asked_without_end_stands_still() {
        let told = Told::new(true, &[]);
        let clock = Monotonic(told.clone());
        for _ in 0..CLOCK_READINGS_MAX {
            clock.now();
        }
        assert_eq!(clock.now(), clock.now());
        assert_eq!(told.since_kept().monotonic.len(), CLOCK_READINGS_MAX);
    }
}
