//! What an error of the database means for what was asked of it. It never quotes rows or the URL: rows hold the private state
//! of providers, the URL a password.

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::StoreError;

/// Why a request to the database did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Somebody else was faster; what was asked was undone.
    Conflict,
    /// The server refused, and undid what was asked.
    Refused(String),
    /// No answer, or none that proves anything.
    Lost(String),
}

impl Trouble {
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            return Self::Lost(chain(error));
        };
        let code = said.code();
        let races =
            [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED, &SqlState::UNIQUE_VIOLATION];
        if races.contains(&code) {
            Self::Conflict
        } else if ends_the_connection(said) {
            Self::Lost(described(said))
        } else {
            Self::Refused(described(said))
        }
    }

    /// Of a request that was not answered in time.
    pub(super) fn late(milliseconds: u64) -> Self {
        Self::Lost(format!("no answer within {milliseconds} ms"))
    }
}

/// For requests that changed nothing when they failed.
impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Conflict => Self::Conflict,
            Trouble::Refused(text) | Trouble::Lost(text) => Self::Unavailable(text),
        }
    }
}

/// Why no connection could be had.
pub(super) fn no_connection(name: &str, error: PoolError) -> StoreError {
    let why = match error {
        PoolError::Timeout(TimeoutType::Wait) => "all connections are in use".to_owned(),
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => "no answer while connecting".to_owned(),
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => text(&error),
        PoolError::PostCreateHook(HookError::Message(text)) => text.into_owned(),
        PoolError::Closed => "the store is closed".to_owned(),
        PoolError::NoRuntimeSpecified => "the pool has no runtime".to_owned(),
    };
    StoreError::Unavailable(format!("PostgreSQL at {name}: {why}"))
}

/// The error in words.
pub(super) fn text(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| chain(error), described)
}

/// A message, its code, the constraint it speaks of. The server's `detail` quotes the row and is left out.
fn described(error: &DbError) -> String {
    let constraint = error.constraint().map(|name| format!(", constraint {name}")).unwrap_or_default();
    format!("{} (SQLSTATE {}{constraint})", error.message(), error.code().code())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}

/// After these the server is gone. It may have finished a commit before it left, so they prove nothing about one.
fn ends_the_connection(error: &DbError) -> bool {
    let fatal = matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    let class = error.code().code().get(..2);
    let code = error.code();
    let gone = *code == SqlState::ADMIN_SHUTDOWN || *code == SqlState::CRASH_SHUTDOWN;
    fatal || gone || class == Some("08") || *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
}
