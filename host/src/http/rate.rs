//! How many requests one caller may send: a bucket of tokens for each address, filled at a steady rate.
//!
//! It is the generic cell rate algorithm (ITU-T I.371): of a caller only the moment is kept at which its bucket would be full
//! again. It refuses to know what is asked for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::limits::{CALLERS_MAX, Limits};
use super::problem::Problem;
use crate::metrics::{Metrics, ReasonLabels};

/// Who is on the other end of the connection, or was on that of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller(pub(super) IpAddr);

/// The buckets of all callers.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    buckets: Arc<Mutex<HashMap<IpAddr, Duration>>>,
    begun: Instant,
    /// Between two tokens; nothing where any number may be sent.
    every: Option<Duration>,
    /// What a full bucket is worth.
    burst: Duration,
    metrics: Arc<Metrics>,
}

impl Rate {
    pub(super) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let every = Duration::from_secs(1).checked_div(limits.rate_per_second);
        let burst = every.unwrap_or_default().saturating_mul(limits.rate_burst.max(1));
        Self { buckets: Arc::default(), begun: Instant::now(), every, burst, metrics }
    }

    /// Takes a token, or says how long it takes until there is one.
    fn take(&self, caller: IpAddr, now: Duration) -> Result<(), Duration> {
        let Some(every) = self.every else { return Ok(()) };
        let mut buckets = self.buckets.lock().expect("no holder panics");
        let mut caller = network(caller);
        if buckets.len() >= CALLERS_MAX && !buckets.contains_key(&caller) {
            buckets.retain(|_, full_at| *full_at > now);
            if buckets.len() >= CALLERS_MAX {
                // More callers at once than there are people: those who come now share one bucket.
                caller = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let full_at = buckets.get(&caller).copied().unwrap_or_default().max(now) + every;
        match (full_at - now).checked_sub(self.burst) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                buckets.insert(caller, full_at);
                Ok(())
            }
        }
    }
}

/// Who has one address of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

/// The middleware. Those who ask for health are not counted: they decide whether the host is restarted.
pub(super) async fn pass(State(rate): State<Rate>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().copied();
    if let Some(Caller(address)) = caller
        && !request.uri().path().starts_with("/health/")
        && let Err(wait) = rate.take(address, rate.begun.elapsed())
    {
        rate.metrics.turned_away.get_or_create(&ReasonLabels { reason: "rate" }).inc();
        return Problem::too_many(wait).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::CommitMetrics;

    fn rate(rate_per_second: u32, rate_burst: u32) -> Rate {
        let limits = Limits { rate_per_second, rate_burst, ..Limits::default() };
        Rate::new(&limits, Arc::new(Metrics::new(&CommitMetrics::default(), 0.0)))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_and_then_a_steady_rate() {
        let rate = rate(10, 3);
        let (one, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        for _ in 0..3 {
            assert_eq!(rate.take(one, SECOND), Ok(()));
        }
        assert_eq!(rate.take(one, SECOND), Err(Duration::from_millis(100)));
        assert_eq!(rate.take(other, SECOND), Ok(()), "another caller has a bucket of its own");
        assert_eq!(rate.take(one, SECOND + Duration::from_millis(99)), Err(Duration::from_millis(1)));
        assert_eq!(rate.take(one, SECOND + Duration::from_millis(100)), Ok(()));
        assert!(rate.take(one, SECOND + Duration::from_millis(100)).is_err());
        for _ in 0..3 {
            assert_eq!(rate.take(one, 9 * SECOND), Ok(()), "the bucket is full again, and no fuller");
        }
        assert!(rate.take(one, 9 * SECOND).is_err());
    }

    #[test]
    fn zero_takes_any_number() {
        let rate = rate(0, 1);
        assert!((0..10_000).all(|_| rate.take(ip("192.0.2.1"), SECOND).is_ok()));
    }

    #[test]
    fn one_network_is_one_caller() {
        let rate = rate(1, 1);
        assert!(rate.take(ip("2001:db8::1"), SECOND).is_ok());
        assert!(rate.take(ip("2001:db8::2"), SECOND).is_err());
        assert!(rate.take(ip("2001:db8:0:1::1"), SECOND).is_ok());
        assert!(rate.take(ip("192.0.2.1"), SECOND).is_ok());
        assert!(rate.take(ip("::ffff:192.0.2.1"), SECOND).is_err());
    }

    #[test]
    fn more_callers_than_are_kept_share_a_bucket() {
        let rate = rate(1, 1);
        for number in 0..u32::try_from(CALLERS_MAX).unwrap() {
            assert!(rate.take(IpAddr::from(number.to_be_bytes()), SECOND).is_ok());
        }
        assert!(rate.take(ip("203.0.113.1"), SECOND).is_ok());
        assert!(rate.take(ip("203.0.113.2"), SECOND).is_err());
        assert!(rate.buckets.lock().unwrap().len() <= CALLERS_MAX + 1);
        // A moment later the first ones are forgotten.
        assert!(rate.take(ip("203.0.113.3"), 5 * SECOND).is_ok());
        assert_eq!(rate.buckets.lock().unwrap().len(), 1);
    }
}
