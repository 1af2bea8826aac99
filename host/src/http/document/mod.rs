//! The OpenAPI 3.1 document of the routes, made from what they are: the table of routes, the types of their handlers, the
//! keys that bodies and queries are read by, and the types of the answers. Nothing in it is written twice.
//!
//! Schemas of answers are `schemars`'; the frame around them is JSON. The document is committed as `host/openapi.json`, and
//! a test compares.

mod draft;
mod failures;
mod table;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::access::{Access, Ruling, ruling};
use super::credentials::{CLIENT_SECRET_HEADER, PUBLISHABLE_KEY_HEADER};
use super::routes;
use super::wire::ErrorAnswer;
use failures::FAILURES;
use table::Listed;

pub(super) use draft::{Answered, Argument, Draft};
pub(super) use failures::{CODES, kinds, knows};
pub(super) use table::{Routes, delete, get, post};

/// What may happen to every request that waits for a place: none is free, the store is away, we are broken.
const AT_THE_GATE: &[u16] = &[500, 503];

/// What may happen where a provider is asked.
const AT_A_PROVIDER: &[u16] = &[409, 422, 502, 504];

/// What every request but a gateway's may be answered.
const NOT_LOCAL: u16 = 421;

/// What every request but those for health may be answered.
const TOO_MANY: u16 = 429;

const ABOUT: &str = "\
A payment host. Amounts are decimal numbers of major units, exact in both directions: read them as decimals, not as floats.\n\
\n\
Bodies are strict: a key that is not listed, a key twice, or `null` is refused with 400, and the error names it. Every error has \
a `type` for what to do, and a `code` for what happened. A method that a path does not take is answered 405 with `Allow`.\n\
\n\
Send an `Idempotency-Key` with everything that changes something, and send it again with every retry.\n\
\n\
Parameters of a list are conditions, and all of them hold. A condition takes a value, several with commas or as a list \
(`id[]=a&id[]=b`), or an operator in brackets: `$eq $ne $in $nin $gt $gte $lt $lte $like $ilike`. \
`$or[0][id]=…&$or[1][captured]=true` joins conditions, and so does `$and`. `fields=id,amount` asks for that and nothing more; \
`+metadata` adds to what is shown anyway, `-captures` takes away, `*payment_session` adds a part.";

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).expect("it is JSON");
    text.push('\n');
    text
});

/// The OpenAPI 3.1 document of all routes: what `/openapi.json` answers.
#[must_use]
pub fn openapi() -> &'static str {
    &TEXT
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    });
    let mut schemas = settings.into_generator();
    schemas.subschema_for::<ErrorAnswer>();
    let (mut paths, mut tags) = (Map::new(), BTreeSet::new());
    for area in routes::all() {
        for listed in area.listed() {
            let operation = operation(listed, &mut schemas);
            tags.insert(tag(listed.path));
            let path = paths.entry(listed.path).or_insert_with(|| json!({}));
            path[listed.line.method] = operation;
        }
    }
    let responses: Map<String, Value> =
        FAILURES.iter().map(|failure| (failure.name.to_owned(), failure.response())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tillbox",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": responses,
            "securitySchemes": security_schemes(),
        },
    })
}

fn operation(listed: &Listed, schemas: &mut SchemaGenerator) -> Value {
    let Listed { path, line } = listed;
    let mut draft = Draft::new(path, schemas);
    (line.describe)(&mut draft);
    if line.asks {
        draft.fails(AT_A_PROVIDER);
    }
    if !is_ungated(path) {
        draft.fails(AT_THE_GATE);
    }
    if !path.starts_with("/hooks/") {
        draft.fails(&[NOT_LOCAL]);
    }
    if !path.starts_with("/health/") {
        draft.fails(&[TOO_MANY]);
    }
    let security = security(listed);
    match security {
        Some(Access::Server(_)) => draft.fails(&[401, 403]),
        Some(Access::Storefront) => draft.fails(&[400, 401]),
        Some(Access::OfCollection | Access::OfSession) => draft.fails(&[400, 401, 403, 404]),
        Some(Access::Anybody) | None => {}
    }
    let mut operation = draft.finish();
    let schemes = match security {
        Some(Access::Server(scope)) => {
            json!([{ "secretKeyAsBearer": [scope.as_str()] }, { "secretKeyAsBasic": [scope.as_str()] }])
        }
        Some(Access::Storefront) => json!([{ "publishableKey": [] }]),
        Some(Access::OfCollection | Access::OfSession) => json!([
            { "publishableKey": [], "clientSecret": [] },
            { "publishableKey": [], "customerToken": [] },
        ]),
        Some(Access::Anybody) | None => json!([]),
    };
    operation.insert("security".to_owned(), schemes);
    operation.insert("operationId".to_owned(), json!(operation_id(line.method, path)));
    operation.insert("summary".to_owned(), json!(line.summary));
    operation.insert("tags".to_owned(), json!([tag(path)]));
    Value::Object(operation)
}

