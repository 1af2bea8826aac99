//! From bytes to a checked package, and from a package to a provider with exactly what was granted.
//!
//! The order is the point: cheap questions before dear ones, names before code, `describe` before anything else runs,
//! and a grant last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use wasmtime::component::{Component, ComponentExportIndex};

use crate::bindings::exports::tillbox::provider::payments as wit;
use crate::cache::{digest, hexadecimal};
use crate::calls::{ComponentProvider, Functions};
use crate::convert;
use crate::egress::Egress;
use crate::engine::Runtime;
use crate::fault::Fault;
use crate::grant::{GrantError, Grants};
use crate::guest::{Purity, free_imports};
use crate::info::ProviderInfo;
use crate::instance::Callee;
use crate::interfaces::{ACCOUNT_HOLDERS, Access, CONTRACT_VERSION, PAYMENT_METHODS, PAYMENTS, WEBHOOKS, access};
use crate::limits::{COMPILE_MS_MAX, CallLimits, DEADLINE_MS_DESCRIBE};
use crate::network::{self, Network, SharedNetwork};
use crate::pipe::Conduct;
use crate::provider::{Inspection, Reach};
use crate::report::{self, InspectReport};
use crate::secrets::Secrets;
use crate::settings::{Settings, SettingsSchema};
use crate::shape::{self, Shape};

/// Why bytes are no acceptable provider. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Too many bytes.
    #[error("the component has {bytes} bytes, allowed are {bytes_max}")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// Not WebAssembly, or not the binary format.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(&'static str),
    /// A core module.
    #[error(
        "a core WebAssembly module, not a component: build it for `wasm32-wasip2`, or run `wasm-tools component new` on it"
    )]
    CoreModule,
    /// Machine code.
    #[error("precompiled machine code, which is never taken from anybody: hand over the `.wasm` it was made from")]
    Precompiled,
    /// A component, but not a valid one.
    #[error("not a valid component: {0}")]
    Invalid(String),
    /// Another version of the contract.
    #[error(
        "it speaks contract {found} (`{interface}`), this host speaks {spoken}: rebuild it with the SDK of {spoken}, or use a host of {found}"
    )]
    ContractVersion {
        /// The interface that says so.
        interface: String,
        /// Its version.
        found: String,
        /// This host's.
        spoken: &'static str,
    },
    /// The mandatory interface is not exported.
    #[error(
        "it does not export `{interface}`, so it is no payment provider: implement the SDK's `Provider` and `register!` it"
    )]
    MandatoryMissing {
        /// The full name.
        interface: String,
    },
    /// Imports something that no host of this contract has.
    #[error("it imports `{import}`, which no host of this contract has: remove what needs it")]
    UnknownImport {
        /// The raw name.
        import: String,
    },
    /// Imports something that no operator can grant.
    #[error("it imports `{import}`, which is never granted: use {instead}")]
    NeverGranted {
        /// The raw name.
        import: String,
        /// What to use in its place.
        instead: &'static str,
    },
    /// The exported functions do not have the contract's types.
    #[error("its exports do not fit the contract: {0}")]
    TypeMismatch(String),
    /// The engine cannot compile it.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// `describe` broke.
    #[error("`describe` broke: {0}")]
    Describe(Fault),
    /// `describe` says one thing, then another.
    #[error("`describe` answered differently in two fresh instances; it must answer the same bytes each time")]
    DescribeDiffers,
    /// The settings schema is none.
    #[error("describe.settings-schema: {0}")]
    SettingsSchema(String),
    /// Declared but not exported.
    #[error("`describe` declares `{interface}`, which is not exported: name it in `register!`, or do not declare it")]
    DeclaredNotExported {
        /// The interface.
        interface: &'static str,
    },
}

impl CheckError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "component_too_large",
            Self::NotAComponent(_) => "component_not_wasm",
            Self::CoreModule => "component_core_module",
            Self::Precompiled => "component_precompiled",
            Self::Invalid(_) => "component_invalid",
            Self::ContractVersion { .. } => "contract_version",
            Self::MandatoryMissing { .. } => "contract_missing",
            Self::UnknownImport { .. } => "import_unknown",
            Self::NeverGranted { .. } => "import_not_granted",
            Self::TypeMismatch(_) => "contract_types",
            Self::Compile(_) => "component_not_compilable",
            Self::Describe(_) => "describe_fault",
            Self::DescribeDiffers => "describe_differs",
            Self::SettingsSchema(_) => "settings_schema",
            Self::DeclaredNotExported { .. } => "declared_not_exported",
        }
    }
}

