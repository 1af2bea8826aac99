//! What the SDK's `register!` puts into a component: the interfaces that are named, and no other.
//!
//! It lives here because here are components that were built with the SDK. It refuses to know how a host reads them.

use tillbox_plugins::{MANUAL, STRIPE, STRIPE_MOCK};
use wasmparser::{Parser, Payload};

/// Our interfaces among the top-level imports and exports of a component, sorted, without package and version.
fn interfaces(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.expect("a well-formed component");
        if let Payload::ModuleSection { .. } | Payload::ComponentSection { .. } = payload {
            depth += 1;
        } else if let Payload::End(_) = payload {
            depth = depth.saturating_sub(1);
        } else if depth > 0 {
            continue;
        } else if let Payload::ComponentImportSection(section) = payload {
            imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_string()));
        } else if let Payload::ComponentExportSection(section) = payload {
            exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_string()));
        }
    }
    assert!(exports.iter().all(|name| name.starts_with("tillbox:provider/")), "exports more than ours: {exports:?}");
    (ours(imports), ours(exports))
}

fn ours(names: Vec<String>) -> Vec<String> {
    let plain = |name: &String| name.strip_prefix("tillbox:provider/")?.split_once('@').map(|parts| parts.0.to_owned());
    let mut names: Vec<String> = names.iter().filter_map(plain).collect();
    names.sort();
    names
}

/// The names as `interfaces` gives them.
fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}

#[test]
fn only_the_registered_interfaces_are_exported() {
    assert_eq!(interfaces(MANUAL).1, sorted(&["payments"]));
    assert_eq!(interfaces(STRIPE_MOCK).1, sorted(&["payments", "webhooks", "account-holders"]));
    let every = ["payments", "webhooks", "account-holders", "payment-methods"];
    assert_eq!(interfaces(STRIPE).1, sorted(&every));
}

#[test]
fn an_import_that_is_not_used_is_not_there() {
    for component in [MANUAL, STRIPE_MOCK] {
        // `types` holds no function. Of what needs a grant (http, secrets, reveal, crypto) there is nothing.
        assert_eq!(interfaces(component).0, sorted(&["log", "settings", "types"]));
    }
    // Not `reveal`: secrets are used and never read.
    assert_eq!(interfaces(STRIPE).0, sorted(&["crypto", "http", "log", "secrets", "settings", "types"]));
}
