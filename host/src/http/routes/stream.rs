//! `/admin/events/stream`: events as they happen, as server-sent events (HTML Living Standard section 9.2).
//!
//! A task reads events and puts them into a short queue that the connection is fed from. What a reader does not take in time
//! is not kept for it: its stream ends, says so, and names the place to go on from.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Host;
use crate::http::document::{Answered, Argument, Draft};
use crate::http::drain::Drain;
use crate::http::extract::{Asked, LastEventId};
use crate::http::limits::{Limits, STREAM_EVENTS_MAX, STREAM_HEARTBEAT_MS, STREAM_MS_MAX};
use crate::http::problem::{ForOperator, Problem};
use crate::http::wire::{EventAnswer, WantedStream};
use crate::metrics::{Metrics, ReasonLabels};
use crate::service::Following;
use crate::store::OutboxEvent;

/// The places for streams, shared by all connections.
#[derive(Debug, Clone)]
pub(in crate::http) struct Streams(Arc<Semaphore>);

impl Streams {
    pub(in crate::http) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Semaphore::new(limits.streams)))
    }
}

/// What the server gives to the handler.
type Given<T> = Extension<T>;

/// They are the server's and nothing of the request.
impl Argument for Given<Streams> {
    fn describe(_: &mut Draft<'_>) {}
}

impl Argument for Given<Limits> {
    fn describe(_: &mut Draft<'_>) {}
}

pub(super) async fn follow(
    State(host): State<Host>,
    drain: Option<Extension<Drain>>,
    Extension(streams): Given<Streams>,
    Extension(limits): Given<Limits>,
    LastEventId(last): LastEventId,
    Asked(wanted): Asked<WantedStream>,
) -> Result<EventStream, ForOperator> {
    let drain = drain.map(|Extension(drain)| drain).unwrap_or_default();
    if drain.has_begun() {
        return Err(Problem::draining().into());
    }
    let Ok(place) = streams.0.try_acquire_owned() else {
        host.metrics().turned_away.get_or_create(&ReasonLabels { reason: "streams" }).inc();
        return Err(Problem::too_many_streams().into());
    };
    // Who connects again asks the same URL, and says by the header how far it has come.
    let following = host.follow(last.or(wanted.after), wanted.filter).await?;
    let (send, receive) = mpsc::channel(STREAM_EVENTS_MAX + 1);
    let held = Held::new(Arc::clone(host.metrics()), place);
    // Before the server itself gives up on whoever takes nothing, so that the end can be read.
    let patience =
        Patience { event: Duration::from_millis(limits.write_ms / 2), whole: Duration::from_millis(STREAM_MS_MAX) };
    tokio::spawn(async move {
        let _held = held;
        tell(following, drain, send, patience).await;
    });
    Ok(EventStream(receive))
}

/// A place among the streams, and one of those that are counted.
struct Held {
    metrics: Arc<Metrics>,
    _place: OwnedSemaphorePermit,
}

impl Held {
    fn new(metrics: Arc<Metrics>, place: OwnedSemaphorePermit) -> Self {
        metrics.streams.inc();
        Self { metrics, _place: place }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.metrics.streams.dec();
    }
}

/// How long a stream goes on.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a reader to take an event.
    event: Duration,
    /// For all of it.
    whole: Duration,
}

/// What goes into the queue.
#[derive(Debug)]
enum Told {
    Event(Box<OutboxEvent>),
    End(Ending),
}

/// The last words.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    reason: &'static str,
    /// To go on from: everything up to it was told.
    last: i64,
}

/// Why a stream ends before its reader goes.
const STOPPING: &str = "stopping";
const SLOW_READER: &str = "slow_reader";
const UNAVAILABLE: &str = "unavailable";
const AGAIN: &str = "again";

/// Puts events into the queue until the reader has gone, the server stops, or the reader does not take them.
async fn tell(mut following: Following, mut drain: Drain, queue: mpsc::Sender<Told>, patience: Patience) {
    // A place for the last words, whatever else waits.
    let Ok(last_words) = queue.clone().reserve_owned().await else { return };
    let mut last = following.after();
    let whole = tokio::time::sleep(patience.whole);
    tokio::pin!(whole);
    let reason = 'told: loop {
        let events = tokio::select! {
            biased;
            () = drain.begun() => break STOPPING,
            () = queue.closed() => return,
            () = &mut whole => break AGAIN,
            read = following.next() => match read {
                Ok(events) => events,
                Err(error) => {
                    tracing::warn!(%error, "an event stream ends");
                    break UNAVAILABLE;
                }
            },
        };
        for event in events {
            let sequence = event.sequence;
            tokio::select! {
                biased;
                () = drain.begun() => break 'told STOPPING,
                sent = queue.send_timeout(Told::Event(Box::new(event)), patience.event) => match sent {
                    Ok(()) => last = sequence,
                    Err(mpsc::error::SendTimeoutError::Closed(_)) => return,
                    Err(mpsc::error::SendTimeoutError::Timeout(_)) => break 'told SLOW_READER,
                },
            }
        }
        last = following.after();
    };
    last_words.send(Told::End(Ending { reason, last }));
}

