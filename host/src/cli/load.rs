//! From what an operator names to providers in a host: bytes, the runtime's check, the grants.
//!
//! Bundled components and files go the same checked way. It refuses to know what a provider is then asked.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde_json::json;
use tillbox_runtime::limits::COMPONENT_BYTES_MAX;
use tillbox_runtime::{CheckError, GrantError, Grants, InspectReport, Package, Provider, Runtime, RuntimeConfig};

use super::failure::Failure;
use crate::HostBuilder;

/// Bytes of an installed provider's id: with prefix and identifier it stays below what an id may have.
const ID_BYTES_MAX: usize = 64;

/// The id of a provider when none is given.
pub(super) const ID_DEFAULT: &str = "default";

/// What bundled components are named by.
const BUNDLED_PREFIX: &str = "bundled:";

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A file.
    File(PathBuf),
    /// One that came with the program, by its identifier.
    Bundled(String),
}

/// A component that is to be installed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// Where it comes from.
    pub(super) source: Source,
    /// Under which id: `pp_{identifier}_{id}`.
    pub(super) id: String,
    /// What it gets.
    pub(super) grants: Grants,
}

/// A provider that is ready.
pub(super) struct Loaded {
    /// Its id within the host, without the prefix.
    pub(super) id: String,
    /// What the check found.
    pub(super) report: InspectReport,
    /// The settings it was given, as JSON; `{}` for none.
    pub(super) settings: String,
    /// The provider.
    pub(super) provider: Arc<dyn Provider>,
}

impl Source {
    /// Reads a path, or `bundled:NAME`.
    pub(super) fn parse(text: &str) -> Self {
        match text.strip_prefix(BUNDLED_PREFIX) {
            Some(name) => Self::Bundled(name.to_owned()),
            None => Self::File(PathBuf::from(text)),
        }
    }

    /// The same, with a relative path meant from a directory.
    pub(super) fn from_directory(text: &str, directory: &Path) -> Self {
        match Self::parse(text) {
            Self::File(path) => Self::File(directory.join(path)),
            bundled @ Self::Bundled(_) => bundled,
        }
    }

    /// The component.
    ///
    /// # Errors
    /// When there is no such file, or no such bundled component.
    pub(super) fn read(&self) -> Result<Cow<'static, [u8]>, Failure> {
        match self {
            Self::Bundled(name) => bundled_component(name).map(Cow::Borrowed),
            Self::File(path) => read_bounded(path).map(Cow::Owned).map_err(|error| {
                Failure::because(format!("{self} cannot be read"), &error).next(
                    "give the path of a component, or `bundled:manual`, `bundled:stripe` or `bundled:stripe-mock`",
                )
            }),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Bundled(name) => write!(f, "{BUNDLED_PREFIX}{name}"),
        }
    }
}

/// `FILE.wasm[=ID]`. An `=` within a path is part of the path.
impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.rsplit_once('=').filter(|(_, id)| !id.contains(['/', '\\', '.']));
        let (path, id) = named.unwrap_or((text, ID_DEFAULT));
        if path.is_empty() {
            return Err("no file is named".to_owned());
        }
        check_id(id)?;
        Ok(Self { source: Source::parse(path), id: id.to_owned(), grants: Grants::default() })
    }
}

/// Checks the id a provider is to have.
///
/// # Errors
/// One sentence with the rule.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(fits) {
        return Ok(());
    }
    Err(format!("an id has 1 to {ID_BYTES_MAX} ASCII letters, digits, `-` and `_`"))
}

/// The providers that come with the program, as `serve` and `demo` install them: the mock once more with automatic capture.
pub(super) fn bundled() -> Vec<Wanted> {
    let wanted = |name: &str, id: &str, settings: serde_json::Value| Wanted {
        source: Source::Bundled(name.to_owned()),
        id: id.to_owned(),
        grants: Grants::with_settings(settings.as_object().cloned().unwrap_or_default()),
    };
    if !cfg!(feature = "bundled") {
        return Vec::new();
    }
    vec![
        wanted("manual", ID_DEFAULT, json!({})),
        wanted("stripe-mock", ID_DEFAULT, json!({})),
        wanted("stripe-mock", "automatic", json!({ "capture_method": "automatic" })),
    ]
}

