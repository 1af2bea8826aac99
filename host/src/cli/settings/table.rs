//! The table of everything that `serve` can be told: its name, what it means, its unit, bounds and default.
//!
//! The flags, the variables of the environment, the keys of the file, `--check` and the table of the README are all made from
//! it. It refuses to know where a value comes from, and what is done with it. Long because it is one table.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use tillbox_runtime::limits::{CALLS_MAX_DEFAULT, DEADLINE_MS_DEFAULT};

use crate::http::{
    BODY_BYTES_MAX, BODY_READ_MS_MAX, CONNECTIONS_MAX, DRAIN_MS, HANDSHAKE_MS_MAX, HEADER_BYTES_MAX,
    HEADER_READ_MS_MAX, HEADERS_MAX, RATE_BURST, RATE_PER_SECOND, REQUEST_MS_MAX, REQUESTS_MAX, STREAMS_MAX,
    WRITE_MS_MAX,
};
use crate::service::DEADLINE_MS_MAX;

/// What all variables of the environment begin with.
pub(super) const VARIABLE_PREFIX: &str = "TILLBOX_";

/// Ten minutes in milliseconds: nobody waits longer for one request, and no supervisor for a stop.
const PATIENCE_MS_MAX: u64 = 600_000;

/// One thing that can be told.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its key in the file. The flag is `--` and the same with `-`; the variable is `TILLBOX_` and the same in capitals.
    pub(super) name: &'static str,
    /// One sentence without its full stop.
    pub(super) meaning: &'static str,
    pub(super) topic: Topic,
    pub(super) kind: Kind,
}

/// Under which heading it stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Listening,
    Customers,
    Keeping,
    Providers,
    Shop,
    Limits,
    Times,
    Logs,
}

impl Topic {
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Listening => "Listening",
            Self::Customers => "Customers",
            Self::Keeping => "Database",
            Self::Providers => "Providers",
            Self::Shop => "Shop",
            Self::Limits => "Limits",
            Self::Times => "Time-outs",
            Self::Logs => "Logs",
        }
    }
}

