//! The configuration file of `serve`: the same things as its options, and grants. A field nobody knows is refused.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tillbox_runtime::Grants;

use super::failure::Failure;
use super::load::{ID_DEFAULT, Source, Wanted, check_id};
use super::logging::LogFormat;

/// Bytes a configuration may have: hundreds of providers fit.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// What the file says. What it does not say is left to the options and their defaults.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    /// Address and port.
    pub(super) listen: Option<SocketAddr>,
    /// The database file.
    pub(super) database: Option<PathBuf>,
    /// The file with the encryption key.
    pub(super) encryption_key_file: Option<PathBuf>,
    /// Where compiled components are kept.
    pub(super) cache_dir: Option<PathBuf>,
    /// Milliseconds a provider call may take.
    pub(super) deadline_ms: Option<u32>,
    /// How logs are written.
    pub(super) log_format: Option<LogFormat>,
    /// Whether the bundled providers are installed; they are unless it says `false`.
    pub(super) bundled: Option<bool>,
    /// Providers to install.
    providers: Vec<ConfigProvider>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigProvider {
    /// A file, from the configuration's own directory, or `bundled:NAME`.
    path: String,
    /// Under which id; `default` when absent.
    id: Option<String>,
    /// What it gets; nothing when absent.
    #[serde(default)]
    grants: Grants,
}

impl Config {
    /// Reads a file. Relative paths in it are meant from its own directory.
    ///
    /// # Errors
    /// A file that cannot be read, and the line and field that cannot be understood.
    pub(super) fn read(path: &Path) -> Result<(Self, Vec<Wanted>), Failure> {
        let shown = path.display();
        let text = read_bounded(path).map_err(|error| Failure::because(format!("{shown} cannot be read"), &error))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory).map_err(|what| Failure::new(format!("{shown}: {what}")))
    }

    fn parse(text: &str, directory: &Path) -> Result<(Self, Vec<Wanted>), String> {
        let mut config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.database = config.database.map(|path| directory.join(path));
        config.encryption_key_file = config.encryption_key_file.map(|path| directory.join(path));
        config.cache_dir = config.cache_dir.map(|path| directory.join(path));
        let providers = std::mem::take(&mut config.providers).into_iter().map(|provider| {
            let id = provider.id.unwrap_or_else(|| ID_DEFAULT.to_owned());
            check_id(&id).map_err(|rule| format!("providers.id `{id}`: {rule}"))?;
            Ok(Wanted { source: Source::from_directory(&provider.path, directory), id, grants: provider.grants })
        });
        let providers = providers.collect::<Result<Vec<_>, String>>()?;
        Ok((config, providers))
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut text = String::new();
    std::fs::File::open(path)?.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {CONFIG_BYTES_MAX} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Config, Vec<Wanted>), String> {
        Config::parse(text, Path::new("etc"))
    }

    #[test]
    fn everything_can_be_said() {
        let text = "listen = \"127.0.0.1:0\"\ndatabase = \"a.db\"\ncache_dir = \"c\"\ndeadline_ms = 5000\n\
                    log_format = \"json\"\nbundled = false\n\
                    [[providers]]\npath = \"acme.wasm\"\nid = \"eu\"\n[providers.grants]\nprofile = \"scripted\"\n\
                    [providers.grants.settings]\naccount = \"a\"\n[[providers]]\npath = \"bundled:manual\"\n";
        let (config, providers) = parse(text).unwrap();
        assert_eq!(config.database, Some(Path::new("etc").join("a.db")));
        assert_eq!((config.deadline_ms, config.bundled), (Some(5_000), Some(false)));
        assert_eq!(providers[0].id, "eu");
        assert_eq!(providers[0].grants.settings["account"], "a");
        assert_eq!((providers[1].source.to_string().as_str(), providers[1].id.as_str()), ("bundled:manual", "default"));
        assert_eq!(parse("").unwrap(), (Config::default(), Vec::new()));
    }

    #[test]
    fn a_mistake_is_named() {
        let cases = [
            ("databse = \"a.db\"", "databse"),
            ("listen = \"everywhere\"", "listen"),
            ("deadline_ms = -1", "deadline_ms"),
            ("[[providers]]\nid = \"x\"", "path"),
            ("[[providers]]\npath = \"a.wasm\"\nid = \"a b\"", "providers.id"),
            ("[[providers]]\npath = \"a.wasm\"\n[providers.grants]\nhost = []", "host"),
            ("[[provider]]\npath = \"a.wasm\"", "provider"),
        ];
        for (text, field) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(field), "{text}: {error}");
        }
    }
}
