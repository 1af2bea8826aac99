//! What an operator gives a provider. Plain data; what is not written down is not given.
//!
//! A field or a name that this host does not know is refused rather than ignored: a typo must never widen access, and
//! must never look as if it had narrowed it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::egress::rule::{HostGrant, Policy, RuleError};
use crate::info::ProviderInfo;
use crate::interfaces::{self, Access};
use crate::limits::{CALLS_PER_PROVIDER_DEFAULT, HOST_NAME_BYTES_MAX, Profile};
use crate::secrets::SecretGrant;
use crate::settings::SettingsError;

/// What one provider gets. The default is nothing beyond `log` and `settings`, which every provider has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Interfaces by short name: `http`, `secrets`, `reveal`, `crypto`.
    pub interfaces: Vec<String>,
    /// Hosts it may talk to: names, or tables that say more.
    pub hosts: Vec<HostGrant>,
    /// Secrets it may use: names, or tables that say where they come from and where they may go.
    pub secrets: Vec<SecretGrant>,
    /// Its settings, checked against the schema it declared.
    pub settings: Map<String, Value>,
    /// How much memory a call may have.
    pub profile: Profile,
    /// Calls at once; absent means [`CALLS_PER_PROVIDER_DEFAULT`].
    pub calls_max: Option<u32>,
}

/// Why a provider cannot be granted what it needs, or what the operator wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// It imports something that was not granted.
    #[error("the component imports `{interface}`, which was not granted; {remedy}")]
    NotGranted {
        /// The raw import name.
        interface: String,
        /// The line to add, or what to use instead.
        remedy: String,
    },
    /// The operator granted an interface that does not exist.
    #[error("`interfaces` names `{name}`, which is no grant; there are: {known}")]
    UnknownInterface {
        /// The name.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// The operator granted a host or a secret that the provider does not want.
    #[error("`{list}` names `{name}`, which the provider does not want; it wants: {wanted}")]
    NotWanted {
        /// `hosts` or `secrets`.
        list: &'static str,
        /// The name.
        name: String,
        /// What it wants.
        wanted: String,
    },
    /// A host name that is none: a wildcard, an address, a port.
    #[error(transparent)]
    BadHost(#[from] RuleError),
    /// A secret's grant that makes no sense.
    #[error("`secrets` names `{name}`: {rule}")]
    BadSecret {
        /// As written.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The settings do not fit the provider's schema.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A number that makes no sense.
    #[error("`{field}` must be at least 1")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// The engine could not link the component, for another reason.
    #[error("the component cannot be linked: {0}")]
    Link(String),
}

impl GrantError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotGranted { .. } => "import_not_granted",
            Self::UnknownInterface { .. } => "grant_unknown_interface",
            Self::NotWanted { .. } => "grant_not_wanted",
            Self::BadHost(_) => "grant_bad_host",
            Self::BadSecret { .. } => "grant_bad_secret",
            Self::Settings(_) => "settings_invalid",
            Self::Zero { .. } => "grant_zero",
            Self::Link(_) => "component_not_linkable",
        }
    }
}

impl Grants {
    /// Settings alone.
    #[must_use]
    pub fn with_settings(settings: Map<String, Value>) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Calls at once, as a number.
    #[must_use]
    pub fn calls_max(&self) -> u32 {
        self.calls_max.unwrap_or(CALLS_PER_PROVIDER_DEFAULT)
    }

    /// Whether what is granted makes sense for this provider.
    pub(crate) fn check(&self, info: &ProviderInfo) -> Result<(), GrantError> {
        for name in &self.interfaces {
            if !interfaces::grantable().any(|known| known == name) {
                let known = interfaces::grantable().collect::<Vec<_>>().join(", ");
                return Err(GrantError::UnknownInterface { name: name.clone(), known });
            }
        }
        Policy::new(&self.hosts)?;
        for secret in &self.secrets {
            secret.check().map_err(|rule| GrantError::BadSecret { name: secret.name().to_owned(), rule })?;
        }
        // A table may name what the provider did not ask for: a gateway of the operator's own, for one.
        let plain: Vec<&str> =
            self.hosts.iter().filter(|grant| matches!(grant, HostGrant::Name(_))).map(HostGrant::host).collect();
        let secrets: Vec<&str> = self.secrets.iter().map(SecretGrant::name).collect();
        wanted("hosts", &plain, info.hosts.iter().map(|wanted| wanted.host.as_str()))?;
        wanted("secrets", &secrets, info.secrets.iter().map(|wanted| wanted.name.as_str()))?;
        if self.calls_max == Some(0) {
            return Err(GrantError::Zero { field: "calls_max" });
        }
        Ok(())
    }