/// A checked component: it is what it says, and nothing was granted to it yet.
#[derive(Clone)]
pub struct Package {
    runtime: Runtime,
    component: Component,
    functions: Arc<Functions>,
    info: Arc<ProviderInfo>,
    schema: Arc<SettingsSchema>,
    report: Arc<InspectReport>,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Checks a component, compiling it or taking it from the cache. Not for a request path: compiling takes long.
    ///
    /// # Errors
    /// [`CheckError`], which names what is wrong and what to do.
    pub async fn check(&self, bytes: &[u8]) -> Result<Package, CheckError> {
        let compiled = self.compile(bytes).await?;
        let functions = Functions::find(&compiled.component, &compiled.shape)?;
        let info = self.describe(&compiled.component, &functions).await?;
        let schema = SettingsSchema::compile(&info.settings_schema).map_err(CheckError::SettingsSchema)?;
        let warnings = declared_against_exported(&info, &compiled.shape)?;
        let report = inspect_report(&compiled, &info, bytes.len(), warnings);
        Ok(Package {
            runtime: self.clone(),
            component: compiled.component,
            functions: Arc::new(functions),
            info: Arc::new(info),
            schema: Arc::new(schema),
            report: Arc::new(report),
        })
    }

    /// Reads the shape and compiles, off the async threads and one at a time.
    async fn compile(&self, bytes: &[u8]) -> Result<Compiled, CheckError> {
        let too_late = || CheckError::Compile(format!("not done after {COMPILE_MS_MAX} ms"));
        let deadline = tokio::time::Instant::now() + Duration::from_millis(COMPILE_MS_MAX);
        let turn = Arc::clone(&self.inner.compiles).acquire_owned();
        let turn = tokio::time::timeout_at(deadline, turn).await.map_err(|_| too_late())?.expect("never closed");
        let (runtime, bytes) = (self.clone(), bytes.to_vec());
        let work = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, also when nobody waits for it any more.
            let _turn = turn;
            compile_now(&runtime, &bytes)
        });
        let joined = tokio::time::timeout_at(deadline, work).await.map_err(|_| too_late())?;
        joined.map_err(|error| CheckError::Compile(error.to_string()))?
    }

    /// Asks `describe` in two fresh instances under tiny limits, with no import of the contract to call.
    async fn describe(&self, component: &Component, functions: &Functions) -> Result<ProviderInfo, CheckError> {
        let engine = &self.inner.engine;
        let link = |error: wasmtime::Error| CheckError::TypeMismatch(format!("{error:#}"));
        let mut linker = free_imports(engine).map_err(link)?;
        network::add_to_linker(&mut linker, &|_| true).map_err(link)?;
        let instance = linker.instantiate_pre(component).map_err(link)?;
        let callee = Callee {
            instance,
            limits: CallLimits::describe(),
            settings: Arc::new(Settings::new()),
            network: None,
            purity: Purity::Pure,
            slots: Arc::clone(&self.inner.slots),
            own_slots: Arc::new(Semaphore::new(1)),
        };
        let first = describe_once(&callee, &functions.describe).await?;
        let second = describe_once(&callee, &functions.describe).await?;
        // The debug text of strings and numbers is as exact as their bytes.
        if format!("{first:?}") != format!("{second:?}") {
            return Err(CheckError::DescribeDiffers);
        }
        convert::provider_info(first).map_err(CheckError::Describe)
    }
}

impl Package {
    /// What it says of itself.
    #[must_use]
    pub fn info(&self) -> &ProviderInfo {
        &self.info
    }

    /// The report of the check, as data.
    #[must_use]
    pub fn report(&self) -> &InspectReport {
        &self.report
    }

    /// Makes a provider of it, with what the operator granted and not a thing more.
    ///
    /// # Errors
    /// [`GrantError`] naming the import and the grant, the setting, or the line that makes no sense.
    pub fn grant(&self, grants: Grants) -> Result<Arc<ComponentProvider>, GrantError> {
        grants.check(&self.info)?;
        grants.check_imports(&self.report.imports)?;
        let settings = self.schema.check(&grants.settings)?;
        let link = |error: wasmtime::Error| GrantError::Link(format!("{error:#}"));
        let mut linker = free_imports(&self.runtime.inner.engine).map_err(link)?;
        let granted = |name: &str| grants.interfaces.iter().any(|granted| granted == name);
        network::add_to_linker(&mut linker, &granted).map_err(link)?;
        let instance = linker.instantiate_pre(&self.component).map_err(link)?;
        let reach = self.reach(&granted);
        let callee = Callee {
            instance,
            limits: CallLimits::of(grants.profile),
            settings: Arc::new(settings),
            network: self.network(&grants)?,
            purity: Purity::Ordinary,
            slots: Arc::clone(&self.runtime.inner.slots),
            own_slots: Arc::new(Semaphore::new(grants.calls_max() as usize)),
        };
        let inspection =
            Inspection { report: Arc::clone(&self.report), limits: callee.limits, grants: Arc::new(grants) };
        let (info, functions) = (Arc::clone(&self.info), Arc::clone(&self.functions));
        Ok(Arc::new(ComponentProvider::new(info, functions, callee, reach, inspection)))
    }

