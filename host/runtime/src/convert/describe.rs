//! What `describe` answers, checked: an operator reads it, ids are made of it, recovery depends on it.

use std::collections::{BTreeMap, BTreeSet};

use tillbox_core::operation::OperationKind;

use super::incoming::{At, object, url};
use crate::bindings::exports::tillbox::provider::payments as wit;
use crate::bindings::tillbox::provider::types;
use crate::fault::Fault;
use crate::grant::host_rule;
use crate::info::{
    Capabilities, HostWanted, KeyAlphabet, KeyFormat, KeyMemory, Lookup, ProviderInfo, Recovery, SecretWanted,
};
use crate::json;
use crate::limits::{
    DESCRIBE_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, IDENTIFIER_BYTES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX,
    VERSION_BYTES_MAX, WANTED_MAX,
};
use crate::text::clean;

/// Characters of the shortest and the longest idempotency key a provider may ask for: the contract's limits.
const KEY_LENGTH_MIN: u32 = 16;
const KEY_LENGTH_MAX: u32 = 255;

const AT: At = At("describe");

/// Checks every field.
pub(crate) fn provider_info(info: wit::ProviderInfo) -> Result<ProviderInfo, Fault> {
    within_size(&info)?;
    Ok(ProviderInfo {
        identifier: identifier(info.identifier)?,
        display_name: one_line("display-name", info.display_name, DISPLAY_NAME_BYTES_MAX)?,
        version: version(info.version)?,
        capabilities: capabilities(info.capabilities),
        currencies: currencies(info.currencies)?,
        settings_schema: object(AT, "settings-schema", &info.settings_schema, json::CONTRACT)?,
        hosts: hosts(info.hosts)?,
        secrets: secrets(info.secrets)?,
        recovery: recovery(&info.recovery)?,
        key_format: key_format(info.key_format)?,
        docs_url: info.docs_url.map(|text| url(AT, "docs-url", text)).transpose()?,
        extensions: object(AT, "extensions", &info.extensions, json::CONTRACT)?,
    })
}

fn within_size(info: &wit::ProviderInfo) -> Result<(), Fault> {
    let texts = [&info.identifier, &info.display_name, &info.version, &info.settings_schema, &info.extensions];
    let hosts = info.hosts.iter().map(|wanted| wanted.host.len() + wanted.purpose.len());
    let secrets = info.secrets.iter().map(|wanted| wanted.name.len() + wanted.purpose.len());
    let bytes: usize = texts.into_iter().map(String::len).sum::<usize>()
        + hosts.sum::<usize>()
        + secrets.sum::<usize>()
        + info.currencies.iter().map(String::len).sum::<usize>()
        + info.docs_url.as_ref().map_or(0, String::len);
    if bytes > DESCRIBE_BYTES_MAX {
        return Err(Fault::contract("describe", format!("{bytes} bytes in all, allowed are {DESCRIBE_BYTES_MAX}")));
    }
    let lists = [info.hosts.len(), info.secrets.len(), info.currencies.len(), info.recovery.len()];
    if lists.into_iter().any(|length| length > WANTED_MAX) {
        return Err(Fault::contract("describe", format!("a list has more than {WANTED_MAX} entries")));
    }
    Ok(())
}

fn identifier(text: String) -> Result<String, Fault> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !starts_well || text.len() > IDENTIFIER_BYTES_MAX || !text.bytes().all(allowed) {
        let rule = format!("`a-z 0-9 -`, starts with a letter, at most {IDENTIFIER_BYTES_MAX} bytes");
        return Err(AT.fault("identifier", rule));
    }
    Ok(text)
}

fn one_line(field: &str, text: String, bytes_max: usize) -> Result<String, Fault> {
    if text.is_empty() || text.len() > bytes_max || clean(&text, bytes_max) != text {
        return Err(AT.fault(field, format!("1 to {bytes_max} bytes of plain text")));
    }
    Ok(text)
}

