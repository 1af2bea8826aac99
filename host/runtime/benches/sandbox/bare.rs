//! The baseline: a loop over the engine with the same guest, the same engine and the same limits, and nothing of ours.
//!
//! What the runtime costs above it is the price of slots, deadlines, conversion, checks and the report.

#![allow(missing_debug_implementations, unreachable_pub, clippy::all, clippy::wildcard_enum_match_arm)]

use std::time::{Duration, Instant};

use tillbox_runtime::limits::{CallLimits, Profile};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "provider",
    imports: { default: trappable },
    exports: { default: async },
});

use exports::tillbox::provider::payments::{CaptureRequest, GuestIndices};
use tillbox::provider::types::{Context, Outcome};

pub struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    limits: StoreLimits,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl tillbox::provider::types::Host for State {}

impl tillbox::provider::log::Host for State {
    fn write(
        &mut self,
        _: tillbox::provider::log::Level,
        _: String,
        _: Vec<tillbox::provider::log::Field>,
    ) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl tillbox::provider::settings::Host for State {
    fn get(&mut self, _: String) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

pub struct Bare {
    instance: InstancePre<State>,
    payments: GuestIndices,
}

/// Where the time of one call went.
pub struct Split {
    pub instantiation: Duration,
    pub call: Duration,
    pub drop: Duration,
}

impl Split {
    pub fn total(&self) -> Duration {
        self.instantiation + self.call + self.drop
    }
}

impl Bare {
    pub fn new(engine: &Engine, component: &[u8]) -> Self {
        let component = Component::new(engine, component).unwrap();
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        tillbox::provider::types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).unwrap();
        tillbox::provider::log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).unwrap();
        tillbox::provider::settings::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).unwrap();
        let instance = linker.instantiate_pre(&component).unwrap();
        let payments = GuestIndices::new(&instance).unwrap();
        Self { instance, payments }
    }

    pub fn store(&self) -> Store<State> {
        let limits = CallLimits::of(Profile::Standard);
        let state = State {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
            limits: StoreLimitsBuilder::new()
                .memory_size(limits.memory_bytes)
                .table_elements(limits.table_entries)
                .instances(limits.instances)
                .memories(limits.memories)
                .tables(limits.tables)
                .build(),
        };
        let mut store = Store::new(self.instance.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(limits.transfer_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        store
    }

    /// A live instance that has answered once, for measuring what one holds.
    pub async fn live(&self, context: &Context, request: &CaptureRequest) -> Store<State> {
        let mut store = self.store();
        let instance = self.instance.instantiate_async(&mut store).await.unwrap();
        let payments = self.payments.load(&mut store, &instance).unwrap();
        payments.call_capture(&mut store, context, request).await.unwrap().unwrap();
        store
    }

    pub async fn capture(&self, context: &Context, request: &CaptureRequest) -> (Outcome, Split) {
        let start = Instant::now();
        let mut store = self.store();
        let instance = self.instance.instantiate_async(&mut store).await.unwrap();
        let instantiation = start.elapsed();
        let payments = self.payments.load(&mut store, &instance).unwrap();
        let outcome = payments.call_capture(&mut store, context, request).await.unwrap().unwrap();
        let call = start.elapsed() - instantiation;
        drop(store);
        let drop = start.elapsed() - instantiation - call;
        (outcome, Split { instantiation, call, drop })
    }
}

/// What the loop asks: a capture on a payment with this data.
pub fn question(data: &str) -> (Context, CaptureRequest) {
    use exports::tillbox::provider::payments::PaymentState;
    use tillbox::provider::types::{Environment, Money};
    let euro = |minor_units| Money { minor_units, exponent: 2, currency: "EUR".into() };
    let context = Context {
        operation_id: "payop_bench".into(),
        idempotency_key: "key-bench".into(),
        attempt: 1,
        deadline_ms: 10_000,
        collection_id: None,
        session_id: None,
        payment_id: None,
        environment: Environment::Test,
        locale: None,
        customer: None,
        account_holder: None,
        extensions: "{}".into(),
    };
    let payment = PaymentState {
        data: data.into(),
        provider_reference: Some("manual_payop_0".into()),
        amount: euro(1_000_000),
        captured: euro(0),
        refunded: euro(0),
    };
    (context, CaptureRequest { payment, amount: euro(1), capture_id: "capt_bench".into(), is_final: false })
}
