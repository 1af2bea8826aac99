//! The provider that reaches its gateway over a network: `stripe.wasm` in the host that is killed, the gateway of
//! `tests/gateway` outside of it, and that gateway's book as what the host's is judged by.
//!
//! Which of the gateway's effects belongs to which operation is told by the idempotency key: the host alone makes keys, and its
//! journal says for which operation it made each. What was done under a key that no operation has was asked for by nobody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tillbox::core::operation::{Operation, OperationKind, OperationState, Origin};
use tillbox::runtime::secrets::SecretSource;
use tillbox::runtime::{Grants, Provider, Runtime, RuntimeConfig};
use tillbox::store::Store;
use tillbox_gateway::ledger::Ledger;
use tillbox_gateway::webhooks::signature;

use crate::facts::Facts;
use crate::judge::Violation;
use crate::ledger::Effect;

/// Where the gateway is: a variable in the environment of a host that is to reach one.
pub const GATEWAY: &str = "TILLBOX_CRASH_GATEWAY";

/// Where compiled components are kept between starts.
pub const CACHE: &str = "TILLBOX_CRASH_CACHE";

/// What a payer pays with.
pub const METHOD: &str = "TILLBOX_CRASH_METHOD";

/// The provider's id.
pub const STRIPE: &str = "pp_stripe_x";

/// The key of the gateway's account, which nobody may keep.
pub const API_KEY: &str = "sk_test_canary_of_the_matrix";

/// What the gateway signs its events with, which nobody may keep either.
pub const WEBHOOK_SECRET: &str = "whsec_canary_of_the_matrix";

#[derive(Debug)]
struct Vault;

impl SecretSource for Vault {
    fn secret(&self, _: &str, name: &str) -> Option<Vec<u8>> {
        match name {
            "api_key" => Some(API_KEY.as_bytes().to_vec()),
            "webhook_secret" => Some(WEBHOOK_SECRET.as_bytes().to_vec()),
            _ => None,
        }
    }
}

/// The component, where the environment says that there is a gateway.
///
/// # Errors
/// What the runtime says.
pub async fn provider() -> Result<Option<Arc<dyn Provider>>, Box<dyn std::error::Error + Send + Sync>> {
    let Ok(base) = std::env::var(GATEWAY) else { return Ok(None) };
    let port: u16 = base.rsplit(':').next().unwrap_or_default().parse()?;
    let grants: Grants = serde_json::from_value(json!({
        "interfaces": ["secrets", "crypto", "http"],
        "hosts": [{ "host": "127.0.0.1", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] }],
        "secrets": ["api_key", "webhook_secret"],
        "settings": { "api_base": base },
    }))?;
    let config = RuntimeConfig {
        secret_source: Some(Arc::new(Vault)),
        cache_directory: std::env::var_os(CACHE).map(Into::into),
        calls_max: 4,
        ..RuntimeConfig::default()
    };
    let package = Runtime::new(config)?.check(tillbox::bundled::STRIPE).await?;
    Ok(Some(package.grant(grants)?))
}

/// What a payer types in.
#[must_use]
pub fn typed_in() -> String {
    let method = std::env::var(METHOD).unwrap_or_else(|_| "pm_card_visa".to_owned());
    json!({ "payment_method": method }).to_string()
}

/// An event as the gateway sends it: the headers that prove it.
#[must_use]
pub fn signed(body: &str, now_ms: i64) -> Vec<(String, Vec<u8>)> {
    let header = signature(&[WEBHOOK_SECRET.to_owned()], now_ms.div_euclid(1_000), body);
    vec![("stripe-signature".to_owned(), header.into_bytes())]
}

/// The events that the gateway would send, oldest first.
///
/// # Panics
/// When its book cannot be read.
#[must_use]
pub fn events(ledger: &Path) -> Vec<String> {
    let events = Ledger::open(ledger).and_then(|ledger| ledger.undelivered()).expect("the gateway's book is read");
    events.into_iter().map(|(_, body)| body).collect()
}

/// What the gateway did, and what is wrong already: what nobody asked for, and intents that there are too many of.
///
/// # Panics
/// When one of the books cannot be read.
pub async fn effects(store: &dyn Store, facts: &Facts, ledger: &Path) -> (Vec<Effect>, Vec<Violation>) {
    let operations: Vec<&Operation> =
        facts.collections.iter().flat_map(|stored| &stored.collection.operations).collect();
    let mut by_key: BTreeMap<String, &Operation> = BTreeMap::new();
    for operation in &operations {
        for exchange in store.exchanges(operation.id.clone()).await.expect("the journal is read") {
            by_key.extend(exchange.provider_key.map(|key| (key, *operation)));
        }
    }
    let book = Ledger::open(ledger).and_then(|ledger| ledger.effects()).expect("the gateway's book is read");
    let (mut effects, mut found) = (Vec::new(), Vec::new());
    for effect in book {
        let Some(operation) = effect.key.as_ref().and_then(|key| by_key.get(key)) else {
            let what = format!("the gateway did what no operation asked for: {effect:?}");
            found.push(Violation { invariant: "I1", what });
            continue;
        };
        let status = match effect.kind.as_str() {
            "authorize" => "authorized",
            "void" => "canceled",
            _ => "captured",
        };
        let is_same = match operation.kind {
            OperationKind::Authorize => effect.kind == "authorize",
            OperationKind::Capture => effect.kind == "capture",
            OperationKind::Refund => effect.kind == "refund",
            OperationKind::Cancel | OperationKind::Delete => effect.kind == "void",
            OperationKind::Initiate | OperationKind::Update => false,
        };
        let kind = if is_same { operation.kind.as_str().to_owned() } else { effect.kind };
        effects.push(Effect {
            provider: operation.provider.to_string(),
            key: effect.key.unwrap_or_default(),
            operation: Some(operation.id.to_string()),
            kind,
            session: operation.session.to_string(),
            status: status.to_owned(),
            amount_minor: effect.amount,
        });
    }
    (effects, found)
}

/// I1 for what has a gateway with a network before it: what succeeded was done, once, and what was done is no question any
/// more, unless it is one for a person.
#[must_use]
pub fn judge(facts: &Facts, for_a_person: bool) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut add = |what: String| found.push(Violation { invariant: "I1", what });
    for operation in facts.collections.iter().flat_map(|stored| &stored.collection.operations) {
        let done = || facts.effects.iter().filter(|effect| effect.operation.as_deref() == Some(operation.id.as_str()));
        let moves = match operation.kind {
            OperationKind::Authorize | OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel => true,
            OperationKind::Initiate | OperationKind::Update | OperationKind::Delete => false,
        };
        let succeeded = operation.state == OperationState::Succeeded && operation.origin == Origin::Command;
        if moves && succeeded && done().count() != 1 {
            add(format!("the books say it succeeded, the gateway did it {} times: {operation:?}", done().count()));
        }
        if !operation.state.is_terminal() && !for_a_person {
            add(format!("nobody knows yet what became of {operation:?}"));
        }
    }
    found
}
