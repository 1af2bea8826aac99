//! Installing, upgrading, approving, rolling back and removing versions, while payments run.
//!
//! First everything that can be refused is found out, with whatever serves going on; then one transaction moves the books from
//! one version to the other, so a host that dies in between leaves the old one or the new one; then it is loaded. What a
//! version may do beyond what was approved waits for somebody's word.

use tillbox_core::ComponentDigest;
use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;
use tillbox_runtime::Package;

use super::super::input::CREATED_BY_BYTES_MAX;
use super::super::{Error, Host, Step};
use super::permission::{Permissions, carried, differences};
use super::plan::{Plan, accepted, earlier, moved, now_serving, planned, proposed, retired, wrong_state};
use super::version::{ComponentSource, KeptComponent, NewVersion, ProviderVersion};
use super::{VersionRefusal, digest_of, grants_of, serving};
use crate::store::{KeptVersion, SideChange, VersionState, VersionStep};

/// How often a change is decided anew because somebody else changed the versions of the provider first: operators are few.
const ATTEMPTS: usize = 8;

/// Checked components that are held in memory beyond those that run: between bringing one and installing it.
const CHECKED_MAX: usize = 16;

/// What somebody asks for, as far as it tells one request from another, and a component that comes with it.
struct Asking {
    fields: Vec<(&'static str, Option<String>)>,
    bytes: Option<(ComponentDigest, Vec<u8>)>,
}

impl Asking {
    fn of(new: &NewVersion, digest: ComponentDigest, bytes: Vec<u8>) -> Self {
        let grants = new.grants.as_ref().and_then(|grants| serde_json::to_string(grants).ok());
        let fields = vec![
            ("component", Some(digest.to_string())),
            ("grants", grants),
            ("minimum_version", new.minimum_version.clone()),
            ("approve", Some(new.approve.to_string())),
        ];
        Self { fields, bytes: Some((digest, bytes)) }
    }

    fn about(number: Option<u32>) -> Self {
        Self { fields: vec![("version", number.map(|number| number.to_string()))], bytes: None }
    }

    fn forced(mut self, force: bool) -> Self {
        self.fields.push(("force", Some(force.to_string())));
        self
    }
}

impl Host {
    /// Brings a component: it is checked like one that is installed, and kept under its digest. Nothing serves by that.
    ///
    /// # Errors
    /// [`Error::Version`] when it is no provider that this host can load, [`Error::Store`].
    pub async fn keep_component(&self, bytes: Vec<u8>) -> Result<KeptComponent, Error> {
        let digest = digest_of(&bytes);
        let package = self.checked(digest, &bytes).await?;
        let size_bytes = bytes.len();
        self.inner.store.keep_component(digest, bytes).await?;
        let report = package.report();
        Ok(KeptComponent {
            digest,
            size_bytes,
            identifier: report.identifier.clone(),
            version: report.version.clone(),
            wants: Permissions::of(&carried(None, &package)),
        })
    }

    /// Every version of every provider that was installed, or of one, by provider and number.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn provider_versions(&self, id: Option<&ProviderId>) -> Result<Vec<ProviderVersion>, Error> {
        let kept = self.inner.store.provider_versions().await?;
        let wanted = kept.iter().filter(|version| id.is_none_or(|id| version.provider == *id));
        Ok(wanted.map(|version| self.version_shown(version, &kept)).collect())
    }

    /// Installs a provider as `pp_{identifier}_{id}`. It serves at once when it is given nothing that needs a word, or whoever
    /// asks approves it; else it waits for [`Host::approve_provider`].
    ///
    /// # Errors
    /// [`Error::Version`] saying why not, [`Error::Invalid`], [`Error::Store`].
    pub async fn install_provider(&self, id: &str, new: NewVersion) -> Result<ProviderVersion, Error> {
        check_by(&new.by)?;
        let (digest, bytes) = self.brought(&new).await?;
        let package = self.checked(digest, &bytes).await?;
        let named = format!("{}_{}_{id}", ProviderId::PREFIX, package.info().identifier);
        let id = ProviderId::parse(&named)
            .map_err(|_| Error::invalid("id", "letters, digits, `-` and `_`, not too many"))?;
        self.change_versions("install_provider", &id, Asking::of(&new, digest, bytes), |kept, at| {
            if serving(kept, &id).is_some() {
                return Err(VersionRefusal::Installed { provider: id.clone() }.into());
            }
            planned(kept, &id, &package, digest, &new, at)
        })
        .await
    }

