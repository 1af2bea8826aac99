//! What a key of a body or a query may hold, as data. The readers (`fields`, `query`) note it with each key they take, so
//! the document says what is really read. It refuses to know routes.

use serde_json::{Value, json};
use tillbox_core::id::{ID_LENGTH_MAX, ProviderId};
use tillbox_core::money::MINOR_UNITS_MAX;
use tillbox_core::operation::{OperationKind, OperationState, Origin};
use tillbox_core::outcome::{DeclineClass, ProviderStatus};
use tillbox_core::status::{CollectionStatus, SessionStatus};

use crate::service::{PermissionKind, Verdict};
use crate::store::{DispatchState, ExchangeState, VersionState};

/// Where the document keeps the codes of all currencies.
pub(in crate::http) const CURRENCY: &str = "CurrencyCode";

/// One line that says something: no control characters, not only spaces.
pub(in crate::http) const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";

/// A kind of event, or a family of them.
pub(in crate::http) const EVENT_KIND: &str = r"^[a-z_]+(\.[a-z_]+)*(\.\*)?$";

/// SHA-256 in hexadecimal.
pub(in crate::http) const DIGEST: &str = "^[0-9a-f]{64}$";

/// What the host takes behind a provider's identifier.
pub(in crate::http) const PROVIDER_TAIL: &str = "^[A-Za-z0-9_-]+$";

/// A version (Semantic Versioning 2.0.0), as far as its numbers go.
pub(in crate::http) const VERSION: &str = r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$";

