//! Which hosts a provider may talk to, as the operator wrote it: a name for the usual case, a table for everything else.
//!
//! ```toml
//! hosts = [
//!   "api.example.com",
//!   { host = "*.eu.example.com", methods = ["GET"], paths = ["/v1/"] },
//!   { host = "127.0.0.1", scheme = "http", port = 12111, addresses = ["127.0.0.1/32"] },
//! ]
//! ```

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::request::{Method, Target};
use crate::grant::host_rule;

/// Rules of one provider; a gateway has a handful of hosts.
pub const RULES_MAX: usize = 64;

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// TLS 1.2 or 1.3, the certificate checked against the granted name.
    #[default]
    Https,
    /// In the clear: for a gateway on this machine, or behind a sidecar.
    Http,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// RFC 9110 section 4.2.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// One granted host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum HostGrant {
    /// `https`, port 443, every path, public addresses: a name that the provider said it wants.
    Name(String),
    /// Said in full. It may name a host that the provider did not ask for.
    Rule(HostRule),
}

/// A grant in full. What is left out is as narrow as [`HostGrant::Name`], except that every method and path is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRule {
    /// An exact name in lower case; `*.` in front stands for one more label; or an address, exactly as the provider writes it.
    pub host: String,
    /// `https` when absent.
    #[serde(default)]
    pub scheme: Scheme,
    /// The scheme's own when absent.
    #[serde(default)]
    pub port: Option<u16>,
    /// Only these methods; all when empty.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Only paths that begin like one of these; all when empty.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Special-use ranges (private, loopback …) that this host may lead to; none when empty.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

impl<'de> Deserialize<'de> for HostGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GrantVisitor)
    }
}

/// A derived untagged reader would say "no variant matched" instead of naming the field.
struct GrantVisitor;

impl<'de> Visitor<'de> for GrantVisitor {
    type Value = HostGrant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a host name, or a table with `host`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<HostGrant, E> {
        Ok(HostGrant::Name(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HostGrant, A::Error> {
        HostRule::deserialize(MapAccessDeserializer::new(map)).map(HostGrant::Rule)
    }
}

impl From<&str> for HostGrant {
    fn from(host: &str) -> Self {
        Self::Name(host.to_owned())
    }
}

impl HostGrant {
    /// The host as it is written.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Name(host) => host,
            Self::Rule(rule) => &rule.host,
        }
    }

    /// The same in full.
    #[must_use]
    pub fn rule(&self) -> HostRule {
        match self {
            Self::Name(host) => HostRule {
                host: host.clone(),
                scheme: Scheme::Https,
                port: None,
                methods: Vec::new(),
                paths: Vec::new(),
                addresses: Vec::new(),
            },
            Self::Rule(rule) => rule.clone(),
        }
    }
}

/// Why a grant makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`hosts` names `{host}`: {rule}")]
pub struct RuleError {
    /// As written.
    pub host: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

/// All granted hosts of one provider.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    rules: Vec<HostRule>,
}

impl Policy {
    pub(crate) fn new(grants: &[HostGrant]) -> Result<Self, RuleError> {
        if grants.len() > RULES_MAX {
            return Err(RuleError {
                host: grants[RULES_MAX].host().to_owned(),
                rule: "more hosts than can be granted",
            });
        }
        let rules: Vec<HostRule> = grants.iter().map(HostGrant::rule).collect();
        for (grant, rule) in grants.iter().zip(&rules) {
            check(grant, rule).map_err(|broken| RuleError { host: rule.host.clone(), rule: broken })?;
        }
        Ok(Self { rules })
    }

    /// The rule that lets the request pass; else the line that the operator would have to add.
    pub(crate) fn allows(&self, method: Method, target: &Target) -> Result<&HostRule, String> {
        self.rules.iter().find(|rule| rule.fits(method, target)).ok_or_else(|| line(target))
    }
}

impl HostRule {
    fn fits(&self, method: Method, target: &Target) -> bool {
        self.scheme == target.scheme
            && self.port.unwrap_or(self.scheme.default_port()) == target.port
            && self.names(&target.host)
            && (self.methods.is_empty() || self.methods.iter().any(|allowed| allowed == method.as_str()))
            && (self.paths.is_empty() || self.paths.iter().any(|start| target.path().starts_with(start.as_str())))
    }