/// What the line of `access` says; without one nobody may call the route, so there is nothing to say.
fn security(listed: &Listed) -> Option<Access> {
    let method = Method::from_bytes(listed.line.method.to_ascii_uppercase().as_bytes()).ok()?;
    match ruling(listed.path, &method) {
        Ruling::Takes(access) => Some(access),
        Ruling::WrongMethod(_) | Ruling::NotListed => None,
    }
}

/// The ways to show a key (OpenAPI 3.1 section 4.8.27).
fn security_schemes() -> Value {
    json!({
        "publishableKey": {
            "type": "apiKey",
            "in": "header",
            "name": PUBLISHABLE_KEY_HEADER,
            "description": "A publishable key: it opens `/store` and nothing else. `tillbox keys create --publishable` makes one.",
        },
        "clientSecret": {
            "type": "apiKey",
            "in": "header",
            "name": CLIENT_SECRET_HEADER,
            "description": "The `client_secret` of the payment collection: it says that the collection is the visitor's own.",
        },
        "customerToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of the merchant's for the customer whose collection it is, where the server has a key for such tokens.",
        },
        "secretKeyAsBearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A secret key with the scope that the route asks for. `tillbox keys create --secret` makes one.",
        },
        "secretKeyAsBasic": {
            "type": "http",
            "scheme": "basic",
            "description": "The same as the user name, with an empty password.",
        },
    })
}

/// Asked by machines, often, and never waiting for a place.
fn is_ungated(path: &str) -> bool {
    path.starts_with("/health/") || [PATH, "/metrics", "/admin/events/stream"].contains(&path)
}

/// The door and what it is about: `admin/payments`.
fn tag(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty()).take(2).collect::<Vec<_>>().join("/")
}

/// `post` and `/admin/payments/{id}/capture` are `postAdminPaymentsByIdCapture`.
fn operation_id(method: &str, path: &str) -> String {
    let mut name = method.to_owned();
    for word in path.split(['/', '-', '.', '_']).filter(|word| !word.is_empty()) {
        let bare = word.trim_matches(['{', '}']);
        if bare.len() < word.len() {
            name.push_str("By");
        }
        let mut letters = bare.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// Where the document is.
const PATH: &str = "/openapi.json";

/// The document as an answer.
#[derive(Debug)]
pub(super) struct Document;

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], openapi()).into_response()
    }
}

impl Answered for Document {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<Map<String, Value>>(200);
    }
}

