//! What a request says about its caller, read from its headers: a publishable key, or a secret one as the user name of
//! HTTP Basic (RFC 7617) or as a bearer token (RFC 6750). It does not know whether a key is good.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};

use super::wire::Invalid;

/// Where a storefront puts its key.
pub const PUBLISHABLE_KEY_HEADER: &str = "x-publishable-api-key";

/// Where a storefront puts the client secret of a payment collection. Never in a URL: those are logged.
pub const CLIENT_SECRET_HEADER: &str = "x-client-secret";

/// Some clients leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What stands in `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorization {
    /// Nothing.
    Absent,
    /// A key or a token, from either scheme.
    Given(String),
    /// Something that is neither, and why.
    Unreadable(&'static str),
}

/// The one value of a header.
///
/// # Errors
/// Several of them, or one that is not visible ASCII.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Invalid> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Invalid::field(name, "stands twice in the request"));
    }
    let text = value.to_str().map_err(|_| Invalid::field(name, "must be visible ASCII"))?.trim();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// What `Authorization` holds. A secret key has no password beside it.
///
/// # Errors
/// As [`single`].
pub(super) fn authorization(headers: &HeaderMap) -> Result<Authorization, Invalid> {
    let Some(text) = single(headers, header::AUTHORIZATION.as_str())? else { return Ok(Authorization::Absent) };
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    Ok(match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Authorization::Given(rest.to_owned()),
        "basic" => basic(rest),
        _ => Authorization::Unreadable("the scheme must be Basic or Bearer"),
    })
}

fn basic(text: &str) -> Authorization {
    let decoded = BASE64.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((user, "")) => Authorization::Given(user.to_owned()),
        Some(_) => Authorization::Unreadable("the key is the user name, and the password stays empty"),
        None => Authorization::Unreadable("Basic takes base64 of the key and a colon"),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn told(values: &[&[u8]]) -> Result<Authorization, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        authorization(&headers).map_err(|invalid| invalid.message)
    }

    #[test]
    fn both_schemes_carry_a_key() {
        let given = |key: &str| Ok(Authorization::Given(key.to_owned()));
        assert_eq!(told(&[]), Ok(Authorization::Absent));
        assert_eq!(told(&[b""]), Ok(Authorization::Absent));
        for value in [&b"Bearer sk_1"[..], b"bearer  sk_1 ", b"Basic c2tfMTo=", b"basic c2tfMTo"] {
            assert_eq!(told(&[value]), given("sk_1"), "{value:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_to_send() {
        for value in [&b"sk_1"[..], b"Digest sk_1", b"Basic ???", b"Basic c2tfMQ==", b"Basic c2tfMTpwYXNz"] {
            assert!(matches!(told(&[value]), Ok(Authorization::Unreadable(_))), "{value:?}");
        }
        assert!(told(&[b"Bearer a", b"Bearer b"]).unwrap_err().contains("twice"));
        assert!(told(&[b"Bearer \xff"]).unwrap_err().contains("visible ASCII"));
    }
}
