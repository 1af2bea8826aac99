//! The engine: one per process, configured once, shared by clones of [`Runtime`].
//!
//! It decides what WebAssembly may be (which proposals), how instances get their memory (a pool, or on demand where no
//! pool can be had) and how long computing code goes unquestioned (a ticker thread). It knows no provider.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::cache::Cache;
use crate::egress::resolve::{Resolve, SystemResolver};
use crate::limits::{
    CALLS_MAX_DEFAULT, COMPILES_MAX, FIBER_BYTES, INSTANCE_RECORD_BYTES_MAX, INSTANCES_MAX, KEEP_RESIDENT_BYTES,
    MEMORIES_MAX, MEMORY_BYTES_SCRIPTED, STACK_BYTES, TABLE_ENTRIES_MAX, TABLES_MAX, TICK_MS,
};
use crate::secrets::SecretSource;

/// What an operator may choose about the runtime.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Where compiled components are kept; `None` compiles anew at every start.
    pub cache_directory: Option<PathBuf>,
    /// Calls at once in the whole process, at least 1.
    pub calls_max: u32,
    /// Whether to try for a pool at all. Without one a call costs about twice as much.
    pub pooling: bool,
    /// Says where host names lead.
    pub resolver: Arc<dyn Resolve>,
    /// Certificates, in DER, that are trusted beside the machine's own: a private authority's, for gateways inside.
    pub tls_roots: Vec<Vec<u8>>,
    /// Gives secrets whose grant names neither a variable nor a file.
    pub secret_source: Option<Arc<dyn SecretSource>>,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            cache_directory: None,
            calls_max: CALLS_MAX_DEFAULT,
            pooling: true,
            resolver: Arc::new(SystemResolver),
            tls_roots: Vec::new(),
            secret_source: None,
        }
    }
}

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine refused its configuration.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The cache directory cannot be used.
    #[error("the cache directory {directory} cannot be used")]
    Cache {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The ticker thread could not be started.
    #[error("no thread for the deadline ticker")]
    Ticker(#[source] std::io::Error),
}

/// How instances get their memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool made at the start. `resident` says whether freed memory stays mapped (Linux 6.7 and later).
    Pooling {
        /// Whether freed memory stays mapped.
        resident: bool,
    },
    /// From the operating system, at each call; with the reason why there is no pool.
    OnDemand {
        /// Why.
        reason: String,
    },
}

/// The runtime. Clones share one engine; its ticker thread ends after the last of them, and of what they made, is gone.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) cache: Option<Cache>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) compiles: Arc<Semaphore>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) tls_roots: Vec<Vec<u8>>,
    pub(crate) secret_source: Option<Arc<dyn SecretSource>>,
    allocation: Allocation,
    calls_max: u32,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("allocation", &self.allocation)
            .field("calls_max", &self.calls_max)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

impl Runtime {
    /// Starts the engine.
    ///
    /// # Errors
    /// [`EngineError`] when the engine, the cache directory or the ticker thread is not to be had. A pool that is not to
    /// be had is no error: see [`Runtime::allocation`].
    pub fn new(config: RuntimeConfig) -> Result<Self, EngineError> {
        let calls_max = config.calls_max.max(1);
        let cache = match config.cache_directory.clone() {
            None => None,
            Some(directory) => {
                let cache = Cache::open(&directory).map_err(|source| EngineError::Cache { directory, source })?;
                Some(cache)
            }
        };
        let (engine, allocation) = start_engine(config.pooling, calls_max)?;
        if let Allocation::OnDemand { reason } = &allocation {
            tracing::warn!(reason, "no pool for instances; each call takes its memory from the operating system");
        }
        start_ticker(&engine).map_err(EngineError::Ticker)?;
        let slots = Arc::new(Semaphore::new(calls_max as usize));
        let compiles = Arc::new(Semaphore::new(COMPILES_MAX));
        let RuntimeConfig { resolver, tls_roots, secret_source, .. } = config;
        let inner = Inner { engine, cache, slots, compiles, resolver, tls_roots, secret_source, allocation, calls_max };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How instances get their memory.
    #[must_use]
    pub fn allocation(&self) -> &Allocation {
        &self.inner.allocation
    }

    /// The engine itself, for measurements beside the runtime. Whoever instantiates on it takes slots from the pool.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Calls at once in the whole process.
    #[must_use]
    pub fn calls_max(&self) -> u32 {
        self.inner.calls_max
    }
}

/// Tries the pool by making it; nothing else tells whether the address space can be had.
fn start_engine(pooling: bool, calls_max: u32) -> Result<(Engine, Allocation), EngineError> {
    let reason = if pooling {
        let resident = PoolingAllocationConfig::is_pagemap_scan_available();
        let mut config = base_config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(calls_max, resident)));
        match Engine::new(&config) {
            Ok(engine) => return Ok((engine, Allocation::Pooling { resident })),
            Err(error) => format!("{error:#}"),
        }
    } else {
        "switched off by configuration".to_owned()
    };
    let engine = Engine::new(&base_config()).map_err(|error| EngineError::Engine(format!("{error:#}")))?;
    Ok((engine, Allocation::OnDemand { reason }))
}