    /// Installs another component, or other grants, in the place of the version that serves. Operations that are open finish
    /// on theirs. What it may do beyond what is approved has to be approved first; without that the old one goes on.
    ///
    /// # Errors
    /// As [`Host::install_provider`].
    pub async fn upgrade_provider(&self, id: &ProviderId, new: NewVersion) -> Result<ProviderVersion, Error> {
        check_by(&new.by)?;
        let (digest, bytes) = self.brought(&new).await?;
        let package = self.checked(digest, &bytes).await?;
        self.change_versions("upgrade_provider", id, Asking::of(&new, digest, bytes), |kept, at| {
            let Some(present) = serving(kept, id) else {
                return Err(VersionRefusal::NotInstalled { provider: id.clone() }.into());
            };
            accepted(present, &package)?;
            planned(kept, id, &package, digest, &new, at)
        })
        .await
    }

    /// Lets the version that waits serve, with what it was proposed with: that of this number, or whichever waits.
    ///
    /// # Errors
    /// [`Error::Version`] when none waits, or it cannot be loaded; [`Error::Store`].
    pub async fn approve_provider(
        &self,
        id: &ProviderId,
        number: Option<u32>,
        by: &str,
    ) -> Result<ProviderVersion, Error> {
        check_by(by)?;
        let kept = self.inner.store.provider_versions().await?;
        if let Ok(proposed) = proposed(&kept, id, number) {
            self.loads(proposed).await?;
        }
        self.change_versions("approve_provider", id, Asking::about(number), |kept, at| {
            let proposed = proposed(kept, id, number)?;
            let mut steps: Vec<VersionStep> =
                serving(kept, id).map(|present| retired(present, at)).into_iter().collect();
            steps.push(moved(proposed, VersionState::Serving, Some(by.to_owned()), at));
            let version =
                KeptVersion { approved_by: Some(by.to_owned()), approved_at: Some(at), ..now_serving(proposed, at) };
            Ok(Plan { steps, version })
        })
        .await
    }

    /// Lets a version serve again that served before: the one before the present one, or that of a number. What it may do was
    /// approved then.
    ///
    /// # Errors
    /// [`Error::Version`] when there is none, or it cannot be loaded; [`Error::Store`].
    pub async fn roll_back_provider(
        &self,
        id: &ProviderId,
        to: Option<u32>,
        by: &str,
    ) -> Result<ProviderVersion, Error> {
        check_by(by)?;
        let kept = self.inner.store.provider_versions().await?;
        if let Ok((_, earlier)) = earlier(&kept, id, to) {
            self.loads(earlier).await?;
        }
        let version = self
            .change_versions("roll_back_provider", id, Asking::about(to), |kept, at| {
                let (present, earlier) = earlier(kept, id, to)?;
                let steps = vec![retired(present, at), moved(earlier, VersionState::Serving, None, at)];
                Ok(Plan { steps, version: now_serving(earlier, at) })
            })
            .await?;
        tracing::warn!(provider = id.as_str(), number = version.number, version = version.version, by, "rolled back");
        Ok(version)
    }

    /// Takes a version away: nothing runs on it any more. One that waits is turned down. The one that serves goes with its
    /// provider alone.
    ///
    /// # Errors
    /// [`Error::Version`] when operations are open that began with it, unless `force`; [`Error::Store`].
    pub async fn remove_version(
        &self,
        id: &ProviderId,
        number: u32,
        force: bool,
        by: &str,
    ) -> Result<ProviderVersion, Error> {
        check_by(by)?;
        let open = self.inner.store.open_by_component(id.clone()).await?;
        let removed = self
            .change_versions("remove_version", id, Asking::about(Some(number)).forced(force), |kept, at| {
                let found = kept.iter().find(|version| version.provider == *id && version.number == number);
                let not_found = || Error::NotFound { entity: "ProviderVersion", id: format!("{id} {number}") };
                let version = found.ok_or_else(not_found)?;
                let elsewhere = kept.iter().any(|other| {
                    other.number != number
                        && other.provider == *id
                        && other.digest == version.digest
                        && other.state.runs()
                });
                let to = match version.state {
                    VersionState::Proposed => VersionState::Rejected,
                    VersionState::Retired => VersionState::Removed,
                    VersionState::Serving => {
                        return Err(wrong_state(version, "roll back or upgrade first, or remove the provider"));
                    }
                    VersionState::Rejected | VersionState::Removed => {
                        return Err(wrong_state(version, "nothing is left to remove"));
                    }
                };
                let open: u64 =
                    open.iter().filter(|(digest, _)| *digest == version.digest).map(|(_, count)| count).sum();
                if open > 0 && !force && !elsewhere && version.state.runs() {
                    return Err(VersionRefusal::InUse { provider: id.clone(), open }.into());
                }
                let after = KeptVersion { state: to, ..version.clone() };
                Ok(Plan { steps: vec![moved(version, to, None, at)], version: after })
            })
            .await?;
        tracing::warn!(provider = id.as_str(), number, by, "a version of a provider was removed");
        Ok(removed)
    }

