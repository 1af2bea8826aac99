//! A host that stops at each step of an exchange, and another one that finds out: by the journal where the gateway has
//! answered, by asking again with the same key where it may have heard, by nothing where nothing left.

use serde_json::json;
use tillbox::core::operation::OperationState;
use tillbox::service::Step;
use tillbox_store_tests::place::{Database, File, Place};

use crate::scene::{Scene, only};

/// The step, whether there is an operation, requests at the gateway before and after recovery.
const STEPS: [(Step, bool, usize, usize); 9] = [
    (Step::BeforeCall, false, 0, 0),
    (Step::BeforeIntent, false, 0, 0),
    (Step::IntentKept, true, 0, 1),
    (Step::BeforeFirstByte, true, 0, 1),
    (Step::RequestSent, true, 1, 2),
    (Step::AnswerRead, true, 1, 2),
    (Step::AnswerKept, true, 1, 1),
    (Step::BeforeGuest, true, 1, 1),
    (Step::Answered, true, 1, 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_step_it_stops_at_the_next_host_finds_out_on_sqlite() {
    for row in STEPS {
        at(row, &File::new().await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_step_it_stops_at_the_next_host_finds_out_on_postgres() {
    for row in STEPS {
        at(row, &Database::new().await).await;
    }
}

async fn at((step, begun, before, after): (Step, bool, usize, usize), place: &dyn Place) {
    let scene = Scene::new().await;
    let mut post = scene.post();
    if after == before {
        // Its body differs from call to call: a re-run must be told the same times and the same randomness.
        post["stamp"] = true.into();
        post["body"] = format!("{}&metadata[stamp]=", post["body"].as_str().unwrap()).into();
    }
    let get = json!({ "url": post["url"], "secrets": post["secrets"] });
    let order = json!({ "calls": [post, get] });
    assert!(scene.open_until(place, &order, step).await, "{step:?} is passed");
    let heard = |requests: &[serde_json::Value]| requests.iter().filter(|request| request["method"] == "POST").count();
    let requests = scene.gateway.requests();
    // The gateway may still be reading what was sent.
    if step != Step::RequestSent {
        assert_eq!(heard(&requests), before, "{step:?}: {requests:?}");
    }
    scene.pass();
    let host = scene.host(place).await;
    assert_eq!(only(&host).await.is_some(), begun, "{step:?}");
    host.reconcile_all().await.unwrap();
    let requests = scene.gateway.requests();
    assert_eq!(heard(&requests), after, "{step:?}: {requests:?}");
    assert_eq!(scene.effects().len(), usize::from(begun), "{step:?}: one effect at most");
    if let Some(operation) = only(&host).await {
        assert_eq!(operation.state, OperationState::Succeeded, "{step:?}: {operation:?}");
        let exchanges = host.exchanges(&operation.id).await.unwrap();
        let keys: std::collections::BTreeSet<_> =
            exchanges.iter().filter_map(|exchange| exchange.idempotency_key.clone()).collect();
        assert_eq!(keys.len(), 1, "{step:?}: one key, however often it is asked");
    }
}
