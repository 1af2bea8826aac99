//! What a version may do, beside what was approved before, in words an operator can judge.
//!
//! Deny by default: what is not the same needs somebody's word, also where it becomes less. Settings are no permission; they
//! are shown by name alone, since some of their values are secrets. It knows no store and no provider.

use std::collections::BTreeSet;

use tillbox_runtime::egress::rule::{HostGrant, HostRule};
use tillbox_runtime::limits::CallLimits;
use tillbox_runtime::secrets::{SecretGrant, SecretRule};
use tillbox_runtime::{Grants, Package};

/// What a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionKind {
    /// An interface of the contract.
    Interface,
    /// A host it may talk to.
    Host,
    /// A secret it may use.
    Secret,
    /// A limit of its calls.
    Limit,
}

impl PermissionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Interface, Self::Host, Self::Secret, Self::Limit];

    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Host => "host",
            Self::Secret => "secret",
            Self::Limit => "limit",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One difference to what was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionChange {
    /// What it is about.
    pub kind: PermissionKind,
    /// Whether it may do more than before.
    pub widens: bool,
    /// The difference in one sentence, without a stop.
    pub words: String,
}

/// What a version may do, in words, for people. Of settings only the names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// By short name.
    pub interfaces: Vec<String>,
    /// Each in full.
    pub hosts: Vec<String>,
    /// Each in full, without any value.
    pub secrets: Vec<String>,
    /// Names.
    pub settings: Vec<String>,
    /// Bytes of linear memory of a call.
    pub memory_bytes: u64,
    /// Calls at once.
    pub calls_max: u32,
}

impl Permissions {
    pub(super) fn of(grants: &Grants) -> Self {
        Self {
            interfaces: grants.interfaces.clone(),
            hosts: grants.hosts.iter().map(host).collect(),
            secrets: grants.secrets.iter().map(secret).collect(),
            settings: grants.settings.keys().cloned().collect(),
            memory_bytes: memory(grants),
            calls_max: grants.calls_max(),
        }
    }
}

/// Everything in which `wanted` is not `approved`; without any the same is approved. Nothing approved is nothing at all: even
/// the ordinary limits of a call are somebody's decision then, but they are those of every provider and need no word.
pub(super) fn differences(approved: Option<&Grants>, wanted: &Grants) -> Vec<PermissionChange> {
    let nothing = Grants::default();
    let approved = approved.unwrap_or(&nothing);
    let interfaces = |grants: &Grants| grants.interfaces.iter().cloned().collect::<BTreeSet<String>>();
    let hosts = |grants: &Grants| grants.hosts.iter().map(host).collect::<BTreeSet<String>>();
    let secrets = |grants: &Grants| grants.secrets.iter().map(secret).collect::<BTreeSet<String>>();
    let mut changes = Vec::new();
    compared(&mut changes, PermissionKind::Interface, &interfaces(approved), &interfaces(wanted), |name| {
        format!("the interface `{name}`, {}", meaning(name))
    });
    compared(&mut changes, PermissionKind::Host, &hosts(approved), &hosts(wanted), |host| format!("the host {host}"));
    compared(&mut changes, PermissionKind::Secret, &secrets(approved), &secrets(wanted), |secret| {
        format!("the secret {secret}")
    });
    let limits = [
        ("bytes of memory a call", memory(approved), memory(wanted)),
        ("calls at once", u64::from(approved.calls_max()), u64::from(wanted.calls_max())),
    ];
    for (what, before, after) in limits {
        if before != after {
            let words = format!("{after} {what}, before {before}");
            changes.push(PermissionChange { kind: PermissionKind::Limit, widens: after > before, words });
        }
    }
    changes
}

fn compared(
    changes: &mut Vec<PermissionChange>,
    kind: PermissionKind,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    words: impl Fn(&str) -> String,
) {
    for new in after.difference(before) {
        changes.push(PermissionChange { kind, widens: true, words: format!("gets {}", words(new)) });
    }
    for gone in before.difference(after) {
        changes.push(PermissionChange { kind, widens: false, words: format!("loses {}", words(gone)) });
    }
}

/// What a version is given where nobody says: what was approved before, without names it does not want any more, and with
/// all that it wants. Whatever is new in it shows as a difference.
pub(super) fn carried(approved: Option<&Grants>, package: &Package) -> Grants {
    let mut grants = approved.cloned().unwrap_or_default();
    let info = package.info();
    for name in &package.report().interfaces_wanted {
        if !grants.interfaces.contains(name) {
            grants.interfaces.push(name.clone());
        }
    }
    grants.interfaces.retain(|name| package.report().interfaces_wanted.contains(name));
    grants.hosts.retain(|grant| match grant {
        HostGrant::Name(name) => info.hosts.iter().any(|wanted| wanted.host == *name),
        HostGrant::Rule(_) => true,
    });
    for wanted in &info.hosts {
        if grants.hosts.iter().all(|grant| grant.host() != wanted.host) {
            grants.hosts.push(HostGrant::Name(wanted.host.clone()));
        }
    }
    grants.secrets.retain(|grant| info.secrets.iter().any(|wanted| wanted.name == grant.name()));
    for wanted in &info.secrets {
        if grants.secrets.iter().all(|grant| grant.name() != wanted.name) {
            grants.secrets.push(SecretGrant::Name(wanted.name.clone()));
        }
    }
    grants
}

fn memory(grants: &Grants) -> u64 {
    CallLimits::of(grants.profile).memory_bytes as u64
}

