//! Secrets that a guest can use and not read: where their values come from, and what each may be used for.
//!
//! A value is read anew for each call that opens it, so a rotation needs no restart; within a call it stays the same.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::NAME_BYTES_MAX;
pub use crate::redact::REDACTED_BYTES_MIN;

/// Bytes of a secret: keys have under 300, certificates' keys a few thousand.
pub const SECRET_BYTES_MAX: usize = 8 * 1024;

/// Secrets a guest holds open in one call.
pub const SECRETS_OPEN_MAX: usize = 32;

/// Where a value comes from when the grant does not say: an embedder's vault.
pub trait SecretSource: fmt::Debug + Send + Sync {
    /// The value of a provider's secret, or nothing. Asked for each call that opens it, so it must be quick.
    fn secret(&self, provider: &str, name: &str) -> Option<Vec<u8>>;
}

/// One granted secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SecretGrant {
    /// From the embedder's source, as `authorization` header to every granted host, or as HMAC key.
    Name(String),
    /// Said in full.
    Rule(SecretRule),
}

/// A grant in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRule {
    /// As the provider wants it.
    pub name: String,
    /// The environment variable that holds it.
    #[serde(default)]
    pub env: Option<String>,
    /// The file that holds it; a line end at its end is not part of it.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Only to these hosts; every granted host when empty.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Only in these headers; `authorization` when absent.
    #[serde(default = "authorization")]
    pub headers: Vec<String>,
    /// Whether it may be an HMAC key.
    #[serde(default = "yes")]
    pub hmac: bool,
    /// Whether the guest may read it. Takes the grant of the interface `reveal` as well.
    #[serde(default)]
    pub reveal: bool,
}

fn authorization() -> Vec<String> {
    vec!["authorization".to_owned()]
}

fn yes() -> bool {
    true
}

impl<'de> Deserialize<'de> for SecretGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GrantVisitor)
    }
}

/// As for hosts: a typo is named.
struct GrantVisitor;

impl<'de> Visitor<'de> for GrantVisitor {
    type Value = SecretGrant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret's name, or a table with `name`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretGrant, E> {
        Ok(SecretGrant::Name(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretGrant, A::Error> {
        SecretRule::deserialize(MapAccessDeserializer::new(map)).map(SecretGrant::Rule)
    }
}

impl From<&str> for SecretGrant {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl SecretGrant {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Rule(rule) => &rule.name,
        }
    }

    /// The same in full.
    #[must_use]
    pub fn rule(&self) -> SecretRule {
        match self {
            Self::Name(name) => SecretRule {
                name: name.clone(),
                env: None,
                file: None,
                hosts: Vec::new(),
                headers: authorization(),
                hmac: true,
                reveal: false,
            },
            Self::Rule(rule) => rule.clone(),
        }
    }

    /// The rule that the grant breaks.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let rule = self.rule();
        if rule.name.is_empty() || rule.name.len() > NAME_BYTES_MAX {
            return Err("a name has 1 to 64 bytes");
        }
        if rule.env.is_some() && rule.file.is_some() {
            return Err("it comes from `env` or from `file`, not from both");
        }
        if rule.headers.iter().any(|name| name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Err("`headers` are written in lower case");
        }
        Ok(())
    }
}

/// All granted secrets of one provider.
#[derive(Debug)]
pub(crate) struct Secrets {
    provider: String,
    rules: Vec<SecretRule>,
    source: Option<Arc<dyn SecretSource>>,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSecret {
    NotGranted,
    Missing,
}

/// A secret that a guest holds. What it is, only the host knows.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) rule: SecretRule,
    pub(crate) value: Arc<[u8]>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.rule.name)
    }
}

impl Secrets {
    pub(crate) fn new(provider: &str, grants: &[SecretGrant], source: Option<Arc<dyn SecretSource>>) -> Self {
        Self { provider: provider.to_owned(), rules: grants.iter().map(SecretGrant::rule).collect(), source }
    }

    pub(crate) fn open(&self, name: &str) -> Result<Opened, NoSecret> {
        let rule = self.rules.iter().find(|rule| rule.name == name).ok_or(NoSecret::NotGranted)?;
        let value = self.value(rule).filter(|value| !value.is_empty() && value.len() <= SECRET_BYTES_MAX);
        let value = value.ok_or(NoSecret::Missing)?;
        Ok(Opened { rule: rule.clone(), value: Arc::from(value) })
    }

    /// All that are granted and have a value now.
    pub(crate) fn all(&self) -> Vec<Opened> {
        self.rules.iter().filter_map(|rule| self.open(&rule.name).ok()).collect()
    }

