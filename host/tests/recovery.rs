//! Recovery on a clock that the test moves: lost calls are asked about, sent again with the same key, proven absent or
//! handed to a person, at the times and the pace that were promised, and never guessed.
//!
//! Long because each way in which a question can end has its turn against one scene.

mod scripted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use scripted::{Scripted, error, lost, outcome, shared, snapshot};
use tillbox::core::id::{OperationId, PaymentId, ProviderId, SessionId};
use tillbox::core::operation::{Input, Operation, OperationKind, OperationState};
use tillbox::core::outcome::{ErrorKind, ProviderStatus};
use tillbox::core::{Money, Timestamp};
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::runtime::info::{KeyMemory, Lookup, Recovery};
use tillbox::service::{HORIZON_MS_MIN, LEASE_MARGIN_MS, NewCollection, NewSession, PAGE, Pace, Verdict, WEBHOOKS_MS};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{Page, Store};
use tillbox::{Error, Host};

const HOUR: i64 = 3_600_000;

/// A clock that a test moves.
#[derive(Debug, Default)]
struct Hands(AtomicI64);

impl tillbox::clock::Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Scene {
    host: Host,
    provider: Arc<Scripted>,
    store: Arc<dyn Store>,
    clock: Arc<Hands>,
}

fn euro(text: &str) -> Money {
    money(text, "EUR").unwrap()
}

fn provider_id() -> ProviderId {
    ProviderId::parse("pp_scripted_default").unwrap()
}

/// A provider that declares the same for all kinds.
fn declares(keys: KeyMemory, lookup: Lookup) -> Scripted {
    Scripted::new(Reach::Network).with_info(|info| {
        info.recovery = OperationKind::ALL.iter().map(|kind| (*kind, Recovery { keys, lookup })).collect();
        info.capabilities.webhooks = false;
    })
}

impl Scene {
    async fn new(provider: Scripted) -> Self {
        Self::at_pace(provider, Pace { looks_at_once: 16, looks_per_second: 100_000 }).await
    }

    async fn at_pace(provider: Scripted, pace: Pace) -> Self {
        let (provider, installed) = shared(provider);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
        let clock = Arc::new(Hands::default());
        let host = Host::builder().store(Arc::clone(&store)).clock(Arc::clone(&clock) as Arc<_>).pace(pace);
        let host = host.without_background_work().provider("default", installed).build().await.unwrap();
        Self { host, provider, store, clock }
    }

    fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    async fn session(&self) -> SessionId {
        let collection = self.host.create_collection(NewCollection::new(euro("100.00"))).await.unwrap().id;
        self.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value.id
    }

    async fn payment(&self) -> PaymentId {
        let done = self.host.authorize_session(&self.session().await, None).await.unwrap();
        done.value.payment.unwrap().payment.id
    }

    /// A capture of 100.00 whose reply was lost.
    async fn lost_capture(&self) -> (PaymentId, OperationId) {
        let payment = self.payment().await;
        self.provider.will(OperationKind::Capture, Err(lost()));
        let id = self.host.capture(&payment, None).await.unwrap_err().operation().unwrap().clone();
        (payment, id)
    }

    async fn operation(&self, id: &OperationId) -> Operation {
        self.host.operation(id).await.unwrap()
    }

    async fn state(&self, id: &OperationId) -> OperationState {
        self.operation(id).await.state
    }

    /// Goes to the moment at which the operation is due, and does what is due then.
    async fn next_look(&self, id: &OperationId) -> Operation {
        let due = self.operation(id).await.next_action_at.expect("it is looked after").0;
        self.clock.0.fetch_max(due, Ordering::SeqCst);
        self.host.reconcile().await.unwrap();
        self.operation(id).await
    }

    fn captures(&self) -> Vec<scripted::Seen> {
        self.provider.seen().into_iter().filter(|seen| seen.kind == OperationKind::Capture).collect()
    }
}

