//! The second door to the network: `wasi:http/outgoing-handler`, for guests whose libraries speak it. What comes in here goes
//! the same way as what comes in by the contract's `http.send`: the same rules, limits, secrets, journal and report.
//!
//! It only translates. A guest of it has no handles, so a secret is named where it is to go: a header whose value ends with
//! `{{secret:name}}` has the secret put there by the host, to the hosts and headers that the operator bound it to.
//!
//! | part | file |
//! |---|---|
//! | the bindings | `bindings` |
//! | requests, bodies, answers, as a guest holds them | `types` |
//! | header fields | `fields` |
//! | what belongs to servers, and is not there | `absent` |

#[allow(unreachable_pub, reason = "the generated bindings name its types again")]
mod absent;
mod bindings;
#[allow(unreachable_pub, reason = "the generated bindings name its types again")]
mod fields;
#[allow(unreachable_pub, reason = "the generated bindings name its types again")]
mod types;

use std::sync::Arc;

use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
use tokio::sync::oneshot;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::runtime::spawn;

use self::bindings::wasi::http::types::ErrorCode;
use self::bindings::wasi::http::{outgoing_handler, types as wit};
use self::types::{FutureResponse, OutgoingRequest, RequestOptions, Written};
use crate::egress::{Asked, ExchangeReport, RECEIVED_BODY_BYTES_MAX, Received, Refusal, SENT_BODY_BYTES_MAX};
use crate::fault::Fault;
use crate::guest::{GuestState, Raised};
use crate::held::{Bound, Held, NotOpened};
use crate::network::EXCHANGES_MAX;
use crate::pipe::Pipe;
use crate::secrets::{NoSecret, SECRETS_OPEN_MAX};

/// Where a secret's name begins and ends in a header.
const PLACE: (&str, &str) = ("{{secret:", "}}");

/// Links the door.
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    outgoing_handler::add_to_linker::<GuestState, HasSelf<GuestState>>(linker, |state| state)?;
    wit::add_to_linker::<GuestState, HasSelf<GuestState>>(linker, |state| state)
}

/// What an exchange of this door ends with: an answer, an error, or the end of the call.
type Answer = Result<Result<Received, Refusal>, Fault>;

impl outgoing_handler::Host for GuestState {
    /// Begins an exchange. It goes on beside the guest, which has yet to write the body, and is over with the call at the latest.
    fn handle(
        &mut self,
        request: Resource<OutgoingRequest>,
        options: Option<Resource<RequestOptions>>,
    ) -> wasmtime::Result<Result<Resource<FutureResponse>, ErrorCode>> {
        self.host_call("wasi:http/outgoing-handler.handle")?;
        if let Some(options) = options {
            self.handles().delete(options)?;
        }
        let request = self.handles().delete(request)?;
        // Counted when it is asked, since each of them waits in memory.
        self.handled += 1;
        if self.handled > EXCHANGES_MAX {
            let rule = format!("more than {EXCHANGES_MAX} exchanges in one call");
            return Err(Raised(Fault::contract("wasi:http/outgoing-handler.handle", rule)).into());
        }
        let (pipe, held) = (Arc::clone(&self.pipe), self.held.clone());
        // In the order in which they were handed over: the journal counts on it, whatever threads they run on.
        let (ended, last) = oneshot::channel();
        let before = self.last_ended.replace(last);
        let future = FutureResponse::begun(spawn(async move {
            if let Some(before) = before {
                // One that was given up has ended, too.
                drop(before.await);
            }
            let answer = perform(&pipe, &held, request).await;
            drop(ended);
            answer
        }));
        Ok(Ok(self.handles().push(future)?))
    }
}

async fn perform(pipe: &Pipe, held: &Held, request: OutgoingRequest) -> Answer {
    let OutgoingRequest { method, scheme, authority, path, headers, body } = request;
    let scheme = scheme.as_deref().unwrap_or("https");
    let authority = authority.unwrap_or_default();
    let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
    let url = format!("{scheme}://{authority}{path}");
    let asked = match whole(body).await {
        // Else the one would run into the other, and make another URL of it.
        Ok(_) if authority.contains(['/', '?', '#', '\\']) || !path.starts_with('/') => {
            Err(Refusal::Invalid("an authority has no path in it, and a path begins with `/`".to_owned()))
        }
        Ok(body) => asked(held, &method, &url, headers.list(), body),
        Err(rule) => Err(Refusal::Invalid(rule)),
    };
    match asked {
        Ok(asked) => pipe.exchange(asked).await,
        Err(refusal) => {
            pipe.room()?;
            pipe.turned_away(ExchangeReport::turned_away(&method, &url, &refusal, &held.redactor()));
            Ok(Err(refusal))
        }
    }
}