    fn value(&self, rule: &SecretRule) -> Option<Vec<u8>> {
        match (&rule.env, &rule.file) {
            (Some(variable), _) => std::env::var(variable).ok().map(String::into_bytes),
            (None, Some(path)) => {
                let mut value = Vec::new();
                let file = std::fs::File::open(path).ok()?;
                file.take(SECRET_BYTES_MAX as u64 + 1).read_to_end(&mut value).ok()?;
                while value.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                    value.pop();
                }
                Some(value)
            }
            (None, None) => self.source.as_ref()?.secret(&self.provider, &rule.name),
        }
    }
}

impl Opened {
    /// Whether it may be put into this header of a request to this host.
    pub(crate) fn may_go(&self, host: &str, header: &str) -> bool {
        let SecretRule { hosts, headers, .. } = &self.rule;
        (hosts.is_empty() || hosts.iter().any(|known| known == host)) && headers.iter().any(|known| known == header)
    }

    /// Whether the guest, which may read it, may send it to this host in whatever place the gateway's protocol has for it.
    pub(crate) fn may_be_said_to(&self, host: &str) -> bool {
        let SecretRule { hosts, reveal, .. } = &self.rule;
        *reveal && (hosts.is_empty() || hosts.iter().any(|known| known == host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[derive(Debug)]
    struct Vault;

    impl SecretSource for Vault {
        fn secret(&self, provider: &str, name: &str) -> Option<Vec<u8>> {
            (provider == "acme" && name == "api_key").then(|| b"sk_live_1".to_vec())
        }
    }

    fn rule(text: &str) -> SecretGrant {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn values_come_from_where_the_grant_says_and_are_read_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "one\n").unwrap();
        let grants = [
            rule(&format!(r#"{{"name":"from_file","file":{path:?}}}"#)),
            rule(r#"{"name":"from_env","env":"TILLBOX_TEST_NO_SUCH_SECRET"}"#),
            SecretGrant::from("api_key"),
        ];
        let secrets = Secrets::new("acme", &grants, Some(Arc::new(Vault)));
        assert_eq!(&*secrets.open("from_file").unwrap().value, b"one");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(&*secrets.open("from_file").unwrap().value, b"two", "rotated without a restart");
        std::fs::write(&path, vec![b'x'; SECRET_BYTES_MAX + 1]).unwrap();
        assert_eq!(secrets.open("from_file").unwrap_err(), NoSecret::Missing);
        assert_eq!(secrets.open("from_env").unwrap_err(), NoSecret::Missing);
        assert_eq!(&*secrets.open("api_key").unwrap().value, b"sk_live_1");
        assert_eq!(secrets.open("other").unwrap_err(), NoSecret::NotGranted);
        let other = Secrets::new("other", &grants, Some(Arc::new(Vault)));
        assert_eq!(other.open("api_key").unwrap_err(), NoSecret::Missing, "a vault knows who asks");
    }

    #[test]
    fn a_secret_goes_where_it_is_bound_to() {
        let grant = rule(r#"{"name":"k","env":"PATH","hosts":["api.example.com"],"headers":["x-key"]}"#);
        let opened = Secrets::new("acme", &[grant], None).open("k").unwrap();
        assert!(opened.may_go("api.example.com", "x-key"));
        assert!(!opened.may_go("evil.example", "x-key") && !opened.may_go("api.example.com", "authorization"));
        let plain =
            Secrets::new("acme", &[SecretGrant::from("api_key")], Some(Arc::new(Vault))).open("api_key").unwrap();
        assert!(plain.may_go("any.granted.example", "authorization") && !plain.may_go("any.granted.example", "cookie"));
        assert_eq!(Redactor::new([&*plain.value]).text("key is sk_live_1!".to_owned()), "key is [redacted]!");
        assert!(!plain.may_be_said_to("any.granted.example"), "who may not read it has nothing to say of it");
        let read = rule(r#"{"name":"api_key","reveal":true,"hosts":["api.example.com"]}"#);
        let read = Secrets::new("acme", &[read], Some(Arc::new(Vault))).open("api_key").unwrap();
        assert!(read.may_be_said_to("api.example.com") && !read.may_be_said_to("evil.example"));
    }

    #[test]
    fn grants_that_make_no_sense_are_refused() {
        assert!(rule(r#"{"name":"k","env":"A","file":"b"}"#).check().is_err());
        assert!(rule(r#"{"name":"k","headers":["Authorization"]}"#).check().is_err());
        assert!(rule(r#""""#).check().is_err());
        assert!(
            serde_json::from_str::<SecretGrant>(r#"{"name":"k","evn":"A"}"#).unwrap_err().to_string().contains("evn")
        );
    }
}
