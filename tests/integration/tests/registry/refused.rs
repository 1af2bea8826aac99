//! What cannot serve is refused with a reason, and whatever serves goes on.

use tillbox::core::ComponentDigest;
use tillbox::service::{ComponentSource, NewVersion};
use tillbox_artifacts::{
    DECLARES_MORE, DESCRIBE_DIFFERS, DESCRIBE_LOOPS, ECHO, TELLER, TELLER_OLDER, TELLER_SECOND, WANTS_SOCKETS,
    WRONG_VERSION,
};
use tillbox_store_tests::place::Place;

use crate::scene::{OPERATOR, digest, host, install, operations, paid, refusal, teller, version};

pub(crate) async fn what_cannot_serve_is_refused_and_the_old_one_goes_on(place: &dyn Place) {
    let host = host(place).await;
    install(&host, TELLER).await;
    let mut damaged = TELLER_SECOND.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let core_module: &[u8] = b"\0asm\x01\0\0\0";
    for (component, code) in [
        (&b""[..], "component_not_wasm"),
        (b"not a component", "component_not_wasm"),
        (core_module, "component_core_module"),
        (&TELLER_SECOND[..TELLER_SECOND.len() - 100], "component_invalid"),
        (&damaged, "component_invalid"),
        (WRONG_VERSION, "contract_version"),
        (WANTS_SOCKETS, "import_not_granted"),
        (DESCRIBE_DIFFERS, "describe_differs"),
        (DESCRIBE_LOOPS, "describe_fault"),
        (DECLARES_MORE, "declared_not_exported"),
        (ECHO, "identifier_mismatch"),
        (TELLER_OLDER, "version_below_minimum"),
    ] {
        let refused = refusal(host.upgrade_provider(&teller(), version(component)).await);
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.is_input());
    }
    let pinned = NewVersion { digest: Some(digest(TELLER)), ..version(TELLER_SECOND) };
    let refused = refusal(host.upgrade_provider(&teller(), pinned).await);
    assert_eq!(refused.code(), "digest_mismatch");
    assert!(refused.to_string().contains(&digest(TELLER_SECOND).to_string()), "{refused}");
    let unknown = ComponentSource::Kept(ComponentDigest::from_bytes([7; 32]));
    let refused = refusal(host.upgrade_provider(&teller(), NewVersion::new(unknown, OPERATOR)).await);
    assert_eq!(refused.code(), "component_unknown");
    let own = NewVersion { minimum_version: Some("9.0.0".into()), ..version(TELLER_SECOND) };
    assert_eq!(refusal(host.upgrade_provider(&teller(), own).await).code(), "version_below_minimum");
    let none = tillbox::core::id::ProviderId::parse("pp_teller_nobody").unwrap();
    assert_eq!(refusal(host.upgrade_provider(&none, version(TELLER)).await).code(), "provider_not_installed");

    // Nothing of it is in the books, and the old one serves.
    assert_eq!(host.provider_versions(None).await.unwrap().len(), 1);
    let collection = paid(&host).await.unwrap();
    let store = place.open().await;
    assert!(operations(store.as_ref(), &collection).await.iter().all(|one| one.component == Some(digest(TELLER))));
}

pub(crate) async fn a_component_that_is_damaged_in_the_books_replaces_nothing(place: &dyn Place) {
    let ours = host(place).await;
    install(&ours, TELLER).await;
    // Brought whole, and then somebody's hand slips.
    ours.keep_component(TELLER_SECOND.to_vec()).await.unwrap();
    let name = digest(TELLER_SECOND);
    place.run(&format!("delete from component where digest = '{name}' and part = 1")).await.unwrap();
    let kept = NewVersion { approve: true, ..NewVersion::new(ComponentSource::Kept(name), OPERATOR) };
    let error = ours.upgrade_provider(&teller(), kept.clone()).await.unwrap_err();
    assert!(matches!(error.code(), "digest_mismatch" | "store_unusable"), "{error}");

    // A version that came to serve while another host had it whole does not displace what this one runs.
    let other = host(place).await;
    other.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    place.run(&format!("delete from component where digest = '{name}'")).await.unwrap();
    let third = host(place).await;
    let shown = third.provider_versions(Some(&teller())).await.unwrap();
    let trouble = shown.iter().find_map(|version| version.trouble.clone()).expect("it says why it cannot run it");
    assert!(trouble.contains("damaged"), "{trouble}");
    assert!(paid(&third).await.is_err(), "this host has nothing to serve with, and invents nothing");
    // The roll back is possible all the same, and what is brought again is whole again.
    third.roll_back_provider(&teller(), None, OPERATOR).await.unwrap();
    paid(&third).await.unwrap();
    third.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    let collection = paid(&third).await.unwrap();
    let store = place.open().await;
    assert!(operations(store.as_ref(), &collection).await.iter().all(|one| one.component == Some(name)));
}
