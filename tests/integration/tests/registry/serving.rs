//! Upgraded and rolled back while payments run: none is lost, and each operation is its component's from beginning to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tillbox::core::operation::{OperationKind, OperationState};
use tillbox::service::{NewCapture, ProviderHealth};
use tillbox::store::Page;
use tillbox_artifacts::{TELLER, TELLER_OLDER, TELLER_SECOND};
use tillbox_store_tests::place::Place;

use crate::scene::{OPERATOR, all_operations, authorized, builder, digest, host, install, paid, soon, teller, version};

/// Payments that run while the provider is upgraded.
const PAYMENTS: usize = 200;

/// Of those, how many are through when it is: then some are over, some under way, some not begun.
const THROUGH: usize = 20;

/// How a test waits for something that is a matter of milliseconds.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// Kinds whose answers the teller signs.
const SIGNED: [OperationKind; 3] = [OperationKind::Authorize, OperationKind::Capture, OperationKind::Refund];

pub(crate) async fn an_upgrade_during_200_payments_loses_none(place: &dyn Place) {
    let host = host(place).await;
    install(&host, TELLER).await;
    let through = Arc::new(AtomicUsize::new(0));
    let payments: Vec<_> = (0..PAYMENTS)
        .map(|_| {
            let (host, through) = (host.clone(), Arc::clone(&through));
            tokio::spawn(async move {
                let paid = paid(&host).await;
                through.fetch_add(1, Ordering::SeqCst);
                paid
            })
        })
        .collect();
    let under_way = soon(PATIENCE, async || {
        let ProviderHealth { under_way, .. } = host.provider_health(&teller()).unwrap();
        (through.load(Ordering::SeqCst) >= THROUGH && under_way > 0).then_some(under_way)
    })
    .await;
    let upgraded = host.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    let at_the_upgrade = through.load(Ordering::SeqCst);
    let after = paid(&host).await.unwrap();
    for payment in payments {
        payment.await.unwrap().expect("no payment is lost");
    }

    let mut by_component = BTreeMap::new();
    for operation in all_operations(&host).await {
        assert_eq!(operation.state, OperationState::Succeeded, "{operation:?}");
        let component = operation.component.expect("the teller is a component");
        *by_component.entry(component).or_insert(0_usize) += 1;
        if SIGNED.contains(&operation.kind) {
            let version = if component == digest(TELLER) { "teller-1.0.0" } else { "teller-1.1.0" };
            assert_eq!(operation.provider_reference.as_deref(), Some(version), "{operation:?}");
        }
        if operation.created_at > upgraded.served_from.unwrap() && component == digest(TELLER) {
            // Begun in the moment between the books and this host: at most what was under way or waited for a place.
            assert!(operation.created_at.0 - upgraded.served_from.unwrap().0 < 60_000, "{operation:?}");
        }
    }
    let (first, second) = (by_component[&digest(TELLER)], by_component[&digest(TELLER_SECOND)]);
    assert_eq!(first + second, (PAYMENTS + 1) * 4, "an operation of each kind for each payment");
    println!(
        "{PAYMENTS} payments, {at_the_upgrade} through and {under_way} calls under way at the upgrade: {first} operations on \
         the old component, {second} on the new one, none lost"
    );
    let store = place.open().await;
    for operation in crate::scene::operations(store.as_ref(), &after).await {
        assert_eq!(operation.component, Some(digest(TELLER_SECOND)), "begun after the upgrade was answered");
    }
}

pub(crate) async fn a_roll_back_is_served_at_once(place: &dyn Place) {
    let host = host(place).await;
    install(&host, TELLER).await;
    host.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    let running: Vec<_> = (0..16)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { paid(&host).await })
        })
        .collect();
    let back = host.roll_back_provider(&teller(), None, OPERATOR).await.unwrap();
    assert_eq!(
        (back.number, back.version.as_str()),
        (1, "1.0.0"),
        "below the version before, which a roll back may be"
    );
    let after = paid(&host).await.unwrap();
    for payment in running {
        payment.await.unwrap().expect("no payment is lost");
    }
    let store = place.open().await;
    for operation in crate::scene::operations(store.as_ref(), &after).await {
        assert_eq!(operation.component, Some(digest(TELLER)));
    }
    let nothing = crate::scene::refusal(host.roll_back_provider(&teller(), None, OPERATOR).await);
    assert_eq!(nothing.code(), "nothing_earlier");
    // By its number it goes forward again.
    assert_eq!(host.roll_back_provider(&teller(), Some(2), OPERATOR).await.unwrap().version, "1.1.0");
    let older = crate::scene::refusal(host.upgrade_provider(&teller(), version(TELLER_OLDER)).await);
    assert_eq!(older.code(), "version_below_minimum");
}

pub(crate) async fn an_open_operation_is_asked_of_the_component_it_began_with(place: &dyn Place) {
    let first = builder(place).await.without_background_work().build().await.unwrap();
    install(&first, TELLER).await;
    let mut payments = Vec::new();
    for _ in 0..2 {
        let (_, payment) = authorized(&first, "10.77").await.unwrap();
        drop(first.capture(&payment, NewCapture::default()).await);
        payments.push(payment);
    }
    let open = first.operations(&[OperationState::Pending], Page { offset: 0, limit: 9 }).await.unwrap().items;
    assert_eq!(open.len(), 2);
    first.upgrade_provider(&teller(), version(TELLER_SECOND)).await.unwrap();
    let found = first.recheck(&open[0].id).await.unwrap();
    assert_eq!((found.state, found.component), (OperationState::Succeeded, Some(digest(TELLER))));
    assert_eq!(found.provider_reference.as_deref(), Some("teller-1.0.0"), "the old one was asked");
    drop(first);

    // A host that never served with it loads it for this.
    let second = builder(place).await.without_background_work().build().await.unwrap();
    let found = second.recheck(&open[1].id).await.unwrap();
    assert_eq!((found.state, found.component), (OperationState::Succeeded, Some(digest(TELLER))));
    assert_eq!(found.provider_reference.as_deref(), Some("teller-1.0.0"), "the old one was asked");
}