/// The connection's end of the queue.
#[derive(Debug)]
pub(super) struct EventStream(mpsc::Receiver<Told>);

impl Stream for EventStream {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|told| told.map(|told| Ok(written(told))))
    }
}

fn written(told: Told) -> Event {
    match told {
        Told::Event(event) => {
            let written = Event::default().id(event.sequence.to_string()).event(&event.kind);
            let data = serde_json::to_string(&EventAnswer::from(*event));
            written.data(data.expect("an answer is always JSON"))
        }
        Told::End(Ending { reason, last }) => {
            Event::default().event("end").data(json!({ "reason": reason, "last_event_id": last }).to_string())
        }
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let beat = KeepAlive::new().interval(Duration::from_millis(STREAM_HEARTBEAT_MS)).text("heartbeat");
        Sse::new(self).keep_alive(beat).into_response()
    }
}

impl Answered for EventStream {
    fn describe(draft: &mut Draft<'_>) {
        draft.text(200, "text/event-stream");
        draft.fails(&[500, 503]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::money;
    use crate::service::{EventFilter, NewCollection};

    async fn host_with(collections: usize) -> Host {
        let host = Host::builder().in_memory().build().await.unwrap();
        for _ in 0..collections {
            host.create_collection(NewCollection::new(money("1", "EUR").unwrap())).await.unwrap();
        }
        host
    }

    fn patience(event_ms: u64, whole_ms: u64) -> Patience {
        Patience { event: Duration::from_millis(event_ms), whole: Duration::from_millis(whole_ms) }
    }

    /// Whoever reads on shows its key again.
    #[tokio::test]
    async fn a_stream_has_an_end() {
        let host = host_with(1).await;
        let following = host.follow(Some(0), EventFilter::default()).await.unwrap();
        let (send, mut receive) = mpsc::channel(STREAM_EVENTS_MAX + 1);
        tell(following, Drain::default(), send, patience(60_000, 50)).await;
        let Some(Told::Event(event)) = receive.recv().await else { panic!("an event") };
        let Some(Told::End(end)) = receive.recv().await else { panic!("the end") };
        assert_eq!(end, Ending { reason: AGAIN, last: event.sequence });
    }

    /// What fits the queue is kept for a reader that takes nothing, and no more.
    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_told_so_and_where_to_go_on() {
        let host = host_with(STREAM_EVENTS_MAX + 10).await;
        let following = host.follow(Some(0), EventFilter::default()).await.unwrap();
        let (send, mut receive) = mpsc::channel(STREAM_EVENTS_MAX + 1);
        tell(following, Drain::default(), send, patience(20, 60_000)).await;
        let mut last = 0;
        for _ in 0..STREAM_EVENTS_MAX {
            let Some(Told::Event(event)) = receive.recv().await else { panic!("an event") };
            last = event.sequence;
        }
        let Some(Told::End(end)) = receive.recv().await else { panic!("the end") };
        assert_eq!(end, Ending { reason: SLOW_READER, last });
        assert!(receive.recv().await.is_none());
        // From there on nothing is lost.
        let rest = host.follow(Some(last), EventFilter::default()).await.unwrap().next().await.unwrap();
        assert_eq!(rest[0].sequence, last + 1);
    }

    #[tokio::test]
    async fn a_stop_ends_a_stream_at_once() {
        let host = host_with(0).await;
        let following = host.follow(None, EventFilter::default()).await.unwrap();
        let (send, mut receive) = mpsc::channel(STREAM_EVENTS_MAX + 1);
        let (drained, drain) = Drain::new();
        let told = tokio::spawn(tell(following, drain, send, patience(60_000, 60_000)));
        drained.send_replace(true);
        told.await.unwrap();
        let Some(Told::End(end)) = receive.recv().await else { panic!("the end") };
        assert_eq!(end, Ending { reason: STOPPING, last: 0 });
    }
}