    /// Takes a provider away that was installed, with all its versions. Its payments can be read; new operations are refused.
    ///
    /// # Errors
    /// As [`Host::remove_version`].
    pub async fn remove_provider(&self, id: &ProviderId, force: bool, by: &str) -> Result<ProviderVersion, Error> {
        check_by(by)?;
        let open = self.inner.store.open_by_component(id.clone()).await?;
        let removed = self
            .change_versions("remove_provider", id, Asking::about(None).forced(force), |kept, at| {
                let mine = || kept.iter().filter(|version| version.provider == *id);
                let held =
                    |digest: &ComponentDigest| mine().any(|version| version.digest == *digest && version.state.runs());
                let open: u64 = open.iter().filter(|(digest, _)| held(digest)).map(|(_, count)| count).sum();
                if open > 0 && !force {
                    return Err(VersionRefusal::InUse { provider: id.clone(), open }.into());
                }
                let steps: Vec<VersionStep> = mine()
                    .filter_map(|version| match version.state {
                        VersionState::Proposed => Some(moved(version, VersionState::Rejected, None, at)),
                        VersionState::Serving | VersionState::Retired => {
                            Some(moved(version, VersionState::Removed, None, at))
                        }
                        VersionState::Rejected | VersionState::Removed => None,
                    })
                    .collect();
                let shown = serving(kept, id).or_else(|| mine().rfind(|version| version.state.runs()));
                let shown = shown.or_else(|| mine().rfind(|version| version.state == VersionState::Proposed));
                match shown {
                    Some(version) => {
                        let state = if version.state.runs() { VersionState::Removed } else { VersionState::Rejected };
                        let served_until = version.served_from.map(|_| version.served_until.unwrap_or(at));
                        Ok(Plan { steps, version: KeptVersion { state, served_until, ..version.clone() } })
                    }
                    None => Err(VersionRefusal::NotInstalled { provider: id.clone() }.into()),
                }
            })
            .await?;
        tracing::warn!(provider = id.as_str(), by, "a provider was removed");
        Ok(removed)
    }

    /// The digest and the bytes of what somebody wants installed; refused when they are not what was meant.
    async fn brought(&self, new: &NewVersion) -> Result<(ComponentDigest, Vec<u8>), Error> {
        let (bytes, kept_as) = match &new.component {
            ComponentSource::Bytes(bytes) => (bytes.clone(), None),
            ComponentSource::Kept(digest) => {
                let bytes = self.inner.store.component(*digest).await?;
                if bytes.is_empty() {
                    return Err(VersionRefusal::UnknownComponent { digest: *digest }.into());
                }
                (bytes, Some(*digest))
            }
        };
        let found = digest_of(&bytes);
        for expected in [new.digest, kept_as].into_iter().flatten() {
            if expected != found {
                return Err(VersionRefusal::Digest { expected, found }.into());
            }
        }
        Ok((found, bytes))
    }

