//! A provider that traps whatever it is asked is not called for a while: nothing is begun, nothing is sent, and everybody can see
//! it. The version before takes over as soon as somebody says so.

use tillbox::Error;
use tillbox::core::operation::OperationState;
use tillbox::service::{BREAKER_FAULTS, BREAKER_PAUSE_MS_FIRST, BreakerState, NewCapture};
use tillbox::store::Page;
use tillbox_artifacts::{TELLER, TELLER_BROKEN};
use tillbox_store_tests::place::File;

use crate::scene::{Hands, OPERATOR, authorized, builder, install, paid, session, teller, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_traps_always_is_tripped_and_comes_back() {
    let (place, hands) = (File::new().await, Hands::new());
    let host = builder(&place).await.clock(std::sync::Arc::new(hands.clone())).without_background_work();
    let host = host.build().await.unwrap();
    install(&host, TELLER).await;
    let (_, payment) = authorized(&host, "10.77").await.unwrap();
    drop(host.capture(&payment, NewCapture::default()).await);
    let waiting = host.operations(&[OperationState::Pending], Page { offset: 0, limit: 9 }).await.unwrap().items;
    host.upgrade_provider(&teller(), version(TELLER_BROKEN)).await.unwrap();

    for _ in 0..BREAKER_FAULTS {
        let error = session(&host).await.unwrap_err();
        assert_eq!(error.code(), "guest_trap", "{error}");
    }
    let count = async || host.operations(&[], Page { offset: 0, limit: 1 }).await.unwrap().count;
    let before = count().await;
    let error = session(&host).await.unwrap_err();
    let Error::Tripped { retry_after_ms, .. } = &error else { panic!("{error}") };
    assert_eq!(*retry_after_ms, u64::try_from(BREAKER_PAUSE_MS_FIRST).unwrap());
    assert_eq!((error.code(), error.request_may_have_been_sent()), ("provider_tripped", false));
    assert_eq!(count().await, before, "nothing was begun");
    assert_eq!(host.tripped_providers(), [teller()]);
    let health = host.provider_health(&teller()).unwrap();
    assert_eq!((health.breaker.state, health.breaker.trips), (BreakerState::Open, 1));
    let metrics = host.metrics_text().await;
    assert!(metrics.contains("tillbox_provider_breaker_trips_total{provider=\"pp_teller_main\"} 1"), "{metrics}");
    assert!(
        metrics.contains("tillbox_provider_breaker_state{provider=\"pp_teller_main\",version=\"2\"} 2"),
        "{metrics}"
    );

    // What the version before began is its own: it is asked as ever.
    let found = host.recheck(&waiting[0].id).await.unwrap();
    assert_eq!(found.state, OperationState::Succeeded);

    // One call tells, and tells the same: twice as long.
    hands.forward(BREAKER_PAUSE_MS_FIRST);
    assert_eq!(host.provider_health(&teller()).unwrap().breaker.state, BreakerState::HalfOpen);
    assert_eq!(session(&host).await.unwrap_err().code(), "guest_trap");
    let Error::Tripped { retry_after_ms, .. } = session(&host).await.unwrap_err() else { panic!("it is open again") };
    assert_eq!(retry_after_ms, u64::try_from(2 * BREAKER_PAUSE_MS_FIRST).unwrap());

    // Another version has a breaker of its own.
    host.roll_back_provider(&teller(), None, OPERATOR).await.unwrap();
    paid(&host).await.unwrap();
    assert!(host.tripped_providers().is_empty());
}