    /// Only what imports `http`, and was granted it, can send anything.
    fn reach(&self, granted: &dyn Fn(&str) -> bool) -> Reach {
        let imports = self.report.imports.iter().any(|raw| access(raw) == Access::Grant { name: "http" });
        if imports && granted("http") { Reach::Network } else { Reach::Nowhere }
    }

    /// What it may reach, and its own connections: made anew for each grant, so nothing is shared.
    fn network(&self, grants: &Grants) -> Result<SharedNetwork, GrantError> {
        let resolver = Arc::clone(&self.runtime.inner.resolver);
        let egress = Egress::new(&grants.hosts, resolver, &self.runtime.inner.tls_roots)?;
        let source = self.runtime.inner.secret_source.clone();
        let secrets = Secrets::new(&self.info.identifier, &grants.secrets, source);
        Ok(Some(Arc::new(Network { egress, secrets })))
    }
}

struct Compiled {
    component: Component,
    shape: Shape,
    digest: [u8; 32],
    duration: Duration,
    from_cache: bool,
}

fn compile_now(runtime: &Runtime, bytes: &[u8]) -> Result<Compiled, CheckError> {
    let shape = shape::read(bytes)?;
    let digest = digest(bytes);
    let start = Instant::now();
    let engine = &runtime.inner.engine;
    let cached = runtime.inner.cache.as_ref().and_then(|cache| cache.load(engine, &digest));
    let from_cache = cached.is_some();
    let component = match cached {
        Some(component) => component,
        None => Component::from_binary(engine, bytes).map_err(|error| CheckError::Compile(format!("{error:#}")))?,
    };
    let duration = start.elapsed();
    if let (false, Some(cache)) = (from_cache, &runtime.inner.cache) {
        cache.store(engine, &digest, &component);
    }
    // Page faults belong here and not into the first payment. Where it cannot be done the engine copies as before.
    if let Err(error) = component.initialize_copy_on_write_image() {
        tracing::debug!(%error, "no copy-on-write image; instances are copied");
    }
    Ok(Compiled { component, shape, digest, duration, from_cache })
}

async fn describe_once(callee: &Callee, describe: &ComponentExportIndex) -> Result<wit::ProviderInfo, CheckError> {
    let (answer, ..) =
        callee.call::<(), (wit::ProviderInfo,)>(describe, (), DEADLINE_MS_DESCRIBE, Conduct::reads()).await;
    answer.map(|(info,)| info).map_err(CheckError::Describe)
}

fn declared_against_exported(info: &ProviderInfo, shape: &Shape) -> Result<Vec<String>, CheckError> {
    let declared = [
        (WEBHOOKS, info.capabilities.webhooks),
        (ACCOUNT_HOLDERS, info.capabilities.account_holders),
        (PAYMENT_METHODS, info.capabilities.payment_methods),
    ];
    let mut warnings = Vec::new();
    for (interface, declared) in declared {
        match (declared, shape.exports(interface)) {
            (true, false) => return Err(CheckError::DeclaredNotExported { interface }),
            (false, true) => {
                warnings.push(format!("exports `{interface}` but does not declare it"));
            }
            (true, true) | (false, false) => {}
        }
    }
    let known = [PAYMENTS, WEBHOOKS, ACCOUNT_HOLDERS, PAYMENT_METHODS].map(crate::interfaces::full_name);
    let extra = shape.exports.iter().filter(|raw| !known.contains(raw));
    warnings.extend(
        extra.map(|raw| format!("exports `{}`, which is not part of the contract", crate::text::clean(raw, 128))),
    );
    Ok(warnings)
}

fn inspect_report(compiled: &Compiled, info: &ProviderInfo, size_bytes: usize, warnings: Vec<String>) -> InspectReport {
    let imports = compiled.shape.imports.clone();
    let mut wanted: Vec<String> = Vec::new();
    for raw in &imports {
        match access(raw) {
            // Both doors to the network, and each part of one, are one grant.
            Access::Grant { name } if !wanted.iter().any(|known| known == name) => wanted.push(name.to_owned()),
            Access::Grant { .. } | Access::Free | Access::Never { .. } | Access::Unknown => {}
        }
    }
    InspectReport {
        digest_sha256: hexadecimal(&compiled.digest),
        size_bytes,
        contract_version: CONTRACT_VERSION.to_owned(),
        identifier: info.identifier.clone(),
        display_name: info.display_name.clone(),
        version: info.version.clone(),
        docs_url: info.docs_url.clone(),
        exports: compiled.shape.exports.clone(),
        interfaces_wanted: wanted,
        imports,
        hosts_wanted: info.hosts.clone(),
        secrets_wanted: info.secrets.clone(),
        capabilities: info.capabilities,
        currencies: info.currencies.clone(),
        recovery: report::recovery(info),
        settings_schema: info.settings_schema.as_str().to_owned(),
        warnings,
        compile_ms: u64::try_from(compiled.duration.as_millis()).unwrap_or(u64::MAX),
        from_cache: compiled.from_cache,
    }
}
