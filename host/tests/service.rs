//! The service against a provider that does as it is told: what a lost reply, a trap, a race and a lie leave in the books.

mod scripted;

use std::sync::Arc;

use scripted::{Scripted, error, lost, outcome, shared, snapshot};
use tillbox::core::Money;
use tillbox::core::id::{CollectionId, OperationId, PaymentId, ProviderId};
use tillbox::core::operation::{OperationKind, OperationState};
use tillbox::core::outcome::{ErrorKind, ProviderStatus};
use tillbox::core::status::{CollectionStatus, SessionStatus};
use tillbox::currency::money;
use tillbox::runtime::info::{KeyMemory, Lookup, Recovery};
use tillbox::runtime::{Failure, Fault, Reach};
use tillbox::service::{NewCollection, NewRefund, NewSession};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{Key, Page, Store};
use tillbox::{Error, Host};

struct Scene {
    host: Host,
    provider: Arc<Scripted>,
    store: Arc<SqliteStore>,
}

fn euro(text: &str) -> Money {
    money(text, "EUR").unwrap()
}

fn provider_id() -> ProviderId {
    ProviderId::parse("pp_scripted_default").unwrap()
}

impl Scene {
    async fn new(provider: Scripted) -> Self {
        let (provider, installed) = shared(provider);
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let host = Host::builder()
            .without_background_work()
            .store(Arc::clone(&store) as Arc<dyn Store>)
            .provider("default", installed);
        Self { host: host.build().await.unwrap(), provider, store }
    }

    async fn collection(&self) -> CollectionId {
        self.host.create_collection(NewCollection::new(euro("100.00"))).await.unwrap().id
    }

    /// A payment of 100.00 EUR, authorized.
    async fn payment(&self) -> PaymentId {
        let collection = self.collection().await;
        let session = self.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value;
        let done = self.host.authorize_session(&session.id, None).await.unwrap();
        done.value.payment.unwrap().payment.id
    }

    async fn operation(&self, id: &OperationId) -> OperationState {
        self.host.operation(id).await.unwrap().state
    }
}

#[tokio::test]
async fn a_payment_goes_its_way_and_each_operation_has_its_own_key() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    scene.host.capture(&payment, Some(euro("40.00"))).await.unwrap();
    let done = scene.host.capture(&payment, None).await.unwrap().value;
    assert_eq!(done.captured, euro("100.00"));
    assert!(done.payment.captured_at.is_some());
    let refund = NewRefund { amount: Some(euro("25.50")), note: Some("late".to_owned()), ..NewRefund::default() };
    let done = scene.host.refund(&payment, refund).await.unwrap().value;
    assert_eq!((done.refunded, done.refunds[0].note.as_deref()), (euro("25.50"), Some("late")));
    let collection = scene.host.collection(&done.collection).await.unwrap();
    assert_eq!(collection.status, CollectionStatus::Completed);
    let seen = scene.provider.seen();
    let amounts: Vec<String> =
        seen.iter().map(|seen| format!("{} {}", seen.kind.as_str(), seen.amount.to_decimal())).collect();
    assert_eq!(amounts, ["initiate 100.00", "authorize 100.00", "capture 40.00", "capture 60.00", "refund 25.50"]);
    for (index, one) in seen.iter().enumerate() {
        assert!(seen[index + 1..].iter().all(|other| other.key != one.key), "two operations share a key");
    }
}