#[tokio::test]
async fn a_call_that_died_with_its_host_is_looked_at_when_its_lease_ends_and_not_before() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::Strong)).await;
    let payment = scene.payment().await;
    scene.provider.hang_once();
    tokio::time::timeout(Duration::from_millis(50), scene.host.capture(&payment, None)).await.unwrap_err();
    let page = Page { offset: 0, limit: 9 };
    let id = scene.host.operations(&[OperationState::Running], page).await.unwrap().items[0].id.clone();
    scene.pass(10_000 + LEASE_MARGIN_MS - 1);
    assert_eq!(scene.host.reconcile().await.unwrap(), 0);
    assert_eq!(scene.state(&id).await, OperationState::Running);
    // Nothing of it reached the gateway, and the lookup can tell.
    scene.pass(1);
    scene.provider.will_know(Err(error(ErrorKind::NotFound)));
    assert_eq!(scene.host.reconcile().await.unwrap(), 1);
    assert_eq!(scene.state(&id).await, OperationState::Absent);
    assert_eq!(scene.host.capture(&payment, None).await.unwrap().value.captured, euro("100.00"));
}

#[tokio::test]
async fn a_lookup_that_finds_it_settles_it_at_the_first_look() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::Strong)).await;
    let (payment, id) = scene.lost_capture().await;
    assert_eq!(scene.host.reconcile().await.unwrap(), 0, "nothing is due yet");
    let happened = outcome(ProviderStatus::Captured, Some(euro("100.00")));
    scene.provider.will_know(Ok(snapshot(happened.clone(), Some(happened), euro("0"))));
    let operation = scene.next_look(&id).await;
    assert_eq!((operation.state, operation.next_action_at), (OperationState::Succeeded, None));
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("100.00"));
    assert_eq!(scene.captures().len(), 1, "it was asked about and not asked for again");
}

#[tokio::test]
async fn a_gateway_that_is_down_for_a_day_proves_nothing() {
    let scene = Scene::new(declares(KeyMemory::Forever, Lookup::Strong)).await;
    let (payment, id) = scene.lost_capture().await;
    let told = scene.host.events_after(0, 1_000).await.unwrap().len();
    for checks in 1..=8 {
        scene.provider.will_know(Err(lost()));
        let operation = scene.next_look(&id).await;
        assert_eq!((operation.state, operation.checks), (OperationState::Unknown, checks));
    }
    assert!(scene.clock.0.load(Ordering::SeqCst) > 24 * HOUR);
    assert_eq!(scene.host.events_after(0, 1_000).await.unwrap().len(), told, "that nothing is known is no news");
    assert_eq!(scene.captures().len(), 1, "where asking is a way, nothing is sent again");
    let view = scene.host.payment(&payment).await.unwrap();
    assert_eq!(view.reserved_captures, euro("100.00"));
    assert_eq!(view.uncertain.unwrap().next_check_at, scene.operation(&id).await.next_action_at);
}

#[tokio::test]
async fn an_eventual_lookup_has_to_say_it_twice_and_after_its_lag() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::EventualSeconds(60))).await;
    let (_, id) = scene.lost_capture().await;
    let mut last = 0;
    loop {
        scene.provider.will_know(Err(error(ErrorKind::NotFound)));
        let operation = scene.next_look(&id).await;
        if operation.state == OperationState::Absent {
            break;
        }
        assert_eq!(operation.state, OperationState::Unknown);
        last = scene.clock.0.load(Ordering::SeqCst);
    }
    // The lag, the deadline and the margin: all of it had passed at the look that proved it, not at the one before.
    assert!(last <= 130_000 && scene.clock.0.load(Ordering::SeqCst) > 130_000, "{last}");
}

