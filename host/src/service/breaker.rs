//! Keeps a provider that breaks in call after call from being called: closed, open for a while, half open for one call that
//! tells, closed or open for longer.
//!
//! What trips it is the provider's own code and nothing else: traps, limits, loops. A decline, an error of the gateway, a wait
//! for the network and a fault of this host say nothing of the code. It decides from times it is given, and knows no money:
//! a call that it refuses was never made.

use std::sync::Mutex;

use tillbox_core::Timestamp;
use tillbox_runtime::fault::DeadlineAt;
use tillbox_runtime::{Failure, Fault};

/// Calls in a row that have to break. One answer in between shows that the code can answer: then it is an input that breaks
/// it, and others need not suffer for that.
pub const BREAKER_FAULTS: u32 = 5;

/// Milliseconds for which a provider is not called at first: long enough for a stampede to end, short enough for a payer to
/// try again.
pub const BREAKER_PAUSE_MS_FIRST: i64 = 5_000;

/// Milliseconds for which it is not called at most; each call that tells that it is still broken doubles the pause until then.
/// An operator who has upgraded it does not wait: another version has a breaker of its own.
pub const BREAKER_PAUSE_MS_MAX: i64 = 300_000;

/// Milliseconds after which to come back while the one call that tells is under way.
const PROBING_MS: u64 = 1_000;

/// Whether a provider is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BreakerState {
    /// It is.
    #[default]
    Closed,
    /// One call at a time is made, to see.
    HalfOpen,
    /// It is not.
    Open,
}

impl BreakerState {
    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// How a breaker stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakerHealth {
    /// Whether the provider is called.
    pub state: BreakerState,
    /// Calls that broke in a row.
    pub faults: u32,
    /// How often it opened.
    pub trips: u64,
    /// Since when it is not closed.
    pub opened_at: Option<Timestamp>,
    /// When the next call is made, while it is open.
    pub retry_at: Option<Timestamp>,
}

/// What a call told of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It can answer.
    Works,
    /// It broke.
    Broke,
    /// Nothing.
    Nothing,
}

impl Told {
    pub(super) fn of(answer: Result<(), &Failure>) -> Self {
        match answer {
            Ok(()) | Err(Failure::Error(_)) => Self::Works,
            Err(Failure::Fault(fault)) => match fault {
                Fault::Trap { .. } | Fault::Limit { .. } | Fault::Deadline { at: DeadlineAt::GuestCode, .. } => {
                    Self::Broke
                }
                Fault::Deadline { at: DeadlineAt::HostWait, .. }
                | Fault::Contract { .. }
                | Fault::Diverged { .. }
                | Fault::Denied { .. }
                | Fault::Host(_)
                | Fault::Operator { .. } => Self::Nothing,
            },
        }
    }
}

/// What changed, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    Opened { pause_ms: i64 },
    Closed,
}

#[derive(Debug, Default)]
struct State {
    faults: u32,
    /// Pauses in a row; the next one is twice as long.
    pauses: u32,
    trips: u64,
    opened_at: Option<Timestamp>,
    until: Option<Timestamp>,
    is_probing: bool,
}

/// One provider's.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

/// Leave to make a call. Dropped without a word, it told nothing.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Leave to make a call, or the milliseconds after which to ask again.
    pub(super) fn admit(&self, now: Timestamp) -> Result<Pass<'_>, u64> {
        let mut state = self.0.lock().expect("no holder panics");
        let is_probe = match state.refuses(now) {
            Some(wait) => return Err(wait),
            None => state.until.is_some(),
        };
        state.is_probing |= is_probe;
        Ok(Pass { breaker: self, is_probe })
    }

    /// The milliseconds after which to ask again, when a call would be refused now.
    pub(super) fn refuses(&self, now: Timestamp) -> Option<u64> {
        self.0.lock().expect("no holder panics").refuses(now)
    }

    pub(super) fn health(&self, now: Timestamp) -> BreakerHealth {
        let state = self.0.lock().expect("no holder panics");
        let name = match state.until {
            None => BreakerState::Closed,
            Some(until) if until > now => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        };
        BreakerHealth {
            state: name,
            faults: state.faults,
            trips: state.trips,
            opened_at: state.opened_at,
            retry_at: state.until.filter(|until| *until > now),
        }
    }
}

impl State {
    fn refuses(&self, now: Timestamp) -> Option<u64> {
        match self.until {
            Some(until) if until > now => Some(until.0.saturating_sub(now.0).unsigned_abs()),
            Some(_) if self.is_probing => Some(PROBING_MS),
            Some(_) | None => None,
        }
    }

    fn open(&mut self, now: Timestamp) -> Turned {
        let doubled = BREAKER_PAUSE_MS_FIRST.saturating_mul(1_i64.checked_shl(self.pauses.min(32)).unwrap_or(i64::MAX));
        let pause_ms = doubled.min(BREAKER_PAUSE_MS_MAX);
        self.pauses = self.pauses.saturating_add(1);
        self.trips += 1;
        self.opened_at.get_or_insert(now);
        self.until = Some(Timestamp(now.0.saturating_add(pause_ms)));
        Turned::Opened { pause_ms }
    }
}