#[tokio::test]
async fn the_intent_is_durable_before_a_provider_that_can_reach_a_network_is_asked() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let store = Arc::clone(&scene.store);
    let handle = tokio::runtime::Handle::current();
    let looked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&looked);
    scene.provider.on_call(move |seen| {
        let (store, id) = (Arc::clone(&store), OperationId::parse(&seen.operation).unwrap());
        let handle = handle.clone();
        let load = std::thread::spawn(move || {
            handle.block_on(store.load(Key::Operation(id.clone()))).map(|found| (found, id))
        });
        let (found, id) = load.join().unwrap().unwrap();
        let state = found.expect("the intent is in the store").collection.operation(&id).unwrap().state;
        assert_eq!(state, OperationState::Running);
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    });
    let collection = scene.collection().await;
    // Away from the runtime's own thread, so that the provider may block on the store.
    let host = scene.host.clone();
    tokio::spawn(async move { host.create_session(&collection, NewSession::new(provider_id())).await.map(|_| ()) })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(looked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_lost_reply_is_a_question_that_holds_its_amount_until_the_provider_answers_it() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let error = scene.host.capture(&payment, Some(euro("70.00"))).await.unwrap_err();
    assert!(error.request_may_have_been_sent());
    let id = error.operation().expect("it names the operation").clone();
    assert_eq!(scene.operation(&id).await, OperationState::Unknown);
    assert_eq!(scene.host.payment(&payment).await.unwrap().reserved_captures, euro("70.00"));

    // The provider cannot be asked: nothing is guessed, and 40.00 more would be too much.
    scene.provider.will_know(Err(lost()));
    let refused = scene.host.capture(&payment, Some(euro("40.00"))).await.unwrap_err();
    assert_eq!(refused.code(), "exceeds_authorized");

    // It knows the capture: it happened, once.
    let happened = outcome(ProviderStatus::Captured, Some(euro("70.00")));
    scene.provider.will_know(Ok(snapshot(happened.clone(), Some(happened), euro("0"))));
    assert_eq!(scene.host.recheck(&id).await.unwrap().state, OperationState::Succeeded);
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("70.00"));
}

#[tokio::test]
async fn a_strong_lookup_that_finds_nothing_frees_the_amount() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let id = scene.host.capture(&payment, None).await.unwrap_err().operation().unwrap().clone();
    // The next capture asks first, hears that there was none, and goes on.
    let done = scene.host.capture(&payment, None).await.unwrap().value;
    assert_eq!(scene.operation(&id).await, OperationState::Absent);
    assert_eq!((done.captured, done.captures.len()), (euro("100.00"), 1));
}

#[tokio::test]
async fn without_a_lookup_silence_proves_nothing() {
    let careful = Recovery { keys: KeyMemory::None, lookup: Lookup::None };
    let provider = Scripted::new(Reach::Network).with_info(|info| {
        info.recovery.insert(OperationKind::Capture, careful);
    });
    let scene = Scene::new(provider).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(error(ErrorKind::OutcomeUnknown)));
    let id = scene.host.capture(&payment, None).await.unwrap_err().operation().unwrap().clone();
    scene.provider.will_know(Err(error(ErrorKind::NotFound)));
    assert_eq!(scene.host.recheck(&id).await.unwrap().state, OperationState::Unknown);
    assert_eq!(scene.host.capture(&payment, None).await.unwrap_err().code(), "exceeds_authorized");
}

#[tokio::test]
async fn a_trap_of_a_provider_that_can_send_nothing_is_proof_that_nothing_happened() {
    let scene = Scene::new(Scripted::new(Reach::Nowhere)).await;
    let payment = scene.payment().await;
    let trap = Fault::Trap { message: "unreachable".to_owned(), frames: Vec::new(), stderr: String::new() };
    scene.provider.will(OperationKind::Capture, Err(Failure::Fault(trap)));
    let broken = scene.host.capture(&payment, None).await.unwrap_err();
    assert!(!broken.request_may_have_been_sent());
    assert_eq!(broken.code(), "guest_trap");
    assert_eq!(scene.operation(broken.operation().unwrap()).await, OperationState::Absent);
    assert_eq!(scene.host.capture(&payment, None).await.unwrap().value.captured, euro("100.00"));
}

#[tokio::test]
async fn an_answer_about_another_amount_never_touches_the_books() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Ok(outcome(ProviderStatus::Captured, Some(euro("99.00")))));
    let review = scene.host.capture(&payment, None).await.unwrap_err();
    assert_eq!(review.code(), "needs_review");
    assert_eq!(scene.operation(review.operation().unwrap()).await, OperationState::NeedsReview);
    let view = scene.host.payment(&payment).await.unwrap();
    assert_eq!((view.captured, view.reserved_captures), (euro("0"), euro("100.00")));
}

#[tokio::test]
async fn a_rejected_call_frees_its_amount_and_stays_in_the_books() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(error(ErrorKind::RateLimited { retry_after_ms: 500 })));
    let rejected = scene.host.capture(&payment, None).await.unwrap_err();
    assert!(matches!(rejected, Error::Rejected { .. }), "{rejected}");
    assert_eq!(scene.operation(rejected.operation().unwrap()).await, OperationState::Rejected);
    scene.host.capture(&payment, None).await.unwrap();
}

