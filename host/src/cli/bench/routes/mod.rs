//! One route after the other under an outside load generator (wrk), beside the same calls by the embedding API in the same run:
//! the same host, database, number of callers, and provider. What is told is the ratio.
//!
//! Payments go through the routes step by step. Each step takes half of them embedded and the other half over HTTP; what the
//! generator's time was too short for is finished by calls that nobody counts.

mod generator;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tillbox_core::id::CollectionId;
use tillbox_core::state::Collection;
use tokio::task::JoinSet;

use super::Failure;
use super::door::{AMOUNT, CURRENCY, REFUND, Server, provider_id};
use super::report::per_second;
use crate::Host;
use crate::currency::money;
use crate::service::{NewCollection, NewRefund, NewSession};
use crate::store::{Page, PaymentFilter, Wanted};
use generator::Generator;

pub(super) use generator::Loaded;

/// Entries of the list that is read: the server's own default.
const LIST_LIMIT: u32 = crate::http::LIST_LIMIT_DEFAULT;

/// Where collections are made.
const CREATE: &str = "/admin/payment-collections";

/// A route, and the call of the embedding API that is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    CreateCollection,
    CreateSession,
    Authorize,
    Capture,
    Refund,
    Get,
    List,
}

impl Route {
    /// In the order in which payments go through them.
    const ALL: [Self; 7] = [
        Self::CreateCollection,
        Self::CreateSession,
        Self::Authorize,
        Self::Capture,
        Self::Refund,
        Self::Get,
        Self::List,
    ];

