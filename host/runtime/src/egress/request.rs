//! What a guest may ask for at all: a method, an absolute URL in one spelling, headers that are not the host's, a body within
//! its size. Whatever two programs could read differently is refused, not repaired.

use std::fmt;

use bytes::Bytes;
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

use super::rule::Scheme;
use crate::limits::{HOST_NAME_BYTES_MAX, URL_BYTES_MAX};
use crate::redact::Redactor;

/// Bytes of a body that is sent: the contract's limit.
pub const SENT_BODY_BYTES_MAX: usize = 256 * 1024;

/// Header fields that are sent. Gateways ask for fewer than ten.
pub const SENT_HEADERS_MAX: usize = 64;

/// Bytes of all of them: what servers take without a word.
pub const SENT_HEADER_BYTES_MAX: usize = 16 * 1024;

/// Headers that are the host's own, or that make two readers of one connection disagree (RFC 9110 section 7.6.1, RFC 9112
/// section 11.2), or that tell a server of another method, path or host than the one that was granted. `accept-encoding` is
/// among them: what comes packed is unpacked, and counted, by the host.
const OURS: &[&str] = &[
    "accept-encoding",
    "alt-used",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// The same by how they begin.
const OURS_BEGIN: &[&str] = &["proxy-", "x-forwarded-"];

/// The methods of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// By its name, in upper case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "GET" => Some(Self::Get),
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    /// In lower case, without a port.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query, as they are sent.
    pub(crate) path_and_query: String,
}

impl Target {
    /// Reads an absolute URL.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        if url.len() > URL_BYTES_MAX {
            return Err(format!("the URL has {} bytes, allowed are {URL_BYTES_MAX}", url.len()));
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic())
            || url.contains(['\\', '#', '<', '>', '"', '{', '}', '|', '^', '`'])
        {
            return Err("the URL holds characters that have to be percent-encoded, or a fragment".to_owned());
        }
        let uri: Uri = url.parse().map_err(|error| format!("the URL cannot be read: {error}"))?;
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => return Err("the URL must begin with https://".to_owned()),
        };
        let authority = uri.authority().ok_or("the URL names no host")?;
        if authority.as_str().contains('@') {
            return Err("the URL names a user: use a secret header".to_owned());
        }
        let host = authority.host().to_ascii_lowercase();
        if !is_plain_name(&host) {
            return Err("the URL's host is not written as a plain name: letters, digits, `-`, `_` and dots".to_owned());
        }
        let has_port = authority.as_str().len() > host.len();
        let port = match authority.port_u16() {
            Some(port) if port > 0 => port,
            None if !has_port => scheme.default_port(),
            Some(_) | None => return Err("the URL's port is no port".to_owned()),
        };
        let path = uri.path();
        if !path.starts_with('/') || path.starts_with("//") || dots(path) {
            let rule = "the URL's path must begin with one `/` and have no `.` or `..` in it, however encoded";
            return Err(rule.to_owned());
        }
        if !is_well_encoded(path, true) || !uri.query().is_none_or(|query| is_well_encoded(query, false)) {
            let rule = "the URL has a `%` that encodes nothing, or a control character, `/` or `%` encoded in its path";
            return Err(rule.to_owned());
        }
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self { scheme, host, port, path_and_query: format!("{path}{query}") })
    }

    /// Without the query.
    pub(crate) fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or("/")
    }

    /// For the `host` header.
    pub(crate) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Letters, digits, hyphens and underscores with dots between: no character that a resolver, a certificate or a log reads in
/// its own way. What is not ASCII has to come as its own `xn--` name (RFC 5891), and is another name than it looks like.
fn is_plain_name(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !host.is_empty() && host.len() <= HOST_NAME_BYTES_MAX && host.bytes().all(plain)
}

/// Whether a segment means "here" or "up": a server that walks them would leave the path that was granted. Some servers cut
/// what follows a `;` off a segment before they do.
fn dots(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    let plain = plain.replace("%3b", ";");
    plain.split('/').map(|segment| segment.split(';').next().unwrap_or("")).any(|name| name == "." || name == "..")
}

/// Whether each `%` has its two digits (RFC 3986 section 2.1). In a path nothing is encoded that decides where a path leads
/// or ends: a server that decodes before it looks, or twice, would see another one than was granted.
fn is_well_encoded(text: &str, is_path: bool) -> bool {
    text.match_indices('%').all(|(at, _)| {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|byte| !is_path || !(byte.is_ascii_control() || b"/\\%".contains(&byte)))
    })
}

/// A request that passed every rule about its form.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// What must not be shown of the exchange, nor come back to the guest.
    pub(crate) secrets: Redactor,
}

/// No header value and no body: they hold secrets and cards.
impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method.as_str(), self.target.host, self.target.path())
    }
}

impl Asked {
    /// Takes a request apart. Headers come with whether their value is a secret. Its idempotency key is the host's matter.
    pub(crate) fn new(
        method: &str,
        url: &str,
        headers: &[(String, Vec<u8>, bool)],
        body: Option<Vec<u8>>,
    ) -> Result<Self, String> {
        let method = Method::parse(method).ok_or("the method must be GET, POST, PUT, PATCH or DELETE")?;
        let target = Target::parse(url)?;
        let body = body.unwrap_or_default();
        if method == Method::Get && !body.is_empty() {
            return Err("a GET has no body".to_owned());
        }
        if body.len() > SENT_BODY_BYTES_MAX {
            return Err(format!("the body has {} bytes, allowed are {SENT_BODY_BYTES_MAX}", body.len()));
        }
        let fields = plain_headers(headers)?;
        Ok(Self { method, target, headers: fields, body: Bytes::from(body), secrets: Redactor::default() })
    }
}

