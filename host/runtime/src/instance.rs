//! One bounded call: wait for a slot, make a fresh store and instance, call, classify, throw everything away.
//!
//! Two clocks end a call. The epoch sees computing code and cannot see waits; the outer time-out sees waits and cannot
//! stop a loop. Nothing of a call outlives it, so a trap, a time-out or a panic needs no cleaning up.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};

use crate::fault::{DeadlineAt, Fault, HostFault, LimitKind};
use crate::guest::{GuestState, Purity, Raised};
use crate::limits::{CallLimits, FRAME_BYTES_MAX, FRAMES_MAX, MESSAGE_BYTES_MAX, STACK_BYTES, TICK_MS, TICKS_GRACE};
use crate::network::SharedNetwork;
use crate::pipe::{Conduct, Pipe};
use crate::provider::CallReport;
use crate::redact::Redactor;
use crate::settings::Settings;
use crate::text::clean;

/// Everything a call of one provider needs.
#[derive(Clone)]
pub(crate) struct Callee {
    pub(crate) instance: InstancePre<GuestState>,
    pub(crate) limits: CallLimits,
    pub(crate) settings: Arc<Settings>,
    pub(crate) network: SharedNetwork,
    pub(crate) purity: Purity,
    /// Slots of the whole process.
    pub(crate) slots: Arc<Semaphore>,
    /// Slots of this provider.
    pub(crate) own_slots: Arc<Semaphore>,
}

impl Callee {
    /// Calls one exported function in a fresh instance.
    pub(crate) async fn call<P, R>(
        &self,
        function: &ComponentExportIndex,
        parameters: P,
        deadline_ms: u32,
        conduct: Conduct,
    ) -> (Result<R, Fault>, CallReport, Redactor)
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let start = Instant::now();
        let deadline_ms = deadline_ms.max(1);
        let deadline = start + Duration::from_millis(u64::from(deadline_ms));
        let mut report = CallReport::default();

        let permits = self.wait_for_slot(deadline).await;
        report.queued = start.elapsed();
        let (_own, _shared) = match permits {
            Ok(permits) => permits,
            Err(fault) => {
                report.duration = report.queued;
                return (Err(fault), report, Redactor::default());
            }
        };

        let pipe = Arc::new(Pipe::new(self.network.clone(), conduct, deadline));
        let mut store = self.fresh_store(Arc::clone(&pipe), deadline);
        let outer = deadline + Duration::from_millis(TICK_MS) * TICKS_GRACE;
        let work = catching(self.run(&mut store, function, parameters, &mut report.instantiation));
        let answer = match tokio::time::timeout_at(outer.into(), work).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(classify(&error, store.data(), deadline_ms)),
            Ok(Err(panic)) => Err(Fault::Host(HostFault::Panic(panic))),
            Err(_) => Err(Fault::Deadline { at: DeadlineAt::HostWait, deadline_ms, frames: Vec::new() }),
        };
        // What still goes on beside the guest begins nothing more; what is on its way counts as that.
        pipe.close();
        let answer = match pipe.broken() {
            // A guest that goes on after it is not believed.
            Some(fault) if answer.is_ok() => Err(fault),
            Some(_) | None => answer,
        };
        let state = store.data_mut();
        report.memory_bytes_peak = state.memory_bytes_peak as u64;
        report.host_calls = state.host_calls;
        report.log = std::mem::take(&mut state.log);
        report.log_lines_dropped = state.log_lines_dropped;
        let secrets = state.held.redactor();
        report.printed = secrets.tail(state.printed.text());
        report.left = Some(pipe.left());
        report.exchanges = pipe.take_reports();
        drop(store);
        report.duration = start.elapsed();
        (answer, report, secrets)
    }

    /// The provider's own limit first, so that a full provider never holds one of the shared slots while it waits.
    async fn wait_for_slot(&self, deadline: Instant) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Fault> {
        let own = slot(&self.own_slots, deadline).await.ok_or(Fault::Host(HostFault::Busy { scope: "provider" }))?;
        let shared = slot(&self.slots, deadline).await.ok_or(Fault::Host(HostFault::Busy { scope: "host" }))?;
        Ok((own, shared))
    }

    /// A store with **every** limit of a call set. There is no other place that makes one.
    ///
    /// The stack's limits are the engine's (`engine::base_config`); JSON, texts and lists are checked in `convert`.
    fn fresh_store(&self, pipe: Arc<Pipe>, deadline: Instant) -> Store<GuestState> {
        let (settings, network) = (Arc::clone(&self.settings), self.network.clone());
        let state = GuestState::new(self.limits, settings, network, self.purity, pipe, deadline);
        let mut store = Store::new(self.instance.engine(), state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(self.limits.transfer_bytes);
        store.set_epoch_deadline(1);
        // Each tick: give the thread to others, or end the call when its time is over.
        store.epoch_deadline_callback(|context| {
            if Instant::now() >= context.data().deadline {
                return Ok(UpdateDeadline::Interrupt);
            }
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }

    async fn run<P, R>(
        &self,
        store: &mut Store<GuestState>,
        function: &ComponentExportIndex,
        parameters: P,
        instantiation: &mut Duration,
    ) -> wasmtime::Result<R>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let start = Instant::now();
        let instance = self.instance.instantiate_async(&mut *store).await?;
        *instantiation = start.elapsed();
        let function = instance.get_typed_func::<P, R>(&mut *store, function)?;
        function.call_async(&mut *store, parameters).await
    }
}

async fn slot(slots: &Arc<Semaphore>, deadline: Instant) -> Option<OwnedSemaphorePermit> {
    // The common case costs no timer.
    if let Ok(permit) = Arc::clone(slots).try_acquire_owned() {
        return Some(permit);
    }
    tokio::time::timeout_at(deadline.into(), Arc::clone(slots).acquire_owned()).await.ok()?.ok()
}

/// Makes a fault of what the engine says. What the host raised itself comes first, then what its limits refused, then
/// what the engine knows by type, and last what it only says in words.
fn classify(error: &wasmtime::Error, state: &GuestState, deadline_ms: u32) -> Fault {
    if let Some(Raised(fault)) = error.downcast_ref::<Raised>() {
        return fault.clone();
    }
    let trap = error.downcast_ref::<Trap>().copied();
    if trap == Some(Trap::Interrupt) {
        return Fault::Deadline { at: DeadlineAt::GuestCode, deadline_ms, frames: frames(error) };
    }
    if let Some(fault) = &state.refused {
        return fault.clone();
    }
    if trap == Some(Trap::StackOverflow) {
        return Fault::Limit { which: LimitKind::Stack, used: None, allowed: STACK_BYTES as u64 };
    }
    if let Some(fault) = limit_by_type(error, state.limits) {
        return fault;
    }
    let words = format!("{error:#}");
    if let Some(fault) = limit_by_words(&words, state.limits) {
        return fault;
    }
    if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
        return Fault::Host(HostFault::Instantiation(clean(&words, MESSAGE_BYTES_MAX)));
    }
    let message = match (trap, error.downcast_ref::<wasmtime_wasi::I32Exit>()) {
        (Some(trap), _) => trap.to_string(),
        (None, Some(exit)) => format!("it ended its process with status {}", exit.0),
        (None, None) => error.root_cause().to_string(),
    };
    let secrets = state.held.redactor();
    Fault::Trap {
        message: secrets.line(&message, MESSAGE_BYTES_MAX),
        frames: frames(error),
        stderr: secrets.tail(state.printed.text()),
    }
}

