//! Who may call which route: one table, and what is not in it is refused. It knows neither keys nor handlers.
//!
//! Long lists of routes live in `routes`; a test holds the two against each other, so a route without a line here cannot
//! be merged, and could not be called if it were.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;

use crate::store::Scope;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing: machines that look after this one, whoever reads the document, and gateways, whose own signatures their providers verify.
    Anybody,
    /// A publishable key.
    Storefront,
    /// A publishable key, and proof that the collection of the path is the visitor's.
    OfCollection,
    /// The same for the collection of the path's session.
    OfSession,
    /// A secret key with this scope.
    Server(Scope),
}

use Access::{Anybody, OfCollection, OfSession, Server, Storefront};
use Scope::{Administer, Operate, Read};

/// Path, method, and who.
pub(super) const TABLE: &[(&str, &str, Access)] = &[
    ("/health/live", "GET", Anybody),
    ("/health/ready", "GET", Anybody),
    ("/openapi.json", "GET", Anybody),
    ("/metrics", "GET", Server(Read)),
    ("/hooks/payment/{provider}", "POST", Anybody),
    ("/store/payment-providers", "GET", Storefront),
    ("/store/payment-collections", "POST", Storefront),
    ("/store/payment-collections/{id}", "GET", OfCollection),
    ("/store/payment-collections/{id}/payment-sessions", "POST", OfCollection),
    ("/store/payment-sessions/{id}", "GET", OfSession),
    ("/store/payment-sessions/{id}", "POST", OfSession),
    ("/store/payment-sessions/{id}", "DELETE", OfSession),
    ("/store/payment-sessions/{id}/authorize", "POST", OfSession),
    ("/store/payment-sessions/{id}/status", "GET", OfSession),
    ("/admin/payment-collections", "GET", Server(Read)),
    ("/admin/payment-collections", "POST", Server(Operate)),
    ("/admin/payment-collections/{id}", "GET", Server(Read)),
    ("/admin/payment-collections/{id}", "POST", Server(Operate)),
    ("/admin/payment-collections/{id}", "DELETE", Server(Operate)),
    ("/admin/payment-collections/{id}/complete", "POST", Server(Operate)),
    ("/admin/payment-collections/{id}/cancel", "POST", Server(Operate)),
    ("/admin/payment-collections/{id}/mark-as-paid", "POST", Server(Operate)),
    ("/admin/payment-collections/{id}/payment-sessions", "POST", Server(Operate)),
    ("/admin/payment-collections/{id}/rotate-client-secret", "POST", Server(Operate)),
    ("/admin/payment-sessions", "GET", Server(Read)),
    ("/admin/payment-sessions/{id}", "GET", Server(Read)),
    ("/admin/payment-sessions/{id}", "POST", Server(Operate)),
    ("/admin/payment-sessions/{id}", "DELETE", Server(Operate)),
    ("/admin/payment-sessions/{id}/authorize", "POST", Server(Operate)),
    ("/admin/payment-sessions/{id}/status", "GET", Server(Read)),
    ("/admin/payments", "GET", Server(Read)),
    ("/admin/payments/payment-providers", "GET", Server(Read)),
    ("/admin/payments/{id}", "GET", Server(Read)),
    ("/admin/payments/{id}", "POST", Server(Operate)),
    ("/admin/payments/{id}/capture", "POST", Server(Operate)),
    ("/admin/payments/{id}/refund", "POST", Server(Operate)),
    ("/admin/payments/{id}/cancel", "POST", Server(Operate)),
    ("/admin/payments/{id}/provider", "GET", Server(Read)),
    ("/admin/payment-providers", "GET", Server(Read)),
    ("/admin/payment-providers", "POST", Server(Administer)),
    ("/admin/provider-components", "POST", Server(Administer)),
    ("/admin/payment-providers/{id}", "GET", Server(Read)),
    ("/admin/payment-providers/{id}", "POST", Server(Administer)),
    ("/admin/payment-providers/{id}", "DELETE", Server(Administer)),
    ("/admin/payment-providers/{id}/versions", "GET", Server(Read)),
    ("/admin/payment-providers/{id}/versions/{version}", "DELETE", Server(Administer)),
    ("/admin/payment-providers/{id}/upgrade", "POST", Server(Administer)),
    ("/admin/payment-providers/{id}/approve", "POST", Server(Administer)),
    ("/admin/payment-providers/{id}/rollback", "POST", Server(Administer)),
    ("/admin/regions/{id}/payment-providers", "GET", Server(Read)),
    ("/admin/regions/{id}/payment-providers", "POST", Server(Administer)),
    ("/admin/account-holders", "GET", Server(Read)),
    ("/admin/account-holders", "POST", Server(Operate)),
    ("/admin/account-holders/{id}", "GET", Server(Read)),
    ("/admin/account-holders/{id}", "POST", Server(Operate)),
    ("/admin/account-holders/{id}", "DELETE", Server(Operate)),
    ("/admin/account-holders/{id}/payment-methods", "GET", Server(Read)),
    ("/admin/account-holders/{id}/payment-methods", "POST", Server(Operate)),
    ("/admin/account-holders/{id}/payment-methods/{method}", "DELETE", Server(Operate)),
    ("/admin/captures", "GET", Server(Read)),
    ("/admin/captures/{id}", "GET", Server(Read)),
    ("/admin/captures/{id}", "POST", Server(Operate)),
    ("/admin/refunds", "GET", Server(Read)),
    ("/admin/refunds/{id}", "GET", Server(Read)),
    ("/admin/refunds/{id}", "POST", Server(Operate)),
    ("/admin/refund-reasons", "GET", Server(Read)),
    ("/admin/refund-reasons", "POST", Server(Operate)),
    ("/admin/refund-reasons/{id}", "GET", Server(Read)),
    ("/admin/refund-reasons/{id}", "POST", Server(Operate)),
    ("/admin/refund-reasons/{id}", "DELETE", Server(Operate)),
    ("/admin/operations", "GET", Server(Read)),
    ("/admin/operations/{id}", "GET", Server(Read)),
    ("/admin/operations/{id}/recheck", "POST", Server(Operate)),
    ("/admin/operations/{id}/resolve", "POST", Server(Administer)),
    ("/admin/operations/{id}/void", "POST", Server(Administer)),
    ("/admin/events", "GET", Server(Read)),
    ("/admin/events/stream", "GET", Server(Read)),
    ("/admin/audit", "GET", Server(Administer)),
    ("/admin/webhook-endpoints", "GET", Server(Administer)),
    ("/admin/webhook-endpoints", "POST", Server(Administer)),
    ("/admin/webhook-endpoints/{id}", "GET", Server(Administer)),
    ("/admin/webhook-endpoints/{id}", "POST", Server(Administer)),
    ("/admin/webhook-endpoints/{id}", "DELETE", Server(Administer)),
    ("/admin/webhook-endpoints/{id}/rotate-secret", "POST", Server(Administer)),
    ("/admin/webhook-endpoints/{id}/deliveries", "GET", Server(Administer)),
    ("/admin/webhook-endpoints/{id}/redeliver", "POST", Server(Administer)),
];

