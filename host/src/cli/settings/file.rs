//! The configuration file of `serve`: the settings by their names, and providers with their grants. A key nobody knows is
//! refused with the one that was most likely meant.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tillbox_runtime::Grants;
use toml::Spanned;

use super::super::failure::Failure;
use super::super::load::{ID_DEFAULT, Source, Wanted, check_id};
use super::table::{SETTINGS, Value, find, nearest};

/// Bytes a configuration may have: hundreds of providers fit.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The one key that is no setting: a list of tables.
const PROVIDERS: &str = "providers";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OnlyProviders {
    providers: Vec<NamedProvider>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedProvider {
    /// A file, from the configuration's own directory, or `bundled:NAME`.
    path: String,
    /// Under which id; `default` when absent.
    id: Option<String>,
    /// What it gets; nothing when absent.
    #[serde(default)]
    grants: Grants,
}

/// What a file says.
type Told = (BTreeMap<&'static str, Value>, Vec<Wanted>);

/// Reads a file. Relative paths in it are meant from its own directory.
///
/// # Errors
/// A file that cannot be read, and the line and key that cannot be understood.
pub(super) fn read(path: &Path) -> Result<Told, Failure> {
    let shown = path.display();
    let text = read_bounded(path).map_err(|error| {
        Failure::because(format!("{shown} cannot be read"), &error).next("name another file with --config FILE.toml")
    })?;
    let directory = path.parent().unwrap_or(Path::new(""));
    parse(&text, directory).map_err(|what| Failure::new(format!("{shown}: {what}")))
}

pub(super) fn parse(text: &str, directory: &Path) -> Result<Told, String> {
    let keys: BTreeMap<String, Spanned<toml::Value>> = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut told = BTreeMap::new();
    for (key, value) in keys.iter().filter(|(key, _)| *key != PROVIDERS) {
        let at = |what: String| format!("line {}: {key}: {what}", line(text, value.span().start));
        let setting = find(key).ok_or_else(|| at(unknown(key)))?;
        let plain = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(on) => on.to_string(),
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                return Err(at(format!("must be one value ({})", setting.values_shown())));
            }
        };
        let mut read = setting.read(&plain).map_err(at)?;
        if let Value::Path(path) = &mut read {
            *path = directory.join(&*path);
        }
        told.insert(setting.name, read);
    }
    let only: OnlyProviders = toml::from_str(text).map_err(|error| error.to_string())?;
    let providers = only.providers.into_iter().map(|provider| {
        let id = provider.id.unwrap_or_else(|| ID_DEFAULT.to_owned());
        check_id(&id).map_err(|rule| format!("providers.id `{id}`: {rule}"))?;
        Ok(Wanted { source: Source::from_directory(&provider.path, directory), id, grants: provider.grants })
    });
    Ok((told, providers.collect::<Result<Vec<_>, String>>()?))
}

fn unknown(key: &str) -> String {
    let names = SETTINGS.iter().map(|setting| setting.name).chain([PROVIDERS]);
    match nearest(key, names) {
        Some(near) => format!("is not known; did you mean `{near}`?"),
        None => "is not known; `tillbox serve --help` lists what is".to_owned(),
    }
}

/// Which line a byte is on.
fn line(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Told, String> {
        parse(text, Path::new("etc"))
    }

    #[test]
    fn everything_can_be_said() {
        let text = "listen = \"127.0.0.1:0\"\ndatabase = \"a.db\"\ncache_dir = \"c\"\ndeadline_ms = 5000\n\
                    log_format = \"json\"\nbundled = false\n\
                    [[providers]]\npath = \"acme.wasm\"\nid = \"eu\"\n[providers.grants]\nprofile = \"scripted\"\n\
                    [providers.grants.settings]\naccount = \"a\"\n[[providers]]\npath = \"bundled:manual\"\n";
        let (told, providers) = parsed(text).unwrap();
        assert_eq!(told["database"], Value::Path(Path::new("etc").join("a.db")));
        assert_eq!((&told["deadline_ms"], &told["bundled"]), (&Value::Number(5_000), &Value::Switch(false)));
        assert_eq!(providers[0].id, "eu");
        assert_eq!(providers[0].grants.settings["account"], "a");
        assert_eq!((providers[1].source.to_string().as_str(), providers[1].id.as_str()), ("bundled:manual", "default"));
        assert_eq!(parsed("").unwrap(), (BTreeMap::new(), Vec::new()));
    }

    #[test]
    fn a_mistake_is_named() {
        let cases = [
            ("\n\ndatabse = \"a.db\"", "line 3: databse: is not known; did you mean `database`?"),
            ("colour = \"blue\"", "line 1: colour: is not known; `tillbox serve --help`"),
            ("listen = \"everywhere\"", "line 1: listen: must be an address"),
            ("deadline_ms = -1", "line 1: deadline_ms: must be a whole number from 1"),
            ("deadline_ms = [1]", "line 1: deadline_ms: must be one value"),
            ("[[providers]]\nid = \"x\"", "path"),
            ("[[providers]]\npath = \"a.wasm\"\nid = \"a b\"", "providers.id"),
            ("[[providers]]\npath = \"a.wasm\"\n[providers.grants]\nhost = []", "host"),
            ("[[provider]]\npath = \"a.wasm\"", "did you mean `providers`?"),
            ("listen = ", "line 1"),
        ];
        for (text, words) in cases {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
