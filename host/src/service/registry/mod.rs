//! The providers of this host: those it was given when it was built, and those that an operator installs while it runs.
//!
//! The books say which version serves; this is what is loaded of it. New operations take the version that serves, and an
//! operation that is open goes on with the component it began with. A version that cannot be loaded replaces nothing.
//! What a version may do is decided in `install`; nothing here grants more than its row says.

mod install;
mod kept;
mod permission;
mod plan;
mod refusal;
mod version;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use sha2::{Digest as _, Sha256};
use tillbox_core::ComponentDigest;
use tillbox_core::Timestamp;
use tillbox_core::id::ProviderId;
use tillbox_core::operation::Operation;
use tillbox_runtime::{CheckError, Grants, Package, Provider, Runtime};

use super::measured::Measured;
use super::{Error, Host};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::{KeptVersion, VersionState};

pub use permission::{PermissionChange, PermissionKind, Permissions};
pub use plan::VERSIONS_MAX;
pub use refusal::VersionRefusal;
pub use version::{ComponentSource, KeptComponent, NewVersion, ProviderVersion};
pub use watch::VERSIONS_LOOK_MS;
pub(super) use watch::run as watch;

/// Milliseconds before a version that could not be loaded is tried again: what was missing may be there by then, and a
/// compilation takes seconds.
const LOAD_AGAIN_MS: i64 = 30_000;

/// What a host has of providers.
pub(super) struct Registry {
    runtime: Option<Runtime>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    given: BTreeMap<ProviderId, Arc<Measured>>,
    shelves: RwLock<Arc<Shelves>>,
    /// One change of the shelves at a time, and what was checked so far.
    desk: tokio::sync::Mutex<BTreeMap<ComponentDigest, Package>>,
}

/// What is loaded. Replaced as a whole, so a reader sees one state of it.
#[derive(Clone, Default)]
struct Shelves {
    /// What new operations take.
    serving: BTreeMap<ProviderId, Arc<Measured>>,
    /// Everything an operation may have begun with.
    by_component: BTreeMap<(ProviderId, ComponentDigest), Arc<Measured>>,
    /// The books, as they were last read.
    kept: Vec<KeptVersion>,
    /// What cannot be loaded, and when it was tried.
    troubles: BTreeMap<(ProviderId, u32), (String, Timestamp)>,
}

impl Registry {
    pub(super) fn new(
        given: BTreeMap<ProviderId, Arc<Measured>>,
        runtime: Option<Runtime>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut shelves = Shelves { serving: given.clone(), ..Shelves::default() };
        shelves
            .by_component
            .extend(given.iter().filter_map(|(id, one)| Some(((id.clone(), one.component()?), one.clone()))));
        let shelves = RwLock::new(Arc::new(shelves));
        Self { runtime, metrics, clock, given, shelves, desk: tokio::sync::Mutex::default() }
    }

    fn shelves(&self) -> Arc<Shelves> {
        Arc::clone(&self.shelves.read().expect("no holder panics"))
    }

    fn put(&self, shelves: Shelves) {
        *self.shelves.write().expect("no holder panics") = Arc::new(shelves);
    }

    /// What new operations take.
    pub(super) fn serving(&self, id: &ProviderId) -> Option<Arc<Measured>> {
        self.shelves().serving.get(id).cloned()
    }

    /// What carries an operation on, as far as it is loaded: the component it began with, else what serves.
    pub(super) fn carries(&self, operation: &Operation) -> Option<Arc<Measured>> {
        let shelves = self.shelves();
        let own = operation.component.map(|digest| (operation.provider.clone(), digest));
        let own = own.and_then(|key| shelves.by_component.get(&key));
        own.or_else(|| shelves.serving.get(&operation.provider)).cloned()
    }

    pub(super) fn ids(&self) -> Vec<ProviderId> {
        self.shelves().serving.keys().cloned().collect()
    }

