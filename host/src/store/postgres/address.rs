//! The URL of a PostgreSQL database, taken apart. What is wrong with one is said without quoting it: it holds a password.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::StoreError;
use super::tls::Trust;

/// Milliseconds for one connection to be made, name look-up, TLS and password included: a database is near.
const CONNECT_TIMEOUT_MS: u64 = 5_000;

/// Milliseconds that sent bytes may stay unacknowledged before the connection counts as dead: longer than a switch takes to
/// fail over, shorter than the patience of a payer.
const TCP_USER_TIMEOUT_MS: u64 = 10_000;

/// Milliseconds of silence after which the other end is asked whether it is still there.
const KEEPALIVE_IDLE_MS: u64 = 30_000;

/// Where a database is, who to be there, and how to know it is the right one.
pub(super) struct Address {
    pub(super) config: Config,
    /// `host:port/database`: what errors and logs call it.
    pub(super) name: String,
    pub(super) trust: Trust,
}

impl Address {
    /// Takes `postgres://user:password@host:port/database?sslmode=…` apart.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        check_encoding(url)?;
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        let mut rest = Vec::new();
        let (mut mode, mut roots) = (None, None);
        for item in query.split('&').filter(|item| !item.is_empty()) {
            match item.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decoded(value)?)),
                _ => rest.push(item),
            }
        }
        let mut config: Config = format!("{before}?{}", rest.join("&")).parse().map_err(|error| wrong(&error))?;
        if config.get_hosts().is_empty() {
            return Err(foreign("it names no host"));
        }
        let (ssl_mode, trust) = trust(mode.as_deref(), roots, &config)?;
        config.ssl_mode(ssl_mode);
        with_limits(&mut config);
        let name = name(&config);
        Ok(Self { config, name, trust })
    }
}

fn with_limits(config: &mut Config) {
    config.application_name(config.get_application_name().unwrap_or("tillbox").to_owned());
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_millis(TCP_USER_TIMEOUT_MS));
    }
    config.keepalives_idle(Duration::from_millis(KEEPALIVE_IDLE_MS));
    // Of several servers only the one that takes writes is of use.
    if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

/// The meanings of `sslmode` are libpq's. Without one, a server on this machine is taken as it is, and any other has to prove
/// its name: passwords and payments go there.
fn trust(mode: Option<&str>, roots: Option<PathBuf>, config: &Config) -> Result<(SslMode, Trust), StoreError> {
    Ok(match (mode, roots) {
        (Some("disable"), _) => (SslMode::Disable, Trust::Anyone),
        (Some("allow" | "prefer"), _) => (SslMode::Prefer, Trust::Anyone),
        (Some("require"), None) => (SslMode::Require, Trust::Anyone),
        (Some("require" | "verify-ca"), roots) => (SslMode::Require, Trust::Signed(roots)),
        (Some("verify-full"), roots) => (SslMode::Require, Trust::Named(roots)),
        (Some(_), _) => {
            return Err(foreign("sslmode is one of disable, allow, prefer, require, verify-ca, verify-full"));
        }
        (None, None) if config.get_hosts().iter().all(is_here) => (SslMode::Prefer, Trust::Anyone),
        (None, roots) => (SslMode::Require, Trust::Named(roots)),
    })
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn name(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().unwrap_or("(the user's)"))
}

/// A password with one of these in it would be cut in the wrong place, and its end would be taken for a host and told to the
/// world.
fn check_encoding(url: &str) -> Result<(), StoreError> {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let address = before.split_once("://").map_or("", |(_, address)| address);
    let (credentials, place) = address.rsplit_once('@').unwrap_or(("", address));
    if credentials.contains(['@', '/', '#']) || place.contains('#') || query.contains(['@', '#']) {
        return Err(foreign(
            "a character in the user name or the password has to be written in its encoded form: @ as %40, / as %2F, ? as %3F, \
             # as %23",
        ));
    }
    Ok(())
}

/// The two forms that paths in a URL need: `%2F` and the like.
fn decoded(value: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        let [Some(high), Some(low)] = digits else { return Err(foreign("sslrootcert is not well encoded")) };
        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
    }
    String::from_utf8(bytes).map_err(|_| foreign("sslrootcert is not UTF-8"))
}

/// The credentials were checked to be in their place, so what the parser complains about is not part of them.
fn wrong(error: &tokio_postgres::Error) -> StoreError {
    foreign(&super::fault::text(error))
}

fn foreign(what: &str) -> StoreError {
    StoreError::Foreign(format!("the URL of the database cannot be used: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    fn parse(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_url_is_named_without_its_password() {
        let address = parse("postgres://till:hunter2@db.example:5433/till?sslmode=disable");
        assert_eq!(address.name, "db.example:5433/till");
        assert_eq!(parse("postgres://till@/till?host=%2Frun%2Fpostgresql").name, "/run/postgresql:5432/till");
    }

    #[test]
    fn tls_is_what_the_url_says_and_careful_when_it_says_nothing() {
        let of = |url: &str| {
            let address = parse(url);
            (address.config.get_ssl_mode(), address.trust)
        };
        let roots = || Some(PathBuf::from("/etc/ca.pem"));
        for (url, expected) in [
            ("postgres://u@h/d?sslmode=disable", (SslMode::Disable, Trust::Anyone)),
            ("postgres://u@h/d?sslmode=prefer", (SslMode::Prefer, Trust::Anyone)),
            ("postgres://u@h/d?sslmode=require", (SslMode::Require, Trust::Anyone)),
            (
                "postgres://u@h/d?sslmode=require&sslrootcert=%2Fetc%2Fca.pem",
                (SslMode::Require, Trust::Signed(roots())),
            ),
            ("postgres://u@h/d?sslmode=verify-ca", (SslMode::Require, Trust::Signed(None))),
            ("postgres://u@h/d?sslrootcert=/etc/ca.pem&sslmode=verify-full", (SslMode::Require, Trust::Named(roots()))),
            ("postgres://u@h/d", (SslMode::Require, Trust::Named(None))),
            ("postgres://u@localhost/d", (SslMode::Prefer, Trust::Anyone)),
            ("postgres://u@127.0.0.1/d", (SslMode::Prefer, Trust::Anyone)),
            ("postgres://u@127.0.0.1,db.example/d", (SslMode::Require, Trust::Named(None))),
        ] {
            assert_eq!(of(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in [
            "postgres://till:hun@hunter2@db.example/till",
            "postgres://till:hun/hunter2@db.example/till",
            "postgres://till:hun?hunter2@db.example/till",
            "postgres://till:hun#hunter2@db.example/till",
            "postgres://till:hunter2@db.example:port/till",
            "postgres://till:hunter2@db.example/till?sslmode=maybe",
            "postgres://till:hunter2@db.example/till?no_such_thing=1",
            "postgres://till:hunter2@db.example/till?sslmode",
            "postgres://till:hunter2@/till",
        ] {
            let error = Address::parse(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            assert!(matches!(error, StoreError::Foreign(_)));
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
    }
}