/// What values it takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Address and port.
    Address { default: Option<&'static str> },
    /// A file or a directory. In the file it is meant from the file's own directory.
    Path { default: Option<&'static str>, otherwise: &'static str },
    /// A text that is never shown.
    Secret,
    /// A text that may be absent.
    Optional { values: &'static str },
    /// A text.
    Text { default: &'static str },
    /// A whole number.
    Number { unit: &'static str, min: u64, max: u64, default: u64 },
    /// One of several words.
    Choice { words: &'static [&'static str], default: &'static str },
    /// `true` or `false`.
    Switch { default: bool },
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Address(SocketAddr),
    Path(PathBuf),
    Text(String),
    Number(u64),
    Choice(&'static str),
    Switch(bool),
}

const fn number(unit: &'static str, min: u64, max: u64, default: u64) -> Kind {
    Kind::Number { unit, min, max, default }
}

const fn milliseconds(min: u64, default: u64) -> Kind {
    number("ms", min, PATIENCE_MS_MAX, default)
}

const fn row(topic: Topic, name: &'static str, kind: Kind, meaning: &'static str) -> Setting {
    Setting { name, meaning, topic, kind }
}

/// A text that need not be said.
const NO_TEXT: Kind = Kind::Optional { values: "text" };

/// Nobody, unless somebody is named.
const ORIGINS: Kind = Kind::Optional { values: "origins" };

const NO_PATH: Kind = Kind::Path { default: None, otherwise: "" };

/// Everything, in the order in which it is shown.
pub(super) const SETTINGS: &[Setting] = &[
    row(
        Topic::Listening,
        "listen",
        Kind::Address { default: Some("127.0.0.1:9000") },
        "Address and port; port 0 takes a free one",
    ),
    row(
        Topic::Listening,
        "tls_cert",
        NO_PATH,
        "PEM file with the certificate and its chain; a changed file is read again by itself, and on SIGHUP",
    ),
    row(Topic::Listening, "tls_key", NO_PATH, "PEM file with the certificate's private key"),
    row(
        Topic::Listening,
        "behind_proxy",
        Kind::Switch { default: false },
        "A proxy in front speaks TLS and nobody else reaches this port; callers are told apart by its X-Forwarded-For",
    ),
    row(
        Topic::Listening,
        "metrics_listen",
        Kind::Address { default: None },
        "Another address where /metrics needs no key; at the first one it takes a secret key with the scope read",
    ),
    row(
        Topic::Listening,
        "store_origins",
        ORIGINS,
        "Pages of other origins that may call /store from a browser (CORS), with commas between them; `*` is any page",
    ),
    row(Topic::Listening, "admin_origins", ORIGINS, "The same for /admin: the origin of your own operators' pages"),
    row(
        Topic::Customers,
        "customer_token_key_file",
        NO_PATH,
        "File that customers' tokens (JWT) are checked with: a public key in PEM, Ed25519 or P-256, or a secret for HS256",
    ),
    row(Topic::Customers, "customer_token_issuer", NO_TEXT, "The `iss` that a customer's token must have"),
    row(Topic::Customers, "customer_token_audience", NO_TEXT, "The `aud` that a customer's token must have"),
    row(
        Topic::Customers,
        "customer_token_claim",
        Kind::Text { default: "sub" },
        "The claim of a customer's token that is the customer's id",
    ),
    row(
        Topic::Keeping,
        "database",
        Kind::Path { default: Some("tillbox.db"), otherwise: "" },
        "The database file; it is made when it does not exist",
    ),
    row(
        Topic::Keeping,
        "database_url",
        Kind::Secret,
        "A database by its URL instead of a file: postgres://USER:PASSWORD@HOST/NAME; better given in the environment",
    ),
    row(
        Topic::Keeping,
        "encryption_key_file",
        NO_PATH,
        "File with 32 random bytes in base64, the same for all hosts of a database; seals what payers type in",
    ),
    row(
        Topic::Providers,
        "environment",
        Kind::Choice { words: &["test", "live"], default: "test" },
        "What providers are told: whether real money moves",
    ),
    row(
        Topic::Providers,
        "bundled",
        Kind::Switch { default: true },
        "Whether the providers that come with the program are installed",
    ),
    row(
        Topic::Providers,
        "cache_dir",
        Kind::Path { default: None, otherwise: "the user's cache directory" },
        "Where compiled components are kept between starts",
    ),
    row(
        Topic::Providers,
        "deadline_ms",
        number("ms", 1, DEADLINE_MS_MAX as u64, DEADLINE_MS_DEFAULT as u64),
        "How long a provider call may take",
    ),
    row(
        Topic::Providers,
        "calls_max",
        number("calls", 1, 1_024, CALLS_MAX_DEFAULT as u64),
        "Provider calls at once, over all providers",
    ),
    row(
        Topic::Shop,
        "default_currency",
        Kind::Optional { values: "ISO 4217 code" },
        "Currency of collections that are made without one, such as those of orders",
    ),
    row(
        Topic::Shop,
        "cart_source_url",
        Kind::Optional { values: "URL" },
        "Where the shop is asked what a cart is worth; https, or http on a loopback address",
    ),
    row(
        Topic::Shop,
        "cart_source_secret_file",
        NO_PATH,
        "File with the secret shared with the shop, `whsec_` and base64; signs both directions",
    ),
    row(
        Topic::Limits,
        "body_bytes_max",
        number("bytes", 1_024, 1_048_576, BODY_BYTES_MAX as u64),
        "The largest body of a request",
    ),
    row(
        Topic::Limits,
        "header_bytes_max",
        number("bytes", 8_192, 262_144, HEADER_BYTES_MAX as u64),
        "Request line and headers together",
    ),
    row(Topic::Limits, "headers_max", number("headers", 16, 256, HEADERS_MAX as u64), "Headers of a request"),
    row(
        Topic::Limits,
        "connections_max",
        number("connections", 1, 65_536, CONNECTIONS_MAX as u64),
        "Connections open at once; more wait to be accepted",
    ),
    row(
        Topic::Limits,
        "requests_max",
        number("requests", 1, 4_096, REQUESTS_MAX as u64),
        "Requests under way at once; more are answered 503",
    ),
    row(
        Topic::Limits,
        "streams_max",
        number("streams", 0, 1_024, STREAMS_MAX as u64),
        "Event streams open at once; more are answered 503",
    ),
    row(
        Topic::Limits,
        "rate_per_second",
        number("requests/s", 0, 100_000, RATE_PER_SECOND as u64),
        "Requests of one address (of IPv6, of one /64); more are answered 429; 0 takes any number",
    ),
    row(
        Topic::Limits,
        "rate_burst",
        number("requests", 1, 1_000_000, RATE_BURST as u64),
        "Requests that an address which was quiet may send at once",
    ),
    row(Topic::Times, "handshake_ms", milliseconds(100, HANDSHAKE_MS_MAX), "For a TLS handshake"),
    row(
        Topic::Times,
        "header_ms",
        milliseconds(100, HEADER_READ_MS_MAX),
        "For the headers of a request, counted from the answer before it, so this is also how long a connection may idle",
    ),
    row(Topic::Times, "body_ms", milliseconds(100, BODY_READ_MS_MAX), "For the body of a request"),
    row(
        Topic::Times,
        "request_ms",
        milliseconds(1_000, REQUEST_MS_MAX),
        "Until a request is answered; what is under way then goes on, and only the waiting ends",
    ),
    row(
        Topic::Times,
        "write_ms",
        milliseconds(100, WRITE_MS_MAX),
        "For a caller to take the next part of an answer; a slower one is hung up on",
    ),
    row(
        Topic::Times,
        "drain_delay_ms",
        milliseconds(0, 0),
        "From SIGTERM until no more connections are taken; /health/ready says 503 meanwhile, for balancers to hear of it",
    ),
    row(
        Topic::Times,
        "drain_ms",
        milliseconds(0, DRAIN_MS),
        "For requests under way to finish at a stop; the operations of those that do not stay open for the next start",
    ),
    row(
        Topic::Logs,
        "log_format",
        Kind::Choice { words: &["text", "json"], default: "text" },
        "How a line of the log is written; it goes to standard error",
    ),
    row(
        Topic::Logs,
        "log_filter",
        Kind::Text { default: super::LOG_FILTER_DEFAULT },
        "What is logged, by the rules of RUST_LOG: `warn`, or `info,tillbox=debug`",
    ),
];

impl Setting {
    /// Its flag, without the `--`.
    pub(super) fn flag(&self) -> &'static str {
        static FLAGS: LazyLock<BTreeMap<&str, String>> =
            LazyLock::new(|| SETTINGS.iter().map(|setting| (setting.name, setting.name.replace('_', "-"))).collect());
        FLAGS[self.name].as_str()
    }

    pub(super) fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// Whether its value may be printed.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }

    /// The default as it is shown; nothing when there is none.
    pub(super) fn default_shown(&self) -> String {
        match self.kind {
            Kind::Address { default } => default.unwrap_or_default().to_owned(),
            Kind::Path { default, otherwise } => default.unwrap_or(otherwise).to_owned(),
            Kind::Secret | Kind::Optional { .. } => String::new(),
            Kind::Text { default } | Kind::Choice { default, .. } => default.to_owned(),
            Kind::Number { default, .. } => default.to_string(),
            Kind::Switch { default } => default.to_string(),
        }
    }

    /// What values there are: the unit and the bounds, or the words.
    pub(super) fn values_shown(&self) -> String {
        match self.kind {
            Kind::Address { .. } => "address:port".to_owned(),
            Kind::Path { .. } => "path".to_owned(),
            Kind::Secret => "URL".to_owned(),
            Kind::Optional { values } => values.to_owned(),
            Kind::Text { .. } => "text".to_owned(),
            Kind::Number { unit, min, max, .. } => format!("{unit}, {min} to {max}"),
            Kind::Choice { words, .. } => words.join(" or "),
            Kind::Switch { .. } => "true or false".to_owned(),
        }
    }

    /// How the value is called in the help.
    pub(super) fn placeholder(&self) -> &'static str {
        match self.kind {
            Kind::Address { .. } => "ADDRESS:PORT",
            Kind::Path { .. } => "PATH",
            Kind::Secret => "URL",
            Kind::Optional { .. } => "TEXT",
            Kind::Text { .. } => "TEXT",
            Kind::Number { .. } => "NUMBER",
            Kind::Choice { .. } => "WORD",
            Kind::Switch { .. } => "BOOL",
        }
    }

    /// The value when nobody said anything.
    pub(super) fn default(&self) -> Option<Value> {
        let text = match self.kind {
            Kind::Address { default } | Kind::Path { default, .. } => default?.to_owned(),
            Kind::Secret | Kind::Optional { .. } => return None,
            Kind::Text { .. } | Kind::Number { .. } | Kind::Choice { .. } | Kind::Switch { .. } => self.default_shown(),
        };
        Some(self.read(&text).expect("a test reads every default"))
    }

    /// Reads a text, from wherever it comes.
    ///
    /// # Errors
    /// What it must be. The text itself is not repeated: it may be a secret.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            Kind::Address { .. } => {
                let what = "must be an address and a port, such as 127.0.0.1:9000 or [::1]:9000";
                text.parse().map(Value::Address).map_err(|_| what.to_owned())
            }
            Kind::Path { .. } if text.is_empty() => Err("must be a path".to_owned()),
            Kind::Path { .. } => Ok(Value::Path(PathBuf::from(text))),
            Kind::Secret | Kind::Text { .. } | Kind::Optional { .. } if text.is_empty() => {
                Err("must not be empty".to_owned())
            }
            Kind::Secret | Kind::Text { .. } | Kind::Optional { .. } => Ok(Value::Text(text.to_owned())),
            Kind::Number { unit, min, max, .. } => {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.then(|| text.parse().ok()).flatten().filter(|number| (min..=max).contains(number));
                let wrong = || format!("must be a whole number from {min} to {max} ({unit})");
                number.map(Value::Number).ok_or_else(wrong)
            }
            Kind::Choice { words, .. } => {
                let word = words.iter().copied().find(|word| *word == text);
                word.map(Value::Choice).ok_or_else(|| format!("must be {}", words.join(" or ")))
            }
            Kind::Switch { .. } => text.parse().map(Value::Switch).map_err(|_| "must be true or false".to_owned()),
        }
    }
}

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The name among these that a mistaken one most likely means.
pub(super) fn nearest<'a>(mistaken: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|name| (strsim::damerau_levenshtein(mistaken, name), name));
    // A third of the letters may be wrong: more is another word.
    near.filter(|(distance, name)| *distance <= name.len().max(mistaken.len()).div_ceil(3)).min().map(|(_, name)| name)
}

