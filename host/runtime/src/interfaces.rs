//! Which interfaces a component may name, and what each of them takes.
//!
//! Names are compared as text with their exact contract version: the engine's own matching goes by semantic version in
//! both directions, and would call a later contract's function with an earlier contract's record.

/// The version of the contract this host speaks.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// The package of the contract.
pub(crate) const CONTRACT_PACKAGE: &str = "tillbox:provider";

/// Exports of the contract, without package and version. The first is mandatory.
pub(crate) const PAYMENTS: &str = "payments";
pub(crate) const WEBHOOKS: &str = "webhooks";
pub(crate) const ACCOUNT_HOLDERS: &str = "account-holders";
pub(crate) const PAYMENT_METHODS: &str = "payment-methods";

/// The full name of one of the contract's interfaces.
pub(crate) fn full_name(interface: &str) -> String {
    format!("{CONTRACT_PACKAGE}/{interface}@{CONTRACT_VERSION}")
}

/// What an import takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing: every guest may have it.
    Free,
    /// A grant by this name.
    Grant {
        /// The name in `interfaces = […]`.
        name: &'static str,
    },
    /// Nobody gets it.
    Never {
        /// What to use instead.
        instead: &'static str,
    },
    /// No host of this contract has it.
    Unknown,
}

/// The contract's imports.
const CONTRACT_IMPORTS: &[(&str, Access)] = &[
    ("types", Access::Free),
    ("log", Access::Free),
    ("settings", Access::Free),
    ("secrets", Access::Grant { name: "secrets" }),
    ("reveal", Access::Grant { name: "reveal" }),
    ("crypto", Access::Grant { name: "crypto" }),
    ("http", Access::Grant { name: "http" }),
];

/// WASI 0.2 packages and interfaces. The free ones are virtual: an empty environment, no arguments, no files, closed
/// input, bounded output, the host's clocks and random numbers. Files are named because standard libraries link them;
/// there are none to open.
const WASI_IMPORTS: &[(&str, &[&str], Access)] = &[
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
        Access::Free,
    ),
    ("wasi:io", &["error", "poll", "streams"], Access::Free),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"], Access::Free),
    ("wasi:random", &["random", "insecure", "insecure-seed"], Access::Free),
    ("wasi:filesystem", &["types", "preopens"], Access::Free),
    ("wasi:sockets", &[], Access::Never { instead: "`http` of the contract, which the operator grants host by host" }),
    ("wasi:http", &["types", "outgoing-handler"], Access::Grant { name: "http" }),
];

/// Names an operator may write in `interfaces = […]`.
pub(crate) fn grantable() -> impl Iterator<Item = &'static str> {
    CONTRACT_IMPORTS.iter().filter_map(|(_, access)| match access {
        Access::Grant { name } => Some(*name),
        Access::Free | Access::Never { .. } | Access::Unknown => None,
    })
}

/// An interface's name in its parts: `tillbox:provider`, `payments`, `0.1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InterfaceName<'a> {
    pub(crate) package: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) version: &'a str,
}

/// Splits a raw import or export name; `None` when it does not name an interface (a plain function, for one).
pub(crate) fn split(raw: &str) -> Option<InterfaceName<'_>> {
    let (package, rest) = raw.split_once('/')?;
    let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
    package.contains(':').then_some(InterfaceName { package, interface, version })
}

/// What an import by this raw name takes. The contract's version is compared elsewhere, with a better message.
pub(crate) fn access(raw: &str) -> Access {
    let Some(name) = split(raw) else { return Access::Unknown };
    if name.package == CONTRACT_PACKAGE {
        let known = CONTRACT_IMPORTS.iter().find(|(interface, _)| *interface == name.interface);
        return known.map_or(Access::Unknown, |(_, access)| *access);
    }
    let Some((_, interfaces, access)) = WASI_IMPORTS.iter().find(|(package, ..)| *package == name.package) else {
        return Access::Unknown;
    };
    let preview_2 = name.version.starts_with("0.2.");
    match access {
        Access::Free | Access::Grant { .. } if preview_2 && interfaces.contains(&name.interface) => *access,
        Access::Free | Access::Grant { .. } | Access::Unknown => Access::Unknown,
        Access::Never { .. } => *access,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_has_its_price() {
        let never = |raw| matches!(access(raw), Access::Never { .. });
        assert_eq!(access("tillbox:provider/log@0.1.0"), Access::Free);
        assert_eq!(access("tillbox:provider/http@0.1.0"), Access::Grant { name: "http" });
        assert_eq!(access("tillbox:provider/mail@0.1.0"), Access::Unknown);
        assert_eq!(access("wasi:cli/environment@0.2.12"), Access::Free);
        assert_eq!(access("wasi:cli/environment@0.3.0"), Access::Unknown);
        assert_eq!(access("wasi:cli/run@0.2.0"), Access::Unknown);
        assert_eq!(access("wasi:keyvalue/store@0.2.0"), Access::Unknown);
        assert!(never("wasi:sockets/tcp@0.2.0"));
        assert_eq!(access("wasi:http/outgoing-handler@0.2.10"), Access::Grant { name: "http" });
        assert_eq!(access("wasi:http/incoming-handler@0.2.10"), Access::Unknown);
        assert_eq!(access("wasi:http/outgoing-handler@0.3.0"), Access::Unknown);
        assert_eq!(access("send"), Access::Unknown);
        assert_eq!(access("evil/tillbox:provider@0.1.0"), Access::Unknown);
        assert_eq!(grantable().collect::<Vec<_>>(), ["secrets", "reveal", "crypto", "http"]);
    }
}
