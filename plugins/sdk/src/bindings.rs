//! What the generator makes of `wit/`: one module for each world of `wit/worlds.wit` that a provider may join.
//!
//! Hidden: authors see only this crate's own types. Nothing here is exported by being linked; the export macros that the
//! generator makes run inside [`register!`](crate::register) and nowhere else. All modules share the types of the first.
#![allow(missing_docs, unused_imports, missing_debug_implementations, unreachable_pub, rustdoc::all, clippy::all)]

pub mod provider {
    wit_bindgen::generate!({
        path: "wit",
        world: "tillbox:provider/provider",
        pub_export_macro: true,
        export_macro_name: "export_payments",
    });
}

pub mod webhooks {
    wit_bindgen::generate!({
        path: "wit",
        world: "tillbox:provider/with-webhooks",
        pub_export_macro: true,
        export_macro_name: "export_webhooks",
        with: { "tillbox:provider/types@0.1.0": crate::bindings::provider::tillbox::provider::types },
    });
}

pub mod account_holders {
    wit_bindgen::generate!({
        path: "wit",
        world: "tillbox:provider/with-account-holders",
        pub_export_macro: true,
        export_macro_name: "export_account_holders",
        with: { "tillbox:provider/types@0.1.0": crate::bindings::provider::tillbox::provider::types },
    });
}

pub mod payment_methods {
    wit_bindgen::generate!({
        path: "wit",
        world: "tillbox:provider/with-payment-methods",
        pub_export_macro: true,
        export_macro_name: "export_payment_methods",
        with: { "tillbox:provider/types@0.1.0": crate::bindings::provider::tillbox::provider::types },
    });
}
