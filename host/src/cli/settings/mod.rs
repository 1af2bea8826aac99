//! What `serve` was told, by flags, the environment and a file, in this order of precedence, and by the defaults of the table.
//!
//! It refuses what it does not know, and says what was most likely meant. It opens nothing but the file.

mod file;
mod table;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use tillbox_runtime::request::Environment;

use super::customers::CustomerTokenSettings;
use super::database::Database;
use super::failure::Failure;
use super::load::Wanted;
use super::logging::LogFormat;
use crate::http::{Limits, Origins};
use table::{Kind, SETTINGS, Setting, Value};

pub(super) use table::mistaken_variables;

/// What is logged when nobody says anything.
pub(super) const LOG_FILTER_DEFAULT: &str = "info";

/// Heard as `TILLBOX_LOG_FILTER` is, and after it: what people know from other programs.
const LOG_FILTER_USUAL: &str = "RUST_LOG";

/// The flags, as text, by the names of the table. They are checked when they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags(BTreeMap<&'static str, String>);

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| command.arg(argument(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(setting: &'static Setting) -> Arg {
    let default = setting.default_shown();
    let default = if default.is_empty() { default } else { format!(" [default: {default}]") };
    let values = match setting.kind {
        Kind::Number { .. } | Kind::Choice { .. } => format!(" [{}]", setting.values_shown()),
        Kind::Address { .. }
        | Kind::Path { .. }
        | Kind::Secret
        | Kind::Optional { .. }
        | Kind::Text { .. }
        | Kind::Switch { .. } => String::new(),
    };
    let help = format!("{}{values}{default} [env: {}]", setting.meaning, setting.variable());
    let argument = Arg::new(setting.name)
        .long(setting.flag())
        .value_name(setting.placeholder())
        .help(help)
        .help_heading(setting.topic.heading())
        .value_parser(|text: &str| setting_value(setting, text));
    match setting.kind {
        Kind::Switch { .. } => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Kind::Address { .. }
        | Kind::Path { .. }
        | Kind::Secret
        | Kind::Optional { .. }
        | Kind::Text { .. }
        | Kind::Number { .. }
        | Kind::Choice { .. } => argument,
    }
}

/// Checks the text of a flag, and keeps it as it is.
fn setting_value(setting: &Setting, text: &str) -> Result<String, String> {
    setting.read(text).map(|_| text.to_owned())
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let said = |setting: &'static Setting| Some((setting.name, matches.get_one::<String>(setting.name)?.clone()));
        Ok(Self(SETTINGS.iter().filter_map(said).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// One setting with what counts.
#[derive(Debug)]
struct Effective {
    setting: &'static Setting,
    value: Option<Value>,
    source: Source,
}

/// Everything that was said, with where it was said.
#[derive(Debug)]
pub(super) struct Said {
    effective: Vec<Effective>,
    /// Providers that the file names.
    pub(super) providers: Vec<Wanted>,
}

impl Said {
    /// Reads the file, where one is named, and the environment, and puts all together.
    ///
    /// # Errors
    /// A file that cannot be read, a key that nobody knows, a value out of its bounds: by name, with where it was said.
    pub(super) fn gather(flags: &Flags, file: Option<&Path>) -> Result<Self, Failure> {
        let variable = |name: &str| match std::env::var(name) {
            Ok(text) => Ok(Some(text)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Failure::new(format!("{name} is not UTF-8"))),
        };
        let (told, providers) = match file {
            Some(path) => file::read(path)?,
            None => (BTreeMap::new(), Vec::new()),
        };
        let said = |path: &Path| (path.to_owned(), told);
        Self::of(flags, variable, file.map(said), providers)
    }

    fn of(
        flags: &Flags,
        variable: impl Fn(&str) -> Result<Option<String>, Failure>,
        file: Option<(PathBuf, BTreeMap<&'static str, Value>)>,
        providers: Vec<Wanted>,
    ) -> Result<Self, Failure> {
        let mut effective = Vec::with_capacity(SETTINGS.len());
        for setting in SETTINGS {
            let read = |text: &str, place: &str| {
                setting.read(text).map_err(|what| Failure::new(format!("{place}: {what}"))).map(Some)
            };
            let mut names = vec![setting.variable()];
            if setting.name == "log_filter" {
                names.push(LOG_FILTER_USUAL.to_owned());
            }
            let mut from_environment = None;
            for name in names {
                // An empty RUST_LOG says nothing; that is how it is switched off.
                let text = variable(&name)?.filter(|text| name != LOG_FILTER_USUAL || !text.is_empty());
                from_environment = from_environment.or(text.map(|text| (name, text)));
            }
            let (value, source) = match (flags.0.get(setting.name), from_environment, &file) {
                (Some(text), _, _) => (read(text, &format!("--{}", setting.flag()))?, Source::Flag(setting.flag())),
                (None, Some((name, text)), _) => (read(&text, &name)?, Source::Variable(name)),
                (None, None, Some((path, told))) if told.contains_key(setting.name) => {
                    (told.get(setting.name).cloned(), Source::File(path.clone()))
                }
                (None, None, _) => (setting.default(), Source::Default),
            };
            effective.push(Effective { setting, value, source });
        }
        let mut said = Self { effective, providers };
        said.choose_database()?;
        Ok(said)
    }

    /// A file and a URL cannot both be the database: what was said nearer to the command counts.
    fn choose_database(&mut self) -> Result<(), Failure> {
        let rank = |source: &Source| match source {
            Source::Default => 0,
            Source::File(_) => 1,
            Source::Variable(_) => 2,
            Source::Flag(_) => 3,
        };
        let find = |said: &Self, name| said.effective.iter().position(|one| one.setting.name == name);
        let (file, url) = (find(self, "database").expect("a row"), find(self, "database_url").expect("a row"));
        let (file_rank, url_rank) = (rank(&self.effective[file].source), rank(&self.effective[url].source));
        if self.effective[url].value.is_none() {
            return Ok(());
        }
        if file_rank == url_rank {
            let what =
                format!("{} and {} both name the database", self.effective[file].source, self.effective[url].source);
            return Err(Failure::new(what).next("name one: a file, or a URL"));
        }
        let passed_over = if file_rank < url_rank { file } else { url };
        self.effective[passed_over].value = None;
        Ok(())
    }

    /// Rows for people: name, value, where it was said. Nothing secret is in them.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &Effective| {
            let value = match &one.value {
                None => "-".to_owned(),
                Some(Value::Text(text)) if one.setting.is_secret() => Database::Url(text.clone()).shown(),
                Some(Value::Address(address)) => address.to_string(),
                Some(Value::Path(path)) => path.display().to_string(),
                Some(Value::Text(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Choice(word)) => (*word).to_owned(),
                Some(Value::Switch(on)) => on.to_string(),
            };
            vec![one.setting.name.to_owned(), value, one.source.to_string()]
        };
        self.effective.iter().map(row).collect()
    }

    /// The values, typed, and the providers that the file names.
    pub(super) fn settings(self) -> Result<(Settings, Vec<Wanted>), Failure> {
        let mut left = Left(self.effective.into_iter().map(|one| (one.setting.name, one.value)).collect());
        let settings = Settings::take(&mut left);
        assert!(left.0.is_empty(), "a row of the table that nobody heeds: {:?}", left.0.keys());
        Ok((settings.checked()?, self.providers))
    }
}

/// Values that nobody has taken yet.
struct Left(BTreeMap<&'static str, Option<Value>>);

impl Left {
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.0.remove(name).unwrap_or_else(|| panic!("the table has no row `{name}`"))
    }

    fn address(&mut self, name: &'static str) -> Option<SocketAddr> {
        let value = self.take(name)?;
        let Value::Address(address) = value else { panic!("{name} is no address: {value:?}") };
        Some(address)
    }

    fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        let value = self.take(name)?;
        let Value::Path(path) = value else { panic!("{name} is no path: {value:?}") };
        Some(path)
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.take(name)?;
        let Value::Text(text) = value else { panic!("{name} is no text: {value:?}") };
        Some(text)
    }

    fn word(&mut self, name: &'static str) -> &'static str {
        let value = self.take(name);
        let Some(Value::Choice(word)) = value else { panic!("{name} is no word: {value:?}") };
        word
    }

    fn number(&mut self, name: &'static str) -> u64 {
        let value = self.take(name);
        let Some(Value::Number(number)) = value else { panic!("{name} is no number: {value:?}") };
        number
    }

    fn count(&mut self, name: &'static str) -> usize {
        usize::try_from(self.number(name)).expect("bounds in the table are small")
    }

    fn small(&mut self, name: &'static str) -> u32 {
        u32::try_from(self.number(name)).expect("bounds in the table are small")
    }

    fn switch(&mut self, name: &'static str) -> bool {
        let value = self.take(name);
        let Some(Value::Switch(on)) = value else { panic!("{name} is no switch: {value:?}") };
        on
    }
}

/// What `serve` does.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) listen: SocketAddr,
    pub(super) tls: Option<TlsFiles>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    pub(super) is_behind_proxy: bool,
    pub(super) metrics_listen: Option<SocketAddr>,
    pub(super) store_origins: Origins,
    pub(super) admin_origins: Origins,
    origins: [Option<String>; 2],
    pub(super) tokens: CustomerTokenSettings,
    database: Option<PathBuf>,
    database_url: Option<String>,
    pub(super) encryption_key_file: Option<PathBuf>,
    pub(super) environment: Environment,
    pub(super) has_bundled: bool,
    pub(super) cache_dir: Option<PathBuf>,
    pub(super) deadline_ms: u32,
    pub(super) calls_max: u32,
    pub(super) default_currency: Option<String>,
    pub(super) cart_source_url: Option<String>,
    pub(super) cart_source_secret_file: Option<PathBuf>,
    pub(super) limits: Limits,
    pub(super) log_format: LogFormat,
    pub(super) log_filter: String,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Settings {
    fn take(left: &mut Left) -> Self {
        Self {
            listen: left.address("listen").expect("it has a default"),
            tls: None,
            tls_cert: left.path("tls_cert"),
            tls_key: left.path("tls_key"),
            is_behind_proxy: left.switch("behind_proxy"),
            metrics_listen: left.address("metrics_listen"),
            store_origins: Origins::Own,
            admin_origins: Origins::Own,
            origins: [left.text("store_origins"), left.text("admin_origins")],
            tokens: CustomerTokenSettings {
                key_file: left.path("customer_token_key_file"),
                issuer: left.text("customer_token_issuer"),
                audience: left.text("customer_token_audience"),
                claim: left.text("customer_token_claim").expect("it has a default"),
            },
            database: left.path("database"),
            database_url: left.text("database_url"),
            encryption_key_file: left.path("encryption_key_file"),
            environment: if left.word("environment") == "live" { Environment::Live } else { Environment::Test },
            has_bundled: left.switch("bundled"),
            cache_dir: left.path("cache_dir"),
            deadline_ms: left.small("deadline_ms"),
            calls_max: left.small("calls_max"),
            default_currency: left.text("default_currency"),
            cart_source_url: left.text("cart_source_url"),
            cart_source_secret_file: left.path("cart_source_secret_file"),
            limits: Limits {
                body_bytes: left.count("body_bytes_max"),
                header_bytes: left.count("header_bytes_max"),
                headers: left.count("headers_max"),
                connections: left.count("connections_max"),
                requests: left.count("requests_max"),
                streams: left.count("streams_max"),
                rate_per_second: left.small("rate_per_second"),
                rate_burst: left.small("rate_burst"),
                handshake_ms: left.number("handshake_ms"),
                header_ms: left.number("header_ms"),
                body_ms: left.number("body_ms"),
                request_ms: left.number("request_ms"),
                write_ms: left.number("write_ms"),
                drain_delay_ms: left.number("drain_delay_ms"),
                drain_ms: left.number("drain_ms"),
            },
            log_format: if left.word("log_format") == "json" { LogFormat::Json } else { LogFormat::Text },
            log_filter: left.text("log_filter").expect("it has a default"),
        }
    }

    /// What belongs together.
    fn checked(mut self) -> Result<Self, Failure> {
        self.tls = match (self.tls_cert.take(), self.tls_key.take()) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            (Some(_), None) => return Err(Failure::new("tls_cert is given without tls_key").next("give both, or none")),
            (None, Some(_)) => return Err(Failure::new("tls_key is given without tls_cert").next("give both, or none")),
        };
        let [store, admin] = self.origins.each_ref().map(Option::as_deref);
        self.store_origins = origins("store_origins", store)?;
        self.admin_origins = origins("admin_origins", admin)?;
        if self.tls.is_none() && !self.is_behind_proxy && !self.listen.ip().is_loopback() {
            let what =
                format!("{} can be reached from other machines, and keys would travel to it in the clear", self.listen);
            let next = "give --tls-cert and --tls-key; or --behind-proxy, where a proxy in front speaks TLS and nobody else \
                        reaches this port; or listen on a loopback address, for example --listen 127.0.0.1:9000";
            return Err(Failure::new(what).next(next));
        }
        Ok(self)
    }

    pub(super) fn database(&self) -> Database {
        match (&self.database_url, &self.database) {
            (Some(url), _) => Database::Url(url.clone()),
            (None, Some(path)) => Database::File(path.clone()),
            (None, None) => unreachable!("the database has a default"),
        }
    }
}

/// Nobody is named where nothing was said.
fn origins(name: &str, said: Option<&str>) -> Result<Origins, Failure> {
    let read = said.map(Origins::parse).transpose();
    read.map(Option::unwrap_or_default).map_err(|error| Failure::new(format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RATE_PER_SECOND;

    fn flags(said: &[(&'static str, &str)]) -> Flags {
        Flags(said.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    fn said(flags: &Flags, variables: &[(&str, &str)], file: Option<&str>) -> Result<Said, String> {
        let find =
            |name: &str| Ok(variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()));
        let file = match file {
            Some(text) => {
                let (told, _) = file::parse(text, Path::new("etc"))?;
                Some((PathBuf::from("etc/till.toml"), told))
            }
            None => None,
        };
        Said::of(flags, find, file, Vec::new()).map_err(|failure| failure.to_string())
    }

    fn row(said: &Said, name: &str) -> Vec<String> {
        said.rows().into_iter().find(|row| row[0] == name).unwrap()
    }

    #[test]
    fn the_nearest_word_counts() {
        let text = "deadline_ms = 1000\nlisten = \"127.0.0.1:1\"\nrequests_max = 7\ndatabase = \"a.db\"";
        let variables = [("TILLBOX_DEADLINE_MS", "2000"), ("TILLBOX_LISTEN", "127.0.0.1:2"), ("RUST_LOG", "debug")];
        let all = said(&flags(&[("deadline_ms", "3000")]), &variables, Some(text)).unwrap();
        assert_eq!(row(&all, "deadline_ms"), ["deadline_ms", "3000", "--deadline-ms"]);
        assert_eq!(row(&all, "listen"), ["listen", "127.0.0.1:2", "TILLBOX_LISTEN"]);
        assert_eq!(row(&all, "requests_max"), ["requests_max", "7", "etc/till.toml"]);
        assert_eq!(row(&all, "database")[1], Path::new("etc").join("a.db").display().to_string());
        assert_eq!(row(&all, "log_filter"), ["log_filter", "debug", "RUST_LOG"]);
        assert_eq!(row(&all, "body_ms")[2], "default");
        let (settings, _) = all.settings().unwrap();
        assert_eq!((settings.deadline_ms, settings.limits.requests), (3_000, 7));
        assert_eq!(settings.listen.port(), 2);
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        let (settings, _) = said(&Flags::default(), &[], None).unwrap().settings().unwrap();
        assert_eq!(settings.limits, Limits { rate_per_second: RATE_PER_SECOND, ..Limits::default() });
        assert!(settings.database() == Database::File("tillbox.db".into()));
        assert!(settings.listen.ip().is_loopback());
    }

    #[test]
    fn a_wrong_value_names_where_it_was_said() {
        let of = |variables: &[(&str, &str)]| said(&Flags::default(), variables, None).unwrap_err();
        assert!(of(&[("TILLBOX_DEADLINE_MS", "0")]).starts_with("TILLBOX_DEADLINE_MS: must be a whole number from 1"));
        assert!(of(&[("TILLBOX_BUNDLED", "maybe")]).starts_with("TILLBOX_BUNDLED: must be true or false"));
    }

    #[test]
    fn one_database_is_named() {
        let url = "postgres://till:hunter2@db.example/till";
        let of = |flags: &Flags, variables: &[(&str, &str)]| said(flags, variables, None);
        let all = of(&Flags::default(), &[("TILLBOX_DATABASE_URL", url)]).unwrap();
        assert_eq!(row(&all, "database_url"), ["database_url", "at db.example/till", "TILLBOX_DATABASE_URL"]);
        assert!(!format!("{:?}", all.rows()).contains("hunter2"));
        assert!(all.settings().unwrap().0.database() == Database::Url(url.to_owned()));
        // A file that is named on the command line is nearer than a URL in the environment.
        let all = of(&flags(&[("database", "b.db")]), &[("TILLBOX_DATABASE_URL", url)]).unwrap();
        assert!(all.settings().unwrap().0.database() == Database::File("b.db".into()));
        let both = of(&flags(&[("database", "b.db"), ("database_url", url)]), &[]).unwrap_err();
        assert!(both.contains("--database and --database-url") && !both.contains("hunter2"), "{both}");
    }

    #[test]
    fn keys_do_not_travel_in_the_clear() {
        let of = |list: &[(&'static str, &str)]| said(&flags(list), &[], None).unwrap().settings();
        let refused = |list: &[(&'static str, &str)]| of(list).unwrap_err().to_string();
        assert!(refused(&[("tls_cert", "a.pem")]).contains("tls_cert is given without tls_key"));
        assert!(refused(&[("tls_key", "a.pem")]).contains("tls_key is given without tls_cert"));
        let anywhere = ("listen", "0.0.0.0:9000");
        for words in ["--tls-cert", "--behind-proxy", "127.0.0.1"] {
            assert!(refused(&[anywhere]).contains(words), "{words}");
        }
        assert!(of(&[anywhere, ("behind_proxy", "true")]).unwrap().0.is_behind_proxy);
        let (settings, _) = of(&[anywhere, ("tls_cert", "a.pem"), ("tls_key", "b.pem")]).unwrap();
        assert_eq!(settings.tls, Some(TlsFiles { certificate: "a.pem".into(), key: "b.pem".into() }));
    }
}