    pub(super) fn contains(&self, id: &ProviderId) -> bool {
        self.shelves().serving.contains_key(id)
    }

    /// Everything that serves, by id.
    pub(super) fn all(&self) -> BTreeMap<ProviderId, Arc<Measured>> {
        self.shelves().serving.clone()
    }

    /// Everything that may be called, versions that only finish what they began included.
    pub(super) fn loaded(&self) -> Vec<(ProviderId, Arc<Measured>)> {
        let shelves = self.shelves();
        let mut loaded: Vec<(ProviderId, Arc<Measured>)> =
            shelves.serving.iter().map(|(id, one)| (id.clone(), Arc::clone(one))).collect();
        for ((id, _), one) in &shelves.by_component {
            if loaded.iter().all(|(_, known)| !Arc::ptr_eq(known, one)) {
                loaded.push((id.clone(), Arc::clone(one)));
            }
        }
        loaded
    }

    /// Whether components can be loaded.
    fn runtime(&self) -> Result<&Runtime, VersionRefusal> {
        self.runtime.as_ref().ok_or(VersionRefusal::NoRuntime)
    }

    fn measured(&self, id: &ProviderId, provider: Arc<dyn Provider>, number: u32) -> Arc<Measured> {
        let measured = Measured::new(provider, id, Arc::clone(&self.metrics), Arc::clone(&self.clock));
        Arc::new(measured.numbered(number))
    }
}

/// The digest of a component's bytes.
pub(super) fn digest_of(bytes: &[u8]) -> ComponentDigest {
    ComponentDigest::from_bytes(Sha256::digest(bytes).into())
}

/// The version of a provider that serves, by the books.
fn serving<'a>(kept: &'a [KeptVersion], id: &ProviderId) -> Option<&'a KeptVersion> {
    kept.iter().find(|version| version.provider == *id && version.state == VersionState::Serving)
}

/// What a row grants.
fn grants_of(version: &KeptVersion) -> Result<Grants, String> {
    serde_json::from_str(&version.grants).map_err(|error| format!("its grants cannot be read: {error}"))
}

impl Host {
    /// The provider that carries an operation on: the component it began with, as long as that is installed.
    ///
    /// # Errors
    /// [`Error::ComponentGone`] when it was installed here and is not any more; [`Error::UnknownProvider`].
    pub(super) async fn provider_of(&self, operation: &Operation) -> Result<Arc<Measured>, Error> {
        let registry = &self.inner.registry;
        let id = &operation.provider;
        let Some(digest) = operation.component else { return self.serving(id) };
        if let Some(loaded) = registry.shelves().by_component.get(&(id.clone(), digest)) {
            return Ok(Arc::clone(loaded));
        }
        if registry.runtime.is_none() {
            return self.serving(id);
        }
        let kept = self.inner.store.provider_versions().await?;
        let known = kept.iter().filter(|version| version.provider == *id && version.digest == digest);
        let gone = |why: String| Error::ComponentGone { provider: id.clone(), digest, why };
        match known.clone().rev().find(|version| version.state.runs()) {
            Some(version) => self.load_earlier(version).await.map_err(gone),
            None if known.count() > 0 => Err(gone("it was removed".to_owned())),
            // It was never installed here but given to a host at its start. There the id is what an operator promises to keep.
            None => self.serving(id),
        }
    }

    /// Loads a version that finishes what it began.
    async fn load_earlier(&self, version: &KeptVersion) -> Result<Arc<Measured>, String> {
        let registry = &self.inner.registry;
        let mut checked = registry.desk.lock().await;
        let key = (version.provider.clone(), version.digest);
        if let Some(loaded) = registry.shelves().by_component.get(&key) {
            return Ok(Arc::clone(loaded));
        }
        let loaded = self.load(version, &mut checked).await?;
        let mut shelves = Shelves::clone(&registry.shelves());
        shelves.by_component.insert(key, Arc::clone(&loaded));
        registry.put(shelves);
        Ok(loaded)
    }