    /// The checked component: compiled once, however often it is named.
    async fn checked(&self, digest: ComponentDigest, bytes: &[u8]) -> Result<Package, Error> {
        let registry = &self.inner.registry;
        let runtime = registry.runtime()?;
        if let Some(package) = registry.desk.lock().await.get(&digest) {
            return Ok(package.clone());
        }
        let package = Box::pin(runtime.check(bytes)).await.map_err(VersionRefusal::from)?;
        let mut checked = registry.desk.lock().await;
        if checked.len() >= CHECKED_MAX {
            let shelves = registry.shelves();
            checked.retain(|digest, _| shelves.by_component.keys().any(|(_, loaded)| loaded == digest));
        }
        checked.insert(digest, package.clone());
        Ok(package)
    }

    /// Refuses a version that this host could not run, before anything is changed for it.
    async fn loads(&self, version: &KeptVersion) -> Result<(), Error> {
        self.inner.registry.runtime()?;
        let mut checked = self.inner.registry.desk.lock().await;
        match Box::pin(self.load(version, &mut checked)).await {
            Ok(_) => Ok(()),
            Err(why) => {
                let (provider, number) = (version.provider.clone(), version.number);
                Err(VersionRefusal::Unloadable { provider, number, why }.into())
            }
        }
    }

    /// Decides by the books as they are, and writes what was decided; anew, when somebody else was faster. The component is
    /// kept before the version that names it.
    async fn change_versions(
        &self,
        what: &'static str,
        id: &ProviderId,
        asking: Asking,
        plan: impl Fn(&[KeptVersion], Timestamp) -> Result<Plan, Error>,
    ) -> Result<ProviderVersion, Error> {
        let Asking { fields, bytes } = asking;
        let guard = self.guard(what, id.as_str(), |print| {
            fields.iter().fold(print, |print, (name, value)| print.text(name, value.as_deref()))
        });
        let work = async {
            let mut bytes = bytes;
            for _ in 0..ATTEMPTS {
                let kept = self.inner.store.provider_versions().await?;
                let Plan { steps, version } = plan(&kept, self.now())?;
                let shown = self.version_shown(&version, &kept);
                if steps.is_empty() {
                    return Ok(shown);
                }
                if let Some((digest, bytes)) = bytes.take() {
                    self.inner.store.keep_component(digest, bytes).await?;
                    self.step(Step::ComponentKept);
                }
                if self.write_side(SideChange::MoveVersions(steps), &guard, &shown).await? {
                    self.step(Step::VersionMoved);
                    return Ok(shown);
                }
            }
            Err(Error::Contended)
        };
        // On the heap: what compiles a component holds much.
        let shown = Box::pin(self.once_plain(&guard, work)).await?;
        // What the books say counts from here on, whether this host can follow or not.
        Box::pin(self.sync_providers()).await?;
        let trouble = self.inner.registry.trouble(id, shown.number);
        Ok(ProviderVersion { trouble, ..shown })
    }

    /// A version as its readers see it.
    fn version_shown(&self, version: &KeptVersion, kept: &[KeptVersion]) -> ProviderVersion {
        let grants = grants_of(version).unwrap_or_default();
        let approved = serving(kept, &version.provider).and_then(|present| grants_of(present).ok());
        let changes = match version.state {
            VersionState::Proposed => differences(approved.as_ref(), &grants),
            VersionState::Serving | VersionState::Retired | VersionState::Rejected | VersionState::Removed => {
                Vec::new()
            }
        };
        ProviderVersion {
            provider: version.provider.clone(),
            number: version.number,
            digest: version.digest,
            identifier: version.identifier.clone(),
            version: version.version.clone(),
            minimum_version: version.minimum_version.clone(),
            state: version.state,
            permissions: Permissions::of(&grants),
            changes,
            proposed_by: version.proposed_by.clone(),
            approved_by: version.approved_by.clone(),
            created_at: version.created_at,
            approved_at: version.approved_at,
            served_from: version.served_from,
            served_until: version.served_until,
            trouble: self.inner.registry.trouble(&version.provider, version.number),
        }
    }
}

impl super::Registry {
    /// Why a version that should serve does not here.
    fn trouble(&self, id: &ProviderId, number: u32) -> Option<String> {
        self.shelves().troubles.get(&(id.clone(), number)).map(|(why, _)| why.clone())
    }
}

fn check_by(by: &str) -> Result<(), Error> {
    match by.len() {
        1..=CREATED_BY_BYTES_MAX => Ok(()),
        bytes => Err(Error::invalid("by", format!("{bytes} bytes, 1 to {CREATED_BY_BYTES_MAX} are allowed"))),
    }
}
