//! Why the store could not do what it was asked.

use thiserror::Error;

/// A failure of the store. None of them means that money did or did not move.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody else changed the collection first. Nothing was written.
    #[error("the collection was changed by another request")]
    Conflict,
    /// The database cannot be read or written now. Nothing was written unless the text says that this is not known.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row holds what no version of this program writes.
    #[error("the database holds a row that cannot be read: {table} {id}: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's id.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// The file or URL leads to no database of ours, or to one of a newer version.
    #[error("{0}")]
    Foreign(String),
}
