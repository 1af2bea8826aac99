//! A version that wants more waits until somebody has said yes to exactly that.

use serde_json::json;
use tillbox::runtime::Grants;
use tillbox::service::{NewVersion, PermissionKind, VersionRefusal};
use tillbox::store::VersionState;
use tillbox_artifacts::{TELLER, TELLER_SECOND, TELLER_WIDER};
use tillbox_store_tests::place::Place;

use crate::scene::{OPERATOR, digest, host, install, operations, paid, proposal, refusal, session, teller};

pub(crate) async fn a_wider_version_waits_for_an_approval(place: &dyn Place) {
    let host = host(place).await;
    install(&host, TELLER).await;
    let proposed = host.upgrade_provider(&teller(), proposal(TELLER_WIDER)).await.unwrap();
    assert_eq!((proposed.state, proposed.number, proposed.approved_by.as_deref()), (VersionState::Proposed, 2, None));
    let kinds: Vec<PermissionKind> = proposed.changes.iter().map(|change| change.kind).collect();
    assert!(proposed.changes.iter().all(|change| change.widens));
    for kind in [PermissionKind::Interface, PermissionKind::Host, PermissionKind::Secret] {
        assert!(kinds.contains(&kind), "{:?}", proposed.changes);
    }
    let words: Vec<&str> = proposed.changes.iter().map(|change| change.words.as_str()).collect();
    let words = words.join("; ");
    assert!(words.contains("gets the host https://api.gateway.example:443, every method, every path"), "{words}");
    assert!(words.contains("gets the interface `http`"), "{words}");

    // The old one goes on, here and after a restart.
    let collection = paid(&host).await.unwrap();
    let store = place.open().await;
    assert!(operations(store.as_ref(), &collection).await.iter().all(|one| one.component == Some(digest(TELLER))));

    // What was looked at is what is approved; another number is another thing.
    let other = refusal(host.approve_provider(&teller(), Some(3), OPERATOR).await);
    assert_eq!(other, VersionRefusal::NothingProposed { provider: teller(), number: Some(3) });
    let approved = host.approve_provider(&teller(), Some(2), "the second pair of eyes").await.unwrap();
    assert_eq!((approved.state, approved.changes.len()), (VersionState::Serving, 0));
    assert_eq!(approved.approved_by.as_deref(), Some("the second pair of eyes"));
    assert_eq!(approved.proposed_by, OPERATOR);
    // It may reach a network and did not: what it would say of money would not be believed, so a session has to do.
    let collection = session(&host).await.unwrap();
    assert!(
        operations(store.as_ref(), &collection).await.iter().all(|one| one.component == Some(digest(TELLER_WIDER)))
    );

    // Less is a change, too, and so is a limit; settings are none.
    let narrower = NewVersion { minimum_version: None, ..proposal(TELLER_SECOND) };
    let too_old = refusal(host.upgrade_provider(&teller(), narrower).await);
    assert_eq!(too_old.code(), "version_below_minimum");
    for (grants, kind) in [
        (
            json!({ "interfaces": ["http", "secrets"], "hosts": [{ "host": "api.gateway.example", "methods": ["GET"] }], "secrets": ["api_key"] }),
            PermissionKind::Host,
        ),
        (
            json!({ "interfaces": ["http", "secrets"], "hosts": ["api.gateway.example"], "secrets": [] }),
            PermissionKind::Secret,
        ),
        (
            json!({ "interfaces": ["http", "secrets"], "hosts": ["api.gateway.example"], "secrets": ["api_key"], "calls_max": 2 }),
            PermissionKind::Limit,
        ),
        (
            json!({ "interfaces": ["http", "secrets"], "hosts": ["api.gateway.example"], "secrets": ["api_key"], "profile": "scripted" }),
            PermissionKind::Limit,
        ),
    ] {
        let grants: Grants = serde_json::from_value(grants).unwrap();
        let new = NewVersion { grants: Some(grants), ..proposal(TELLER_WIDER) };
        let waits = host.upgrade_provider(&teller(), new).await.unwrap();
        assert_eq!(waits.state, VersionState::Proposed);
        assert!(waits.changes.iter().any(|change| change.kind == kind), "{:?}", waits.changes);
    }
    // A proposal takes the place of the one before, which is turned down; at the end one waits.
    let states: Vec<VersionState> =
        host.provider_versions(Some(&teller())).await.unwrap().iter().map(|version| version.state).collect();
    assert_eq!(states.iter().filter(|state| **state == VersionState::Proposed).count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| **state == VersionState::Rejected).count(), 3, "{states:?}");
    let waiting = u32::try_from(states.len()).unwrap();
    assert_eq!(host.remove_version(&teller(), waiting, false, OPERATOR).await.unwrap().state, VersionState::Rejected);
    // What a component imports and is not granted is refused, not left to a proposal.
    let new = NewVersion { grants: Some(Grants::default()), ..proposal(TELLER_WIDER) };
    assert_eq!(refusal(host.upgrade_provider(&teller(), new).await).code(), "import_not_granted");

    // A provider that wants something waits at its first installation as well.
    let fresh = host.install_provider("fresh", proposal(TELLER_WIDER)).await.unwrap();
    assert_eq!(fresh.state, VersionState::Proposed);
    assert!(host.provider_health(&fresh.provider).is_err(), "it does not serve");
}
