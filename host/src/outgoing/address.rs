//! Where a webhook may be sent.

use hyper::Uri;

/// Characters of a URL: what every server takes.
pub(crate) const URL_CHARS_MAX: usize = 2_048;

/// Whether webhooks may go to this URL; the text says what would be right.
pub(crate) fn check(url: &str, plain_http: bool) -> Result<(), String> {
    if url.len() > URL_CHARS_MAX {
        return Err(format!("{} characters, at most {URL_CHARS_MAX} are allowed", url.len()));
    }
    if url.contains('#') {
        return Err("a fragment (`#…`) is never sent; leave it out".to_owned());
    }
    let wrong = || "must be an absolute URL such as https://shop.example/hooks".to_owned();
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
    if authority.as_str().contains('@') {
        return Err("holds a user or a password: webhooks are signed, leave it out".to_owned());
    }
    match scheme {
        "https" => Ok(()),
        "http" if plain_http || is_loopback(authority.host()) => Ok(()),
        "http" => Err("must be https: only a loopback address may be spoken to in the clear".to_owned()),
        _ => Err(wrong()),
    }
}

/// Addresses only, and the one name that means them (RFC 6761 section 6.3).
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = bare.parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_loopback()) || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_spoken_to_in_the_clear() {
        for url in [
            "https://shop.example/hooks?a=b",
            "https://10.0.0.7:8443/",
            "http://127.0.0.1:9000/x",
            "http://[::1]:9000",
            "http://localhost/x",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        for url in [
            "",
            "/hooks",
            "shop.example",
            "ftp://shop.example/",
            "http://shop.example/hooks",
            "http://10.0.0.7/",
            "http://localhost.shop.example/",
            "https://user:word@shop.example/",
            "https://shop.example/#here",
            "https://",
            "https://shop example/",
            &format!("https://shop.example/{}", "a".repeat(URL_CHARS_MAX)),
        ] {
            let why = check(url, false).unwrap_err();
            assert!(!why.is_empty() && !why.contains("word@"), "{url}: {why}");
        }
        assert_eq!(check("http://shop.example/hooks", true), Ok(()));
    }
}