fn meaning(interface: &str) -> &'static str {
    match interface {
        "http" => "with which it sends requests to the hosts it is granted",
        "secrets" => "with which it uses secrets without seeing them",
        "reveal" => "with which it reads secrets that say so",
        "crypto" => "with which it computes digests and random bytes",
        _ => "which the contract describes",
    }
}

/// A host in full: `https://api.example.com:443, every method, every path`.
fn host(grant: &HostGrant) -> String {
    let HostRule { host, scheme, port, methods, paths, addresses } = grant.rule();
    let some = |list: &[String], all: &str, some: &str| match list {
        [] => all.to_owned(),
        list => format!("{some} {}", list.join(" ")),
    };
    let methods = some(&methods, "every method", "only");
    let paths = some(&paths, "every path", "only paths from");
    let port = port.unwrap_or_else(|| scheme.default_port());
    let mut words = format!("{}://{host}:{port}, {methods}, {paths}", scheme.as_str());
    if !addresses.is_empty() {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        words.push_str(&format!(", also at the special-use addresses {}", addresses.join(" ")));
    }
    words
}

/// A secret in full, as far as it may be told: where its value comes from and where it may go.
fn secret(grant: &SecretGrant) -> String {
    let SecretRule { name, env, file, hosts, headers, hmac, reveal } = grant.rule();
    let source = match (env, file) {
        (Some(variable), _) => format!("from the variable {variable}"),
        (None, Some(file)) => format!("from the file {}", file.display()),
        (None, None) => "from the host's own source".to_owned(),
    };
    let hosts = if hosts.is_empty() { "every granted host".to_owned() } else { hosts.join(" ") };
    let mut words = format!("`{name}` {source}, in the headers {} to {hosts}", headers.join(" "));
    if hmac {
        words.push_str(", as a key of signatures");
    }
    if reveal {
        words.push_str(", readable in plain text");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        serde_json::from_str(text).unwrap()
    }

    fn told(approved: &str, wanted: &str) -> Vec<(bool, String)> {
        let changes = differences(Some(&grants(approved)), &grants(wanted));
        changes.into_iter().map(|change| (change.widens, change.words)).collect()
    }

    #[test]
    fn the_same_needs_no_word_in_whatever_order() {
        let one = r#"{"interfaces":["http","secrets"],"hosts":["a.example.com","b.example.com"],"settings":{"a":1}}"#;
        let other = r#"{"interfaces":["secrets","http"],"hosts":["b.example.com","a.example.com"],"settings":{"b":2}}"#;
        assert_eq!(told(one, other), []);
        // A table that says the same as a name is the same.
        assert_eq!(told(r#"{"hosts":["a.example.com"]}"#, r#"{"hosts":[{"host":"a.example.com","port":443}]}"#), []);
        assert_eq!(differences(None, &Grants::default()), []);
    }

    #[test]
    fn every_kind_of_permission_is_told_both_ways() {
        for (more, kind, word) in [
            (r#"{"interfaces":["http"]}"#, PermissionKind::Interface, "`http`"),
            (r#"{"hosts":["api.example.com"]}"#, PermissionKind::Host, "https://api.example.com:443, every method"),
            (r#"{"secrets":["api_key"]}"#, PermissionKind::Secret, "`api_key`"),
            (r#"{"profile":"scripted"}"#, PermissionKind::Limit, "268435456 bytes of memory a call, before 67108864"),
            (r#"{"calls_max":64}"#, PermissionKind::Limit, "64 calls at once, before 32"),
        ] {
            let wider = differences(None, &grants(more));
            assert_eq!(wider.len(), 1, "{more}");
            assert_eq!((wider[0].kind, wider[0].widens), (kind, true), "{more}");
            assert!(wider[0].words.contains(word), "{}", wider[0].words);
            let narrower = differences(Some(&grants(more)), &Grants::default());
            assert_eq!((narrower.len(), narrower[0].widens), (1, false), "{more}");
        }
    }

    #[test]
    fn a_host_or_a_secret_that_is_used_otherwise_is_another_one() {
        for (before, after) in [
            (r#"{"hosts":[{"host":"a.b.c","methods":["GET"]}]}"#, r#"{"hosts":[{"host":"a.b.c"}]}"#),
            (r#"{"hosts":[{"host":"a.b.c","paths":["/v1/"]}]}"#, r#"{"hosts":[{"host":"a.b.c"}]}"#),
            (r#"{"hosts":[{"host":"a.b.c"}]}"#, r#"{"hosts":[{"host":"a.b.c","scheme":"http"}]}"#),
            (r#"{"hosts":[{"host":"a.b.c"}]}"#, r#"{"hosts":[{"host":"a.b.c","addresses":["10.0.0.0/8"]}]}"#),
            (r#"{"secrets":[{"name":"k","env":"A"}]}"#, r#"{"secrets":[{"name":"k","env":"B"}]}"#),
            (r#"{"secrets":[{"name":"k"}]}"#, r#"{"secrets":[{"name":"k","reveal":true}]}"#),
            (r#"{"secrets":[{"name":"k"}]}"#, r#"{"secrets":[{"name":"k","headers":["x-key"]}]}"#),
            (r#"{"secrets":[{"name":"k","hosts":["a.b.c"]}]}"#, r#"{"secrets":[{"name":"k"}]}"#),
            (r#"{"secrets":[{"name":"k","hmac":false}]}"#, r#"{"secrets":[{"name":"k"}]}"#),
        ] {
            assert_eq!(told(before, after).len(), 2, "{before} {after}");
        }
    }
}
