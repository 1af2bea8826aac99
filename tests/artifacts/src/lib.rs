//! Every component the tests need, as bytes: the bundled providers and the guests of `tests/guests`.
//!
//! It refuses to know what a runtime is. Each constant says which behaviour the file has, and so what a host should do.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub use tillbox_plugins::{MANUAL, MANUAL_MANIFEST, STRIPE_MOCK, STRIPE_MOCK_MANIFEST};

macro_rules! guests {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)+) => {
        $($(#[$doc])* pub static $name: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".wasm"));)+

        /// Every guest by its file name, for tests that go through all of them.
        pub static GUESTS: &[(&str, &[u8])] = &[$(($file, $name),)+];
    };
}

guests! {
    /// Well behaved: every answer echoes what was asked. The neighbour whose calls go on.
    ECHO = "echo",
    /// Well behaved, with every optional interface: answers hold all that was asked. Made with the SDK.
    WHOLE = "whole",
    /// Has every optional interface and overdoes there what it is told to: `claims=65` as the query of a delivery,
    /// `methods=101` as the account holder's external id. The names stand in `tests/guests/examples/overdoes.rs`.
    OVERDOES = "overdoes",
    /// Misbehaves as the input of `initiate` says: `{"misbehave":"trap"}`, or `{"misbehave":"trap","in":"capture"}`. The
    /// names of the faults stand in `tests/guests/examples/hostile/main.rs`.
    HOSTILE = "hostile",
    /// `describe` answers another display name in each instance: refused at load.
    DESCRIBE_DIFFERS = "describe-differs",
    /// `describe` calls `log`: refused at load.
    DESCRIBE_LOGS = "describe-logs",
    /// `describe` never returns: refused at load, within the deadline of `describe`.
    DESCRIBE_LOOPS = "describe-loops",
    /// `describe` takes 32 MiB of memory, twice what it may have: refused at load.
    DESCRIBE_HOARDS = "describe-hoards",
    /// Declares webhooks and exports none: refused at load.
    DECLARES_MORE = "declares-more",
    /// Imports `wasi:filesystem`: refused at load, or shown nothing (`initiate` answers `{"root":0,"here":0}`).
    WANTS_FILES = "wants-files",
    /// Asks the host for what the input of `initiate` says: exchanges, secrets, digests. The orders stand in
    /// `tests/guests/examples/calls_out/orders.rs`.
    CALLS_OUT = "calls-out",
    /// The same by `wasi:http/outgoing-handler`, as other people's libraries send.
    CALLS_WASI = "calls-wasi",
    /// Sends what the input of `initiate` says, the same at every run. The orders stand in `tests/guests/examples/sends.rs`.
    SENDS = "sends",
    /// Imports `tillbox:provider/http`: refused at load unless granted.
    WANTS_HTTP = "wants-http",
    /// Imports `wasi:sockets`: refused at load, always.
    WANTS_SOCKETS = "wants-sockets",
    /// Exports `tillbox:provider/payments@9.9.0`: refused at load, and the versions that are known are named.
    WRONG_VERSION = "wrong-version",
    /// The teller, version 1.0.0: takes any payment, and signs each answer with its version. A capture that ends in 77 minor
    /// units is `pending` until it is asked about.
    TELLER = "teller-first",
    /// Its version 1.1.0, with the same permissions.
    TELLER_SECOND = "teller-second",
    /// Its version 0.9.0.
    TELLER_OLDER = "teller-older",
    /// Its version 1.2.0, which wants the network, a host and a secret.
    TELLER_WIDER = "teller-wider",
    /// Its version 1.3.0, which traps whatever it is asked.
    TELLER_BROKEN = "teller-broken",
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Parser, Payload, Validator, WasmFeatures};

    /// The top-level imports and exports of a component, nested ones left out.
    fn names(component: &[u8]) -> (Vec<String>, Vec<String>) {
        let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_u32);
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.unwrap();
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
        (imports, exports)
    }

    #[test]
    fn every_guest_is_a_valid_component_that_exports_payments() {
        for (file, component) in GUESTS {
            let validated = Validator::new_with_features(WasmFeatures::default()).validate_all(component);
            assert!(validated.is_ok(), "{file}: {:?}", validated.err());
            let version = if *file == "wrong-version" { "9.9.0" } else { "0.1.0" };
            let payments = format!("tillbox:provider/payments@{version}");
            let (_, exports) = names(component);
            assert!(exports.contains(&payments), "{file} exports {exports:?}");
        }
    }

    #[test]
    fn a_guest_imports_only_what_it_is_about() {
        for (file, component) in GUESTS {
            let (imports, _) = names(component);
            let has = |interface: &str| imports.iter().any(|import| import.starts_with(interface));
            let sends = matches!(*file, "wants-http" | "calls-out" | "sends" | "teller-wider");
            assert_eq!(has("tillbox:provider/http"), sends, "{file} imports {imports:?}");
            assert_eq!(has("wasi:filesystem/"), *file == "wants-files", "{file} imports {imports:?}");
            assert_eq!(has("wasi:sockets/"), *file == "wants-sockets", "{file} imports {imports:?}");
            assert_eq!(has("wasi:http/"), *file == "calls-wasi", "{file} imports {imports:?}");
            let logs = matches!(*file, "whole" | "hostile" | "describe-logs" | "calls-out" | "calls-wasi");
            assert_eq!(has("tillbox:provider/log"), logs, "{file} imports {imports:?}");
            assert_eq!(has("tillbox:provider/settings"), *file == "sends", "{file} imports {imports:?}");
        }
    }

    #[test]
    fn the_optional_interfaces_are_where_they_are_said_to_be() {
        for (file, component) in GUESTS {
            let (_, exports) = names(component);
            for interface in ["webhooks", "account-holders", "payment-methods"] {
                let exported = exports.contains(&format!("tillbox:provider/{interface}@0.1.0"));
                assert_eq!(exported, matches!(*file, "whole" | "overdoes"), "{file} exports {exports:?}");
            }
        }
    }

    #[test]
    fn the_hostile_guest_can_really_grow_its_table() {
        let mut grows = false;
        let mut maximum = Some(0);
        for payload in Parser::new(0).parse_all(HOSTILE) {
            let payload = payload.unwrap();
            if let Payload::CodeSectionEntry(body) = payload {
                let mut operators = body.get_operators_reader().unwrap();
                while !operators.eof() {
                    grows |= matches!(operators.read().unwrap(), wasmparser::Operator::TableGrow { table: 0 });
                }
            } else if let (Payload::TableSection(tables), Some(0)) = (payload, maximum) {
                maximum = tables.into_iter().next().and_then(|table| table.unwrap().ty.maximum);
            }
        }
        assert!(grows, "no table.grow in it: the linker dropped the function of tests/guests/build.rs");
        assert_eq!(maximum, None, "the table has a maximum of its own, which hides the host's limit");
    }
}
