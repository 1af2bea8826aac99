//! The five steps of a flow, and how long each of them took.

use std::time::Instant;

use hdrhistogram::Histogram;

/// What is asked of the host in one flow, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    CreateCollection,
    CreateSession,
    Authorize,
    Capture,
    Refund,
}

impl Step {
    /// All of them, in order.
    pub(super) const ALL: [Self; 5] =
        [Self::CreateCollection, Self::CreateSession, Self::Authorize, Self::Capture, Self::Refund];

    /// The name in a report.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CreateCollection => "create_collection",
            Self::CreateSession => "create_session",
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Refund => "refund",
        }
    }
}

/// Significant digits of a time: three are a thousandth.
const DIGITS: u8 = 3;

/// The longest time that is told apart, in microseconds: ten minutes, longer than a request can take.
const MICROS_MAX: u64 = 600_000_000;

/// Times of every step, in microseconds.
#[derive(Debug, Clone)]
pub(super) struct Times {
    flows: u64,
    steps: [Histogram<u64>; Step::ALL.len()],
}

impl Default for Times {
    fn default() -> Self {
        let empty = || Histogram::new_with_bounds(1, MICROS_MAX, DIGITS).expect("bounds that the histogram takes");
        Self { flows: 0, steps: std::array::from_fn(|_| empty()) }
    }
}

impl Times {
    /// Whole flows.
    pub(super) fn flows(&self) -> u64 {
        self.flows
    }

    /// The times of one step.
    pub(super) fn of(&self, step: Step) -> &Histogram<u64> {
        &self.steps[step as usize]
    }

    /// The slowest step's quantile, in microseconds.
    pub(super) fn worst(&self, quantile: f64) -> u64 {
        self.steps.iter().map(|step| step.value_at_quantile(quantile)).max().unwrap_or(0)
    }

    /// Counts a flow.
    pub(super) fn add(&mut self, laps: &Laps) {
        self.flows += 1;
        for (step, micros) in self.steps.iter_mut().zip(laps.micros) {
            step.saturating_record(micros);
        }
    }

    /// Counts what another client measured.
    pub(super) fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        for (step, others) in self.steps.iter_mut().zip(&other.steps) {
            step.add(others).expect("both have the same bounds");
        }
    }
}

/// A stopwatch over one flow.
#[derive(Debug)]
pub(super) struct Laps {
    last: Instant,
    micros: [u64; Step::ALL.len()],
}

impl Laps {
    pub(super) fn start() -> Self {
        Self { last: Instant::now(), micros: [0; Step::ALL.len()] }
    }

    /// The step that was begun last is done.
    pub(super) fn done(&mut self, step: Step) {
        let now = Instant::now();
        self.micros[step as usize] = u64::try_from((now - self.last).as_micros()).unwrap_or(u64::MAX);
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_told_apart() {
        let mut times = Times::default();
        let mut laps = Laps::start();
        for micros in [1, 50_000, 90_000_000] {
            laps.micros = [micros; Step::ALL.len()];
            times.add(&laps);
        }
        assert!(times.of(Step::Refund).value_at_quantile(0.5).abs_diff(50_000) <= 50);
        assert!(times.worst(1.0).abs_diff(90_000_000) <= 90_000);
    }

    #[test]
    fn times_go_to_their_step_and_add_up() {
        let mut laps = Laps::start();
        laps.micros = [10, 20, 30, 40, 5_000];
        let (mut one, mut other) = (Times::default(), Times::default());
        one.add(&laps);
        other.add(&laps);
        other.merge(&one);
        assert_eq!(other.flows(), 2);
        let medians = Step::ALL.map(|step| other.of(step).value_at_quantile(0.5));
        assert_eq!(medians[..4], [10, 20, 30, 40]);
        assert!(other.worst(0.99).abs_diff(5_000) <= 5, "{}", other.worst(0.99));
    }
}
