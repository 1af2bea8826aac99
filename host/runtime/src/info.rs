//! What a provider says of itself, checked: abilities, settings schema, what it wants, how a lost reply is recovered.

use std::collections::BTreeMap;

use tillbox_core::operation::OperationKind;
use tillbox_core::text::Json;

/// Optional abilities (`payments.capabilities`), one word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent abilities are booleans")]
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
    /// `cancel` releases an authorization that was not captured.
    pub cancel_authorized: bool,
    /// `update` may change the amount of a session.
    pub update_amount: bool,
    /// Takes webhooks.
    pub webhooks: bool,
    /// Keeps account holders.
    pub account_holders: bool,
    /// Keeps payment methods.
    pub payment_methods: bool,
}

/// For how long the gateway itself recognises an idempotency key (`payments.key-memory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyMemory {
    /// It does not: the operation is never sent twice by itself.
    #[default]
    None,
    /// For this many seconds after the first request.
    WindowSeconds(u64),
    /// Without end.
    Forever,
}

/// How well `retrieve` finds an operation by the host's own reference (`payments.lookup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lookup {
    /// It cannot.
    #[default]
    None,
    /// After at most this many seconds.
    EventualSeconds(u64),
    /// At once: what is not found did not happen.
    Strong,
}

/// How one kind of operation is recovered when its reply was lost. The default is the most careful one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Whether the same request may be sent again.
    pub keys: KeyMemory,
    /// Whether `retrieve` can tell what happened.
    pub lookup: Lookup,
}

/// The alphabets an idempotency key may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyAlphabet {
    /// `0-9 a-f`
    #[default]
    Hexadecimal,
    /// `0-9 A-Z a-z`
    Alphanumeric,
}

/// What idempotency keys must look like to fit the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFormat {
    /// Characters, 16 to 255.
    pub length_max: u32,
    /// Which characters.
    pub alphabet: KeyAlphabet,
}

impl Default for KeyFormat {
    fn default() -> Self {
        Self { length_max: 64, alphabet: KeyAlphabet::Hexadecimal }
    }
}

/// A network host the provider wants to talk to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HostWanted {
    /// Exact host name, lower case.
    pub host: String,
    /// Why.
    pub purpose: String,
}

/// A secret the provider wants to use.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SecretWanted {
    /// Its name.
    pub name: String,
    /// Why.
    pub purpose: String,
    /// Whether the plain text is needed.
    pub reveal: bool,
}

/// What a provider says of itself (`payments.provider-info`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderInfo {
    /// `a-z 0-9 -`, starts with a letter, at most 48 bytes. Part of `pp_{identifier}_{id}`.
    pub identifier: String,
    /// For people.
    pub display_name: String,
    /// The provider's own version.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// ISO 4217 codes it takes; empty means every currency the host knows.
    pub currencies: Vec<String>,
    /// JSON Schema of the operator's settings.
    pub settings_schema: Json,
    /// Hosts it wants.
    pub hosts: Vec<HostWanted>,
    /// Secrets it wants.
    pub secrets: Vec<SecretWanted>,
    /// How lost replies are recovered. Ask through [`ProviderInfo::recovery`].
    pub recovery: BTreeMap<OperationKind, Recovery>,
    /// What an idempotency key must look like.
    pub key_format: KeyFormat,
    /// Where operators read more.
    pub docs_url: Option<String>,
    /// Room to grow.
    pub extensions: Json,
}

impl ProviderInfo {
    /// A provider that can do no more than the mandatory part; for native Rust providers to start from.
    #[must_use]
    pub fn new(identifier: impl Into<String>, version: impl Into<String>) -> Self {
        let identifier = identifier.into();
        Self {
            display_name: identifier.clone(),
            identifier,
            version: version.into(),
            capabilities: Capabilities::default(),
            currencies: Vec::new(),
            settings_schema: Json::empty(),
            hosts: Vec::new(),
            secrets: Vec::new(),
            recovery: BTreeMap::new(),
            key_format: KeyFormat::default(),
            docs_url: None,
            extensions: Json::empty(),
        }
    }

    /// How this kind of operation is recovered; a kind without a declaration is treated the most careful way.
    #[must_use]
    pub fn recovery(&self, kind: OperationKind) -> Recovery {
        self.recovery.get(&kind).copied().unwrap_or_default()
    }

    /// Whether it takes this ISO 4217 code.
    #[must_use]
    pub fn takes_currency(&self, code: &str) -> bool {
        self.currencies.is_empty() || self.currencies.iter().any(|taken| taken == code)
    }
}