#[tokio::test]
async fn inside_the_window_the_same_is_sent_again_with_the_same_key() {
    let scene = Scene::new(declares(KeyMemory::WindowSeconds(86_400), Lookup::None)).await;
    let (payment, id) = scene.lost_capture().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let operation = scene.next_look(&id).await;
    assert_eq!((operation.state, operation.attempts, operation.checks), (OperationState::Unknown, 2, 1));
    // A refusal of the second attempt says nothing of the first.
    scene.provider.will(OperationKind::Capture, Err(error(ErrorKind::Unavailable)));
    assert_eq!(scene.next_look(&id).await.state, OperationState::Unknown);
    let operation = scene.next_look(&id).await;
    assert_eq!((operation.state, operation.attempts), (OperationState::Succeeded, 4));
    let captures = scene.captures();
    assert_eq!(captures.iter().map(|seen| seen.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(captures.iter().all(|seen| seen.key == captures[0].key && seen.operation == captures[0].operation));
    assert_eq!(scene.host.payment(&payment).await.unwrap().captures.len(), 1);
}

#[tokio::test]
async fn the_intent_of_a_resend_is_durable_before_the_call() {
    let scene = Scene::new(declares(KeyMemory::Forever, Lookup::None)).await;
    let (_, id) = scene.lost_capture().await;
    let (host, handle) = (scene.host.clone(), tokio::runtime::Handle::current());
    let asked = id.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    scene.provider.on_call(move |_| {
        let (host, handle, id) = (host.clone(), handle.clone(), asked.clone());
        let load = std::thread::spawn(move || handle.block_on(host.operation(&id)).unwrap());
        let operation = load.join().unwrap();
        assert_eq!((operation.state, operation.attempts, operation.lease_token), (OperationState::Running, 2, 2));
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(scene.next_look(&id).await.state, OperationState::Succeeded);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_asks_first_and_never_sends_again_out_of_turn() {
    let scene = Scene::new(declares(KeyMemory::Forever, Lookup::None)).await;
    let (payment, id) = scene.lost_capture().await;
    let due = scene.operation(&id).await.next_action_at;
    for _ in 0..5 {
        scene.host.capture(&payment, None).await.unwrap_err();
    }
    assert_eq!(scene.captures().len(), 1);
    assert_eq!(scene.operation(&id).await.next_action_at, due, "impatience does not push the next look away");
}

#[tokio::test]
async fn past_the_window_a_person_is_called_and_nothing_is_proven() {
    let scene = Scene::new(declares(KeyMemory::WindowSeconds(3_600), Lookup::None)).await;
    let (payment, id) = scene.lost_capture().await;
    scene.pass(HOUR);
    scene.provider.will_know(Err(lost()));
    let operation = scene.next_look(&id).await;
    assert_eq!(operation.state, OperationState::NeedsReview);
    assert_eq!((operation.reason.as_deref(), operation.next_action_at), (Some("recovery_exhausted"), None));
    assert!(operation.detail.unwrap().contains("tillbox operations resolve"));
    assert_eq!(scene.captures().len(), 1, "the key is no longer recognised");
    assert_eq!(scene.host.payment(&payment).await.unwrap().reserved_captures, euro("100.00"));
    let events = scene.host.events_after(0, 1_000).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.kind == "operation.needs_review").count(), 1);
    // From here on it is left alone, and a person closes it with a note.
    scene.pass(1_000 * HOUR);
    assert_eq!(scene.host.reconcile().await.unwrap(), 0);
    let without = scene.host.resolve_operation(&id, Verdict::Succeeded, " ").await.unwrap_err();
    assert!(matches!(&without, Error::Invalid { field, .. } if field == "note"), "{without}");
    let done = scene.host.resolve_operation(&id, Verdict::Succeeded, "seen at the dashboard").await.unwrap();
    assert_eq!((done.state, done.detail.as_deref()), (OperationState::Succeeded, Some("seen at the dashboard")));
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("100.00"));
    let again = scene.host.resolve_operation(&id, Verdict::Absent, "changed my mind").await.unwrap_err();
    assert_eq!(again.code(), "already_settled");
}

#[tokio::test]
async fn without_any_way_of_asking_the_horizon_is_that_of_webhooks() {
    for (webhooks, horizon) in [(false, HORIZON_MS_MIN), (true, WEBHOOKS_MS)] {
        let provider = declares(KeyMemory::None, Lookup::None);
        let scene = Scene::new(provider.with_info(|info| info.capabilities.webhooks = webhooks)).await;
        let (_, id) = scene.lost_capture().await;
        loop {
            let operation = scene.next_look(&id).await;
            let passed = scene.clock.0.load(Ordering::SeqCst) > horizon;
            assert_eq!(operation.state == OperationState::NeedsReview, passed, "{operation:?}");
            if passed {
                break;
            }
        }
        assert_eq!(scene.captures().len(), 1);
    }
}

const TYPED_IN: &str = r#"{"number":"4242"}"#;

impl Scene {
    /// An authorization with what a payer typed in, whose reply was lost.
    async fn lost_authorization(&self, input: Option<&str>) -> (SessionId, OperationId) {
        let session = self.session().await;
        self.provider.will(OperationKind::Authorize, Err(lost()));
        let id = self.host.authorize_session(&session, input).await.unwrap_err().operation().unwrap().clone();
        (session, id)
    }

    /// Looks until the operation is not open any more, or only a person can go on.
    async fn looks(&self, id: &OperationId) -> Operation {
        loop {
            let operation = self.next_look(id).await;
            if !operation.state.is_looked_after() {
                return operation;
            }
        }
    }

    /// The same books with other keys, as after a start.
    async fn restarted(&self, key: Option<[u8; 32]>) -> (Arc<Scripted>, Host) {
        let (provider, installed) = shared(declares(KeyMemory::Forever, Lookup::None));
        let builder = Host::builder().store(Arc::clone(&self.store)).clock(Arc::clone(&self.clock) as Arc<_>);
        let builder = builder.without_background_work().provider("default", installed);
        let builder = match key {
            Some(key) => builder.encryption_key(key),
            None => builder,
        };
        (provider, builder.build().await.unwrap())
    }
}

#[tokio::test]
async fn what_a_payer_typed_in_is_sent_again_with_the_same_key_and_then_forgotten() {
    let scene = Scene::new(declares(KeyMemory::Forever, Lookup::None)).await;
    let (_, id) = scene.lost_authorization(Some(TYPED_IN)).await;
    let kept = scene.operation(&id).await.input;
    assert!(matches!(&kept, Input::Sealed(sealed) if !sealed.as_str().contains("4242")), "{kept:?}");
    scene.provider.will(OperationKind::Authorize, Err(lost()));
    assert_eq!(scene.next_look(&id).await.input, kept, "nobody knows yet whether it arrived");
    let operation = scene.next_look(&id).await;
    assert_eq!((operation.state, operation.input), (OperationState::Succeeded, Input::Gone));
    assert_eq!(scene.provider.inputs(OperationKind::Authorize), vec![TYPED_IN; 3]);
    let keys: Vec<String> =
        scene.provider.seen().into_iter().filter(|seen| seen.operation == id.as_str()).map(|seen| seen.key).collect();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn what_a_payer_typed_in_is_sent_again_by_another_host_with_the_same_encryption_key_only() {
    for (theirs, sent) in [(None, true), (Some([7; 32]), false)] {
        let scene = Scene::new(declares(KeyMemory::Forever, Lookup::None)).await;
        let (_, id) = scene.lost_authorization(Some(TYPED_IN)).await;
        let (provider, host) = scene.restarted(theirs).await;
        scene.clock.0.fetch_max(scene.operation(&id).await.next_action_at.unwrap().0, Ordering::SeqCst);
        host.reconcile().await.unwrap();
        assert_eq!(provider.inputs(OperationKind::Authorize), vec![TYPED_IN; usize::from(sent)]);
        let state = scene.state(&id).await;
        assert_eq!(state, if sent { OperationState::Succeeded } else { OperationState::Unknown });
    }
}

#[tokio::test]
async fn a_charge_nobody_can_tell_about_is_voided_when_nothing_else_is_left_and_the_next_may_charge() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::None)).await;
    let (session, id) = scene.lost_authorization(Some(TYPED_IN)).await;
    let collection = scene.host.collection_of_session(&session).await.unwrap().id;
    let operation = scene.looks(&id).await;
    assert!(scene.clock.0.load(Ordering::SeqCst) > HORIZON_MS_MIN, "a webhook may tell until then");
    let known = (operation.state, operation.reason.as_deref(), operation.input);
    assert_eq!(known, (OperationState::Absent, Some("session_deleted"), Input::Gone));
    let voids = scene.provider.seen().iter().filter(|seen| seen.kind == OperationKind::Delete).count();
    assert_eq!((voids, scene.provider.inputs(OperationKind::Authorize).len()), (1, 1));
    let other = scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value.id;
    assert!(scene.host.authorize_session(&other, None).await.unwrap().value.payment.is_some());
}