impl Pass<'_> {
    /// What the call told. One that was begun before the breaker opened changes nothing when it ends after.
    pub(super) fn end(self, told: Told, now: Timestamp) -> Option<Turned> {
        let mut state = self.breaker.0.lock().expect("no holder panics");
        if state.until.is_some() && !self.is_probe {
            return None;
        }
        match told {
            Told::Nothing => None,
            Told::Works => {
                let was_open = state.until.is_some();
                *state = State { trips: state.trips, ..State::default() };
                was_open.then_some(Turned::Closed)
            }
            Told::Broke => {
                state.faults = state.faults.saturating_add(1);
                (self.is_probe || state.faults >= BREAKER_FAULTS).then(|| state.open(now))
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Ok(mut state) = self.breaker.0.lock()
        {
            state.is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp(1_000_000 + ms)
    }

    fn told(breaker: &Breaker, told: Told, ms: i64) -> Option<Turned> {
        breaker.admit(at(ms)).unwrap().end(told, at(ms))
    }

    fn tripped() -> Breaker {
        let breaker = Breaker::default();
        for _ in 1..BREAKER_FAULTS {
            assert_eq!(told(&breaker, Told::Broke, 0), None);
        }
        assert_eq!(told(&breaker, Told::Broke, 0), Some(Turned::Opened { pause_ms: BREAKER_PAUSE_MS_FIRST }));
        breaker
    }

    #[test]
    fn it_takes_so_many_in_a_row() {
        let breaker = Breaker::default();
        for round in 0..3 {
            for _ in 1..BREAKER_FAULTS {
                assert_eq!(told(&breaker, Told::Broke, 0), None, "{round}");
            }
            assert_eq!(told(&breaker, Told::Nothing, 0), None);
            assert_eq!(told(&breaker, Told::Works, 0), None);
        }
        assert_eq!(breaker.health(at(0)), BreakerHealth::default());
    }

    #[test]
    fn open_it_refuses_and_says_for_how_long() {
        let breaker = tripped();
        assert_eq!(breaker.admit(at(1_000)).unwrap_err(), 4_000);
        assert_eq!(breaker.refuses(at(4_999)), Some(1));
        let health = breaker.health(at(0));
        assert_eq!((health.state, health.faults, health.trips), (BreakerState::Open, BREAKER_FAULTS, 1));
        assert_eq!((health.opened_at, health.retry_at), (Some(at(0)), Some(at(BREAKER_PAUSE_MS_FIRST))));
    }

    #[test]
    fn one_call_tells_and_the_others_wait_for_it() {
        let breaker = tripped();
        let probe = breaker.admit(at(5_000)).unwrap();
        assert_eq!(breaker.health(at(5_000)).state, BreakerState::HalfOpen);
        assert_eq!(breaker.admit(at(5_000)).unwrap_err(), PROBING_MS);
        assert_eq!(probe.end(Told::Works, at(5_100)), Some(Turned::Closed));
        assert_eq!(breaker.health(at(5_100)), BreakerHealth { trips: 1, ..BreakerHealth::default() });
        assert!(breaker.admit(at(5_100)).is_ok());
    }

    #[test]
    fn each_pause_is_twice_the_one_before_up_to_a_limit() {
        let breaker = tripped();
        let (mut now, mut pause) = (BREAKER_PAUSE_MS_FIRST, BREAKER_PAUSE_MS_FIRST);
        for _ in 0..40 {
            pause = (2 * pause).min(BREAKER_PAUSE_MS_MAX);
            assert_eq!(told(&breaker, Told::Broke, now), Some(Turned::Opened { pause_ms: pause }));
            now += pause;
        }
        assert_eq!(pause, BREAKER_PAUSE_MS_MAX);
        assert_eq!(breaker.health(at(now)).opened_at, Some(at(0)), "it never closed in between");
    }

    #[test]
    fn a_probe_that_tells_nothing_or_is_dropped_gives_its_place_back() {
        let breaker = tripped();
        drop(breaker.admit(at(5_000)).unwrap());
        assert_eq!(told(&breaker, Told::Nothing, 5_000), None);
        assert_eq!(breaker.health(at(5_000)).state, BreakerState::HalfOpen);
        assert!(breaker.admit(at(5_000)).is_ok());
    }

    #[test]
    fn what_was_begun_before_does_not_count_after() {
        let breaker = Breaker::default();
        let (late, later) = (breaker.admit(at(0)).unwrap(), breaker.admit(at(0)).unwrap());
        for _ in 0..BREAKER_FAULTS {
            told(&breaker, Told::Broke, 0);
        }
        assert_eq!(late.end(Told::Works, at(10)), None);
        assert_eq!(later.end(Told::Broke, at(10)), None);
        assert_eq!(breaker.admit(at(10)).unwrap_err(), 4_990);
    }

    #[test]
    fn only_the_code_itself_trips_it() {
        let fault = |fault: Fault| Told::of(Err(&Failure::Fault(fault)));
        let deadline = |at| Fault::Deadline { at, deadline_ms: 1, frames: Vec::new() };
        assert_eq!(fault(deadline(DeadlineAt::GuestCode)), Told::Broke);
        assert_eq!(fault(deadline(DeadlineAt::HostWait)), Told::Nothing);
        let trap = Fault::Trap { message: String::new(), frames: Vec::new(), stderr: String::new() };
        assert_eq!(fault(trap), Told::Broke);
        assert_eq!(fault(Fault::Denied { what: String::new(), grant: String::new() }), Told::Nothing);
        assert_eq!(Told::of(Ok(())), Told::Works);
    }
}
