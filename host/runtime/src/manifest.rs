//! `provider.toml`: what an author says beside the component, for people and stores to read before anything runs.
//!
//! The component is the truth. The manifest is compared with it, never believed over it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::component::Package;
use crate::interfaces::{self, CONTRACT_VERSION};

/// Bytes a manifest may have; honest ones have under two thousand.
pub const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// A `provider.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Who it is.
    pub provider: ManifestProvider,
    /// What it wants.
    #[serde(default)]
    pub wants: ManifestWants,
    /// Example or default settings, as an operator would write them.
    #[serde(default)]
    pub settings: Map<String, Value>,
}

/// Who a provider is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestProvider {
    /// As in `describe`.
    pub identifier: String,
    /// As in `describe`.
    pub version: String,
    /// The contract it was built against.
    pub contract: String,
}

/// What a provider wants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManifestWants {
    /// Interfaces by short name, `log` and `settings` included or not.
    pub interfaces: Vec<String>,
    /// Host names.
    pub hosts: Vec<String>,
    /// Names of secrets.
    pub secrets: Vec<String>,
}

/// Why a manifest is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not a manifest.
    #[error("provider.toml: {0}")]
    Syntax(String),
    /// Says something else than the component.
    #[error("provider.toml says {field} is {manifest}; the component says {component}")]
    Differs {
        /// The field, with dots.
        field: &'static str,
        /// What the manifest says.
        manifest: String,
        /// What the component says.
        component: String,
    },
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError::Syntax`], naming the line, for anything unknown, missing or malformed.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::Syntax(format!("{} bytes, allowed are {MANIFEST_BYTES_MAX}", text.len())));
        }
        toml::from_str(text).map_err(|error| ManifestError::Syntax(error.to_string()))
    }

    /// Compares the manifest with what the checked component says.
    ///
    /// # Errors
    /// [`ManifestError::Differs`] naming the first difference. A manifest may want more than the component uses today,
    /// never less.
    pub fn compare(&self, package: &Package) -> Result<(), ManifestError> {
        let info = package.info();
        same("provider.identifier", &self.provider.identifier, &info.identifier)?;
        same("provider.version", &self.provider.version, &info.version)?;
        same("provider.contract", &self.provider.contract, CONTRACT_VERSION)?;
        let imported = package.report().imports.iter().filter_map(|raw| match interfaces::access(raw) {
            interfaces::Access::Grant { name } => Some(name),
            interfaces::Access::Free | interfaces::Access::Never { .. } | interfaces::Access::Unknown => None,
        });
        covers("wants.interfaces", &self.wants.interfaces, imported)?;
        covers("wants.hosts", &self.wants.hosts, info.hosts.iter().map(|wanted| wanted.host.as_str()))?;
        covers("wants.secrets", &self.wants.secrets, info.secrets.iter().map(|wanted| wanted.name.as_str()))
    }
}

fn same(field: &'static str, manifest: &str, component: &str) -> Result<(), ManifestError> {
    if manifest == component {
        return Ok(());
    }
    Err(ManifestError::Differs { field, manifest: manifest.to_owned(), component: component.to_owned() })
}

fn covers<'a>(
    field: &'static str,
    manifest: &[String],
    mut component: impl Iterator<Item = &'a str>,
) -> Result<(), ManifestError> {
    match component.find(|name| !manifest.iter().any(|listed| listed == name)) {
        None => Ok(()),
        Some(missing) => Err(ManifestError::Differs {
            field,
            manifest: format!("[{}]", manifest.join(", ")),
            component: format!("it wants `{missing}` as well"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[provider]\nidentifier = \"manual\"\nversion = \"0.1.0\"\ncontract = \"0.1.0\"\n";

    #[test]
    fn a_manifest_is_read_strictly() {
        let manifest = Manifest::parse(&format!("{GOOD}[wants]\nhosts = [\"api.example.com\"]\n[settings]\na = 1\n"));
        assert_eq!(manifest.unwrap().wants.hosts, ["api.example.com"]);
        for bad in [
            "",
            "[provider]\nidentifier = \"manual\"",
            &format!("{GOOD}colour = \"red\"\n"),
            &format!("{GOOD}[wants]\nhost = []\n"),
            &format!("{GOOD}[want]\nhosts = []\n"),
            &" ".repeat(MANIFEST_BYTES_MAX + 1),
        ] {
            assert!(matches!(Manifest::parse(bad), Err(ManifestError::Syntax(_))), "{bad}");
        }
    }
}
