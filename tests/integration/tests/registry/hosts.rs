//! Several hosts on one database: each notices what another one installed, and operators at once leave one version serving.

use std::time::{Duration, Instant};

use tillbox::Error;
use tillbox::service::VERSIONS_LOOK_MS;
use tillbox::store::VersionState;
use tillbox_artifacts::{TELLER, TELLER_SECOND};
use tillbox_store_tests::place::Place;

use crate::scene::{digest, host, install, soon, teller, version};

/// A look, the loading of a component that is in the cache, and a machine that does something else, too.
const NOTICED: Duration = Duration::from_millis(VERSIONS_LOOK_MS + 20_000);

pub(crate) async fn another_host_follows_within_its_bound(place: &dyn Place) {
    let (one, other) = (host(place).await, host(place).await);
    install(&one, TELLER).await;
    let begun = Instant::now();
    soon(NOTICED, async || other.provider_health(&teller()).ok()).await;
    let installed = begun.elapsed();
    let upgraded = one.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    let begun = Instant::now();
    soon(NOTICED, async || {
        let details = other.provider_details(&teller()).await.unwrap();
        (details.version == Some(upgraded.number)).then_some(())
    })
    .await;
    println!("another host noticed an installation after {installed:?} and an upgrade after {:?}", begun.elapsed());
    let (collection, _) = crate::scene::authorized(&other, "1.00").await.unwrap();
    let store = place.open().await;
    for operation in crate::scene::operations(store.as_ref(), &collection).await {
        assert_eq!(operation.component, Some(digest(TELLER_SECOND)));
    }
    one.remove_provider(&teller(), false, "somebody").await.unwrap();
    soon(NOTICED, async || other.provider_health(&teller()).err()).await;
}

pub(crate) async fn operators_at_once_leave_one_version_that_serves(place: &dyn Place) {
    let (one, other) = (host(place).await, host(place).await);
    install(&one, TELLER).await;
    let mut asked = Vec::new();
    for round in 0..6 {
        let host = if round % 2 == 0 { one.clone() } else { other.clone() };
        asked.push(tokio::spawn(async move {
            let new = tillbox::service::NewVersion {
                grants: Some(tillbox::runtime::Grants { calls_max: Some(40 + round), ..Default::default() }),
                ..version(TELLER_SECOND)
            };
            host.upgrade_provider(&teller(), new).await
        }));
    }
    for one in asked {
        match one.await.unwrap() {
            Ok(version) => assert_eq!(version.state, VersionState::Serving),
            Err(error) => assert!(matches!(error, Error::Contended), "{error}"),
        }
    }
    let versions = one.provider_versions(Some(&teller())).await.unwrap();
    let serving = versions.iter().filter(|version| version.state == VersionState::Serving).count();
    assert_eq!(serving, 1, "{versions:?}");
    assert!(versions.windows(2).all(|pair| pair[0].number + 1 == pair[1].number), "numbers have no gap");
}
