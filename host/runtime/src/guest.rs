//! What a guest can see and touch during one call: `log`, `settings`, and a WASI in which there is nothing to find.
//!
//! It starts from nothing linked. Every host function here counts, caps and cleans; none of them can wait for anything
//! but a clock. What was granted beyond it is in `network`. Sockets are never linked.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use wasmtime::ResourceLimiter;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::tillbox::provider as wit;
use crate::fault::{Fault, LimitKind};
use crate::held::Held;
use crate::limits::{CallLimits, LOG_FIELDS_MAX, LOG_LINE_BYTES_MAX, LOG_LINES_MAX, NAME_BYTES_MAX, RANDOM_BYTES_MAX};
use crate::network::SharedNetwork;
use crate::pipe::Pipe;
use crate::provider::{LogLevel, LogLine};
use crate::settings::Settings;
use crate::stdio::Printed;

/// A fault raised by the host in the middle of a guest's work, on its way out through the engine.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Raised(pub(crate) Fault);

/// Whether a call may use the host's interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purity {
    /// `describe`: calling one breaks the contract.
    Pure,
    /// Everything else.
    Ordinary,
}

/// All state of one call: what the guest's imports work on, and what the limits counted.
pub(crate) struct GuestState {
    /// Made when first asked for; most calls of most guests never do.
    wasi: Option<WasiCtx>,
    handles: ResourceTable,
    pub(crate) printed: Printed,
    settings: Arc<Settings>,
    pub(crate) held: Held,
    /// Requests that came in by `wasi:http`.
    pub(crate) handled: usize,
    /// Told when the last of them has ended, one way or the other.
    pub(crate) last_ended: Option<oneshot::Receiver<()>>,
    pub(crate) pipe: Arc<Pipe>,
    purity: Purity,
    pub(crate) deadline: Instant,
    pub(crate) limits: CallLimits,
    /// The limit that was asked for and not given, should the guest not live without it.
    pub(crate) refused: Option<Fault>,
    memory_bytes: usize,
    pub(crate) memory_bytes_peak: usize,
    pub(crate) host_calls: u32,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_lines_dropped: u32,
}

impl GuestState {
    pub(crate) fn new(
        limits: CallLimits,
        settings: Arc<Settings>,
        network: SharedNetwork,
        purity: Purity,
        pipe: Arc<Pipe>,
        deadline: Instant,
    ) -> Self {
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(limits.handles);
        Self {
            wasi: None,
            handles,
            printed: Printed::default(),
            settings,
            held: Held::new(network),
            handled: 0,
            last_ended: None,
            pipe,
            purity,
            deadline,
            limits,
            refused: None,
            memory_bytes: 0,
            memory_bytes_peak: 0,
            host_calls: 0,
            log: Vec::new(),
            log_lines_dropped: 0,
        }
    }

    /// The resources that the guest holds.
    pub(crate) fn handles(&mut self) -> &mut ResourceTable {
        &mut self.handles
    }

    /// Counts a call of one of the contract's interfaces, and refuses it where it is not allowed.
    pub(crate) fn host_call(&mut self, function: &str) -> wasmtime::Result<()> {
        self.host_calls = self.host_calls.saturating_add(1);
        match self.purity {
            Purity::Ordinary => Ok(()),
            Purity::Pure => {
                let rule = format!("it must call no import, and it called `{function}`");
                Err(Raised(Fault::contract("describe", rule)).into())
            }
        }
    }
}

impl wit::types::Host for GuestState {}

impl wit::log::Host for GuestState {
    fn write(&mut self, level: wit::log::Level, message: String, fields: Vec<wit::log::Field>) -> wasmtime::Result<()> {
        self.host_call("log.write")?;
        if self.log.len() >= LOG_LINES_MAX {
            self.log_lines_dropped = self.log_lines_dropped.saturating_add(1);
            return Ok(());
        }
        let level = match level {
            wit::log::Level::Debug => LogLevel::Debug,
            wit::log::Level::Info => LogLevel::Info,
            wit::log::Level::Warn => LogLevel::Warn,
            wit::log::Level::Error => LogLevel::Error,
        };
        let secrets = self.held.redactor();
        let plain = |text: &str| secrets.line(text, LOG_LINE_BYTES_MAX);
        let field = |field: wit::log::Field| (secrets.line(&field.name, NAME_BYTES_MAX), plain(&field.value));
        self.log.push(LogLine {
            level,
            message: plain(&message),
            fields: fields.into_iter().take(LOG_FIELDS_MAX).map(field).collect(),
        });
        Ok(())
    }
}

impl wit::settings::Host for GuestState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.host_call("settings.get")?;
        Ok(self.settings.get(&name).cloned())
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (printed, pipe) = (&self.printed, &self.pipe);
        let ctx = self.wasi.get_or_insert_with(|| virtual_wasi(printed, pipe));
        WasiCtxView { ctx, table: &mut self.handles }
    }
}

/// Closed input, bounded output, nothing else: no environment, no arguments, no files, no sockets.
fn virtual_wasi(printed: &Printed, pipe: &Pipe) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    pipe.told.clone().into_wasi(&mut builder);
    builder.stdout(printed.clone()).stderr(printed.clone());
    builder.max_random_size(RANDOM_BYTES_MAX);
    builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
    builder.build()
}

impl ResourceLimiter for GuestState {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory_bytes {
            let allowed = self.limits.memory_bytes as u64;
            self.refused = Some(Fault::Limit { which: LimitKind::Memory, used: Some(total as u64), allowed });
            return Ok(false);
        }
        self.memory_bytes = total;
        self.memory_bytes_peak = self.memory_bytes_peak.max(total);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.table_entries {
            let allowed = self.limits.table_entries as u64;
            self.refused = Some(Fault::Limit { which: LimitKind::TableEntries, used: Some(desired as u64), allowed });
            return Ok(false);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}

struct HasTable;

impl wasmtime::component::HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// A linker with everything that is free, and nothing else.
pub(crate) fn free_imports(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<GuestState>> {
    type State = GuestState;
    let mut linker = Linker::<State>::new(engine);
    let l = &mut linker;

    wit::types::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    wit::log::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    wit::settings::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;

    wasi::io::error::add_to_linker::<State, HasTable>(l, |state| state.ctx().table)?;
    wasi::io::poll::add_to_linker::<State, HasTable>(l, |state| state.ctx().table)?;
    wasi::io::streams::add_to_linker::<State, HasTable>(l, |state| state.ctx().table)?;
    wasi::clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    wasi::clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    wasi::random::random::add_to_linker::<State, WasiRandom>(l, State::random)?;
    wasi::random::insecure::add_to_linker::<State, WasiRandom>(l, State::random)?;
    wasi::random::insecure_seed::add_to_linker::<State, WasiRandom>(l, State::random)?;
    wasi::cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    wasi::filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    wasi::filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    Ok(linker)
}
