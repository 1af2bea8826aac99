//! What the bindings generator makes of `wit/`: types and import traits, for `convert.rs` and the two that call through it (`guest.rs`, `calls.rs`).
//!
//! Nothing is written here by hand. It is the one module in which unsafe code is allowed, because the generator emits it.

#![allow(unsafe_code, missing_docs, missing_debug_implementations, unreachable_pub, dead_code, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "everything",
    imports: { "tillbox:provider/http.send": async | trappable, default: trappable },
    exports: { default: async },
});