/// What WebAssembly may be. Everything that is off here had serious advisories, or nobody needs it; `shape::features`
/// says the same to the validator.
fn base_config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .gc_support(false)
        .wasm_threads(false)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false);
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(FIBER_BYTES)
        // Instances reserve what the largest profile may use, not the 4 GiB a 32-bit guest could name.
        .memory_reservation(MEMORY_BYTES_SCRIPTED as u64)
        .memory_reservation_for_growth(0)
        .memory_may_move(false)
        .memory_init_cow(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    config
}

/// Slots for as many calls as the semaphore lets in. Keeping memory resident pays only with the pagemap scan; without it
/// the clearing costs more than fresh pages.
fn pool(calls_max: u32, resident: bool) -> PoolingAllocationConfig {
    let per_call = |count: usize| calls_max.saturating_mul(u32::try_from(count).expect("a small number"));
    let per_component = |count: usize| u32::try_from(count).expect("a small number");
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls_max)
        .total_core_instances(per_call(INSTANCES_MAX))
        .total_memories(per_call(MEMORIES_MAX))
        .total_tables(per_call(TABLES_MAX))
        .total_stacks(calls_max)
        .max_core_instances_per_component(per_component(INSTANCES_MAX))
        .max_memories_per_component(per_component(MEMORIES_MAX))
        .max_tables_per_component(per_component(TABLES_MAX))
        .max_memory_size(MEMORY_BYTES_SCRIPTED)
        .table_elements(TABLE_ENTRIES_MAX)
        .max_core_instance_size(INSTANCE_RECORD_BYTES_MAX)
        .max_component_instance_size(INSTANCE_RECORD_BYTES_MAX);
    if resident {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
            .table_keep_resident(KEEP_RESIDENT_BYTES);
    }
    pool
}

/// One thread that moves the epoch on, for as long as anybody holds the engine.
fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let weak = engine.weak();
    std::thread::Builder::new().name("tillbox-ticker".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(TICK_MS));
            match weak.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_pool_it_starts_and_says_so() {
        let runtime = Runtime::new(RuntimeConfig { pooling: false, ..RuntimeConfig::default() }).unwrap();
        assert!(matches!(runtime.allocation(), Allocation::OnDemand { .. }));
        // More address space than there is.
        let greedy = Runtime::new(RuntimeConfig { calls_max: 4_000_000, ..RuntimeConfig::default() }).unwrap();
        let Allocation::OnDemand { reason } = greedy.allocation() else {
            panic!("{:?}", greedy.allocation());
        };
        assert!(!reason.is_empty());
    }

    #[test]
    fn the_ticker_ends_with_the_last_clone() {
        let runtime = Runtime::new(RuntimeConfig { calls_max: 1, ..RuntimeConfig::default() }).unwrap();
        let weak = runtime.inner.engine.weak();
        let clone = runtime.clone();
        drop(runtime);
        assert!(weak.upgrade().is_some());
        drop(clone);
        let gone_by = std::time::Instant::now() + Duration::from_secs(10);
        while weak.upgrade().is_some() {
            assert!(std::time::Instant::now() < gone_by, "something still holds the engine");
            std::thread::yield_now();
        }
    }
}