#[tokio::test]
async fn a_session_whose_opening_failed_is_kept_and_cannot_charge() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let collection = scene.collection().await;
    scene.provider.will(OperationKind::Initiate, Err(error(ErrorKind::Authentication)));
    scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap_err();
    let collection = scene.host.collection(&collection).await.unwrap();
    assert_eq!(collection.sessions[0].status, SessionStatus::Error);
    assert_eq!(collection.status, CollectionStatus::Failed);
}

#[tokio::test]
async fn a_payer_who_has_to_act_is_an_answer_and_the_session_goes_on_after_it() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let collection = scene.collection().await;
    let session = scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value;
    scene.provider.will(OperationKind::Authorize, Ok(outcome(ProviderStatus::RequiresMore, None)));
    let first = scene.host.authorize_session(&session.id, None).await.unwrap().value;
    assert_eq!(first.session.status, SessionStatus::RequiresMore);
    assert!(first.session.next_action.is_some() && first.payment.is_none());
    let second = scene.host.authorize_session(&session.id, None).await.unwrap().value;
    assert!(second.payment.is_some());
    // Once more: the same payment, and the provider is not asked again.
    let calls = scene.provider.seen().len();
    let third = scene.host.authorize_session(&session.id, None).await.unwrap();
    assert_eq!(third.value.payment, second.payment);
    assert!(third.operation.is_none());
    assert_eq!(scene.provider.seen().len(), calls);
}

#[tokio::test]
async fn a_decision_that_comes_later_is_asked_for_and_not_charged_again() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let collection = scene.collection().await;
    let session = scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value;
    scene.provider.will(OperationKind::Authorize, Ok(outcome(ProviderStatus::PendingAuthorization, None)));
    let first = scene.host.authorize_session(&session.id, None).await.unwrap().value;
    assert_eq!(first.session.status, SessionStatus::PendingAuthorization);
    let undecided = outcome(ProviderStatus::PendingAuthorization, None);
    scene.provider.will_know(Ok(snapshot(undecided, None, euro("0"))));
    let second = scene.host.authorize_session(&session.id, None).await.unwrap().value;
    assert_eq!(second.session.status, SessionStatus::PendingAuthorization);
    let third = scene.host.authorize_session(&session.id, None).await.unwrap().value;
    assert!(third.payment.is_some());
    let authorizations = scene.provider.seen().iter().filter(|seen| seen.kind == OperationKind::Authorize).count();
    assert_eq!(authorizations, 1);
}

#[tokio::test]
async fn an_uncertain_charge_keeps_other_sessions_of_the_collection_from_charging() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let collection = scene.collection().await;
    let one = scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value;
    let other = scene.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value;
    scene.provider.will(OperationKind::Authorize, Err(lost()));
    scene.host.authorize_session(&one.id, None).await.unwrap_err();
    let refused = scene.host.authorize_session(&other.id, None).await.unwrap_err();
    assert_eq!(refused.code(), "uncertain_charge");
    // Abandoning the first at the provider is proof enough.
    scene.host.delete_session(&one.id).await.unwrap();
    assert!(scene.host.authorize_session(&other.id, None).await.unwrap().value.payment.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn captures_at_once_never_exceed_what_is_authorized() {
    for reach in [Reach::Nowhere, Reach::Network] {
        let scene = Scene::new(Scripted::new(reach)).await;
        let payment = scene.payment().await;
        let captures = (0..12).map(|_| {
            let (host, payment) = (scene.host.clone(), payment.clone());
            tokio::spawn(async move { host.capture(&payment, Some(euro("30.00"))).await.is_ok() })
        });
        let mut succeeded: i64 = 0;
        for capture in captures.collect::<Vec<_>>() {
            succeeded += i64::from(capture.await.unwrap());
        }
        let view = scene.host.payment(&payment).await.unwrap();
        assert_eq!(view.captured.minor_units(), succeeded * 3_000, "{reach:?}");
        assert!((1..=3).contains(&succeeded), "{reach:?}: {succeeded}");
        if reach == Reach::Nowhere {
            // Nobody holds a lease while others wait, so whoever loses the race decides anew: all that fits goes through.
            assert_eq!(succeeded, 3);
        }
    }
}

#[tokio::test]
async fn a_provider_that_was_removed_is_named_and_nothing_is_lost() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    let without = Host::builder()
        .without_background_work()
        .store(Arc::clone(&scene.store) as Arc<dyn Store>)
        .build()
        .await
        .unwrap();
    let error = without.capture(&payment, None).await.unwrap_err();
    assert_eq!(error.code(), "unknown_provider");
    assert_eq!(without.payment(&payment).await.unwrap().payment.amount, euro("100.00"));
    scene.host.capture(&payment, None).await.unwrap();
}