/// The lines of a path.
type Lines = Vec<(&'static str, Access)>;

static BY_PATH: LazyLock<HashMap<&'static str, Lines>> = LazyLock::new(|| {
    let mut by_path: HashMap<&'static str, Lines> = HashMap::new();
    for (path, method, access) in TABLE {
        by_path.entry(path).or_default().push((method, *access));
    }
    by_path
});

/// What the table says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ruling {
    /// This is what it takes.
    Takes(Access),
    /// The path is known and has only these methods.
    WrongMethod(Vec<&'static str>),
    /// The path is not in the table.
    NotListed,
}

/// The ruling on a method of a route. A router that is nested in another one has a prefix before its paths.
pub(super) fn ruling(route: &str, method: &Method) -> Ruling {
    let known = BY_PATH.get(route).or_else(|| BY_PATH.iter().find(|(path, _)| route.ends_with(**path)).map(|(_, l)| l));
    let Some(lines) = known else { return Ruling::NotListed };
    // What answers GET answers HEAD (RFC 9110 section 9.3.2).
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    match lines.iter().find(|(listed, _)| *listed == method) {
        Some((_, access)) => Ruling::Takes(*access),
        None => Ruling::WrongMethod(lines.iter().map(|(listed, _)| *listed).collect()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ROUTES: &str = include_str!("routes/mod.rs");

    /// Path and method of every `.route(…)`.
    fn routes(text: &str) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for call in text.split(".route(").skip(1) {
            let (path, rest) = call.split_once('"').and_then(|(_, rest)| rest.split_once('"')).unwrap();
            let end = rest.find(".route(").unwrap_or(rest.len());
            let mut depth = 1;
            let end = rest[..end].char_indices().find(|(_, letter)| {
                depth += i32::from(*letter == '(') - i32::from(*letter == ')');
                depth == 0
            });
            let handlers = &rest[..end.expect("the call ends").0];
            for method in ["get", "post", "put", "patch", "delete"] {
                let call = format!("{method}(");
                for (start, _) in handlers.match_indices(&call) {
                    if !handlers[..start].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
                        found.insert((path.to_owned(), method.to_ascii_uppercase()));
                    }
                }
            }
        }
        found
    }

    #[test]
    fn every_route_says_who_may_call_it() {
        let table: BTreeSet<(String, String)> =
            TABLE.iter().map(|(path, method, _)| ((*path).to_owned(), (*method).to_owned())).collect();
        assert_eq!(table.len(), TABLE.len(), "a line stands twice");
        let routes = routes(ROUTES);
        let open: Vec<_> = routes.difference(&table).collect();
        assert!(open.is_empty(), "say in http/access.rs who may call {open:?}");
        let gone: Vec<_> = table.difference(&routes).collect();
        assert!(gone.is_empty(), "http/access.rs speaks of routes that are not there: {gone:?}");
    }

    #[test]
    fn a_route_without_a_line_is_found() {
        let text = ".route(\"/a\", get(a::list).post(a::forget))\n.route(\n \"/b/{id}\",\n delete(b::get),\n)";
        let want = [("/a", "GET"), ("/a", "POST"), ("/b/{id}", "DELETE")];
        assert_eq!(routes(text), want.map(|(path, method)| (path.to_owned(), method.to_owned())).into());
    }

    /// Whoever may read may not move money, and a storefront may nothing of the merchant's.
    #[test]
    fn each_door_asks_for_its_own_kind_of_key() {
        for (path, method, access) in TABLE {
            match access {
                Anybody => {
                    let open = ["/health/", "/hooks/", "/openapi.json"];
                    assert!(open.iter().any(|open| path.starts_with(open)), "{path}");
                }
                Storefront => assert!(path.starts_with("/store/") && !path.contains("{id}"), "{path}"),
                OfCollection => assert!(path.starts_with("/store/payment-collections/{id}"), "{path}"),
                OfSession => assert!(path.starts_with("/store/payment-sessions/{id}"), "{path}"),
                Server(Read) => {
                    let reads = path.starts_with("/admin/") || *path == "/metrics";
                    assert!(reads && *method == "GET", "{method} {path}");
                }
                Server(Operate | Administer) => assert!(path.starts_with("/admin/"), "{path}"),
            }
        }
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        assert_eq!(ruling("/admin/payments/{id}/capture", &Method::POST), Ruling::Takes(Server(Operate)));
        assert_eq!(ruling("/pay/admin/payments/{id}", &Method::HEAD), Ruling::Takes(Server(Read)));
        assert_eq!(ruling("/admin/payments", &Method::DELETE), Ruling::WrongMethod(vec!["GET"]));
        for route in ["/admin/new", "/", "", "/admin/payments/"] {
            assert_eq!(ruling(route, &Method::GET), Ruling::NotListed, "{route}");
        }
    }
}
