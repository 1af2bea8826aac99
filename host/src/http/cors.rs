//! Which other origins' pages a browser lets talk to the API: the CORS protocol of the Fetch standard, section 3.2.
//!
//! Nobody unless the operator says so. It is no guard: whoever calls still shows a key, and other programs than browsers do
//! not ask. The protocol itself is a library's business; here stands who is named, and that shops and operators are named apart.

use std::net::Ipv6Addr;

use axum::Router;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowOrigin, CorsLayer};

use super::problem::Problem;

/// Origins of one door: a shop with a page per country and a few for tests. All are compared with at each request.
pub const ORIGINS_MAX: usize = 64;

/// Seconds a browser keeps what it was told: the longest that Chromium keeps it.
const KEPT_SECONDS: u64 = 7_200;

/// What a page may read of an answer beside its body.
const SHOWN: [&str; 4] = ["idempotent-replayed", "retry-after", "traceparent", "x-request-id"];

/// The pages that may call one door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// None but those of the server itself.
    #[default]
    Own,
    /// Those of these origins, as browsers write them: `https://shop.example`, `http://localhost:8000`.
    Named(Vec<String>),
    /// Any page, with nothing that the browser adds by itself (cookies, a password it was once given).
    Any,
}

/// An origin that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginsError {
    /// It is not written as browsers write it.
    #[error(
        "`{0}` is no origin: write a scheme, a host and, unless it is the usual one, a port, such as https://shop.example or http://localhost:8000"
    )]
    NoOrigin(String),
    /// `*` beside others.
    #[error("`*` stands for all origins: write it alone, or leave it out")]
    AnyAndOthers,
    /// More than [`ORIGINS_MAX`].
    #[error("{0} origins, and at most {ORIGINS_MAX} are compared with")]
    TooMany(usize),
}

impl Origins {
    /// Reads origins with commas between them, or `*` for any.
    ///
    /// # Errors
    /// What is no origin, by name; `*` beside others; too many.
    pub fn parse(text: &str) -> Result<Self, OriginsError> {
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        if words == ["*"] {
            return Ok(Self::Any);
        }
        if words.contains(&"*") {
            return Err(OriginsError::AnyAndOthers);
        }
        if words.len() > ORIGINS_MAX {
            return Err(OriginsError::TooMany(words.len()));
        }
        let named = words.into_iter().map(|word| origin(word).ok_or_else(|| OriginsError::NoOrigin(word.to_owned())));
        named.collect::<Result<_, _>>().map(Self::Named)
    }

    fn has(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Own => false,
            Self::Named(named) => named.iter().any(|one| one.as_bytes() == origin.as_bytes()),
            Self::Any => true,
        }
    }
}

/// The origin in the words of a browser: lower case, and without the port that the scheme has anyway. Whatever else a URL can
/// hold (a user, a path, a query) is in no origin, and would never match; neither would a pattern.
fn origin(word: &str) -> Option<String> {
    let word = word.to_ascii_lowercase();
    let (scheme, authority) = word.split_once("://")?;
    let usual = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => (&authority[..at], port(&authority[at + 1..])?),
        _ => (authority, usual),
    };
    let port = if port == usual { String::new() } else { format!(":{port}") };
    is_host(host).then(|| format!("{scheme}://{host}{port}"))
}

/// Digits alone: numbers as programs read them may have a sign.
fn port(digits: &str) -> Option<u16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A name, or an address as URLs write it.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    }
}

/// Who may call which door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cors {
    pub(super) store: Origins,
    pub(super) admin: Origins,
}

impl Cors {
    /// The routes, with answers that browsers understand. Where nobody is named they stay as they are.
    pub(super) fn around(&self, routes: Router) -> Router {
        if *self == Self::default() {
            return routes;
        }
        let (who, whose) = (self.clone(), self.clone());
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, parts| who.door(parts).has(origin)))
            // A page that was named may be asked to send what the browser holds; any page may not.
            .allow_credentials(AllowCredentials::predicate(move |_, parts| {
                matches!(whose.door(parts), Origins::Named(_))
            }))
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            // Headers that are not known are not looked at: there is nothing to keep away.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(SHOWN.map(HeaderName::from_static))
            .max_age(std::time::Duration::from_secs(KEPT_SECONDS));
        routes.layer(layer).layer(from_fn(only_preflights))
    }

    fn door(&self, parts: &Parts) -> &Origins {
        const NOBODY: &Origins = &Origins::Own;
        let path = parts.uri.path();
        if path.starts_with("/store/") {
            &self.store
        } else if path.starts_with("/admin/") {
            &self.admin
        } else {
            NOBODY
        }
    }
}

/// The library answers every OPTIONS; one that is no question of a browser is a method that no route takes.
async fn only_preflights(request: Request, next: Next) -> Response {
    let asks = request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && !asks {
        return Problem::wrong_method().into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let named = |text: &str| Origins::parse(text).unwrap();
        let of = |names: &[&str]| Origins::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(named("https://shop.example"), of(&["https://shop.example"]));
        assert_eq!(named("HTTPS://Shop.Example:443"), of(&["https://shop.example"]));
        assert_eq!(
            named("http://localhost:8000, https://[2001:db8::1]:8443"),
            of(&["http://localhost:8000", "https://[2001:db8::1]:8443"])
        );
        assert_eq!(named(" * "), Origins::Any);
    }

    #[test]
    fn what_is_no_origin_is_refused_by_name() {
        let wrong = [
            "shop.example",
            "https://shop.example/",
            "https://shop.example/path",
            "https://shop.example?x",
            "https://a:b@shop.example",
            "ftp://shop.example",
            "null",
            "",
            "https://",
            "https://*.shop.example",
            "https://shop.example:x",
            "https://shop.example:+1",
            "https://shop.example:65536",
            "https://[2001:db8::x]",
            "https://2001:db8::1",
        ];
        for word in wrong {
            assert_eq!(Origins::parse(word), Err(OriginsError::NoOrigin(word.to_owned())), "{word}");
        }
        assert_eq!(Origins::parse("https://a.example,*"), Err(OriginsError::AnyAndOthers));
        let many = vec!["https://a.example"; ORIGINS_MAX + 1].join(",");
        assert_eq!(Origins::parse(&many), Err(OriginsError::TooMany(ORIGINS_MAX + 1)));
        assert!(Origins::parse(&many[many.find(',').unwrap() + 1..]).is_ok());
    }
}
