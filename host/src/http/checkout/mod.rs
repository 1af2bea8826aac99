//! `/checkout/{collection}`: the page on which a payer pays a collection. One document, one style sheet, one script, all in
//! the program.
//!
//! Nothing is decided here and nothing is read from the books: the document is the same for every collection, and its script
//! asks `/store` like any other storefront. Keys come in the fragment of the link, which browsers do not send, so no server
//! and no log sees them. The headers keep everything else out: no inline script, no other host, no frame around it.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use tillbox_core::id::CollectionId;

use super::problem::Problem;
use crate::Host;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Bytes of document, style sheet and script together: a second on a slow phone network, before compression.
pub const CHECKOUT_BYTES_MAX: usize = 60 * 1024;

/// Hexadecimal digits of a file's digest in its name: enough that two versions never share one.
const DIGEST_DIGITS: usize = 16;

/// What the page may do. Scripts and styles are our own files, requests go to this server, images are in the page, and
/// what is not named is forbidden (Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every answer here, whatever it is.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// What changes with every collection and every payment is not in the document; a bank's way back must not find an old one.
const NEVER_KEPT: &str = "no-store";

/// A file's name holds its digest, so it never changes.
const KEPT_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file of the page.
struct Asset {
    name: String,
    text: &'static str,
    kind: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, text: &'static str, kind: &'static str) -> Self {
        let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}-{}.{ending}", &digest[..DIGEST_DIGITS]), text, kind }
    }
}

static ASSETS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        Asset::new("page", "css", STYLE, "text/css; charset=utf-8"),
        Asset::new("page", "js", SCRIPT, "text/javascript; charset=utf-8"),
    ]
});

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let [style, script] = &*ASSETS;
    include_str!("page.html").replace("page.css", &style.name).replace("page.js", &script.name)
});

/// Where the page is for a collection, to be put behind the address of the server: with a publishable key for the payer's
/// browser, and the client secret of the collection. Both are in the fragment, which goes to no server.
#[must_use]
pub fn checkout_path(collection: &CollectionId, key: &str, secret: &str) -> String {
    format!("/checkout/{collection}#key={key}&secret={secret}")
}

/// The page and its files. Nobody has to show a key for them: there is nothing in them.
pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route("/checkout/{collection}", get(document))
        .route("/checkout/assets/{file}", get(asset))
        .route_layer(from_fn(protect))
}

/// A text that is no id gets the page too, which then says that the link is not complete. Banks add what they like to the
/// address they send a payer back to, so any query is taken, and ignored.
async fn document(Path(collection): Path<String>) -> Response {
    let status = if CollectionId::parse(&collection).is_ok() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    answer(status, "text/html; charset=utf-8", NEVER_KEPT, DOCUMENT.as_str())
}

/// While hosts of two versions serve one address, a document may ask the other one for its files: it gets that one's, which
/// nobody keeps.
async fn asset(Path(file): Path<String>) -> Response {
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    let same_kind = |asset: &&Asset| asset.name.ends_with(&format!(".{ending}")) && file.starts_with("page-");
    match ASSETS.iter().find(same_kind) {
        Some(asset) => {
            let keep = if asset.name == file { KEPT_FOR_EVER } else { NEVER_KEPT };
            answer(StatusCode::OK, asset.kind, keep, asset.text)
        }
        None => Problem::no_route().into_response(),
    }
}

fn answer(status: StatusCode, kind: &'static str, keep: &'static str, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], text).into_response()
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small() {
        let bytes = DOCUMENT.len() + STYLE.len() + SCRIPT.len();
        assert!(bytes <= CHECKOUT_BYTES_MAX, "{bytes} bytes: make it smaller, or say why more is worth the wait");
    }

    #[test]
    fn the_document_names_the_files_as_they_are() {
        for asset in &*ASSETS {
            assert!(DOCUMENT.contains(&format!("\"assets/{}\"", asset.name)), "{}", asset.name);
        }
        assert!(!DOCUMENT.contains("assets/page.css") && !DOCUMENT.contains("assets/page.js"));
    }

    #[test]
    fn nothing_in_the_page_needs_what_the_policy_forbids() {
        for forbidden in ["<script>", "<style", " style=", " onclick=", "://", "javascript:"] {
            assert!(!DOCUMENT.contains(forbidden), "{forbidden} in page.html");
        }
        for forbidden in ["url(", "@import", "://"] {
            assert!(!STYLE.contains(forbidden), "{forbidden} in page.css");
        }
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "://"]
        {
            assert!(!SCRIPT.contains(forbidden), "{forbidden} in page.js");
        }
    }
}
