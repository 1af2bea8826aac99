//! Builds the providers that come with the host, so that the library can hold their bytes.
//!
//! It refuses to know how a component is built.

fn main() {
    tillbox_plugin_build::run(|build| {
        build.watch(&["plugins/manual", "plugins/stripe", "plugins/stripe-mock", "plugins/stripe-rules"]);
        for component in build.libraries(&["manual", "stripe", "stripe-mock"])? {
            build.deliver(&component)?;
        }
        Ok(())
    });
}