#[tokio::test]
async fn a_void_that_the_provider_does_not_answer_or_refuses_calls_a_person_once() {
    for refusal in [error(ErrorKind::Conflict), lost()] {
        let scene = Scene::new(declares(KeyMemory::None, Lookup::None)).await;
        let (session, id) = scene.lost_authorization(None).await;
        scene.provider.will(OperationKind::Delete, Err(refusal));
        let operation = scene.looks(&id).await;
        assert_eq!(
            (operation.state, operation.reason.as_deref()),
            (OperationState::NeedsReview, Some("recovery_exhausted"))
        );
        assert!(operation.detail.unwrap().contains("did not abandon its session"));
        scene.pass(1_000 * HOUR);
        while scene.host.reconcile().await.unwrap() > 0 {
            scene.pass(1_000 * HOUR);
        }
        let voids = scene.provider.seen().iter().filter(|seen| seen.kind == OperationKind::Delete).count();
        assert_eq!(voids, 1, "a second void is a person's decision");
        assert!(scene.host.collection_of_session(&session).await.unwrap().payment_of(&session).is_none());
    }
}

#[tokio::test]
async fn a_payment_pending_for_days_is_asked_about_until_it_is_decided() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::Strong)).await;
    let session = scene.session().await;
    scene.provider.will(OperationKind::Authorize, Ok(outcome(ProviderStatus::PendingAuthorization, None)));
    let done = scene.host.authorize_session(&session, None).await.unwrap();
    let id = done.operation.unwrap().id;
    let undecided = || snapshot(outcome(ProviderStatus::PendingAuthorization, None), None, euro("0"));
    for _ in 0..10 {
        scene.provider.will_know(Ok(undecided()));
        assert_eq!(scene.next_look(&id).await.state, OperationState::Pending);
    }
    assert!(scene.clock.0.load(Ordering::SeqCst) > 48 * HOUR);
    let decided = outcome(ProviderStatus::Authorized, Some(euro("100.00")));
    scene.provider.will_know(Ok(snapshot(decided, None, euro("0"))));
    assert_eq!(scene.next_look(&id).await.state, OperationState::Succeeded);
    assert!(scene.host.collection_of_session(&session).await.unwrap().payment_of(&session).is_some());
}

