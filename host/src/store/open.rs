//! Which store a URL means.

use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError};

/// A database, by its URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// `sqlite:PATH`.
    File(PathBuf),
    /// `postgres://…`: the whole URL, with the password.
    Server(String),
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Server(url.to_owned()));
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if path.is_empty() || path.starts_with(":memory:") => Err(foreign("it names no file")),
            // `sqlite:///a` is how some write the file `/a`; with two slashes it would be a host, and there is none.
            Some(path) if path.starts_with("//") && !path.starts_with("///") => {
                Err(foreign("write `sqlite:PATH`, without `//`"))
            }
            Some(path) => Ok(Self::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            None => Err(foreign("it begins with `sqlite:` or `postgres://`")),
        }
    }
}

/// Opens the store that a URL means: `sqlite:PATH` (the file is made when it does not exist) or
/// `postgres://user:password@host:port/database` (see [`PostgresStore::open`]).
///
/// # Errors
/// [`StoreError::Foreign`] when the URL means no database of ours, [`StoreError::Unavailable`] when it cannot be opened.
/// Neither text holds the password.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match Place::parse(url)? {
        Place::Server(url) => Arc::new(PostgresStore::open(&url).await?),
        Place::File(path) => {
            // Opening runs migrations and waits for locks: not on the async threads.
            let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path)).await;
            Arc::new(opened.map_err(|error| StoreError::Unavailable(error.to_string()))??)
        }
    })
}

/// The URL is not quoted: it may hold a password.
fn foreign(what: &str) -> StoreError {
    StoreError::Foreign(format!("the URL of the database cannot be used: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_mean_places() {
        let file = |url: &str| match Place::parse(url) {
            Ok(Place::File(path)) => path.display().to_string(),
            Ok(Place::Server(_)) => "a server".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(file("sqlite:till.db"), "till.db");
        assert_eq!(file("sqlite:/var/lib/till.db"), "/var/lib/till.db");
        assert_eq!(file("sqlite:///var/lib/till.db"), "/var/lib/till.db");
        assert_eq!(file("postgresql://u@h/d"), "a server");
        for url in ["", "till.db", "mysql://root:hunter2@h/d", "sqlite:", "sqlite://till.db", "sqlite::memory:"] {
            let text = file(url);
            assert!(text.contains("cannot be used") && !text.contains("hunter2"), "{text}");
        }
    }
}
