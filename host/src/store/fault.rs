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
    /// The disk failed while the database was read or written. Whether what was being written is kept is not known, and the
    /// store writes nothing more until it is opened again: a second attempt might look like success and be none.
    #[error("{0}; nothing more is written until the host is started again: look at the disk first")]
    Disk(String),
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