#[tokio::test]
async fn an_uncertain_charge_is_voided_by_a_person_and_the_next_one_may_charge() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::None)).await;
    let session = scene.session().await;
    scene.provider.will(OperationKind::Authorize, Err(lost()));
    let id = scene.host.authorize_session(&session, None).await.unwrap_err().operation().unwrap().clone();
    let collection = scene.host.collection_of_session(&session).await.unwrap().id;
    let other = scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value.id;
    assert_eq!(scene.host.authorize_session(&other, None).await.unwrap_err().code(), "uncertain_charge");
    let voided = scene.host.void_operation(&id).await.unwrap();
    assert_eq!(voided.operation.state, OperationState::Absent);
    assert_eq!(voided.void.unwrap().kind, OperationKind::Delete);
    assert!(scene.host.authorize_session(&other, None).await.unwrap().value.payment.is_some());
    let (_, capture) = scene.lost_capture().await;
    assert_eq!(scene.host.void_operation(&capture).await.unwrap_err().code(), "invalid_data");
}

#[tokio::test]
async fn a_provider_that_is_gone_leaves_its_operations_open_and_due() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::Strong)).await;
    let (_, id) = scene.lost_capture().await;
    let without = Host::builder().store(Arc::clone(&scene.store)).clock(Arc::clone(&scene.clock) as Arc<_>);
    let without = without.without_background_work().build().await.unwrap();
    scene.pass(3_000);
    assert_eq!(without.reconcile().await.unwrap(), 0);
    let operation = scene.operation(&id).await;
    assert_eq!((operation.state, operation.checks), (OperationState::Unknown, 1));
    // Installed again, it goes on.
    assert_eq!(scene.next_look(&id).await.state, OperationState::Absent);
}