/// Starts the sandbox as it usually is, without a cache.
///
/// # Errors
/// As [`start_runtime`].
pub(super) fn plain_runtime() -> Result<Runtime, Failure> {
    start_runtime(RuntimeConfig::default())
}

/// Starts the sandbox.
///
/// # Errors
/// When the engine does not start, or the cache directory cannot be used.
pub(super) fn start_runtime(config: RuntimeConfig) -> Result<Runtime, Failure> {
    Runtime::new(config).map_err(|error| Failure::of(&error).next("give another directory with --cache-dir DIR"))
}

/// Checks a component.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn check(runtime: &Runtime, source: &Source) -> Result<Package, Failure> {
    let bytes = source.read()?;
    runtime.check(&bytes).await.map_err(|error: CheckError| {
        Failure::because(format!("{source} is no provider this host can load ({})", error.code()), &error)
    })
}

/// Loads everything that is wanted, in order. One component under several ids is checked once.
///
/// # Errors
/// The first one that cannot be loaded, by name.
pub(super) async fn load(runtime: &Runtime, all: Vec<Wanted>) -> Result<Vec<Loaded>, Failure> {
    let mut checked: Vec<(Source, Package)> = Vec::new();
    let mut loaded = Vec::with_capacity(all.len());
    for wanted in all {
        let known = checked.iter().find(|(source, _)| *source == wanted.source);
        let package = match known {
            Some((_, package)) => package.clone(),
            None => {
                let package = check(runtime, &wanted.source).await?;
                checked.push((wanted.source.clone(), package.clone()));
                package
            }
        };
        let settings = serde_json::Value::Object(wanted.grants.settings.clone()).to_string();
        let provider = package.grant(wanted.grants).map_err(|error: GrantError| {
            let what = format!("{} cannot be installed as `{}` ({})", wanted.source, wanted.id, error.code());
            let next =
                format!("`tillbox provider inspect {}` says what it wants; grants are part of --config", wanted.source);
            Failure::because(what, &error).next(next)
        })?;
        loaded.push(Loaded { id: wanted.id, report: package.report().clone(), settings, provider });
    }
    Ok(loaded)
}

/// Installs what was loaded.
pub(super) fn install(builder: HostBuilder, loaded: &[Loaded]) -> HostBuilder {
    loaded.iter().fold(builder, |builder, one| builder.provider(&one.id, Arc::clone(&one.provider)))
}

/// Reads a file of at most the size of a component and one byte more, so that the check can say that it is too large.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(feature = "bundled")]
fn bundled_component(name: &str) -> Result<&'static [u8], Failure> {
    let all = tillbox_plugins::all();
    let found = all.iter().find(|bundled| bundled.identifier == name);
    found.map(|bundled| bundled.component).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|bundled| format!("{BUNDLED_PREFIX}{}", bundled.identifier)).collect();
        Failure::new(format!("no component is bundled as `{name}`")).next(format!("there are {}", names.join(", ")))
    })
}

#[cfg(not(feature = "bundled"))]
fn bundled_component(name: &str) -> Result<&'static [u8], Failure> {
    let what = format!("`{BUNDLED_PREFIX}{name}` is not there: this program was built without its bundled providers");
    Err(Failure::new(what).next("build it with the feature `bundled`, or give the path of a component"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_an_id() {
        let parsed = |text: &str| text.parse::<Wanted>().map(|wanted| (wanted.source.to_string(), wanted.id));
        let pair = |source: &str, id: &str| Ok((source.to_owned(), id.to_owned()));
        assert_eq!(parsed("a.wasm"), pair("a.wasm", "default"));
        assert_eq!(parsed("a.wasm=shop-2"), pair("a.wasm", "shop-2"));
        assert_eq!(parsed("dir=1/a.wasm"), pair("dir=1/a.wasm", "default"));
        assert_eq!(parsed("dir=1/a.wasm=x"), pair("dir=1/a.wasm", "x"));
        assert_eq!(parsed("bundled:manual=x"), pair("bundled:manual", "x"));
        for bad in ["", "=x", "a.wasm=", "a.wasm=a b", &format!("a.wasm={}", "x".repeat(65))] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_of_a_configuration_are_meant_from_its_directory() {
        let of = |text: &str| Source::from_directory(text, Path::new("etc")).to_string();
        assert_eq!(of("a.wasm"), Path::new("etc").join("a.wasm").display().to_string());
        assert_eq!(of("bundled:manual"), "bundled:manual");
    }
}
