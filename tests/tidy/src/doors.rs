//! Every handler behind a POST or DELETE takes the host with the request's key, so that no route ignores `Idempotency-Key`.
//!
//! It reads the table of routes and the handlers' parameters as text. Webhooks of gateways have no keys of ours.

use crate::Complaint;

/// Where the routes are listed.
const ROUTES: &str = "host/src/http/routes/mod.rs";

/// Beside them lie their handlers.
const FOLDER: &str = "host/src/http/routes/";

/// The one that gateways call.
const WITHOUT_KEY: &[&str] = &["hooks::receive"];

/// What a handler's parameters have to hold.
const EXTRACTOR: &str = "Keyed(host): Keyed";

/// Handlers that change something, as the table of routes names them.
#[must_use]
pub fn changing(routes: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["post(", "delete("] {
        for (start, _) in routes.match_indices(word) {
            let name: String = routes[start + word.len()..].chars().take_while(|c| !matches!(c, ')' | ',')).collect();
            let name = name.trim().to_owned();
            let is_word = !routes[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if is_word && name.contains("::") {
                found.push(name);
            }
        }
    }
    found
}

/// Checks the handlers of a tree's files, given as path and text.
#[must_use]
pub fn check(files: &[(&str, &str)]) -> Vec<Complaint> {
    let text = |wanted: &str| files.iter().find(|(path, _)| *path == wanted).map(|(_, text)| *text);
    let Some(routes) = text(ROUTES) else {
        return vec![Complaint::new(ROUTES, 1, "the routes are not where they are looked for".to_owned())];
    };
    let mut complaints = Vec::new();
    for handler in changing(routes).iter().filter(|handler| !WITHOUT_KEY.contains(&handler.as_str())) {
        let (module, name) = handler.split_once("::").unwrap_or(("", handler));
        let path = format!("{FOLDER}{module}.rs");
        let code = text(&path).unwrap_or_default();
        let start = code.find(&format!("async fn {name}(")).unwrap_or(code.len());
        let parameters = code[start..].split("->").next().unwrap_or_default();
        if !parameters.contains(EXTRACTOR) {
            let line = code[..start].lines().count().max(1);
            let message = format!("{name} changes something: take `{EXTRACTOR}`, so that a repeated request is known");
            complaints.push(Complaint::new(&path, line, message));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = ".route(\"/a\", get(a::list, \"List.\").post(a::make, \"Make.\"))\n.route(\"/h\", post(hooks::receive))\n.route(\"/b\", delete(b::drop_it))";

    #[test]
    fn a_handler_without_the_key_is_found() {
        assert_eq!(changing(TABLE), ["a::make", "hooks::receive", "b::drop_it"]);
        let keyed =
            "async fn make(\n    Keyed(host): Keyed,\n) -> X {}\nasync fn list(State(host): State<Host>) -> X {}";
        let right = "async fn drop_it(Keyed(host): Keyed) -> X {}";
        let of = |a: &'static str, b: &'static str| {
            check(&[(ROUTES, TABLE), ("host/src/http/routes/a.rs", a), ("host/src/http/routes/b.rs", b)]).len()
        };
        assert_eq!(of(keyed, right), 0);
        assert_eq!(of(keyed, "async fn drop_it(State(host): State<Host>) -> X { Keyed(host): Keyed }"), 1);
        assert_eq!(of("", ""), 2);
        assert_eq!(check(&[]).len(), 1);
    }
}
