//! Inside the host the doors know the service and the service knows the store, never the other way round.
//!
//! It refuses to look at modules that belong to no layer (clock, configuration and the like).

use crate::Complaint;
use crate::source::code_only;

/// Bottom up. A layer may use those before it.
const LAYERS: &[&str] = &["store", "outgoing", "service", "http", "cli"];

/// Where they lie.
const HOST: &str = "host/src/";

/// Checks one source file of the host for paths into a higher layer.
#[must_use]
pub fn check(path: &str, text: &str) -> Vec<Complaint> {
    let Some(modules) = module_path(path) else { return Vec::new() };
    let Some(own) = modules.first().and_then(|module| rank(module)) else { return Vec::new() };
    let code = code_only(text);
    let mut complaints = Vec::new();
    for (start, target) in top_modules_named(&code, modules.len()) {
        if rank(&target).is_some_and(|used| used > own) {
            let line = code[..start].lines().count().max(1);
            let message = format!(
                "{} must not use {target}: the order is {}. Move what both need down, or hand it in from above",
                LAYERS[own],
                LAYERS.join(" < "),
            );
            complaints.push(Complaint::new(path, line, message));
        }
    }
    complaints
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

fn module_path(path: &str) -> Option<Vec<&str>> {
    let mut modules: Vec<&str> = path.strip_prefix(HOST)?.strip_suffix(".rs")?.split('/').collect();
    if modules.last() == Some(&"mod") {
        modules.pop();
    }
    Some(modules)
}

/// Every top-level module that is named by `crate::…`, `crate::{…}` or enough `super::`, with where the path starts.
fn top_modules_named(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let to_root = "super::".repeat(depth);
    for prefix in ["crate::", to_root.as_str()] {
        for (start, _) in code.match_indices(prefix) {
            let before = code[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let rest = &code[start + prefix.len()..];
            found.extend(first_names(rest).into_iter().map(|name| (start, name)));
        }
    }
    found
}

/// The first name of a path, or the first names of all members of a group.
fn first_names(rest: &str) -> Vec<String> {
    let name =
        |text: &str| -> String { text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(group) = rest.trim_start().strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut member) = (Vec::new(), 0_u32, String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&std::mem::take(&mut member))),
            _ => {}
        }
        if c != ',' || depth > 0 {
            member.push(c);
        }
    }
    names.push(name(&member));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downwards_is_allowed() {
        for (path, text) in [
            ("host/src/service/intake.rs", "use crate::store::Store;\nuse super::execute;"),
            ("host/src/cli/serve.rs", "use crate::{config, http::{router, wire}, service, store};"),
            ("host/src/store/rows.rs", "// crate::http would be wrong\nlet text = \"crate::http\";"),
            ("host/src/lib.rs", "pub use crate::http::router;"),
            ("host/src/clock.rs", "use crate::time::Timestamp;"),
        ] {
            assert_eq!(check(path, text), [], "{path}: {text}");
        }
    }

    #[test]
    fn upwards_is_found_however_it_is_written() {
        for (path, text) in [
            ("host/src/store/mod.rs", "use crate::service::Service;"),
            ("host/src/store/mod.rs", "use super::http;"),
            ("host/src/service/intake.rs", "use super::super::http::wire;"),
            ("host/src/service/mod.rs", "use crate::{\n    clock,\n    store::{Store, rows},\n    http::wire,\n};"),
            ("host/src/http/mod.rs", "fn f() { crate::cli::run() }"),
        ] {
            assert_eq!(check(path, text).len(), 1, "{path}: {text}");
        }
    }
}