/// How many looks were under way at once, at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

async fn unknown_captures(scene: &Scene, count: usize) -> Vec<OperationId> {
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        ids.push(scene.lost_capture().await.1);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_open_operations_are_looked_at_with_few_at_once() {
    const MANY: usize = 5_000;
    const AT_ONCE: usize = 6;
    let pace = Pace { looks_at_once: AT_ONCE, looks_per_second: 1_000_000 };
    let scene = Scene::at_pace(declares(KeyMemory::None, Lookup::Strong), pace).await;
    unknown_captures(&scene, MANY).await;
    assert!(MANY > 10 * PAGE as usize, "many pages");
    let gauge = Arc::new(Gauge::default());
    let seen = Arc::clone(&gauge);
    scene.provider.on_retrieve(move |begins| {
        if begins {
            let now = seen.now.fetch_add(1, Ordering::SeqCst) + 1;
            seen.most.fetch_max(now, Ordering::SeqCst);
        } else {
            seen.now.fetch_sub(1, Ordering::SeqCst);
        }
    });
    scene.pass(3_000);
    assert_eq!(scene.host.reconcile().await.unwrap(), MANY);
    let most = gauge.most.load(Ordering::SeqCst);
    assert!((2..=AT_ONCE).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_gateway_is_asked_no_faster_than_its_pace() {
    let pace = Pace { looks_at_once: 16, looks_per_second: 40 };
    let scene = Scene::at_pace(declares(KeyMemory::None, Lookup::Strong), pace).await;
    unknown_captures(&scene, 21).await;
    scene.pass(3_000);
    let begun = Instant::now();
    assert_eq!(scene.host.reconcile().await.unwrap(), 21);
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
}

/// Two hosts on one database, both at work by themselves: everything ends, and nothing is looked at twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_begins_by_itself_is_shared_and_stops_when_told() {
    let scene = Scene::new(declares(KeyMemory::None, Lookup::Strong)).await;
    let ids = unknown_captures(&scene, 150).await;
    scene.pass(3_000);
    let looked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looked);
    scene.provider.on_retrieve(move |begins| {
        count.fetch_add(usize::from(begins), Ordering::SeqCst);
    });
    let mut hosts = Vec::new();
    for _ in 0..2 {
        let host = Host::builder().store(Arc::clone(&scene.store)).clock(Arc::clone(&scene.clock) as Arc<_>);
        let pace = Pace { looks_at_once: 16, looks_per_second: 10_000 };
        let provider = Arc::clone(&scene.provider) as Arc<dyn tillbox::runtime::Provider>;
        hosts.push(host.pace(pace).provider("default", provider).build().await.unwrap());
    }
    let patience = Instant::now();
    let open = [OperationState::Unknown];
    while scene.host.operations(&open, Page { offset: 0, limit: 1 }).await.unwrap().count > 0 {
        assert!(patience.elapsed() < Duration::from_secs(30), "it did not begin by itself");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(looked.load(Ordering::SeqCst), ids.len(), "each once");
    for host in &hosts {
        host.stop_background_work().await;
    }
    // Nothing is looked at any more, however due.
    let (_, id) = scene.lost_capture().await;
    scene.pass(3_000);
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert_eq!(scene.state(&id).await, OperationState::Unknown);
    let kinds = scene.provider.seen().iter().fold(BTreeMap::new(), |mut kinds, seen| {
        *kinds.entry(seen.kind).or_insert(0) += 1;
        kinds
    });
    assert_eq!(kinds[&OperationKind::Capture], 151, "nothing was sent twice");
}