#[tokio::test]
async fn what_the_outside_is_told_is_in_order_and_holds_no_private_state() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let payment = scene.payment().await;
    scene.host.capture(&payment, None).await.unwrap();
    let events = scene.host.events_after(0, 1_000).await.unwrap();
    assert!(events.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    for kind in ["payment_collection.created", "payment_session.created", "payment.authorized", "payment.captured"] {
        assert_eq!(kinds.iter().filter(|one| **one == kind).count(), 1, "{kind} in {kinds:?}");
    }
    assert!(events.iter().all(|event| !event.data.to_string().contains("private")));
}

#[tokio::test]
async fn bad_input_names_the_field_and_stores_nothing() {
    let scene = Scene::new(Scripted::new(Reach::Network)).await;
    let collection = scene.collection().await;
    let page = Page { offset: 0, limit: 10 };
    let stranger = NewSession::new(ProviderId::parse("pp_nobody_default").unwrap());
    let too_deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    let cases = [
        (stranger, "unknown_provider"),
        (NewSession::new(provider_id()).data("[]"), "invalid_data"),
        (NewSession::new(provider_id()).data(r#"{"a":1,"a":2}"#), "invalid_data"),
        (NewSession::new(provider_id()).data(too_deep), "invalid_data"),
        (NewSession::new(provider_id()).data(format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000))), "invalid_data"),
        (NewSession::new(provider_id()).amount(euro("100.01")), "exceeds_collection"),
        (NewSession::new(provider_id()).amount(euro("0")), "amount_not_positive"),
        (NewSession::new(provider_id()).amount(money("5", "JPY").unwrap()), "currency_mismatch"),
    ];
    for (new, code) in cases {
        assert_eq!(scene.host.create_session(&collection, new).await.unwrap_err().code(), code);
    }
    assert_eq!(scene.host.operations(&[], page).await.unwrap().count, 0);
    assert!(scene.host.collection(&collection).await.unwrap().sessions.is_empty());
    assert!(scene.provider.seen().is_empty());
    for (amount, code) in [("-1", "EUR"), ("1.005", "EUR"), ("1", "XAU"), ("1", "EURO"), ("ten", "EUR")] {
        assert_eq!(money(amount, code).unwrap_err().code(), "invalid_data", "{amount} {code}");
    }
}

/// A clock that a test moves.
#[derive(Debug, Default)]
struct Hands(std::sync::atomic::AtomicI64);

impl tillbox::clock::Clock for Hands {
    fn now(&self) -> tillbox::core::Timestamp {
        tillbox::core::Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[tokio::test]
async fn an_operation_whose_holder_died_is_asked_about_and_not_before() {
    let (provider, installed) = shared(Scripted::new(Reach::Network));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    let clock = Arc::new(Hands::default());
    let build = |installed| {
        Host::builder()
            .without_background_work()
            .store(Arc::clone(&store))
            .provider("default", installed)
            .clock(Arc::clone(&clock) as Arc<_>)
            .build()
    };
    let host = build(Arc::clone(&installed)).await.unwrap();
    let scene = Scene { host, provider, store: Arc::new(SqliteStore::in_memory().unwrap()) };
    let payment = scene.payment().await;
    // The first holder dies in the middle of its call: its task is dropped, the intent is durable.
    scene.provider.hang_once();
    let hanging = tokio::time::timeout(std::time::Duration::from_millis(50), scene.host.capture(&payment, None));
    hanging.await.unwrap_err();
    let page = Page { offset: 0, limit: 10 };
    let running = scene.host.operations(&[OperationState::Running], page).await.unwrap().items;
    assert_eq!(running.len(), 1);
    assert_eq!(scene.host.reconcile().await.unwrap(), 0);
    assert_eq!(scene.operation(&running[0].id).await, OperationState::Running);
    clock.0.store(241_000, std::sync::atomic::Ordering::SeqCst);
    let happened = outcome(ProviderStatus::Captured, Some(euro("100.00")));
    scene.provider.will_know(Ok(snapshot(happened.clone(), Some(happened), euro("0"))));
    assert_eq!(build(installed).await.unwrap().reconcile().await.unwrap(), 1);
    assert_eq!(scene.operation(&running[0].id).await, OperationState::Succeeded);
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("100.00"));
}