    /// Whether every import may be linked; names all that may not at once.
    pub(crate) fn check_imports(&self, imports: &[String]) -> Result<(), GrantError> {
        let (mut missing, mut names) = (Vec::new(), Vec::new());
        for raw in imports {
            match interfaces::access(raw) {
                Access::Free => {}
                Access::Grant { name } if self.interfaces.iter().any(|granted| granted == name) => {}
                Access::Grant { name } => {
                    missing.push(raw.as_str());
                    let name = format!("\"{name}\"");
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                // The check refuses both before a grant is asked for.
                Access::Never { .. } | Access::Unknown => missing.push(raw),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let remedy = format!("to grant it, add: interfaces = [{}]", names.join(", "));
        Err(GrantError::NotGranted { interface: missing.join("`, `"), remedy })
    }
}

fn wanted<'a>(
    list: &'static str,
    granted: &[&str],
    wanted: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), GrantError> {
    let Some(name) = granted.iter().find(|name| !wanted.clone().any(|wanted| wanted == **name)) else {
        return Ok(());
    };
    let wanted = wanted.collect::<Vec<_>>().join(", ");
    let wanted = if wanted.is_empty() { "none".to_owned() } else { wanted };
    Err(GrantError::NotWanted { list, name: (*name).to_owned(), wanted })
}

/// An exact, public-looking host name: lower case, dots inside, no wildcard, no address in any spelling, no port.
pub(crate) fn host_rule(host: &str) -> Result<(), &'static str> {
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or("");
    if host.contains('*') {
        Err("wildcards are not granted; name each host")
    } else if host.len() > HOST_NAME_BYTES_MAX || !host.split('.').all(label_fits) {
        Err("not an exact host name in lower case, without scheme, port or path")
    } else if !host.contains('.') {
        Err("a host name needs at least two parts")
    } else if !last.bytes().any(|byte| byte.is_ascii_lowercase()) || last.starts_with("0x") {
        Err("addresses are not granted; name the host")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::{HostWanted, SecretWanted};

    fn info() -> ProviderInfo {
        let mut info = ProviderInfo::new("test", "1.0.0");
        info.hosts = vec![HostWanted { host: "api.example.com".into(), purpose: "payments".into() }];
        info.secrets = vec![SecretWanted { name: "api_key".into(), purpose: "payments".into(), reveal: false }];
        info
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_json::from_str::<Grants>(r#"{"host":["api.example.com"]}"#).is_err());
        assert!(toml::from_str::<Grants>("interface = [\"http\"]").is_err());
        assert_eq!(toml::from_str::<Grants>("").unwrap(), Grants::default());
        assert_eq!(toml::from_str::<Grants>("profile = \"scripted\"").unwrap().profile, Profile::Scripted);
    }

    #[test]
    fn grants_must_make_sense() {
        let code = |text: &str| {
            let grants: Grants = toml::from_str(text).unwrap();
            grants.check(&info()).map_err(|error| error.code())
        };
        assert_eq!(code("interfaces = [\"http\"]\nhosts = [\"api.example.com\"]\nsecrets = [\"api_key\"]"), Ok(()));
        assert_eq!(code("interfaces = [\"htttp\"]"), Err("grant_unknown_interface"));
        assert_eq!(code("hosts = [\"evil.example.com\"]"), Err("grant_not_wanted"));
        assert_eq!(code("secrets = [\"other\"]"), Err("grant_not_wanted"));
        assert_eq!(code("calls_max = 0"), Err("grant_zero"));
        let bad =
            ["*", "*.example.com", "API.example.com", "api.example.com:443", "https://api.example.com", "localhost"];
        let addresses = ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "1.2.3.0x4", "api..example.com", "", "a.com."];
        for host in bad.into_iter().chain(addresses) {
            assert_eq!(code(&format!("hosts = [\"{host}\"]")), Err("grant_bad_host"), "{host}");
        }
    }

    #[test]
    fn imports_are_denied_by_name() {
        let check = |grants: &str, import: &str| {
            let grants: Grants = toml::from_str(grants).unwrap();
            grants.check_imports(&[import.to_owned()])
        };
        assert_eq!(check("", "tillbox:provider/log@0.1.0"), Ok(()));
        let error = check("", "tillbox:provider/http@0.1.0").unwrap_err();
        assert_eq!(error.code(), "import_not_granted");
        assert!(error.to_string().contains("interfaces = [\"http\"]"), "{error}");
        assert_eq!(check("interfaces = [\"http\"]", "tillbox:provider/http@0.1.0"), Ok(()));
        for import in ["wasi:sockets/tcp@0.2.0", "wasi:http/outgoing-handler@0.2.0", "env/x@1.0.0"] {
            assert_eq!(check("", import).unwrap_err().code(), "import_not_granted", "{import}");
        }
    }
}
