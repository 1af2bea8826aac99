//! What the provider says of itself, against the contract and its sample configuration.

use stripe_mock::StripeMock;
use tillbox_provider::{KeyMemory, Lookup, OperationKind, Provider};

#[test]
fn says_the_same_each_time_and_declares_what_it_does() {
    let info = StripeMock::describe();
    assert_eq!(info, StripeMock::describe());
    assert_eq!(info.identifier, "stripe-mock");
    assert!(info.hosts.is_empty() && info.secrets.is_empty(), "no network, no secrets");
    assert!(info.capabilities.multiple_captures && info.capabilities.automatic_capture);
    assert_eq!(info.recovery.len(), OperationKind::ALL.len());
    assert!(info.recovery.iter().all(|one| one.keys == KeyMemory::Forever && one.lookup == Lookup::Strong));
    assert!(info.currencies.iter().any(|code| code == "EUR"));
}

#[test]
fn the_sample_configuration_is_of_this_provider() {
    let sample = include_str!("../../provider.toml");
    let info = StripeMock::describe();
    assert!(sample.contains(&format!("identifier = \"{}\"", info.identifier)));
    assert!(sample.contains(&format!("version = \"{}\"", info.version)));
    let schema: serde_json::Value = info.settings_schema.read().unwrap();
    for name in schema["properties"].as_object().unwrap().keys() {
        assert!(sample.contains(name), "provider.toml does not show {name}");
    }
}
