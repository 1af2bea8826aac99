//! The providers that come with the host: component bytes and manifests, compiled in.
//!
//! It refuses to know what a host does with them, and treats them no better than a file from elsewhere: the bytes pass
//! the same checks as any other component.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

/// The component of `plugins/manual`: a person confirms each step.
pub static MANUAL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/manual.wasm"));

/// The manifest of `plugins/manual`, as TOML text.
pub static MANUAL_MANIFEST: &str = include_str!("../../manual/provider.toml");

/// The component of `plugins/stripe`: Stripe's API over the host's HTTP. It needs grants: hosts and secrets.
pub static STRIPE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stripe.wasm"));

/// The manifest of `plugins/stripe`, as TOML text.
pub static STRIPE_MANIFEST: &str = include_str!("../../stripe/provider.toml");

/// The component of `plugins/stripe-mock`: a PaymentIntent's whole life without a network.
pub static STRIPE_MOCK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stripe-mock.wasm"));

/// The manifest of `plugins/stripe-mock`, as TOML text.
pub static STRIPE_MOCK_MANIFEST: &str = include_str!("../../stripe-mock/provider.toml");

/// One provider that comes with the host.
#[derive(Clone, Copy)]
pub struct Bundled {
    /// What the provider's `describe` answers as its identifier.
    pub identifier: &'static str,
    /// The component.
    pub component: &'static [u8],
    /// `provider.toml`, as text.
    pub manifest: &'static str,
}

impl std::fmt::Debug for Bundled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = format_args!("{} bytes", self.component.len());
        f.debug_struct("Bundled")
            .field("identifier", &self.identifier)
            .field("component", &size)
            .finish_non_exhaustive()
    }
}

/// All of them, in the order in which a listing shows them.
#[must_use]
pub fn all() -> &'static [Bundled] {
    static ALL: [Bundled; 3] = [
        Bundled { identifier: "manual", component: MANUAL, manifest: MANUAL_MANIFEST },
        Bundled { identifier: "stripe", component: STRIPE, manifest: STRIPE_MANIFEST },
        Bundled { identifier: "stripe-mock", component: STRIPE_MOCK, manifest: STRIPE_MOCK_MANIFEST },
    ];
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `\0asm`, then version 13 of layer 1: a component, as the Component Model's binary format has it. A core module
    /// would end in `1 0 0 0`.
    const COMPONENT_PREAMBLE: [u8; 8] = *b"\0asm\x0d\0\x01\0";

    #[test]
    fn every_one_is_a_component_with_a_manifest() {
        for bundled in all() {
            assert!(bundled.component.starts_with(&COMPONENT_PREAMBLE), "{bundled:?}");
            assert!(bundled.manifest.contains(bundled.identifier), "{bundled:?}: the manifest is another provider's");
        }
    }

    #[test]
    fn a_listing_shows_sizes_and_not_bytes() {
        let shown = format!("{:?}", all()[0]);
        assert!(shown.len() < 200 && shown.contains("bytes"), "{shown}");
    }
}
