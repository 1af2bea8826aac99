//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): read once for every route that changes
//! something, handed to the service with the name of the door, and `Idempotent-Replayed` on answers given before.
//!
//! It decides nothing: whether a key is free, in use or spent is the service's. Routes that only read ignore the header.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::document::{Argument, Draft};
use super::problem::Problem;
use super::wire::Invalid;
use crate::Host;
use crate::service::{IDEMPOTENCY_KEY_BYTES_MAX, IdempotencyKey};

/// The header, as errors name it.
const KEY: &str = "Idempotency-Key";

/// Says that the answer is that of an earlier request with the same key.
const REPLAYED: &str = "idempotent-replayed";

/// Who calls, as long as nobody proves who they are: everybody at a door is one caller, and each door another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door(&'static str);

impl Door {
    pub(super) const ADMIN: Self = Self("http:admin");
    pub(super) const STORE: Self = Self("http:store");
}

/// The host for a request that changes something: it carries the request's key, where there is one.
#[derive(Debug, Clone)]
pub(super) struct Keyed(pub(super) Host);

impl FromRequestParts<Host> for Keyed {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self(host.clone())))
    }
}

/// The header, and what comes of it.
impl Argument for Keyed {
    fn describe(draft: &mut Draft<'_>) {
        let most = IDEMPOTENCY_KEY_BYTES_MAX;
        // Visible ASCII characters, or the same between quotes (RFC 8941 section 3.3.3).
        let pattern = format!(r#"^([!#-~][!-~]{{0,{}}}|"([!#-\[\]-~]|\\["\\]){{1,{most}}}")$"#, most - 1);
        let schema = json!({ "type": "string", "pattern": pattern, "examples": ["8e03978e-40d5-43e8"] });
        let says = "A key of your own for this request. The same request with the same key is done once, and answered \
                    with the first answer.";
        draft.header(KEY, says, schema);
        let replayed = json!({
            "description": "The answer is that of an earlier request with the same key.",
            "schema": { "type": "string", "const": "true" },
        });
        draft.answer_header("Idempotent-Replayed", replayed);
        draft.fails(&[400, 409, 422, 504]);
    }
}

/// The middleware.
pub(super) async fn pass(State((host, door)): State<(Host, Door)>, mut request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let host = match read(request.headers()) {
        Ok(None) => return next.run(request).await,
        Ok(Some(key)) => match IdempotencyKey::new(door.0, key) {
            Ok(key) => host.with_key(key),
            Err(error) => return Problem::from(error).into_response(),
        },
        Err(invalid) => return Problem::from(invalid).into_response(),
    };
    request.extensions_mut().insert(Keyed(host.clone()));
    let mut response = next.run(request).await;
    if host.replayed() {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The key: a string of RFC 8941 in quotes, as the draft wants it, or the same without quotes, as most clients send it.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<String>, Invalid> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Invalid::field(KEY, "stands twice in the request"));
    }
    let unreadable = || Invalid::field(KEY, "must be visible ASCII, a string in quotes (RFC 8941) or one without");
    let text = value.to_str().map_err(|_| unreadable())?.trim();
    match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted).map(Some).ok_or_else(unreadable),
        None => Ok(Some(text.to_owned())),
    }
}

/// What stands between the quotes; nothing when it does not end, or goes on behind its end.
fn unquoted(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(key),
            '\\' => key.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[&[u8]]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value).unwrap());
        }
        read(&headers).map_err(|invalid| invalid.message)
    }

    #[test]
    fn a_key_comes_with_quotes_or_without() {
        assert_eq!(told(&[]), Ok(None));
        for text in [&b"8e03978e-40d5"[..], b"\"8e03978e-40d5\"", b"  8e03978e-40d5 "] {
            assert_eq!(told(&[text]), Ok(Some("8e03978e-40d5".to_owned())));
        }
        assert_eq!(told(&[br#""a\"b\\c""#]), Ok(Some(r#"a"b\c"#.to_owned())));
        // Empty ones are for the service to refuse.
        assert_eq!(told(&[b""]), Ok(Some(String::new())));
        assert_eq!(told(&[b"\"\""]), Ok(Some(String::new())));
    }

    #[test]
    fn what_cannot_be_read_names_the_header() {
        for values in [&[&b"\"a"[..]][..], &[b"\"a\"; b=1"], &[b"\"a\\n\""], &[b"\"a\\"], &[b"\xff"], &[b"a", b"a"]] {
            assert!(told(values).unwrap_err().starts_with("Idempotency-Key: "), "{values:?}");
        }
    }
}