fn plain_headers(headers: &[(String, Vec<u8>, bool)]) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    if headers.len() > SENT_HEADERS_MAX {
        return Err(format!("{} headers, allowed are {SENT_HEADERS_MAX}", headers.len()));
    }
    let bytes: usize = headers.iter().map(|(name, value, _)| name.len() + value.len()).sum();
    if bytes > SENT_HEADER_BYTES_MAX {
        return Err(format!("headers of {bytes} bytes, allowed are {SENT_HEADER_BYTES_MAX}"));
    }
    let mut fields: Vec<(HeaderName, HeaderValue)> = Vec::with_capacity(headers.len() + 1);
    for (name, text, is_secret) in headers {
        let shown = crate::text::clean(name, 64);
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("header `{shown}`: names are written in lower case"));
        }
        if is_ours(name) {
            return Err(format!("header `{shown}` is the host's own"));
        }
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("header `{shown}`: no such name"))?;
        if fields.iter().any(|(known, _)| *known == field) {
            return Err(format!("header `{shown}` is given twice"));
        }
        let mut field_value = value(&shown, text)?;
        field_value.set_sensitive(*is_secret);
        fields.push((field, field_value));
    }
    Ok(fields)
}

/// Also when an underscore stands for the hyphen: some servers take both for the same.
fn is_ours(name: &str) -> bool {
    let name = name.replace('_', "-");
    OURS.contains(&name.as_str()) || OURS_BEGIN.iter().any(|start| name.starts_with(start))
}

/// Visible ASCII and blanks inside: no line ends, nothing that a server may read as one.
fn value(name: &str, text: &[u8]) -> Result<HeaderValue, String> {
    let visible = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let trimmed = text.first() != Some(&b' ') && text.last() != Some(&b' ');
    if !visible || !trimmed {
        return Err(format!("header `{name}`: values are visible ASCII"));
    }
    HeaderValue::from_bytes(text).map_err(|_| format!("header `{name}`: values are visible ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_meaning() {
        let target = Target::parse("https://API.example.com/v1/x%20y?a=b%0a").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path()), ("api.example.com", 443, "/v1/x%20y"));
        assert_eq!(Target::parse("https://a.example:8443/").unwrap().authority(), "a.example:8443");
        for url in [
            "",
            "/v1",
            "//a.example/",
            "ftp://a.example/",
            "a.example",
            "https:///x",
            "https://",
            "https://a.example/ x",
            "https://user@a.example/",
            "https://user:pass@a.example/",
            "https://a.example#x",
            "https://a.example\\@evil.example/",
            "https://a.example:0/",
            "https://a.example:/",
            "https://a.example:99999/",
            "https://[::1]/",
            "https://a%2eexample/",
            "https://a.example/../x",
            "https://a.example/v1/%2e%2E/x",
            "https://a.example/v1/..%2fx",
            "https://a.example/./x",
            "https://a.example//evil.example/",
            "https://a.example/v1/..;/x",
            "https://a.example/v1/%2e%2e%3bx/",
            "https://a.example/v1/%00",
            "https://a.example/v1/%0d%0ahost:%20b",
            "https://a.example/v1/x%2fy",
            "https://a.example/v1/x%5cy",
            "https://a.example/v1/%252e%252e/x",
            "https://a.example/v1/%zz",
            "https://a.example/v1/%2",
            "https://a.example/?a=%",
            "https://a.example/?a=%g0",
            "https://a,b.example/",
            "https://a$.example/",
            "https://*.example/",
            "https://a(b).example/",
            "https://a~b.example/",
            "https://\u{e4}.example/",
            "https://a.example/\u{e4}",
            "https://a.example/\r\nhost: b",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        let long = format!("https://a.example/{}", "x".repeat(URL_BYTES_MAX));
        assert!(Target::parse(&long).is_err());
    }

    #[test]
    fn headers_of_the_host_and_of_smugglers_are_refused() {
        let ask = |name: &str, value: &str| {
            Asked::new("POST", "https://a.example/", &[(name.to_owned(), value.as_bytes().to_vec(), false)], None)
        };
        assert!(ask("content-type", "application/json").is_ok());
        for name in OURS.iter().copied().chain([
            "Content-Type",
            "proxy-x",
            "x-forwarded-host",
            "transfer_encoding",
            "content_length",
            "x y",
            "",
            "x:",
            "x\r\n",
            ":authority",
        ]) {
            assert!(ask(name, "v").is_err(), "{name}");
        }
        for value in ["a\r\nx: y", "a\nb", "a\0", "\u{e4}", " a", "a "] {
            assert!(ask("x-a", value).is_err(), "{value:?}");
        }
        let twice = [("x-a".to_owned(), b"1".to_vec(), false), ("x-a".to_owned(), b"2".to_vec(), false)];
        assert!(Asked::new("GET", "https://a.example/", &twice, None).is_err());
    }

    #[test]
    fn sizes_are_kept() {
        let ask = |method: &str, body: usize| {
            Asked::new(method, "https://a.example/", &[], (body > 0).then(|| vec![b'x'; body]))
        };
        assert!(ask("POST", SENT_BODY_BYTES_MAX).is_ok());
        assert!(ask("POST", SENT_BODY_BYTES_MAX + 1).is_err());
        assert!(ask("GET", 1).is_err() && ask("HEAD", 0).is_err());
        let many: Vec<_> = (0..=SENT_HEADERS_MAX).map(|n| (format!("x-{n}"), b"v".to_vec(), false)).collect();
        assert!(Asked::new("GET", "https://a.example/", &many, None).is_err());
        let wide = [("x-a".to_owned(), vec![b'v'; SENT_HEADER_BYTES_MAX], false)];
        assert!(Asked::new("GET", "https://a.example/", &wide, None).is_err());
    }
}