/// Where webhooks may go.
pub(in crate::http) const WEBHOOK_URL: &str = concat!(
    r"^(https://[A-Za-z0-9][A-Za-z0-9.-]*|http://(localhost|127\.0\.0\.1|\[::1\]))",
    r"(:([0-9]{1,4}|[1-5][0-9]{4}))?(/[A-Za-z0-9._~/-]*)?(\?[A-Za-z0-9._~/=&-]*)?$",
);

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) enum Kind {
    /// A string of so many bytes of UTF-8.
    Text { least: usize, most: usize },
    /// The same, by which the shop calls something of its own: there may be no such thing.
    Foreign { least: usize, most: usize },
    /// The same, which fits an expression (ECMA-262) besides.
    Like { pattern: &'static str, least: usize, most: usize },
    /// One of some names.
    Word(fn() -> Vec<&'static str>),
    /// An ISO 4217 code, in either case.
    Currency,
    /// An id that begins with this and an underscore.
    Id(&'static str),
    /// RFC 3339.
    Time,
    /// A decimal number of major units.
    Amount,
    /// `true` or `false`.
    Truth,
    /// A whole number, and what it is where it is left out.
    Whole { least: u64, most: u64, otherwise: u64 },
    /// A whole number that may be left out.
    Number { least: u64, most: u64 },
    /// An object that is handed on.
    Object,
    /// An object with keys of ours.
    Nested(fn() -> Value),
}

/// How many values stand under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Count {
    One,
    /// A JSON array of at most so many.
    List(usize),
    /// One text with at most so many, and commas between them.
    Commas(usize),
}

/// A key that a reader knows.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Known {
    pub(in crate::http) key: &'static str,
    pub(in crate::http) kind: Kind,
    pub(in crate::http) count: Count,
    pub(in crate::http) required: bool,
}

impl Known {
    /// The JSON Schema (2020-12) of what may stand under the key.
    pub(in crate::http) fn schema(&self) -> Value {
        let one = self.kind.schema();
        match self.count {
            Count::One => one,
            Count::List(most) => json!({ "type": "array", "items": one, "maxItems": most }),
            Count::Commas(most) => json!({ "type": "array", "items": one, "minItems": 1, "maxItems": most }),
        }
    }
}

impl Kind {
    /// Whether it is the id of something that may be missing. A provider that is missing is wrong input.
    pub(in crate::http) fn names_a_thing(self) -> bool {
        matches!(self, Self::Foreign { .. }) || matches!(self, Self::Id(prefix) if prefix != ProviderId::PREFIX)
    }

    /// What several of them are called in an error.
    pub(in crate::http) fn says(self) -> String {
        match self {
            Self::Text { most, .. } | Self::Foreign { most, .. } | Self::Like { most, .. } => {
                format!("texts of at most {most} bytes")
            }
            Self::Word(names) => format!("of {}", names().join(", ")),
            Self::Currency => "ISO 4217 codes".to_owned(),
            Self::Id(prefix) => format!("ids, which begin with `{prefix}_`"),
            Self::Time => "times".to_owned(),
            Self::Amount => "amounts".to_owned(),
            Self::Truth => "of true and false".to_owned(),
            Self::Whole { .. } | Self::Number { .. } => "whole numbers".to_owned(),
            Self::Object | Self::Nested(_) => "objects".to_owned(),
        }
    }

    pub(in crate::http) fn schema(self) -> Value {
        let bytes = |most: usize| format!("At most {most} bytes of UTF-8.");
        match self {
            Self::Text { least: 0, most } => {
                json!({ "type": "string", "maxLength": most, "description": bytes(most) })
            }
            Self::Text { least, most } | Self::Foreign { least, most } => {
                json!({ "type": "string", "minLength": least, "maxLength": most, "description": bytes(most) })
            }
            Self::Like { pattern, least, most } => {
                json!({ "type": "string", "minLength": least, "maxLength": most, "pattern": pattern, "description": bytes(most) })
            }
            Self::Word(names) => json!({ "type": "string", "enum": names() }),
            Self::Currency => reference(CURRENCY),
            Self::Id(prefix) => id(prefix),
            Self::Time => {
                json!({ "type": "string", "format": "date-time", "description": "RFC 3339.", "examples": ["2030-01-31T09:30:00Z"] })
            }
            Self::Amount => amount("An amount in major units, exact: no more decimals than its currency has."),
            Self::Truth => json!({ "type": "boolean" }),
            Self::Whole { least, most, otherwise } => {
                json!({ "type": "integer", "minimum": least, "maximum": most, "default": otherwise })
            }
            Self::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::Object => json!({ "type": "object" }),
            Self::Nested(schema) => schema(),
        }
    }
}

/// An id that begins with this and an underscore.
pub(in crate::http) fn id(prefix: &str) -> Value {
    json!({
        "type": "string",
        "pattern": format!("^{prefix}_[A-Za-z0-9_-]+$"),
        "maxLength": ID_LENGTH_MAX,
        "examples": [format!("{prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV")],
    })
}

/// A decimal number of major units. The largest one is that of a currency without decimals.
pub(in crate::http) fn amount(says: &str) -> Value {
    let example: Value = serde_json::from_str("10.50").expect("a number");
    json!({ "type": "number", "minimum": 0, "maximum": MINOR_UNITS_MAX, "description": says, "examples": [example] })
}

/// A schema that the document keeps in one place.
pub(in crate::http) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Values that have names.
pub(in crate::http) trait Names: Copy + 'static {
    /// What the document calls them.
    const TITLE: &'static str;

    fn all() -> Vec<&'static str>;

    fn name(self) -> &'static str;

    fn parse(text: &str) -> Option<Self>;
}

macro_rules! named {
    ($($kind:ty = $title:literal),+ $(,)?) => {
        $(impl Names for $kind {
            const TITLE: &'static str = $title;

            fn all() -> Vec<&'static str> {
                Self::ALL.iter().map(|one| one.as_str()).collect()
            }

            fn name(self) -> &'static str {
                self.as_str()
            }

            fn parse(text: &str) -> Option<Self> {
                <$kind>::parse(text)
            }
        })+
    };
}

named! {
    CollectionStatus = "CollectionStatus",
    SessionStatus = "SessionStatus",
    ProviderStatus = "ProviderStatus",
    DeclineClass = "DeclineClass",
    OperationState = "OperationState",
    OperationKind = "OperationKind",
    Origin = "OperationOrigin",
    DispatchState = "DeliveryState",
    ExchangeState = "ExchangeState",
    Verdict = "Verdict",
    VersionState = "ProviderVersionState",
    PermissionKind = "PermissionKind",
}
