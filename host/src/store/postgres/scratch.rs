//! A database of its own on a server, made for one purpose and dropped after it. It never touches the database that the URL
//! names, except to be told from there.

use tokio_postgres::Client;

use super::address::Address;
use super::{StoreError, connections, unavailable};
use crate::clock::new_tail;

/// A database that [`Scratch::remove`] drops.
pub struct Scratch {
    server: Client,
    database: String,
    url: String,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Scratch {
    /// Makes a database on the server of `postgres://user:password@host:port/database`. Its user has to be allowed to.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the URL cannot be used, [`StoreError::Unavailable`] with what the server says.
    pub async fn create(url: &str) -> Result<Self, StoreError> {
        let server = connections::single(&Address::parse(url)?).await?;
        let database = format!("tillbox_scratch_{}", new_tail().to_ascii_lowercase());
        // The name is ours: letters, digits and underscores.
        let create = format!("create database {database} encoding 'UTF8' template template0");
        server.batch_execute(&create).await.map_err(|error| unavailable(&error))?;
        Ok(Self { server, url: beside(url, &database), database })
    }

    /// Its URL, with the password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.database
    }

    /// Bytes that the server has ever written to its write-ahead log, for all of its databases.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn log_bytes(&self) -> Result<u64, StoreError> {
        let sql = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
        let row = self.server.query_one(sql, &[]).await.map_err(|error| unavailable(&error))?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    /// Drops it, whoever is still connected.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what the server says; then it is still there.
    pub async fn remove(self) -> Result<(), StoreError> {
        let drop = format!("drop database {} with (force)", self.database);
        self.server.batch_execute(&drop).await.map_err(|error| unavailable(&error))
    }
}

/// The URL of another database on the same server.
fn beside(url: &str, database: &str) -> String {
    let (before, query) =
        url.split_once('?').map_or((url, String::new()), |(before, query)| (before, format!("?{query}")));
    let place = before.split_once("://").map_or(0, |(scheme, _)| scheme.len() + "://".len());
    let server = before[place..].find('/').map_or(before, |slash| &before[..place + slash]);
    format!("{server}/{database}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_database_is_another() {
        for (url, other) in [
            ("postgres://u:p@h:1/d?sslmode=disable", "postgres://u:p@h:1/s?sslmode=disable"),
            ("postgres://u@h", "postgres://u@h/s"),
            ("postgres://u@h/?a=b/c", "postgres://u@h/s?a=b/c"),
        ] {
            assert_eq!(beside(url, "s"), other);
        }
    }
}