/// Semantic versioning 2.0.0, as far as its three numbers and its alphabet go.
fn version(text: String) -> Result<String, Fault> {
    let core = text.split(['-', '+']).next().unwrap_or("");
    let numbers = || core.split('.').map(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    let fits = numbers().count() == 3 && numbers().all(|number| number) && text.bytes().all(allowed);
    if !fits || text.len() > VERSION_BYTES_MAX {
        return Err(AT.fault("version", format!("a semantic version of at most {VERSION_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn capabilities(flags: wit::Capabilities) -> Capabilities {
    Capabilities {
        partial_capture: flags.contains(wit::Capabilities::PARTIAL_CAPTURE),
        multiple_captures: flags.contains(wit::Capabilities::MULTIPLE_CAPTURES),
        partial_refund: flags.contains(wit::Capabilities::PARTIAL_REFUND),
        multiple_refunds: flags.contains(wit::Capabilities::MULTIPLE_REFUNDS),
        automatic_capture: flags.contains(wit::Capabilities::AUTOMATIC_CAPTURE),
        cancel_authorized: flags.contains(wit::Capabilities::CANCEL_AUTHORIZED),
        update_amount: flags.contains(wit::Capabilities::UPDATE_AMOUNT),
        webhooks: flags.contains(wit::Capabilities::WEBHOOKS),
        account_holders: flags.contains(wit::Capabilities::ACCOUNT_HOLDERS),
        payment_methods: flags.contains(wit::Capabilities::PAYMENT_METHODS),
    }
}

fn currencies(codes: Vec<String>) -> Result<Vec<String>, Fault> {
    let fits = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if !codes.iter().all(fits) || codes.iter().collect::<BTreeSet<_>>().len() != codes.len() {
        return Err(AT.fault("currencies", "ISO 4217 codes in upper case, each once"));
    }
    Ok(codes)
}

fn hosts(wanted: Vec<wit::HostWanted>) -> Result<Vec<HostWanted>, Fault> {
    let check = |wanted: wit::HostWanted| {
        host_rule(&wanted.host).map_err(|rule| AT.fault("hosts", rule))?;
        Ok(HostWanted { host: wanted.host, purpose: one_line("hosts.purpose", wanted.purpose, MESSAGE_BYTES_MAX)? })
    };
    wanted.into_iter().map(check).collect()
}

fn secrets(wanted: Vec<wit::SecretWanted>) -> Result<Vec<SecretWanted>, Fault> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let check = |wanted: wit::SecretWanted| {
        if wanted.name.is_empty() || wanted.name.len() > NAME_BYTES_MAX || !wanted.name.bytes().all(allowed) {
            return Err(AT.fault("secrets", format!("names are 1 to {NAME_BYTES_MAX} bytes of `a-z 0-9 _`")));
        }
        let purpose = one_line("secrets.purpose", wanted.purpose, MESSAGE_BYTES_MAX)?;
        Ok(SecretWanted { name: wanted.name, purpose, reveal: wanted.reveal })
    };
    wanted.into_iter().map(check).collect()
}

fn recovery(declared: &[wit::Recovery]) -> Result<BTreeMap<OperationKind, Recovery>, Fault> {
    let mut recovery = BTreeMap::new();
    for entry in declared {
        let keys = match entry.keys {
            wit::KeyMemory::None => KeyMemory::None,
            wit::KeyMemory::WindowSeconds(seconds) => KeyMemory::WindowSeconds(seconds),
            wit::KeyMemory::Forever => KeyMemory::Forever,
        };
        let lookup = match entry.lookup {
            wit::Lookup::None => Lookup::None,
            wit::Lookup::EventualSeconds(seconds) => Lookup::EventualSeconds(seconds),
            wit::Lookup::Strong => Lookup::Strong,
        };
        if recovery.insert(kind(entry.operation), Recovery { keys, lookup }).is_some() {
            return Err(AT.fault("recovery", "one entry per kind at most"));
        }
    }
    Ok(recovery)
}

fn kind(kind: types::OperationKind) -> OperationKind {
    match kind {
        types::OperationKind::Initiate => OperationKind::Initiate,
        types::OperationKind::Update => OperationKind::Update,
        types::OperationKind::Authorize => OperationKind::Authorize,
        types::OperationKind::Capture => OperationKind::Capture,
        types::OperationKind::Refund => OperationKind::Refund,
        types::OperationKind::Cancel => OperationKind::Cancel,
        types::OperationKind::Delete => OperationKind::Delete,
    }
}

fn key_format(format: wit::KeyFormat) -> Result<KeyFormat, Fault> {
    if !(KEY_LENGTH_MIN..=KEY_LENGTH_MAX).contains(&format.length_max) {
        return Err(AT.fault("key-format.length-max", format!("{KEY_LENGTH_MIN} to {KEY_LENGTH_MAX} characters")));
    }
    let alphabet = match format.alphabet {
        wit::KeyAlphabet::Hexadecimal => KeyAlphabet::Hexadecimal,
        wit::KeyAlphabet::Alphanumeric => KeyAlphabet::Alphanumeric,
    };
    Ok(KeyFormat { length_max: format.length_max, alphabet })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> wit::ProviderInfo {
        wit::ProviderInfo {
            identifier: "stripe-mock".into(),
            display_name: "Stripe (mock)".into(),
            version: "0.1.0".into(),
            capabilities: wit::Capabilities::PARTIAL_CAPTURE | wit::Capabilities::WEBHOOKS,
            currencies: vec!["EUR".into()],
            settings_schema: "{}".into(),
            hosts: vec![wit::HostWanted { host: "api.example.com".into(), purpose: "payments".into() }],
            secrets: vec![wit::SecretWanted { name: "api_key".into(), purpose: "payments".into(), reveal: false }],
            recovery: vec![wit::Recovery {
                operation: types::OperationKind::Capture,
                keys: wit::KeyMemory::WindowSeconds(86_400),
                lookup: wit::Lookup::Strong,
            }],
            key_format: wit::KeyFormat { length_max: 64, alphabet: wit::KeyAlphabet::Alphanumeric },
            docs_url: Some("https://example.com/docs".into()),
            extensions: "{}".into(),
        }
    }

    #[test]
    fn everything_said_arrives() {
        let info = provider_info(wire()).unwrap();
        assert!(info.capabilities.partial_capture && info.capabilities.webhooks && !info.capabilities.partial_refund);
        let capture = info.recovery(OperationKind::Capture);
        assert_eq!(capture, Recovery { keys: KeyMemory::WindowSeconds(86_400), lookup: Lookup::Strong });
        assert_eq!(info.recovery(OperationKind::Refund), Recovery::default());
    }

    #[test]
    fn every_field_has_its_rule() {
        type Change = fn(&mut wit::ProviderInfo);
        let cases: [(&str, Change); 17] = [
            ("describe.identifier", |info| info.identifier = "Stripe".into()),
            ("describe.identifier", |info| info.identifier = "9lives".into()),
            ("describe.identifier", |info| info.identifier = "x".repeat(49)),
            ("describe.identifier", |info| info.identifier = "a_b".into()),
            ("describe.display-name", |info| info.display_name = String::new()),
            ("describe.display-name", |info| info.display_name = "a\u{1b}[2J".into()),
            ("describe.version", |info| info.version = "1.0".into()),
            ("describe.version", |info| info.version = "1.0.x".into()),
            ("describe.currencies", |info| info.currencies = vec!["eur".into()]),
            ("describe.currencies", |info| info.currencies = vec!["EUR".into(), "EUR".into()]),
            ("describe.settings-schema", |info| info.settings_schema = "true".into()),
            ("describe.hosts", |info| info.hosts[0].host = "*.example.com".into()),
            ("describe.secrets", |info| info.secrets[0].name = "API KEY".into()),
            ("describe.recovery", |info| info.recovery.extend(info.recovery.clone())),
            ("describe.key-format.length-max", |info| info.key_format.length_max = 15),
            ("describe.docs-url", |info| info.docs_url = Some("docs".into())),
            ("describe", |info| info.hosts[0].purpose = "x".repeat(70_000)),
        ];
        for (want, change) in cases {
            let mut info = wire();
            change(&mut info);
            let Err(Fault::Contract { field, .. }) = provider_info(info) else { panic!("{want} passed") };
            assert_eq!(field, want);
        }
    }
}
