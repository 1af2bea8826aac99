//! Statuses as the outside knows them, by their wire names.
//!
//! No status is stored on its own authority: each is derived from operations by `state`.

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in SQL and JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use names;

names! {
    /// Where a payment session stands.
    SessionStatus {
        /// Opened; nothing was asked of the payer yet.
        Pending = "pending",
        /// The payer has to act.
        RequiresMore = "requires_more",
        /// The payment method decides later.
        PendingAuthorization = "pending_authorization",
        /// Authorized: a payment exists.
        Authorized = "authorized",
        /// Captured by the provider at once.
        Captured = "captured",
        /// The last try was declined or broke; another one is allowed.
        Error = "error",
        /// Voided or abandoned.
        Canceled = "canceled",
    }
}

names! {
    /// Where a payment collection stands.
    CollectionStatus {
        /// No session.
        NotPaid = "not_paid",
        /// Sessions, none of them authorized.
        Awaiting = "awaiting",
        /// Less than the amount is authorized.
        PartiallyAuthorized = "partially_authorized",
        /// The amount is authorized.
        Authorized = "authorized",
        /// Something is captured, less than the amount.
        PartiallyCaptured = "partially_captured",
        /// The amount is captured.
        Completed = "completed",
        /// Canceled by the merchant with nothing captured.
        Canceled = "canceled",
        /// Every session failed, and at least one did.
        Failed = "failed",
    }
}
