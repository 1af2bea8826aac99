//! Built against version 9.9.0 of the contract, which does not exist. Loading must say which versions it knows.
//!
//! It refuses to resemble the real contract: the version alone has to be enough.

#[allow(missing_debug_implementations, unreachable_pub, rust_2018_idioms)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package tillbox:provider@9.9.0;
            interface payments {
                describe: func() -> string;
            }
            world provider {
                export payments;
            }
        ",
    });
}

/// From another time.
#[derive(Debug)]
pub struct WrongVersion;

impl bindings::exports::tillbox::provider::payments::Guest for WrongVersion {
    fn describe() -> String {
        "{}".into()
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(WrongVersion with_types_in bindings);
