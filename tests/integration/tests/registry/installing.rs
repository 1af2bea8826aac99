//! Installed, listed, removed, and there again after a restart.

use tillbox::Error;
use tillbox::core::operation::OperationState;
use tillbox::service::{NewCapture, VersionRefusal};
use tillbox::store::VersionState;
use tillbox_artifacts::{TELLER, TELLER_SECOND};
use tillbox_store_tests::place::Place;

use crate::scene::{OPERATOR, authorized, builder, digest, host, install, operations, paid, refusal, teller, version};

pub(crate) async fn a_component_is_installed_and_serves_at_once(place: &dyn Place) {
    let host = host(place).await;
    assert!(matches!(paid(&host).await, Err(Error::UnknownProvider { .. } | Error::NotFound { .. })));
    let installed = install(&host, TELLER).await;
    assert_eq!((installed.provider.clone(), installed.number, installed.state), (teller(), 1, VersionState::Serving));
    assert_eq!((installed.digest, installed.version.as_str()), (digest(TELLER), "1.0.0"));
    assert_eq!(installed.approved_by.as_deref(), Some(OPERATOR));
    let collection = paid(&host).await.unwrap();
    let store = place.open().await;
    for operation in operations(store.as_ref(), &collection).await {
        assert_eq!(operation.component, Some(digest(TELLER)), "{operation:?}");
    }
    let details = host.provider_details(&teller()).await.unwrap();
    assert_eq!((details.version, details.provider.is_enabled), (Some(1), true));

    // The same again is another thing to ask: an upgrade.
    let again = refusal(host.install_provider("main", version(TELLER)).await);
    assert_eq!(again, VersionRefusal::Installed { provider: teller() });
    // And the same as an upgrade is nothing new.
    assert_eq!(host.upgrade_provider(&teller(), version(TELLER)).await.unwrap().number, 1);
    // Another id is another provider.
    let other = host.install_provider("other", version(TELLER_SECOND)).await.unwrap();
    assert_eq!((other.provider.as_str(), other.number), ("pp_teller_other", 1));
    let listed = host.provider_versions(None).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(host.provider_versions(Some(&teller())).await.unwrap(), [installed]);
}

pub(crate) async fn a_version_is_removed_and_its_operations_say_so(place: &dyn Place) {
    let host = builder(place).await.without_background_work().build().await.unwrap();
    install(&host, TELLER).await;
    let (_, payment) = authorized(&host, "10.77").await.unwrap();
    let waiting = host.capture(&payment, NewCapture::default()).await;
    host.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    drop(waiting);
    let open = host.operations(&[OperationState::Pending], tillbox::store::Page { offset: 0, limit: 9 }).await.unwrap();
    assert_eq!(open.count, 1);
    let id = open.items[0].id.clone();

    // What only it can finish keeps it.
    let kept = refusal(host.remove_version(&teller(), 1, false, OPERATOR).await);
    assert_eq!(kept, VersionRefusal::InUse { provider: teller(), open: 1 });
    let serving = refusal(host.remove_version(&teller(), 2, false, OPERATOR).await);
    assert_eq!(serving.code(), "version_state");
    let removed = host.remove_version(&teller(), 1, true, OPERATOR).await.unwrap();
    assert_eq!(removed.state, VersionState::Removed);

    // Nothing is invented about its operation: it stays as open as it was, and says what it would take.
    let error = host.recheck(&id).await.unwrap_err();
    assert_eq!(error.code(), "component_gone", "{error}");
    assert!(error.to_string().contains(&digest(TELLER).to_string()), "{error}");
    let operation = host.operation(&id).await.unwrap();
    assert_eq!((operation.state, operation.component), (OperationState::Pending, Some(digest(TELLER))));
    assert!(operation.next_action_at.is_some(), "it is looked at again");
    paid(&host).await.unwrap();

    // Installed again, it finishes what it began.
    let minimum = tillbox::service::NewVersion { minimum_version: Some("1.0.0".into()), ..version(TELLER_SECOND) };
    host.upgrade_provider(&teller(), minimum).await.unwrap();
    host.upgrade_provider(&teller(), version(TELLER)).await.unwrap();
    let found = host.recheck(&id).await.unwrap();
    assert_eq!(found.state, OperationState::Succeeded);
    assert_eq!(found.provider_reference.as_deref(), Some("teller-1.0.0"));

    host.remove_provider(&teller(), false, OPERATOR).await.unwrap();
    assert!(matches!(authorized(&host, "1").await, Err(Error::UnknownProvider { .. } | Error::NotEnabled { .. })));
    let states: Vec<VersionState> =
        host.provider_versions(Some(&teller())).await.unwrap().iter().map(|version| version.state).collect();
    assert!(states.iter().all(|state| *state == VersionState::Removed), "{states:?}");
    // And a new one goes on counting.
    assert_eq!(install(&host, TELLER).await.number, u32::try_from(states.len()).unwrap() + 1);
}

pub(crate) async fn what_is_installed_survives_a_restart(place: &dyn Place) {
    let first = host(place).await;
    install(&first, TELLER).await;
    first.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    let collection = paid(&first).await.unwrap();
    first.stop_background_work().await;
    drop(first);
    let second = host(place).await;
    let after = paid(&second).await.unwrap();
    let store = place.open().await;
    for collection in [collection, after] {
        for operation in operations(store.as_ref(), &collection).await {
            assert_eq!(operation.component, Some(digest(TELLER_SECOND)));
        }
    }
}