fn limit_by_type(error: &wasmtime::Error, limits: CallLimits) -> Option<Fault> {
    use wasmtime::component::ResourceTableError;
    match error.downcast_ref::<ResourceTableError>()? {
        ResourceTableError::Full => {
            Some(Fault::Limit { which: LimitKind::Handles, used: None, allowed: limits.handles as u64 })
        }
        ResourceTableError::NotPresent | ResourceTableError::WrongType | ResourceTableError::HasChildren => None,
    }
}

/// Two limits have no type of their own in the engine; a test fails when their wording changes.
fn limit_by_words(words: &str, limits: CallLimits) -> Option<Fault> {
    if words.contains("fuel allocated for hostcalls has been exhausted") {
        return Some(Fault::Limit { which: LimitKind::Transfer, used: None, allowed: limits.transfer_bytes as u64 });
    }
    let (_, counted) = words.split_once("resource limit exceeded: ")?;
    let allowed = match counted.split(' ').next() {
        Some("memory") => limits.memories,
        Some("table") => limits.tables,
        _ => limits.instances,
    };
    Some(Fault::Limit { which: LimitKind::Instances, used: None, allowed: allowed as u64 })
}

fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let name = |frame: &wasmtime::FrameInfo| {
        let symbol = frame.symbols().first().and_then(wasmtime::FrameSymbol::name).or(frame.func_name());
        // The alternate form leaves the compiler's hash out. Names of other languages pass unchanged.
        let readable = symbol.map(|symbol| format!("{:#}", rustc_demangle::demangle(symbol)));
        let name = readable.unwrap_or_else(|| format!("function {}", frame.func_index()));
        clean(&name, FRAME_BYTES_MAX)
    };
    backtrace.frames().iter().take(FRAMES_MAX).map(name).collect()
}

/// Panics become values: one in a host function must not take the process's other calls with it.
async fn catching<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(panic) => Poll::Ready(Err(panic_text(panic.as_ref()))),
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    clean(text.unwrap_or("no message"), MESSAGE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_value() {
        assert_eq!(catching(async { 1 }).await, Ok(1));
        let panicking = async {
            tokio::task::yield_now().await;
            panic!("of {}", "ours")
        };
        assert_eq!(catching::<()>(panicking).await, Err("of ours".to_owned()));
    }
}