/// The document, as it describes itself.
pub(super) async fn answer() -> Document {
    Document
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;
    use crate::Host;

    const HOW: &str = "a route stands in `host/src/http/routes/mod.rs` as `.route(path, get(handler, \"One sentence.\"))`; its \
                       arguments and its answer describe themselves (`http/document`); then renew the committed document: \
                       cargo run -- openapi > host/openapi.json";

    #[test]
    fn the_committed_document_is_this_one() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        let differs = committed.lines().zip(openapi().lines()).position(|(was, is)| was != is);
        let line = differs.unwrap_or_else(|| committed.lines().count().min(openapi().lines().count())) + 1;
        assert!(committed == openapi(), "host/openapi.json differs from the routes from line {line} on: {HOW}");
    }

    /// `fields` is checked against tables of its own; an answer's type says what there is.
    #[test]
    fn every_field_of_an_answer_can_be_asked_for_and_no_other() {
        let whole: Value = serde_json::from_str(openapi()).unwrap();
        let plain = |schema: &Value| -> Value {
            let mut schema = schema.clone();
            while let Some(name) = schema["$ref"].as_str() {
                schema = whole.pointer(name.trim_start_matches('#')).expect("what is referred to is there").clone();
            }
            schema
        };
        let operations = whole["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        });
        let mut compared = 0;
        for (route, operation) in operations {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let Some(fields) = parameters.clone().find(|parameter| parameter["name"] == "fields") else { continue };
            let known = fields["schema"]["items"]["enum"].as_array().expect("names are listed");
            let known: BTreeSet<&str> = known
                .iter()
                .filter_map(|name| name.as_str()?.split(['.', '*']).find(|part| !part.is_empty()))
                .collect();
            let answer = plain(&operation["responses"]["200"]["content"]["application/json"]["schema"]);
            let parts = answer["properties"].as_object().unwrap().values().map(|part| {
                let part = plain(part);
                let part = if part["type"] == "array" { plain(&part["items"]) } else { part };
                part["properties"].as_object().map(|names| names.keys().cloned().collect::<BTreeSet<String>>())
            });
            let parts: Vec<BTreeSet<String>> = parts.flatten().collect();
            let same = |part: &BTreeSet<String>| part.iter().map(String::as_str).eq(known.iter().copied());
            // An answer that only says what was deleted has none of them.
            assert!(parts.is_empty() || parts.iter().any(same), "{route}: {known:?} are known, there are {parts:?}");
            compared += usize::from(!parts.is_empty());
        }
        assert!(compared > 30, "{compared} routes were compared");
    }

    /// What people look at is no part of an interface for programs.
    const PAGES: &str = "/checkout/";

    /// The paths that axum itself has, read off its debug print, which is the only place that tells. `/` is its own: there
    /// begins what answers where nothing else does.
    fn paths_of(router: &Router) -> BTreeSet<String> {
        let print = format!("{router:?}");
        let quoted = print.split("RouteId(").filter_map(|part| part.split_once("): \"")?.1.split('"').next());
        quoted
            .filter(|path| path.len() > 1 && path.starts_with('/') && !path.contains("__private"))
            .filter(|path| !path.starts_with(PAGES))
            .map(str::to_owned)
            .collect()
    }

    #[tokio::test]
    async fn routes_and_document_are_the_same() {
        let host = Host::builder().in_memory().build().await.unwrap();
        let router = crate::http::router(host);
        let document = document();
        let documented: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
        let routed = paths_of(&router);
        assert!(routed.len() > 30, "axum prints its routes differently now: {routed:?}");
        let undocumented: Vec<_> = routed.difference(&documented).collect();
        let invented: Vec<_> = documented.difference(&routed).collect();
        assert!(undocumented.is_empty(), "not in the document: {undocumented:?}: {HOW}");
        assert!(invented.is_empty(), "in the document, and no route: {invented:?}: {HOW}");
        let service = TowerToHyperService::new(router);
        for path in &documented {
            let target: String = path.replace(['{', '}'], "");
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let request = Request::builder().method(&method).uri(&target).body(Body::empty()).unwrap();
                let status = service.call(request).await.unwrap().status();
                let listed = document["paths"][path].get(method.as_str().to_ascii_lowercase()).is_some();
                assert_eq!(status != StatusCode::METHOD_NOT_ALLOWED, listed, "{method} {path}: {status}: {HOW}");
            }
        }
    }

    #[test]
    fn what_is_documented_is_whole() {
        let document = document();
        let mut ids = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let what = format!("{method} {path}");
                assert!(
                    ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                    "{what}: an id stands twice"
                );
                assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{what}: the summary is no sentence");
                assert!(operation["responses"].get("200").is_some(), "{what}: no success");
                let changes = method != "get" && !path.starts_with("/hooks/");
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let keyed = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
                assert_eq!(keyed, changes, "{what}: the Idempotency-Key");
            }
        }
        // Every reference leads somewhere.
        let text = document.to_string();
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
    }

    #[test]
    fn names_of_operations_are_read_off_their_paths() {
        assert_eq!(operation_id("post", "/admin/payments/{id}/capture"), "postAdminPaymentsByIdCapture");
        assert_eq!(operation_id("get", "/openapi.json"), "getOpenapiJson");
    }
}