    fn names(&self, host: &str) -> bool {
        match self.host.strip_prefix("*.") {
            None => self.host == host,
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        }
    }
}

fn check(grant: &HostGrant, rule: &HostRule) -> Result<(), &'static str> {
    let literal = rule.host.parse::<IpAddr>().is_ok_and(|address| address.to_string() == rule.host);
    match (grant, rule.host.strip_prefix("*.")) {
        (HostGrant::Name(host), _) => host_rule(host)?,
        (HostGrant::Rule(_), None) if literal => {}
        (HostGrant::Rule(_), None) if rule.host == "localhost" && !rule.addresses.is_empty() => {}
        (HostGrant::Rule(_), None) => host_rule(&rule.host)?,
        // Under a public suffix alone, everybody could have a name.
        (HostGrant::Rule(_), Some(parent)) => {
            host_rule(parent).map_err(|_| "after `*.` comes a host name of at least two parts")?;
        }
    }
    if rule.port == Some(0) {
        return Err("port 0 is no port");
    }
    if rule.methods.iter().any(|method| Method::parse(method).is_none()) {
        return Err("`methods` are GET, POST, PUT, PATCH and DELETE");
    }
    if rule.paths.iter().any(|path| !path.starts_with('/') || path.contains(['?', '#', '\\', '%'])) {
        return Err("`paths` begin with `/` and hold no `?`, `#`, `%` or `\\`");
    }
    if rule.scheme == Scheme::Http && rule.addresses.is_empty() {
        return Err("`http` goes to this machine or network only: say to which `addresses` it may lead");
    }
    Ok(())
}

/// What would grant exactly this.
fn line(target: &Target) -> String {
    let Target { scheme, host, port, .. } = target;
    if *scheme == Scheme::Https && *port == 443 && host_rule(host).is_ok() {
        return format!("hosts = [\"{host}\"]");
    }
    let port = if *port == scheme.default_port() { String::new() } else { format!(", port = {port}") };
    format!("hosts = [{{ host = \"{host}\", scheme = \"{}\"{port} }}]", scheme.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Result<Policy, RuleError> {
        #[derive(Deserialize)]
        struct Lines {
            hosts: Vec<HostGrant>,
        }
        Policy::new(&toml::from_str::<Lines>(text).unwrap().hosts)
    }

    fn asks(policy: &Policy, method: &str, url: &str) -> bool {
        policy.allows(Method::parse(method).unwrap(), &Target::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn a_name_opens_itself_over_tls_and_nothing_else() {
        let policy = policy("hosts = [\"api.example.com\"]").unwrap();
        assert!(asks(&policy, "POST", "https://api.example.com/v1/x?a=1"));
        assert!(asks(&policy, "GET", "https://API.example.com:443/"));
        for other in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://x.api.example.com/",
            "https://api.example.com.evil.example/",
            "https://evil-api.example.com/",
        ] {
            assert!(!asks(&policy, "GET", other), "{other}");
        }
        let line = policy.allows(Method::Get, &Target::parse("https://evil.example/").unwrap()).unwrap_err();
        assert_eq!(line, "hosts = [\"evil.example\"]");
    }

    #[test]
    fn a_table_opens_what_it_says() {
        let policy = policy(
            "hosts = [{ host = \"*.eu.example.com\", methods = [\"GET\"], paths = [\"/v1/\"] }, \
             { host = \"127.0.0.1\", scheme = \"http\", port = 12111, addresses = [\"127.0.0.1/32\"] }]",
        )
        .unwrap();
        assert!(asks(&policy, "GET", "https://a.eu.example.com/v1/x"));
        assert!(asks(&policy, "POST", "http://127.0.0.1:12111/v1/x"));
        for (method, url) in [
            ("POST", "https://a.eu.example.com/v1/x"),
            ("GET", "https://a.eu.example.com/v2/x"),
            ("GET", "https://eu.example.com/v1/x"),
            ("GET", "https://a.b.eu.example.com/v1/x"),
            ("GET", "http://127.0.0.1:12112/"),
            ("GET", "https://127.0.0.1:12111/"),
        ] {
            assert!(!asks(&policy, method, url), "{method} {url}");
        }
    }

    #[test]
    fn what_would_open_too_much_or_means_nothing_is_refused() {
        for text in [
            "hosts = [\"*\"]",
            "hosts = [\"*.example.com\"]",
            "hosts = [\"127.0.0.1\"]",
            "hosts = [{ host = \"*.com\" }]",
            "hosts = [{ host = \"*\" }]",
            "hosts = [{ host = \"0x7f.1\" }]",
            "hosts = [{ host = \"127.1\" }]",
            "hosts = [{ host = \"localhost\" }]",
            "hosts = [{ host = \"a.example\", port = 0 }]",
            "hosts = [{ host = \"a.example\", methods = [\"get\"] }]",
            "hosts = [{ host = \"a.example\", paths = [\"v1\"] }]",
            "hosts = [{ host = \"a.example\", scheme = \"http\" }]",
        ] {
            assert!(policy(text).is_err(), "{text}");
        }
        let many: Vec<HostGrant> = (0..=RULES_MAX).map(|n| HostGrant::Name(format!("h{n}.example.com"))).collect();
        assert!(Policy::new(&many).is_err() && Policy::new(&many[1..]).is_ok());
    }

    #[test]
    fn a_typo_in_a_table_is_named() {
        let error = serde_json::from_str::<HostGrant>(r#"{"host":"a.example","adresses":[]}"#).unwrap_err();
        assert!(error.to_string().contains("adresses"), "{error}");
        assert!(serde_json::from_str::<HostGrant>("7").unwrap_err().to_string().contains("a host name, or a table"));
    }
}
