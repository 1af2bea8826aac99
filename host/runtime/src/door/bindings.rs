//! What the bindings generator makes of `wit/`: `wasi:http` as an importer of `outgoing-handler` sees it.
//!
//! Nothing is written here by hand. Like `crate::bindings`, it may hold unsafe code, because the generator emits it.

#![allow(unsafe_code, missing_docs, missing_debug_implementations, unreachable_pub, dead_code, clippy::all)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "tillbox:door/door",
    imports: { default: trappable },
    require_store_data_send: true,
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:http/types.fields": super::fields::Fields,
        "wasi:http/types.outgoing-request": super::types::OutgoingRequest,
        "wasi:http/types.outgoing-body": super::types::OutgoingBody,
        "wasi:http/types.request-options": super::types::RequestOptions,
        "wasi:http/types.future-incoming-response": super::types::FutureResponse,
        "wasi:http/types.incoming-response": super::types::IncomingResponse,
        "wasi:http/types.incoming-body": super::types::IncomingBody,
        "wasi:http/types.future-trailers": super::types::FutureTrailers,
        "wasi:http/types.incoming-request": super::absent::Absent,
        "wasi:http/types.outgoing-response": super::absent::Absent,
        "wasi:http/types.response-outparam": super::absent::Absent,
    },
});
