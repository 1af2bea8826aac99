//! Whatever one provider does, the calls of another one go on; and a provider that takes all its slots waits alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tillbox_artifacts::{ECHO, HOSTILE};
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::{Fault, Grants, MoneyImplication, Provider, Runtime, RuntimeConfig};

use crate::support::{fault, initiate, package, provider};

/// Calls the neighbour until the hostile call is over, and gives how often it answered.
async fn neighbour_beside(name: &str, deadline_ms: u32) -> u32 {
    let (hostile, echo) = (provider(HOSTILE).await, provider(ECHO).await);
    let over = Arc::new(AtomicBool::new(false));
    let hostile = {
        let (over, input) = (Arc::clone(&over), format!("{{\"misbehave\":\"{name}\"}}"));
        tokio::spawn(async move {
            let call = initiate(&*hostile, &input, deadline_ms).await;
            over.store(true, Ordering::Release);
            call
        })
    };
    let mut answers = 0;
    loop {
        let last = over.load(Ordering::Acquire);
        let call = initiate(&*echo, "{}", 5_000).await;
        assert!(call.answer.is_ok(), "{name}: {:?}", call.answer);
        answers += 1;
        if last {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(hostile.await.unwrap());
    answers
}

/// On one thread: a loop that did not give way would stop everything.
#[tokio::test(flavor = "current_thread")]
async fn a_loop_on_the_only_thread_gives_way() {
    let answers = neighbour_beside("infinite-loop", 500).await;
    assert!(answers > 10, "{answers} answers beside an endless loop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_go_on_beside_every_fault() {
    for name in [
        "infinite-loop",
        "sleep",
        "memory-growth",
        "table-growth",
        "handle-flood",
        "deep-recursion",
        "oversized-result",
        "trap",
        "panic",
        "exit",
        "log-flood",
        "stdout-flood",
    ] {
        assert!(neighbour_beside(name, 300).await > 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_provider_is_busy_and_nothing_was_sent() {
    let one = Grants { calls_max: Some(1), ..Grants::default() };
    let hostile: Arc<dyn Provider> = package(HOSTILE).await.grant(one).unwrap();
    let sleeping = Arc::clone(&hostile);
    let sleeper = tokio::spawn(async move { initiate(&*sleeping, r#"{"misbehave":"sleep"}"#, 2_000).await });
    // Until the sleeper has the slot, a call of 100 ms answers.
    let busy = loop {
        let call = initiate(&*hostile, "{}", 100).await;
        if call.answer.is_err() {
            break fault(call);
        }
    };
    assert_eq!(busy, Fault::Host(HostFault::Busy { scope: "provider" }));
    assert_eq!((busy.code(), busy.implies()), ("host_busy", MoneyImplication::NothingSent));
    assert!(!busy.request_may_have_been_sent());
    // The neighbour has slots of its own.
    assert!(initiate(&*provider(ECHO).await, "{}", 5_000).await.answer.is_ok());
    assert_eq!(fault(sleeper.await.unwrap()).code(), "deadline_host_wait");
    // And the slot comes back.
    assert!(initiate(&*hostile, "{}", 5_000).await.answer.is_ok());
}

/// More calls than slots, without a pool and with one: they wait, and all are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_queue_for_the_slots_of_the_host() {
    for pooling in [true, false] {
        let runtime = Runtime::new(RuntimeConfig { calls_max: 2, pooling, ..RuntimeConfig::default() }).unwrap();
        let echo: Arc<dyn Provider> = runtime.check(ECHO).await.unwrap().grant(Grants::default()).unwrap();
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let echo = Arc::clone(&echo);
                tokio::spawn(async move { initiate(&*echo, "{}", 30_000).await })
            })
            .collect();
        for call in calls {
            let call = call.await.unwrap();
            assert!(call.answer.is_ok(), "pooling {pooling}: {:?}", call.answer);
        }
    }
}
