//! What a provider says of itself: the answer to `describe`.
//!
//! The optional interfaces are not declared here: [`register!`](crate::register) knows which it exports and says so.

use crate::json::Json;
use crate::request::OperationKind;

/// Optional abilities (`payments.capabilities`). The host refuses a command before the call when the ability is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// `capture` with less than what is authorized.
    pub partial_capture: bool,
    /// More than one `capture` for a payment.
    pub multiple_captures: bool,
    /// `refund` with less than what was captured.
    pub partial_refund: bool,
    /// More than one `refund` for a payment.
    pub multiple_refunds: bool,
    /// `initiate` or `authorize` may answer `captured` at once.
    pub automatic_capture: bool,
    /// `cancel` releases an authorization that was not captured (void).
    pub cancel_authorized: bool,
    /// `update` may change the amount of a session.
    pub update_amount: bool,
}

/// For how long the gateway itself recognises an idempotency key (`payments.key-memory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMemory {
    /// It does not. The host never sends such an operation twice on its own.
    None,
    /// For this many seconds after the first request.
    WindowSeconds(u64),
    /// Without end.
    Forever,
}

/// How well `retrieve` finds an operation by the host's own reference (`payments.lookup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// It cannot.
    None,
    /// After at most this many seconds.
    EventualSeconds(u64),
    /// At once: what `retrieve` does not find did not happen.
    Strong,
}

/// How one kind of operation can be recovered when its reply was lost (`payments.recovery`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// The kind this speaks of.
    pub operation: OperationKind,
    /// Whether the same request may be sent again.
    pub keys: KeyMemory,
    /// Whether `retrieve` can tell what happened.
    pub lookup: Lookup,
}

/// The alphabets an idempotency key may be written in (`payments.key-alphabet`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlphabet {
    /// `0-9 a-f`
    Hexadecimal,
    /// `0-9 A-Z a-z`
    Alphanumeric,
}

/// What idempotency keys must look like to fit the gateway (`payments.key-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFormat {
    /// Characters, 16 to 255. Fewer than 32 make collisions thinkable.
    pub length_max: u32,
    /// Which characters.
    pub alphabet: KeyAlphabet,
}

impl Default for KeyFormat {
    /// 64 hexadecimal digits, the length of a SHA-256: no gateway known takes less.
    fn default() -> Self {
        Self { length_max: 64, alphabet: KeyAlphabet::Hexadecimal }
    }
}

/// A network host the provider wants to talk to (`payments.host-wanted`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWanted {
    /// Exact host name, lower case, no port, no wildcard.
    pub host: String,
    /// Why, for the operator who decides.
    pub purpose: String,
}

/// A secret the provider wants to use (`payments.secret-wanted`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretWanted {
    /// `a-z 0-9 _`, at most 64 bytes.
    pub name: String,
    /// Why, for the operator who decides.
    pub purpose: String,
    /// Whether the plain text is needed. Granted separately, and best avoided.
    pub reveal: bool,
}

/// What a provider says of itself (`payments.provider-info`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderInfo {
    /// `a-z 0-9 -`, starts with a letter, at most 48 bytes. Never changes.
    pub identifier: String,
    /// For people; at most 128 bytes.
    pub display_name: String,
    /// The provider's own version (semantic versioning).
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// ISO 4217 codes it takes; empty means every currency the host knows.
    pub currencies: Vec<String>,
    /// JSON Schema (draft 2020-12) of the operator's settings: an object schema.
    pub settings_schema: Json,
    /// Hosts it wants.
    pub hosts: Vec<HostWanted>,
    /// Secrets it wants.
    pub secrets: Vec<SecretWanted>,
    /// One entry per kind at most. A kind without an entry is treated in the most careful way.
    pub recovery: Vec<Recovery>,
    /// What an idempotency key must look like.
    pub key_format: KeyFormat,
    /// Where operators read more: an absolute `https:` URL.
    pub docs_url: Option<String>,
    /// Room to grow.
    pub extensions: Json,
}

impl ProviderInfo {
    /// A provider that can do nothing optional, takes every currency, wants nothing and promises nothing. Use
    /// `env!("CARGO_PKG_VERSION")` for the version.
    #[must_use]
    pub fn new(identifier: &str, display_name: &str, version: &str) -> Self {
        Self {
            identifier: identifier.to_owned(),
            display_name: display_name.to_owned(),
            version: version.to_owned(),
            capabilities: Capabilities::default(),
            currencies: Vec::new(),
            settings_schema: Json::empty(),
            hosts: Vec::new(),
            secrets: Vec::new(),
            recovery: Vec::new(),
            key_format: KeyFormat::default(),
            docs_url: None,
            extensions: Json::empty(),
        }
    }

    /// With these abilities.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// With these ISO 4217 codes only.
    #[must_use]
    pub fn currencies<'a>(mut self, codes: impl IntoIterator<Item = &'a str>) -> Self {
        self.currencies = codes.into_iter().map(str::to_owned).collect();
        self
    }

    /// With this JSON Schema of its settings, best taken from a file with `include_str!`.
    ///
    /// # Panics
    /// When the text is no JSON object. It is part of the provider's code: the first native test that calls `describe`
    /// shows it.
    #[must_use]
    pub fn settings_schema(mut self, schema: &str) -> Self {
        self.settings_schema = Json::parse(schema).unwrap_or_else(|error| panic!("the settings schema: {error}"));
        self
    }

    /// Wants to talk to this host.
    #[must_use]
    pub fn host(mut self, host: &str, purpose: &str) -> Self {
        self.hosts.push(HostWanted { host: host.to_owned(), purpose: purpose.to_owned() });
        self
    }

    /// Wants to use this secret without reading it.
    #[must_use]
    pub fn secret(mut self, name: &str, purpose: &str) -> Self {
        self.secrets.push(SecretWanted { name: name.to_owned(), purpose: purpose.to_owned(), reveal: false });
        self
    }

    /// Declares how a lost reply to this kind of operation is recovered. The last word on a kind counts.
    #[must_use]
    pub fn recovery(mut self, operation: OperationKind, keys: KeyMemory, lookup: Lookup) -> Self {
        self.recovery.retain(|known| known.operation != operation);
        self.recovery.push(Recovery { operation, keys, lookup });
        self
    }

    /// Declares the same recovery for every kind of operation.
    #[must_use]
    pub fn recovery_of_all(self, keys: KeyMemory, lookup: Lookup) -> Self {
        OperationKind::ALL.into_iter().fold(self, |info, operation| info.recovery(operation, keys, lookup))
    }

    /// With this form of idempotency keys.
    #[must_use]
    pub fn key_format(mut self, length_max: u32, alphabet: KeyAlphabet) -> Self {
        self.key_format = KeyFormat { length_max, alphabet };
        self
    }

    /// With a page where operators read more.
    #[must_use]
    pub fn docs_url(mut self, url: &str) -> Self {
        self.docs_url = Some(url.to_owned());
        self
    }
}