/// The body, once the guest has written all of it: what is sent has a length, and a journal.
async fn whole(body: Option<Written>) -> Result<Vec<u8>, String> {
    let Some(body) = body else {
        return Ok(Vec::new());
    };
    let bytes = body.await.map_err(|_| "the body was not finished".to_owned())??;
    if bytes.len() > SENT_BODY_BYTES_MAX {
        return Err(format!("the body has more than {SENT_BODY_BYTES_MAX} bytes"));
    }
    Ok(bytes.to_vec())
}

/// The same as of the other door, by the same rules.
fn asked(held: &Held, method: &str, url: &str, headers: &[(String, Vec<u8>)], body: Vec<u8>) -> Result<Asked, Refusal> {
    let mut fields: Vec<(String, Vec<u8>, bool)> = Vec::new();
    let mut bound = Vec::new();
    let mut parts: Vec<&[u8]> = vec![url.as_bytes()];
    for (name, value) in headers {
        parts.push(name.as_bytes());
        if name == CONTENT_LENGTH.as_str() && value != body.len().to_string().as_bytes() {
            let rule = format!("the header `content-length` is not the length of the body, {} bytes", body.len());
            return Err(Refusal::Invalid(rule));
        }
        // What the host counts, chooses and makes itself: libraries set these by habit.
        if [CONTENT_LENGTH.as_str(), ACCEPT_ENCODING.as_str(), "idempotency-key"].contains(&name.as_str()) {
            parts.push(value);
            continue;
        }
        match place(value).map_err(|rule| Refusal::Invalid(format!("header `{name}`: {rule}")))? {
            None => {
                parts.push(value);
                fields.push((name.clone(), value.clone(), false));
            }
            Some((prefix, secret)) => {
                let opened = held.used(secret).map_err(|why| not_opened(secret, why))?;
                parts.push(prefix);
                fields.push((name.clone(), [prefix, &opened.value].concat(), true));
                bound.push(Bound { header: name.clone(), secret: opened });
            }
        }
    }
    let body = Some(body).filter(|body| !body.is_empty());
    let asked = Asked::new(method, url, &fields, body).map_err(Refusal::Invalid)?;
    held.let_pass(asked, &parts, &bound)
}

/// What stands before the place of a secret, and the secret's name; nothing for a plain value.
fn place(value: &[u8]) -> Result<Option<(&[u8], &str)>, String> {
    let (begins, ends) = PLACE;
    let Some(at) = memchr::memmem::find(value, begins.as_bytes()) else {
        return Ok(None);
    };
    let name = value[at + begins.len()..].strip_suffix(ends.as_bytes()).and_then(|name| std::str::from_utf8(name).ok());
    match name {
        Some(name) if !name.contains(['{', '}']) => Ok(Some((&value[..at], name))),
        Some(_) | None => Err(format!("a secret stands at the end of a value, as `{begins}name{ends}`")),
    }
}

fn not_opened(name: &str, why: NotOpened) -> Refusal {
    let name = crate::text::clean(name, crate::limits::NAME_BYTES_MAX);
    match why {
        NotOpened::No(NoSecret::NotGranted) => Refusal::Secret(format!("secrets = [\"{name}\"]")),
        NotOpened::No(NoSecret::Missing) => Refusal::Invalid(format!("the secret `{name}` has no value")),
        NotOpened::TooMany => Refusal::Invalid(format!("more than {SECRETS_OPEN_MAX} secrets in one call")),
    }
}

/// What of `wasi:http`'s errors a guest can act upon: after all but the last two, nothing was sent.
fn error(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::Denied(_) | Refusal::Secret(_) => ErrorCode::HttpRequestDenied,
        Refusal::Astray(_) => ErrorCode::DestinationIpProhibited,
        Refusal::Invalid(rule) => ErrorCode::InternalError(Some(format!("invalid: {rule}"))),
        Refusal::NotConnected(_) => ErrorCode::ConnectionRefused,
        Refusal::Lost(_) => ErrorCode::ConnectionTerminated,
        Refusal::TooLarge(_) => ErrorCode::HttpResponseBodySize(Some(RECEIVED_BODY_BYTES_MAX as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_place_in_a_header() {
        assert_eq!(place(b"text/plain"), Ok(None));
        assert_eq!(place(b"{{secret:api_key}}"), Ok(Some((&b""[..], "api_key"))));
        assert_eq!(place(b"Bearer {{secret:api_key}}"), Ok(Some((&b"Bearer "[..], "api_key"))));
        for value in ["{{secret:a}} x", "{{secret:a", "{{secret:a}}{{secret:b}}", "{{secret:{{secret:a}}}}"] {
            assert!(place(value.as_bytes()).is_err(), "{value}");
        }
    }
}
