//! Which database a command works on: a file, or a server named by its URL.
//!
//! A URL holds a password, so it is taken from the environment where possible and never printed.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use crate::{Host, HostBuilder};

/// Taken by every command that opens a PostgreSQL database.
#[derive(Debug, Clone, Args)]
pub(super) struct UrlArgument {
    /// A database by its URL instead of a file: postgres://USER:PASSWORD@HOST/NAME. Better given in the environment
    #[arg(long, value_name = "URL", env = "TILLBOX_DATABASE_URL", hide_env_values = true, conflicts_with = "database")]
    pub(super) database_url: Option<String>,
}

/// A database.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Database {
    File(PathBuf),
    Url(String),
}

impl Database {
    pub(super) fn of(url: Option<String>, file: PathBuf) -> Self {
        url.map_or(Self::File(file), Self::Url)
    }

    /// A host on it.
    pub(super) fn builder(&self) -> HostBuilder {
        match self {
            Self::File(path) => Host::builder().database(path),
            Self::Url(url) => Host::builder().database_url(url.as_str()),
        }
    }

    /// What may be printed of it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => match url.split_once("://") {
                Some(("postgres" | "postgresql", rest)) => {
                    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                    format!("at {}", place.split('?').next().unwrap_or_default())
                }
                _ => "by URL".to_owned(),
            },
        }
    }

    /// How another command is told to use it, a space in front; nothing where it would do so anyway. A URL is taken from the
    /// environment, which this process does not print.
    pub(super) fn argument(&self) -> String {
        match self {
            Self::File(path) if path.as_os_str() == super::serve::DATABASE_DEFAULT => String::new(),
            Self::File(path) => format!(" --database '{}'", path.display()),
            Self::Url(_) => String::new(),
        }
    }

    /// For commands that look at what is there and make nothing.
    pub(super) fn must_exist(&self) -> Result<(), Failure> {
        let missing = |path: &Path| !path.is_file();
        match self {
            Self::File(path) if missing(path) => {
                let what = format!("there is no database at {}", path.display());
                Err(Failure::new(what).next("give the file that `tillbox serve` uses with --database PATH"))
            }
            Self::File(_) | Self::Url(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://till:hunter2@db.example/till?sslmode=verify-full",
            "postgresql://till:hunter2@db.example/till",
            "sqlite:hunter2",
        ] {
            let shown = Database::Url(url.to_owned()).shown();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(Database::Url("postgres://u:p@db.example/till?a=b".into()).shown(), "at db.example/till");
    }
}
