//! How a command fails: one sentence, every cause once, and what to do next.
//!
//! It refuses to decide what a failure means for the money; the sentence says that already.

use std::error::Error;
use std::fmt;
use std::io;

use crate::service::VersionRefusal;
use crate::store::StoreError;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    what: String,
    causes: Vec<String>,
    next: Option<String>,
    silent: bool,
}

impl Failure {
    /// A failure in one sentence.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), next: None, silent: false }
    }

    /// A failure that an error tells by itself.
    pub(super) fn of(error: &dyn Error) -> Self {
        Self { causes: causes(error.source()), ..Self::new(error.to_string()) }
    }

    /// A failure of ours that an error is the cause of.
    pub(super) fn because(what: impl Into<String>, error: &dyn Error) -> Self {
        Self { causes: causes(Some(error)), ..Self::new(what) }
    }

    /// What to do about it.
    pub(super) fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// Whether there is nobody left to tell: whoever read our output has gone.
    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for cause in &self.causes {
            write!(f, "\n  because: {}", cause.trim_end().replace('\n', "\n    "))?;
        }
        match &self.next {
            Some(next) => write!(f, "\n  next: {next}"),
            None => Ok(()),
        }
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        let failure = Self::of(&error);
        match &error {
            // It says itself what to do.
            crate::Error::Store(StoreError::Foreign(_)) => failure,
            crate::Error::Invalid { field, .. } if field == "provider" => {
                failure.next("name it with --provider FILE.wasm=ID, or `id` in the configuration")
            }
            crate::Error::Store(StoreError::Unavailable(_)) => failure
                .next("check that the directory exists and that this user may write to it, or give --database PATH"),
            crate::Error::UnknownProvider { .. } => failure.next("load its component with --provider FILE.wasm=ID"),
            crate::Error::NotFound { .. } => failure.next("`tillbox operations list` lists what is there"),
            crate::Error::ComponentGone { .. } => failure.next("`tillbox provider list` says which versions there are"),
            crate::Error::Tripped { .. } => failure
                .next("`tillbox provider rollback` goes back to the version before, and the log says why it breaks"),
            crate::Error::Version(refusal) => match refusal {
                VersionRefusal::Installed { .. } => {
                    failure.next("`tillbox provider upgrade` installs another version of it")
                }
                VersionRefusal::NotInstalled { .. } => failure.next("`tillbox provider list` says what is installed"),
                VersionRefusal::InUse { .. } => {
                    failure.next("`tillbox operations list --state unknown` shows what is open")
                }
                VersionRefusal::Component(_)
                | VersionRefusal::Grants(_)
                | VersionRefusal::Digest { .. }
                | VersionRefusal::UnknownComponent { .. }
                | VersionRefusal::Identifier { .. }
                | VersionRefusal::Downgrade { .. }
                | VersionRefusal::NothingProposed { .. }
                | VersionRefusal::NothingEarlier { .. }
                | VersionRefusal::State { .. }
                | VersionRefusal::Unloadable { .. }
                | VersionRefusal::NoRuntime => failure,
            },
            crate::Error::Refused(_)
            | crate::Error::Invalid { .. }
            | crate::Error::Duplicate { .. }
            | crate::Error::NotEnabled { .. }
            | crate::Error::NotSupported { .. }
            | crate::Error::NotTaken { .. }
            | crate::Error::Broken { .. }
            | crate::Error::Unanswered { .. }
            | crate::Error::Rejected { .. }
            | crate::Error::Fault { .. }
            | crate::Error::Unknown { .. }
            | crate::Error::Review { .. }
            | crate::Error::NotAsked(_)
            | crate::Error::NotAuthorized { .. }
            | crate::Error::Cart(_)
            | crate::Error::KeyReused { .. }
            | crate::Error::KeyInUse { .. }
            | crate::Error::Contended
            | crate::Error::Store(StoreError::Conflict | StoreError::Corrupt { .. } | StoreError::Disk(_)) => failure,
        }
    }
}

/// Writing to the terminal, or to whatever stands for it.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let silent = error.kind() == io::ErrorKind::BrokenPipe;
        Self { silent, ..Self::because("the output cannot be written", &error) }
    }
}

/// The chain of causes, without those that only repeat what the one before them said.
fn causes(error: Option<&dyn Error>) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error;
    while let Some(error) = next {
        let text = error.to_string();
        if causes.last().is_none_or(|last| !last.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the file cannot be read")]
        struct Outer(#[source] io::Error);
        let outer = Outer(io::Error::new(io::ErrorKind::NotFound, "no such file"));
        assert_eq!(Failure::of(&outer).to_string(), "the file cannot be read\n  because: no such file");
        let whole = Failure::because("no provider", &outer).next("give another").to_string();
        assert_eq!(
            whole,
            "no provider\n  because: the file cannot be read\n  because: no such file\n  next: give another"
        );
        let store = crate::Error::Store(StoreError::Foreign("not ours".to_owned()));
        assert_eq!(Failure::from(store).to_string().matches("not ours").count(), 1);
    }

    #[test]
    fn a_reader_that_went_away_is_told_nothing() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_silent());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::StorageFull)).is_silent());
    }
}
