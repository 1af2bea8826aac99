//! What a change of versions comes to: pure decisions on the books as they were read, and the steps that write them.
//!
//! It reads nothing and writes nothing, so each decision can be made again when somebody else was faster.

use semver::Version;
use tillbox_core::id::ProviderId;
use tillbox_core::{ComponentDigest, Timestamp};
use tillbox_runtime::{Grants, Package};

use super::super::Error;
use super::permission::{carried, differences};
use super::version::NewVersion;
use super::{VersionRefusal, grants_of, serving};
use crate::store::{KeptVersion, VersionState, VersionStep};

/// Versions of one provider: an upgrade a day for years.
pub const VERSIONS_MAX: u32 = 10_000;

/// What a change came to: the steps to it, and the version that is shown for it.
pub(super) struct Plan {
    pub(super) steps: Vec<VersionStep>,
    pub(super) version: KeptVersion,
}

/// Whether a component may take the place of the version that serves.
pub(super) fn accepted(present: &KeptVersion, package: &Package) -> Result<(), Error> {
    let info = package.info();
    if info.identifier != present.identifier {
        let (provider, expected) = (present.provider.clone(), present.identifier.clone());
        return Err(VersionRefusal::Identifier { provider, expected, found: info.identifier.clone() }.into());
    }
    let minimum = present.minimum_version.as_deref().unwrap_or(&present.version);
    match (Version::parse(&info.version), Version::parse(minimum)) {
        (Ok(found), Ok(least)) if found >= least => Ok(()),
        // The check has made sure of both; one that cannot be compared is not higher.
        (Ok(_) | Err(_), Ok(_) | Err(_)) => {
            Err(VersionRefusal::Downgrade { found: info.version.clone(), minimum: minimum.to_owned() }.into())
        }
    }
}

/// The steps to a new version: it serves when nothing about it needs a word or it was given, else it waits.
pub(super) fn planned(
    kept: &[KeptVersion],
    id: &ProviderId,
    package: &Package,
    digest: ComponentDigest,
    new: &NewVersion,
    at: Timestamp,
) -> Result<Plan, Error> {
    let present = serving(kept, id);
    let approved = present.map(grants_of).transpose().unwrap_or_default();
    let grants = new.grants.clone().unwrap_or_else(|| carried(approved.as_ref(), package));
    package.grant(grants.clone()).map_err(VersionRefusal::from)?;
    check_minimum(new.minimum_version.as_deref(), &package.info().version)?;
    if let Some(present) = present.filter(|present| present.digest == digest && approved.as_ref() == Some(&grants))
        && (new.minimum_version.is_none() || new.minimum_version == present.minimum_version)
    {
        return Ok(Plan { steps: Vec::new(), version: present.clone() });
    }
    let serves = new.approve || differences(approved.as_ref(), &grants).is_empty();
    let mine = || kept.iter().filter(|version| version.provider == *id);
    let number = mine().map(|version| version.number).max().unwrap_or(0) + 1;
    if number > VERSIONS_MAX {
        return Err(Error::invalid("provider", format!("more than {VERSIONS_MAX} versions; take another id")));
    }
    let version = KeptVersion {
        provider: id.clone(),
        number,
        digest,
        identifier: package.info().identifier.clone(),
        version: package.info().version.clone(),
        minimum_version: new.minimum_version.clone(),
        grants: text_of(&grants)?,
        state: if serves { VersionState::Serving } else { VersionState::Proposed },
        proposed_by: new.by.clone(),
        approved_by: serves.then(|| new.by.clone()),
        created_at: at,
        approved_at: serves.then_some(at),
        served_from: serves.then_some(at),
        served_until: None,
    };
    let mut steps = vec![VersionStep::Register(id.clone(), at)];
    let waiting = mine().filter(|version| version.state == VersionState::Proposed);
    steps.extend(waiting.map(|version| moved(version, VersionState::Rejected, None, at)));
    if serves {
        steps.extend(present.map(|present| retired(present, at)));
    }
    steps.push(VersionStep::Add(Box::new(version.clone())));
    Ok(Plan { steps, version })
}

pub(super) fn text_of(grants: &Grants) -> Result<String, Error> {
    serde_json::to_string(grants).map_err(|error| Error::invalid("grants", error.to_string()))
}

/// A minimum is a version, and the one that says it is not below.
pub(super) fn check_minimum(minimum: Option<&str>, version: &str) -> Result<(), Error> {
    let Some(minimum) = minimum else { return Ok(()) };
    let least = Version::parse(minimum).map_err(|error| Error::invalid("minimum_version", error.to_string()))?;
    match Version::parse(version) {
        Ok(own) if own >= least => Ok(()),
        Ok(_) | Err(_) => {
            Err(VersionRefusal::Downgrade { found: version.to_owned(), minimum: minimum.to_owned() }.into())
        }
    }
}

pub(super) fn proposed<'a>(
    kept: &'a [KeptVersion],
    id: &ProviderId,
    number: Option<u32>,
) -> Result<&'a KeptVersion, Error> {
    let waits = |version: &&KeptVersion| version.provider == *id && version.state == VersionState::Proposed;
    let found = kept.iter().find(waits).filter(|version| number.is_none_or(|number| version.number == number));
    found.ok_or_else(|| VersionRefusal::NothingProposed { provider: id.clone(), number }.into())
}

/// The version that serves, and the one to go back to: the one that served last of those that were installed before it.
pub(super) fn earlier<'a>(
    kept: &'a [KeptVersion],
    id: &ProviderId,
    to: Option<u32>,
) -> Result<(&'a KeptVersion, &'a KeptVersion), Error> {
    let present = serving(kept, id).ok_or_else(|| VersionRefusal::NotInstalled { provider: id.clone() })?;
    let retired = kept.iter().filter(|version| version.provider == *id && version.state == VersionState::Retired);
    let found = match to {
        Some(number) => retired.into_iter().find(|version| version.number == number),
        None => retired
            .filter(|version| version.number < present.number)
            .max_by_key(|version| (version.served_until, version.number)),
    };
    let none = || VersionRefusal::NothingEarlier { provider: id.clone(), number: to };
    Ok((present, found.ok_or_else(none)?))
}

pub(super) fn moved(
    version: &KeptVersion,
    to: VersionState,
    approved_by: Option<String>,
    at: Timestamp,
) -> VersionStep {
    let (provider, number, from) = (version.provider.clone(), version.number, version.state);
    VersionStep::Move { provider, number, from, to, approved_by, at }
}

pub(super) fn retired(version: &KeptVersion, at: Timestamp) -> VersionStep {
    moved(version, VersionState::Retired, None, at)
}

pub(super) fn now_serving(version: &KeptVersion, at: Timestamp) -> KeptVersion {
    KeptVersion { state: VersionState::Serving, served_from: Some(at), served_until: None, ..version.clone() }
}

pub(super) fn wrong_state(version: &KeptVersion, remedy: &'static str) -> Error {
    let (provider, number, state) = (version.provider.clone(), version.number, version.state);
    VersionRefusal::State { provider, number, state, remedy }.into()
}