    /// Brings what is loaded to what the books say. A version that cannot be loaded leaves what is there as it is. Nobody
    /// waits for it but the caller: calls go on with what was there.
    ///
    /// # Errors
    /// [`Error::Store`] when the books cannot be read.
    pub(super) async fn sync_providers(&self) -> Result<(), Error> {
        let registry = &self.inner.registry;
        if registry.runtime.is_none() {
            return Ok(());
        }
        let mut checked = registry.desk.lock().await;
        let kept = self.inner.store.provider_versions().await?;
        let now = self.now();
        let before = registry.shelves();
        let again = before.troubles.values().any(|(_, at)| now.0.saturating_sub(at.0) >= LOAD_AGAIN_MS);
        if kept == before.kept && !again {
            return Ok(());
        }
        let mut next = Shelves::clone(&before);
        next.troubles.clear();
        for version in kept.iter().filter(|version| version.state == VersionState::Serving) {
            let id = &version.provider;
            if next.serving.get(id).and_then(|one| one.number()) == Some(version.number) {
                continue;
            }
            match self.load(version, &mut checked).await {
                Ok(loaded) => {
                    tracing::info!(provider = id.as_str(), number = version.number, version = version.version,
                        digest = %version.digest, "a version of a provider begins to serve");
                    next.by_component.insert((id.clone(), version.digest), Arc::clone(&loaded));
                    next.serving.insert(id.clone(), loaded);
                }
                Err(why) => {
                    tracing::error!(provider = id.as_str(), number = version.number, version = version.version,
                        digest = %version.digest, why, "a version of a provider cannot be loaded; what served before goes on");
                    next.troubles.insert((id.clone(), version.number), (why, now));
                }
            }
        }
        // What no version serves any more is what the host was given, or nothing.
        next.serving.retain(|id, one| one.number().is_none() || serving(&kept, id).is_some());
        for (id, given) in &registry.given {
            next.serving.entry(id.clone()).or_insert_with(|| Arc::clone(given));
        }
        next.by_component.retain(|(id, digest), one| {
            let runs = |kept: &KeptVersion| kept.provider == *id && kept.digest == *digest && kept.state.runs();
            one.number().is_none() || kept.iter().any(runs)
        });
        checked.retain(|digest, _| kept.iter().any(|version| version.digest == *digest && version.state.runs()));
        let ids: Vec<ProviderId> =
            next.serving.keys().filter(|id| !before.serving.contains_key(*id)).cloned().collect();
        next.kept = kept;
        registry.put(next);
        if !ids.is_empty() {
            self.inner.store.register_providers(ids, now).await?;
        }
        Ok(())
    }

    /// A version as a provider: its bytes are those of its digest, they are the provider it was installed as, and it gets what
    /// was approved.
    async fn load(
        &self,
        version: &KeptVersion,
        checked: &mut BTreeMap<ComponentDigest, Package>,
    ) -> Result<Arc<Measured>, String> {
        let package = match checked.get(&version.digest) {
            Some(package) => package.clone(),
            None => {
                let bytes = self.inner.store.component(version.digest).await.map_err(|error| error.to_string())?;
                let found = digest_of(&bytes);
                if found != version.digest {
                    return Err(format!("its bytes are damaged: their digest is {found}; install it again"));
                }
                let runtime = self.inner.registry.runtime().map_err(|error| error.to_string())?;
                let package = runtime.check(&bytes).await.map_err(|error: CheckError| error.to_string())?;
                checked.insert(version.digest, package.clone());
                package
            }
        };
        if package.info().identifier != version.identifier {
            return Err(format!("it says that it is `{}`", package.info().identifier));
        }
        let provider = package.grant(grants_of(version)?).map_err(|error| error.to_string())?;
        Ok(self.inner.registry.measured(&version.provider, provider, version.number))
    }
}
