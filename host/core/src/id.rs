//! Ids: newtypes, so that a refund's id can never be handed to a method that wants a payment's.
//!
//! The core makes none: an id is a prefix and a ULID, the ULID is random, and randomness comes in as an argument.

use std::fmt;
use std::sync::Arc;

/// Bytes an id may have: prefix, underscore, 26 characters of ULID, and room for a provider's own names.
pub const ID_LENGTH_MAX: usize = 128;

/// Why a text is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError {
    /// The prefix the id should have.
    pub prefix: &'static str,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id of this kind: one starts with `{}_`, then letters, digits, `-` and `_`", self.prefix)
    }
}

impl std::error::Error for IdError {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// What every id of this kind starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Checks prefix, length and alphabet.
            ///
            /// # Errors
            /// [`IdError`] naming the prefix.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let tail = text.strip_prefix($prefix).and_then(|rest| rest.strip_prefix('_')).unwrap_or("");
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
                if tail.is_empty() || text.len() > ID_LENGTH_MAX || !tail.bytes().all(allowed) {
                    return Err(IdError { prefix: $prefix });
                }
                Ok(Self(Arc::from(text)))
            }

            /// Puts the prefix before a unique tail.
            ///
            /// # Panics
            /// When the tail holds anything but ASCII letters, digits, `-` and `_`: the caller made it.
            #[must_use]
            pub fn from_tail(tail: &str) -> Self {
                Self::parse(&format!("{}_{tail}", $prefix)).expect("the tail is a ULID or a checked name")
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A payment collection.
    CollectionId, "pay_col"
);
id!(
    /// A payment session.
    SessionId, "payses"
);
id!(
    /// A payment.
    PaymentId, "pay"
);
id!(
    /// A capture.
    CaptureId, "capt"
);
id!(
    /// A refund.
    RefundId, "ref"
);
id!(
    /// A reason for refunds.
    RefundReasonId, "refr"
);
id!(
    /// A customer as a provider knows them.
    AccountHolderId, "acchld"
);
id!(
    /// An operation: something asked of a provider.
    OperationId, "payop"
);
id!(
    /// An event told to the outside.
    EventId, "evt"
);
id!(
    /// An installed provider: `pp_{identifier}_{id}`.
    ProviderId, "pp"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_its_prefix_and_a_plain_tail() {
        assert!(PaymentId::parse("pay_01ARZ3NDEKTSV4RRFFQ69G5FAV").is_ok());
        assert!(ProviderId::parse("pp_stripe-mock_default").is_ok());
        for bad in ["", "pay", "pay_", "ref_01", "pay_../x", "pay_a b", "pay_é", &format!("pay_{}", "a".repeat(125))] {
            assert_eq!(PaymentId::parse(bad), Err(IdError { prefix: "pay" }), "{bad}");
        }
        assert_eq!(CollectionId::from_tail("1").as_str(), "pay_col_1");
    }
}
