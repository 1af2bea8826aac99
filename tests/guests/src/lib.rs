//! What misbehaving providers stand on: raw bindings of the contract, and an honest answer for everything.
//!
//! A guest overrides what it misbehaves in. This crate refuses to use the SDK, which keeps its users from most of what
//! is needed here, and it checks nothing.

mod honest;

/// The contract as wit-bindgen gives it, unguarded.
#[allow(missing_debug_implementations, unreachable_pub, clippy::wildcard_enum_match_arm, rust_2018_idioms)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "provider",
        pub_export_macro: true,
        export_macro_name: "export_provider",
        default_bindings_module: "tillbox_guests::bindings",
    });
}

pub use bindings::exports::tillbox::provider::payments;
pub use bindings::tillbox::provider::{http, log, types};
pub use honest::{Answer, Provider, honest_info, honest_outcome};

/// Exports a provider from a component. Does nothing in native builds, whose linkers refuse the contract's names.
#[macro_export]
macro_rules! export {
    ($provider:ident) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
    $crate::bindings::export_provider!($provider with_types_in $crate::bindings);
        };
    };
}
