//! Versions of providers and their components: all steps of a change or none, one that serves, bytes as they were brought.

use tillbox::core::{ComponentDigest, Timestamp};
use tillbox::store::{KeptVersion, StoreError, VersionState, VersionStep};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{component, provider, rich, version};

fn moved(number: u32, from: VersionState, to: VersionState, at: i64) -> VersionStep {
    let approved_by = (to == VersionState::Serving).then(|| "hopper".to_owned());
    VersionStep::Move { provider: provider(), number, from, to, approved_by, at: Timestamp(at) }
}

fn added(number: u32, state: VersionState) -> VersionStep {
    VersionStep::Add(Box::new(version(number, state)))
}

pub(crate) async fn a_component_is_kept_byte_for_byte_and_completed(place: &dyn Place) {
    let store = place.open().await;
    let digest = ComponentDigest::from_bytes([1; 32]);
    assert_eq!(store.component(digest).await.unwrap(), b"");
    for _ in 0..2 {
        store.keep_component(digest, component()).await.unwrap();
    }
    // A host that died in the middle has kept a part of it.
    place.run("delete from component where part = 3").await.unwrap();
    assert_eq!(store.component(digest).await.unwrap().len(), 3 * 64 * 1024);
    store.keep_component(digest, component()).await.unwrap();
    drop(store);
    assert_eq!(place.open().await.component(digest).await.unwrap(), component());
    place.run("delete from component where part = 1").await.unwrap();
    let torn = place.open().await.component(digest).await;
    assert!(matches!(torn, Err(StoreError::Corrupt { .. })), "{torn:?}");
}

pub(crate) async fn versions_move_together_or_not_at_all(place: &dyn Place) {
    use VersionState::{Proposed, Retired, Serving};
    let store = place.open().await;
    let at = Timestamp(1_700_000_000_000);
    store.move_versions(vec![VersionStep::Register(provider(), at), added(1, Serving)]).await.unwrap();
    assert_eq!(store.provider_versions().await.unwrap(), [version(1, Serving)]);
    assert_eq!(store.kept_providers().await.unwrap().len(), 1);
    store.move_versions(vec![added(2, Proposed)]).await.unwrap();

    for refused in [
        // Two that serve, a number that is taken, a second proposal, a state that is another by now, one that is not there.
        vec![added(3, Serving)],
        vec![moved(1, Serving, Retired, 9), added(2, Serving)],
        vec![added(3, Proposed)],
        vec![moved(2, Proposed, Serving, 9)],
        vec![moved(1, Serving, Retired, 9), moved(2, Retired, Serving, 9)],
        vec![moved(7, Serving, Retired, 9)],
    ] {
        let result = store.move_versions(refused).await;
        assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
        let kept = [version(1, Serving), version(2, Proposed)];
        assert_eq!(store.provider_versions().await.unwrap(), kept);
    }

    store.move_versions(vec![moved(1, Serving, Retired, 10), moved(2, Proposed, Serving, 11)]).await.unwrap();
    let second = KeptVersion {
        approved_by: Some("hopper".into()),
        served_from: Some(Timestamp(11)),
        served_until: None,
        ..version(2, Serving)
    };
    assert_eq!(store.provider_versions().await.unwrap(), [version(1, Retired), second]);
    drop(store);
    let store = place.open().await;
    store.move_versions(vec![moved(2, Serving, Retired, 12), moved(1, Retired, Serving, 13)]).await.unwrap();
    let found = store.provider_versions().await.unwrap();
    assert_eq!((found[1].state, found[1].served_until), (Retired, Some(Timestamp(12))));
    assert_eq!((found[0].state, found[0].served_from, found[0].served_until), (Serving, Some(Timestamp(13)), None));
}

pub(crate) async fn open_operations_are_counted_by_their_component(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.open_by_component(provider()).await.unwrap(), []);
    store.commit(rich(1)).await.unwrap();
    // All operations of the sample are closed; one is opened again behind the store's back.
    assert_eq!(store.open_by_component(provider()).await.unwrap(), []);
    place.run("update operation set state = 'unknown' where kind = 'capture'").await.unwrap();
    let digest = ComponentDigest::from_bytes([0xa5; 32]);
    assert_eq!(store.open_by_component(provider()).await.unwrap(), [(digest, 1)]);
}
