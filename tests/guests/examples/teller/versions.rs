//! A teller whose versions differ in their number alone.
//!
//! It refuses to know what a till does.

/// A teller that differs in its version alone.
macro_rules! teller {
    ($name:ident, $version:literal) => {
        /// The teller of one version.
        #[derive(Debug)]
        pub struct $name;

        impl tillbox_guests::Provider for $name {
            fn describe() -> tillbox_guests::payments::ProviderInfo {
                till::info($version)
            }

            fn authorize(
                _: tillbox_guests::types::Context,
                request: tillbox_guests::payments::AuthorizeRequest,
            ) -> tillbox_guests::Answer {
                till::authorize($version, request)
            }

            fn capture(
                _: tillbox_guests::types::Context,
                request: tillbox_guests::payments::CaptureRequest,
            ) -> tillbox_guests::Answer {
                till::capture($version, request)
            }

            fn refund(
                _: tillbox_guests::types::Context,
                request: tillbox_guests::payments::RefundRequest,
            ) -> tillbox_guests::Answer {
                till::refund($version, request)
            }

            fn retrieve(
                _: tillbox_guests::types::Context,
                request: tillbox_guests::payments::RetrieveRequest,
            ) -> Result<tillbox_guests::payments::Snapshot, tillbox_guests::types::Error> {
                till::retrieve($version, request)
            }
        }

        tillbox_guests::export!($name);
    };
}