/// Variables of ours that look like a setting and are none, each with what was most likely meant.
pub(in crate::cli) fn mistaken_variables() -> Vec<(String, String)> {
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let strangers = ours.filter(|name| name.starts_with(VARIABLE_PREFIX) && !known.contains(name));
    let meant = strangers.filter_map(|name| {
        let near = nearest(&name[VARIABLE_PREFIX.len()..], known.iter().map(|name| &name[VARIABLE_PREFIX.len()..]))?;
        let near = format!("{VARIABLE_PREFIX}{near}");
        Some((name, near))
    });
    meant.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_sound() {
        let mut names = std::collections::BTreeSet::new();
        for setting in SETTINGS {
            assert!(names.insert(setting.name), "{} stands twice", setting.name);
            let good = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(setting.name.bytes().all(good), "{}", setting.name);
            assert!(!setting.meaning.ends_with('.') && setting.meaning.len() < 140, "{}", setting.name);
            // A default outside of its own bounds ends here.
            let _ = setting.default();
            if let Kind::Number { min, max, .. } = setting.kind {
                for wrong in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
                    assert!(setting.read(&wrong.to_string()).is_err(), "{} takes {wrong}", setting.name);
                }
                assert!(setting.read(&min.to_string()).is_ok() && setting.read(&max.to_string()).is_ok());
                for wrong in ["", "-1", "1.0", "many", "99999999999999999999999"] {
                    assert!(setting.read(wrong).is_err(), "{} takes `{wrong}`", setting.name);
                }
            }
        }
    }

    #[test]
    fn a_typing_error_finds_its_name() {
        let near = |mistaken| nearest(mistaken, SETTINGS.iter().map(|setting| setting.name));
        assert_eq!(near("databse"), Some("database"));
        assert_eq!(near("body_bytes"), Some("body_bytes_max"));
        assert_eq!(near("dealine_ms"), Some("deadline_ms"));
        assert_eq!(near("colour"), None);
    }

    /// The README's table is this one.
    #[test]
    fn the_readme_has_the_table() {
        let mut table = String::from("| key | what it means | values | default |\n|---|---|---|---|\n");
        for setting in SETTINGS {
            let default = setting.default_shown();
            let default = if default.is_empty() { default } else { format!("`{default}`") };
            let (name, meaning, values) = (setting.name, setting.meaning, setting.values_shown());
            table.push_str(&format!("| `{name}` | {meaning} | {values} | {default} |\n"));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        assert!(readme.contains(&table), "put this into README.md instead of the table that is there:\n{table}");
    }
}
