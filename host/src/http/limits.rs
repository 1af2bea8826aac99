//! Every number that bounds the HTTP door, and why it is that number.
//!
//! What a value may be is not decided here: the service and the core have their own limits on amounts, ids and texts.

use crate::service::DEADLINE_MS_MAX;

/// Bytes of a request body: the contract's 64 KiB of provider input, as much metadata again.
pub const BODY_BYTES_MAX: usize = 128 * 1024;

/// Levels of JSON in a body, the object at the top included: the contract's own depth.
pub const BODY_DEPTH_MAX: usize = 32;

/// Milliseconds for a whole body to arrive: 128 KiB take this long at 13 kB/s.
pub const BODY_READ_MS_MAX: u64 = 10_000;

/// Bytes of a body that is too large which are still taken, so that its caller gets to read why: eight times what is
/// allowed covers honest mistakes.
pub const DISCARD_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// Milliseconds this is tried for.
pub const DISCARD_MS_MAX: u64 = 500;

/// Milliseconds for the request line and all headers to arrive, and for a kept connection to stay idle.
pub const HEADER_READ_MS_MAX: u64 = 10_000;

/// Header fields of a request. Browsers and proxies together send about thirty.
pub const HEADERS_MAX: usize = 64;

/// Bytes of request line and headers: several times what proxies let through.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Milliseconds until a request is answered at the latest: the longest provider call, and room for the look-up before it.
/// What is still under way then goes on and is recorded; only the waiting ends.
pub const REQUEST_MS_MAX: u64 = DEADLINE_MS_MAX as u64 + 20_000;

/// Milliseconds a readiness check waits for the store. A store that is slower than this is not ready.
pub const READY_MS_MAX: u64 = 2_000;

/// Requests under way at once: four times the provider calls that can run. More wait nowhere, they are told to come back.
pub const REQUESTS_MAX: usize = 256;

/// Connections open at once. More stay in the listener's queue.
pub const CONNECTIONS_MAX: usize = 1_024;

/// Connections to the address of `/metrics` alone: two scrapers and a person.
pub const METRICS_CONNECTIONS_MAX: usize = 16;

/// Seconds after which a caller is told to try again: conflicts are over in milliseconds, and this is the smallest
/// whole number (RFC 9110 section 10.2.3).
pub const RETRY_AFTER_SECONDS: u64 = 1;

/// Milliseconds to pause after a connection could not be accepted: it happens when files run out, and trying at once
/// would only burn the processor.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// Milliseconds a shutdown waits for requests under way: twice what a provider call usually may take, and less than
/// supervisors wait before they kill (Kubernetes 30 s, systemd 90 s).
pub const DRAIN_MS: u64 = 25_000;

/// Entries of a list when the caller does not say.
pub const LIST_LIMIT_DEFAULT: u32 = 20;

/// The same for reasons for refunds, as the reference has it.
pub const REASONS_LIMIT_DEFAULT: u32 = 15;

/// Names in `fields`: more than all kinds of things have together.
pub const FIELDS_MAX: usize = 100;

/// Parameters of a query: a hundred values of one filter, and as many for everything else.
pub const QUERY_PAIRS_MAX: usize = 256;

/// Brackets behind the name of a query's parameter: `$or[0][$and][0][created_at][$in][0]` has six.
pub const QUERY_DEPTH_MAX: usize = 6;

/// Places in a list of a query's parameters: more than there may be parameters.
pub const QUERY_INDEX_MAX: usize = 999;

/// Events in one answer when the caller does not say.
pub const EVENTS_LIMIT_DEFAULT: u32 = 100;

/// Characters of a path in the log: longer than any of a route.
pub const PATH_CHARS_MAX: usize = 256;

/// Characters of a caller's own text that an error repeats: enough to recognise it.
pub const ECHO_CHARS_MAX: usize = 64;

/// Milliseconds for a TLS handshake: several round trips across the world, and a slow phone.
pub const HANDSHAKE_MS_MAX: u64 = 10_000;

/// Milliseconds for a caller to take the next part of an answer.
pub const WRITE_MS_MAX: u64 = 20_000;

/// Event streams open at once: dashboards and a few programs; each asks the database about once a second.
pub const STREAMS_MAX: usize = 32;

/// Events that wait for a reader of a stream: a busy second.
pub const STREAM_EVENTS_MAX: usize = 64;

/// Milliseconds between two signs of life of a stream on which nothing happens: proxies close what is silent for a minute.
pub const STREAM_HEARTBEAT_MS: u64 = 15_000;

/// Milliseconds of a stream: then its reader connects again and shows its key again, which may have been revoked.
pub const STREAM_MS_MAX: u64 = 15 * 60 * 1_000;

/// Requests of one caller per second, as `tillbox serve` limits them: what one client of the benchmark manages with durable changes, and many times what a
/// person or a shop's server needs.
pub const RATE_PER_SECOND: u32 = 1_000;

/// Requests that a caller who was quiet may send at once: two seconds' worth.
pub const RATE_BURST: u32 = 2_000;

/// Callers whose rate is remembered, a few megabytes.
pub const CALLERS_MAX: usize = 65_536;

/// Milliseconds between two looks at whether the files of TLS have changed.
pub const TLS_LOOK_MS: u64 = 5_000;

/// What an operator may choose; the constants above are the defaults and say why. Only the rate is not limited by default:
/// whoever embeds the host knows its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of request line and headers.
    pub header_bytes: usize,
    /// Header fields of a request.
    pub headers: usize,
    /// Connections open at once.
    pub connections: usize,
    /// Requests under way at once.
    pub requests: usize,
    /// Event streams open at once.
    pub streams: usize,
    /// Requests of one caller per second; 0 takes any number.
    pub rate_per_second: u32,
    /// Requests that a caller who was quiet may send at once.
    pub rate_burst: u32,
    /// Milliseconds for a TLS handshake.
    pub handshake_ms: u64,
    /// Milliseconds for the headers of a request, and for a kept connection to stay idle.
    pub header_ms: u64,
    /// Milliseconds for a body.
    pub body_ms: u64,
    /// Milliseconds until a request is answered.
    pub request_ms: u64,
    /// Milliseconds for a caller to take the next part of an answer.
    pub write_ms: u64,
    /// Milliseconds from the wish to stop until no more connections are taken.
    pub drain_delay_ms: u64,
    /// Milliseconds a shutdown waits for requests under way.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: BODY_BYTES_MAX,
            header_bytes: HEADER_BYTES_MAX,
            headers: HEADERS_MAX,
            connections: CONNECTIONS_MAX,
            requests: REQUESTS_MAX,
            streams: STREAMS_MAX,
            rate_per_second: 0,
            rate_burst: RATE_BURST,
            handshake_ms: HANDSHAKE_MS_MAX,
            header_ms: HEADER_READ_MS_MAX,
            body_ms: BODY_READ_MS_MAX,
            request_ms: REQUEST_MS_MAX,
            write_ms: WRITE_MS_MAX,
            drain_delay_ms: 0,
            drain_ms: DRAIN_MS,
        }
    }
}