    /// Method and path, as reports show them.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CreateCollection => "POST /admin/payment-collections",
            Self::CreateSession => "POST /admin/payment-collections/{id}/payment-sessions",
            Self::Authorize => "POST /admin/payment-sessions/{id}/authorize",
            Self::Capture => "POST /admin/payments/{id}/capture",
            Self::Refund => "POST /admin/payments/{id}/refund",
            Self::Get => "GET /admin/payments/{id}",
            Self::List => "GET /admin/payments?limit=20",
        }
    }

    fn method(self) -> &'static str {
        self.as_str().split(' ').next().unwrap_or_default()
    }

    fn body(self) -> String {
        match self {
            Self::CreateCollection => {
                format!(r#"{{"currency_code":"{}","amount":{AMOUNT}}}"#, CURRENCY.to_ascii_lowercase())
            }
            Self::CreateSession => format!(r#"{{"provider_id":"{}"}}"#, provider_id()),
            Self::Authorize | Self::Capture => "{}".to_owned(),
            Self::Refund => format!(r#"{{"amount":{REFUND}}}"#),
            Self::Get | Self::List => String::new(),
        }
    }

    /// Whether each payment goes through it once.
    fn changes(self) -> bool {
        self.method() == "POST" && self != Self::CreateCollection
    }

    /// Whether it changes nothing, and can be called for as long as one likes.
    fn reads(self) -> bool {
        self.method() == "GET"
    }

    /// The path for a payment that stands before this step.
    fn path(self, subject: &Collection) -> Option<String> {
        let session = || subject.live_sessions().next().map(|session| session.id.to_string());
        let payment = || subject.payments.first().map(|payment| payment.id.to_string());
        match self {
            Self::CreateCollection => Some(CREATE.to_owned()),
            Self::CreateSession => Some(format!("/admin/payment-collections/{}/payment-sessions", subject.id)),
            Self::Authorize => Some(format!("/admin/payment-sessions/{}/authorize", session()?)),
            Self::Capture => Some(format!("/admin/payments/{}/capture", payment()?)),
            Self::Refund => Some(format!("/admin/payments/{}/refund", payment()?)),
            Self::Get => Some(format!("/admin/payments/{}", payment()?)),
            Self::List => Some(format!("/admin/payments?limit={LIST_LIMIT}")),
        }
    }

    /// Whether the payment went through it already.
    fn is_done(self, subject: &Collection) -> bool {
        match self {
            Self::CreateCollection => true,
            Self::CreateSession => subject.live_sessions().next().is_some(),
            Self::Authorize => !subject.payments.is_empty(),
            Self::Capture => !subject.captured().is_zero(),
            Self::Refund => !subject.refunded().is_zero(),
            Self::Get | Self::List => false,
        }
    }
}

/// What was found about a route.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) route: Route,
    pub(super) callers: u32,
    pub(super) embedded_per_second: u64,
    pub(super) http: Loaded,
}

/// Every route, on payments that are made for it.
///
/// Routes that change something take each payment once, however long that takes; those that read end after `time`.
pub(super) async fn measure(
    host: &Host,
    callers: u32,
    payments: usize,
    time: Duration,
    told: impl Fn(&'static str) -> Result<(), Failure>,
) -> Result<Vec<Measured>, Failure> {
    let place = tempfile::tempdir().map_err(|error| Failure::because("no temporary directory", &error))?;
    let generator = Generator::find(place.path(), callers)?;
    let (ours, theirs) = (payments, payments);
    let mut subjects: Vec<CollectionId> = Vec::new();
    let mut found = Vec::new();
    for route in Route::ALL {
        told(route.as_str())?;
        let patience = if route.reads() { time } else { Duration::MAX };
        let half = ours.min(subjects.len());
        let (embedded, rest) = (subjects[..half].to_vec(), subjects[half..].to_vec());
        let Called { made, calls, took } = embedded_calls(host, route, callers, embedded, (ours, patience)).await?;
        if route == Route::CreateCollection {
            subjects = made;
            subjects.extend(embedded_calls(host, route, callers, Vec::new(), (theirs, patience)).await?.made);
        }
        let embedded_per_second = per_second(calls as u64, took);
        // Whole seconds are all the generator takes. It ends by itself when its half is through.
        let seconds = took.as_secs() + 1;
        let http = over_http(host, &generator, route, seconds, &rest).await?;
        if route.changes() {
            finish(host, route, callers, rest).await?;
        }
        found.push(Measured { route, callers, embedded_per_second, http });
    }
    Ok(found)
}

async fn over_http(
    host: &Host,
    generator: &Generator,
    route: Route,
    seconds: u64,
    subjects: &[CollectionId],
) -> Result<Loaded, Failure> {
    let mut paths = Vec::with_capacity(subjects.len().max(1));
    for id in subjects {
        paths.extend(route.path(&host.collection(id).await?));
    }
    if route == Route::CreateCollection {
        paths.push(CREATE.to_owned());
    }
    let server = Server::start(host.clone()).await?;
    let loaded = generator.run(&server, route, seconds, &paths).await;
    server.close().await?;
    loaded
}

/// What came of calls by the embedding API.
struct Called {
    /// Collections that were made.
    made: Vec<CollectionId>,
    calls: usize,
    took: Duration,
}

/// This many calls by this many callers, or fewer when the time is over.
async fn embedded_calls(
    host: &Host,
    route: Route,
    callers: u32,
    subjects: Vec<CollectionId>,
    (count, time): (usize, Duration),
) -> Result<Called, Failure> {
    let mut prepared = Vec::with_capacity(subjects.len());
    for id in &subjects {
        prepared.push(host.collection(id).await?);
    }
    let (prepared, next, done) = (Arc::new(prepared), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (mut tasks, start) = (JoinSet::new(), Instant::now());
    for _ in 0..callers {
        let (host, prepared) = (host.clone(), Arc::clone(&prepared));
        let (next, done) = (Arc::clone(&next), Arc::clone(&done));
        tasks.spawn(async move {
            let mut made = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count || start.elapsed() >= time {
                    return Ok::<_, Failure>(made);
                }
                made.extend(call(&host, route, prepared.get(at)).await?);
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut made = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        made.extend(joined.map_err(|error| Failure::because("a caller broke", &error))??);
    }
    Ok(Called { made, calls: done.load(Ordering::Relaxed), took: start.elapsed() })
}

/// What the generator had no time for.
async fn finish(host: &Host, route: Route, callers: u32, subjects: Vec<CollectionId>) -> Result<(), Failure> {
    let mut left = Vec::new();
    for id in subjects {
        let subject = host.collection(&id).await?;
        if !route.is_done(&subject) {
            left.push(id);
        }
    }
    let count = left.len();
    embedded_calls(host, route, callers, left, (count, Duration::MAX)).await.map(drop)
}

/// The call that is the same as the route.
async fn call(host: &Host, route: Route, subject: Option<&Collection>) -> Result<Option<CollectionId>, Failure> {
    let amount = |text| money(text, CURRENCY).map_err(|error| Failure::of(&error));
    let lost = || Failure::new(format!("a payment is not ready for {}", route.as_str()));
    let payment = || Ok::<_, Failure>(&subject.and_then(|subject| subject.payments.first()).ok_or_else(lost)?.id);
    match route {
        Route::CreateCollection => {
            return Ok(Some(host.create_collection(NewCollection::new(amount(AMOUNT)?)).await?.id));
        }
        Route::CreateSession => {
            let collection = subject.ok_or_else(lost)?;
            drop(host.create_session(&collection.id, NewSession::new(provider_id())).await?);
        }
        Route::Authorize => {
            let session = subject.and_then(|subject| subject.live_sessions().next()).ok_or_else(lost)?;
            drop(host.authorize_session(&session.id, None).await?);
        }
        Route::Capture => drop(host.capture(payment()?, None).await?),
        Route::Refund => {
            let refund = NewRefund { amount: Some(amount(REFUND)?), ..NewRefund::default() };
            drop(host.refund(payment()?, refund).await?);
        }
        Route::Get => drop(host.payment(payment()?).await?),
        Route::List => {
            let page = Page { offset: 0, limit: LIST_LIMIT };
            drop(host.payments(Wanted::of(PaymentFilter::default(), page)).await?);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reports_show_is_what_is_asked() {
        assert_eq!(Route::List.as_str(), format!("GET /admin/payments?limit={LIST_LIMIT}"));
        let changing = Route::ALL.into_iter().filter(|route| route.changes()).count();
        assert_eq!(changing, 4);
        assert!(Route::ALL.iter().all(|route| ["GET", "POST"].contains(&route.method())));
    }
}
